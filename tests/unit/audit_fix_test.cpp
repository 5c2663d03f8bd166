// msgid-audit fix: the subcommand, and the file that takes another's place.
#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "audit/message.h"
#include "audit/replacement.h"
#include "audit/source.h"
#include "audit/subcommand.h"
#include "config/options.h"
#include "tests/eml.h"
#include "tests/scratch.h"

namespace {

namespace fs = std::filesystem;

using scratch::Directory;

const std::string broken = "Message-ID: < a@b.example>\nSubject: x\n\nbody\n";
const std::string mended = "Message-ID: <a@b.example>\nSubject: x\n\nbody\n";
const std::string clean = "Message-ID: <c@d.example>\n\nbody\n";
const std::string from_line = "From a@b Mon Jan  5 10:00:00 2026\n";

std::string content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string octets(static_cast<std::size_t>(fs::file_size(path)), '\0');
  file.read(octets.data(), static_cast<std::streamsize>(octets.size()));
  return octets;
}

struct stat status_of(const std::string& path) {
  struct stat status = {};
  EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
  return status;
}

std::size_t files_in(const Directory& directory) {
  return static_cast<std::size_t>(std::distance(fs::recursive_directory_iterator(directory.path()), {}));
}

/// Told another way than audit::with_edits does it: line by line, all that does not belong to an edited field is kept.
std::string expected_from(const std::string& message, const msgid::Policy& policy) {
  const msgid::Verdict verdict = msgid::inspect(eml::header_of(message), policy);
  std::string out;
  msgid::FieldList seen;
  bool is_header = true;
  bool is_edited = false;
  for (std::size_t begin = 0; begin < message.size();) {
    const std::size_t end = message.find('\n', begin) + 1;
    const std::string line = message.substr(begin, end - begin);
    begin = end;
    const std::string line_end = line.ends_with("\r\n") ? "\r\n" : "\n";
    const bool is_fold = line.front() == ' ' || line.front() == '\t';
    is_header = is_header && line != line_end;
    if (is_header && !is_fold) {
      is_edited = false;
      const std::string name = line.substr(0, line.find(':'));
      int instance = 1;
      for (const msgid::Field& field : seen) instance += msgid::same_name(field.name, name) ? 1 : 0;
      seen.push_back({name, {}, instance});
      for (const msgid::Edit& edit : verdict.edits) {
        if (edit.instance != instance || !msgid::same_name(edit.field, name)) continue;
        is_edited = true;
        out += name + ':';
        for (const char c : edit.new_body) out += c == '\n' ? line_end : std::string(1, c);
        out += line_end;
      }
    }
    if (!is_header || !is_edited) out += line;
  }
  return out;
}

TEST(Fix, MakesTheEditsOfEveryCorpusMessageAndNoOther) {
  const Directory directory;
  std::size_t edited = 0;
  std::size_t count = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(MSGID_SOURCE_DIR "/tests/corpus")) {
    if (entry.path().extension() != ".eml") continue;
    fs::path conf = entry.path();
    conf.replace_extension(".conf");
    std::vector<std::string> arguments;
    if (fs::exists(conf)) arguments.push_back("--config=" + conf.string());
    const msgid::Policy policy = config::load_policy({}, fs::exists(conf) ? conf.string() : std::string());
    const std::string with_lf = content(entry.path());
    std::string with_crlf;
    for (const char c : with_lf) with_crlf += c == '\n' ? "\r\n" : std::string(1, c);
    for (const std::string& message : {with_lf, with_crlf}) {
      const std::string file = directory.file("in", message);
      const std::string out = directory.path() + "/out";
      std::vector<std::string> words = arguments;
      words.insert(words.end(), {file, "-o", out});
      ASSERT_EQ(audit::fix(words), 0) << entry.path();
      const std::string first = content(out);
      EXPECT_EQ(first, expected_from(message, policy)) << entry.path();
      words = arguments;
      words.insert(words.end(), {"--in-place", out});
      const ino_t before = status_of(out).st_ino;
      ASSERT_EQ(audit::fix(words), 0) << entry.path();
      EXPECT_EQ(content(out), first) << entry.path();
      EXPECT_EQ(status_of(out).st_ino, before) << "not idempotent: " << entry.path();
      edited += first == message ? 0 : 1;
      ++count;
    }
  }
  EXPECT_GE(count, 90u);
  EXPECT_GE(edited, 40u);
}

TEST(Fix, EditsAnMboxOfAnySize) {
  const Directory directory;
  std::string mbox;
  std::string expected;
  for (std::size_t i = 0; i < 50; ++i) {
    const std::string body = std::string(i * i * 331 % 90000, 'x') + "\n>From y\n\n";
    mbox += from_line + (i % 3 == 0 ? broken : clean) + body;
    expected += from_line + (i % 3 == 0 ? mended : clean) + body;
  }
  const std::string name = directory.file("mbox", mbox);
  EXPECT_EQ(audit::fix({name, "--in-place"}), 0);
  EXPECT_TRUE(content(name) == expected);
}

/// Also what is in front of a message, and the line ends of a new body.
TEST(Fix, KeepsByteOrderMarkEmptyLinesAndLineEnds) {
  const Directory directory;
  const std::string id = "<" + std::string(600, 'x') + "@b.example>";
  for (const std::string& lead : {std::string(), std::string("\xef\xbb\xbf"), std::string("\xef\xbb\xbf\n\n")}) {
    for (const std::string& from : {std::string(), from_line}) {
      for (const std::string line_end : {"\n", "\r\n", "\r"}) {
        const auto with_line_ends = [&](std::string text) {
          for (std::size_t lf = 0; (lf = text.find('\n', lf)) != std::string::npos; lf += line_end.size())
            text.replace(lf, 1, line_end);
          return text;
        };
        const std::string list = "References: " + id + ' ' + id + '\n';
        const std::string folded = "References: " + id + "\n " + id + '\n';
        const std::string file = directory.file("in", with_line_ends(lead + from + list + broken));
        const std::string out = directory.path() + "/out";
        EXPECT_EQ(audit::fix({file, "-o", out}), 0);
        EXPECT_TRUE(content(out) == with_line_ends(lead + from + folded + mended))
            << lead.size() << from << line_end.size();
      }
    }
  }
}

TEST(Fix, LeavesIdsInPartsAlone) {
  const Directory directory;
  const std::string message =
      "Message-ID: <a@b.example>\nContent-Type: multipart/mixed; boundary=x\n\n--x\nContent-ID: < c@d>\n"
      "Message-ID: < e@f>\n\n\n--x\nContent-Type: message/rfc822\n\nMessage-ID: < g@h>\n\n--x--\n";
  const std::string name = directory.file("a.eml", message);
  EXPECT_EQ(audit::fix({name, "--in-place"}), 0);
  EXPECT_EQ(content(name), message);
}

TEST(Fix, TakesOptionsOfThePolicy) {
  const Directory directory;
  const std::string name = directory.file("a.eml", broken);
  EXPECT_EQ(audit::fix({name, "--in-place", "--rule.space-in-msgid=report"}), 0);
  EXPECT_EQ(content(name), broken);
}

TEST(Fix, PassesAMessageThatIsTooLargeAsItIs) {
  const Directory directory;
  std::string mbox = from_line + broken + '\n' + from_line + broken;
  mbox.append(audit::max_message_octets + 5000, '\n');
  mbox += from_line + broken;
  std::string expected = mbox;
  expected.replace(from_line.size(), broken.size(), mended);
  expected.replace(expected.size() - broken.size(), broken.size(), mended);
  const std::string name = directory.file("mbox", mbox);
  EXPECT_EQ(audit::fix({name, "--in-place"}), 2);
  EXPECT_TRUE(content(name) == expected);
}

TEST(Fix, PassesAHeaderThatIsTooLargeAsItIs) {
  const Directory directory;
  const std::string out = directory.path() + "/out";
  const std::string message = "References: " + std::string(msgid::Policy().header_size, 'x') + "\n" + broken;
  const std::string name = directory.file("a.eml", message);
  EXPECT_EQ(audit::fix({name, "-o", out}), 2);
  EXPECT_TRUE(content(out) == message);
  EXPECT_EQ(audit::fix({name, "-o", out, "--header-size=1000000"}), 0);
  EXPECT_TRUE(content(out) != message);
}

TEST(Fix, HasTheHeaderSizeOfTheConfiguration) {
  const Directory directory;
  const std::string out = directory.path() + "/out";
  const std::string config = directory.file("conf", "header-size = 4096\n");
  const std::string signature = "DKIM-Signature: d=x.example; h=message-id; b=" + std::string(4096, 'x') + "\n";
  const std::string name = directory.file("a.eml", signature + broken);
  EXPECT_EQ(audit::fix({name, "-o", out, "--signed=keep", "--config=" + config}), 2);
  EXPECT_EQ(content(out), signature + broken);
  testing::internal::CaptureStderr();
  EXPECT_EQ(audit::fix({name, "-o", out, "--config=" + config}), 2);
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "msgid-audit: " + name + ": " + std::string(audit::lacks_signatures_text) + '\n');
  EXPECT_EQ(content(out), signature + mended);
  EXPECT_EQ(audit::fix({name, "-o", out, "--config=" + config, "--header-size=10000"}), 0);
  EXPECT_EQ(content(out), signature + mended);
  const std::string clean = directory.file("clean.eml", signature + mended);
  EXPECT_EQ(audit::fix({clean, "-o", out, "--config=" + config}), 0) << "no edit, so nobody asks about signatures";
}

TEST(Fix, SaysWhichMessageOfAnMboxHasNoHeader) {
  const Directory directory;
  const std::string mbox = from_line + broken + '\n' + from_line + "no header\n\n" + from_line + broken;
  const std::string name = directory.file("mbox", mbox);
  EXPECT_EQ(audit::fix({"--in-place", name}), 2);
  EXPECT_EQ(content(name), from_line + mended + '\n' + from_line + "no header\n\n" + from_line + mended);
}

TEST(FixInPlace, KeepsModeTimesOwnerAndName) {
  const Directory directory;
  const std::string name = directory.file("cur/1234.M5P6.host,S=50:2,FRS", broken);
  ASSERT_EQ(::chmod(name.c_str(), 0640), 0);
  ASSERT_EQ(::geteuid() == 0 ? ::chown(name.c_str(), 1234, 4321) : 0, 0);
  const std::array<timespec, 2> times = {timespec{1000000000, 5}, timespec{1100000000, 7}};
  ASSERT_EQ(::utimensat(AT_FDCWD, name.c_str(), times.data(), 0), 0);
  const struct stat before = status_of(name);
  EXPECT_EQ(audit::fix({"--in-place", name}), 0);
  const struct stat after = status_of(name);
  EXPECT_EQ(content(name), mended);
  EXPECT_NE(after.st_ino, before.st_ino);
  EXPECT_EQ(after.st_mode, before.st_mode);
  EXPECT_EQ(after.st_uid, before.st_uid);
  EXPECT_EQ(after.st_gid, before.st_gid);
  EXPECT_EQ(after.st_mtim.tv_sec, 1100000000);
  EXPECT_EQ(after.st_mtim.tv_nsec, 7);
  EXPECT_EQ(files_in(directory), 2u);  // cur and the message
}

/// The exit status of fix, run by another user with that group, and others.
int fix_as(uid_t user, gid_t group, const std::vector<gid_t>& others, const std::string& name) {
  const pid_t child = ::fork();
  if (child == 0) {
    const bool is_other = ::setgroups(others.size(), others.data()) == 0 && ::setgid(group) == 0 && ::setuid(user) == 0;
    ::_exit(is_other ? audit::fix({"--in-place", name}) : 99);
  }
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// The owner and the group of a mailbox could not open it any more, and strangers could.
TEST(FixInPlace, KeepsTheGroupWithoutTheOwnerAndOpensNothingToAnotherGroup) {
  if (::geteuid() != 0) GTEST_SKIP() << "skipped: it needs root";
  const uid_t owner = 1234;
  const uid_t user = 65534;
  const gid_t mail = 4321;
  const gid_t strangers = 5432;
  const Directory directory;
  ASSERT_EQ(::chmod(directory.path().c_str(), 0777), 0);
  const std::string name = directory.file("a.eml", broken);
  ASSERT_EQ(::chown(name.c_str(), owner, mail), 0);
  ASSERT_EQ(::chmod(name.c_str(), 0660), 0);
  EXPECT_EQ(fix_as(user, strangers, {mail}, name), 0);
  EXPECT_EQ(content(name), mended);
  EXPECT_EQ(status_of(name).st_uid, user) << "he may not give it away";
  EXPECT_EQ(status_of(name).st_gid, mail);
  EXPECT_EQ(status_of(name).st_mode & 07777U, 0660U);

  for (const auto& [before, after] : {std::pair{0660U, 0600U}, {0664U, 0644U}, {02660U, 0600U}}) {
    const std::string own = directory.file("own.eml", broken);
    ASSERT_EQ(::chown(own.c_str(), user, mail), 0);
    ASSERT_EQ(::chmod(own.c_str(), before), 0);
    EXPECT_EQ(fix_as(user, strangers, {}, own), 0);
    EXPECT_EQ(status_of(own).st_gid, strangers);
    EXPECT_EQ(status_of(own).st_mode & 07777U, after) << std::oct << before;
  }
}

TEST(FixInPlace, WritesNothingWithoutAnEdit) {
  const Directory directory;
  const std::string name = directory.file("a.eml", clean);
  ASSERT_EQ(::chmod(directory.path().c_str(), 0500), 0);  // root would not notice: the inode tells
  const struct stat before = status_of(name);
  EXPECT_EQ(audit::fix({"--in-place", name}), 0);
  const struct stat after = status_of(name);
  EXPECT_EQ(after.st_ino, before.st_ino);
  EXPECT_EQ(after.st_ctim.tv_nsec, before.st_ctim.tv_nsec);
  ASSERT_EQ(::chmod(directory.path().c_str(), 0700), 0);
}

TEST(FixInPlace, ReplacesWhatALinkLeadsTo) {
  const Directory directory;
  const std::string name = directory.file("there/a.eml", broken);
  const std::string link = directory.path() + "/link";
  fs::create_symlink("there/a.eml", link);
  EXPECT_EQ(audit::fix({"--in-place", link}), 0);
  EXPECT_TRUE(fs::is_symlink(link));
  EXPECT_EQ(content(name), mended);
}

TEST(FixInPlace, LeavesWhatItCannotRead) {
  const Directory directory;
  const std::string text = directory.file("text", "no mail\n");
  EXPECT_EQ(audit::fix({"--in-place", text}), 2);
  EXPECT_EQ(content(text), "no mail\n");
  EXPECT_EQ(files_in(directory), 1u);
  EXPECT_THROW(audit::fix({"--in-place", directory.path() + "/missing"}), audit::Trouble);
  EXPECT_THROW(audit::fix({"--in-place", directory.path()}), audit::Trouble);
  EXPECT_THROW(audit::fix({"--in-place", "/dev/null"}), audit::Trouble);
  EXPECT_THROW(audit::fix({"--in-place", "-"}), audit::Trouble);
  EXPECT_THROW(audit::fix({"--in-place"}), audit::Trouble);
}

TEST(FixOutput, MakesAFileOrReplacesOne) {
  const Directory directory;
  const std::string name = directory.file("a.eml", broken);
  const std::string out = directory.path() + "/out";
  const mode_t before = ::umask(027);
  EXPECT_EQ(audit::fix({name, "--output", out}), 0);
  ::umask(before);
  EXPECT_EQ(content(out), mended);
  EXPECT_EQ(status_of(out).st_mode & 07777U, 0640u);
  directory.file("out", "old");
  ASSERT_EQ(::chmod(out.c_str(), 0604), 0);
  EXPECT_EQ(audit::fix({name, "-o", out}), 0);
  EXPECT_EQ(content(out), mended);
  EXPECT_EQ(status_of(out).st_mode & 07777U, 0604u);
  EXPECT_EQ(audit::fix({name, "-o", name}), 0);
  EXPECT_EQ(content(name), mended);
  EXPECT_EQ(files_in(directory), 2u);
}

TEST(FixOutput, LeavesTheOldFileInTrouble) {
  const Directory directory;
  const std::string out = directory.file("out", "old");
  EXPECT_EQ(audit::fix({directory.path() + "/missing", "-o", out}), 2);
  EXPECT_EQ(audit::fix({directory.file("text", "no mail\n"), "-o", out}), 2);
  EXPECT_EQ(content(out), "old");
  EXPECT_EQ(files_in(directory), 2u);
}

TEST(FixOutput, WritesToASpecialFile) {
  const Directory directory;
  const std::string name = directory.file("a.eml", broken);
  const std::string fifo = directory.path() + "/fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  const int reader = ::open(fifo.c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_GE(reader, 0);
  EXPECT_EQ(audit::fix({name, "-o", fifo}), 0);
  std::array<char, 100> got = {};
  const ssize_t size = ::read(reader, got.data(), got.size());
  ::close(reader);
  ASSERT_GT(size, 0);
  EXPECT_EQ(std::string_view(got.data(), static_cast<std::size_t>(size)), mended);
  EXPECT_THROW(audit::fix({name, "-o", "/dev/full"}), audit::Trouble);
  EXPECT_THROW(audit::fix({name, "-o", directory.path()}), audit::Trouble);
  EXPECT_THROW(audit::fix({name, "-o", directory.path() + "/missing/out"}), audit::Trouble);
}

TEST(Fix, RefusesWhatDoesNotGoTogether) {
  const Directory directory;
  const std::string name = directory.file("a.eml", broken);
  EXPECT_THROW(audit::fix({name, name}), audit::Trouble);
  EXPECT_THROW(audit::fix({name, "--in-place", "-o", name}), audit::Trouble);
  EXPECT_THROW(audit::fix({directory.path()}), audit::Trouble);
  EXPECT_EQ(content(name), broken);
}

TEST(Replacement, IsGoneUnlessPutInPlace) {
  const Directory directory;
  const std::string name = directory.file("a", "old");
  {
    audit::Replacement replacement(name);
    replacement.output().write("new");
    replacement.output().flush();
    EXPECT_EQ(files_in(directory), 2u);
  }
  EXPECT_EQ(content(name), "old");
  EXPECT_EQ(files_in(directory), 1u);
}

TEST(Replacement, DoesNotTakeThePlaceOfAFileThatHasChanged) {
  const Directory directory;
  const std::string name = directory.file("a", "old");
  const struct stat seen = status_of(name);
  audit::Replacement replacement(name);
  std::ofstream(name, std::ios::app) << " and a delivery";
  EXPECT_THROW(replacement.put_in_place_of(seen), audit::Trouble);
  EXPECT_EQ(content(name), "old and a delivery");
}

TEST(Replacement, IsRemovedByASignalThatEndsTheProgram) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    const Directory directory;
    const std::string name = directory.file("a", "old");
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::signal(signal, SIG_DFL);
      const audit::Replacement replacement(name);
      if (files_in(directory) == 2) ::raise(signal);
      ::_exit(1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == signal) << status;
    EXPECT_EQ(files_in(directory), 1u);
  }
}

}  // namespace
