#include "report/audit_trail.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using report::AuditRecord;
using report::AuditTotals;
using report::AuditTrail;

constexpr std::chrono::hours never{1000};
constexpr std::chrono::seconds patience{30};

class AuditTrailTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "audit-trail-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    directory = name;
    path = directory / "audit.jsonl";
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &signals, &signals_before);
  }

  void TearDown() override {
    pthread_sigmask(SIG_SETMASK, &signals_before, nullptr);
    fs::remove_all(directory);
  }

  AuditTrail trail(std::chrono::milliseconds interval = never) {
    return AuditTrail(path.string(), log, interval, [this] { return now.load(); });
  }

  static AuditRecord record(const std::string& queue_id) {
    AuditRecord made;
    made.queue_id = queue_id;
    made.findings.emplace_back().rule = "encoded-word";
    return made;
  }

  static void affected(AuditTrail& trail, const std::string& queue_id) {
    trail.affected(record(queue_id), {{{"encoded-word", "rewritten"}, 1}});
  }

  std::vector<std::string> lines_of(const fs::path& file) const {
    std::vector<std::string> lines;
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
  }

  /// Queue ids of the records that can be read, "totals" with the number of messages, "broken" for all other lines.
  std::vector<std::string> shown(const fs::path& file) const {
    std::vector<std::string> out;
    for (const std::string& line : lines_of(file)) {
      try {
        const auto parsed = report::parse_audit_line(line);
        if (const auto* record = std::get_if<AuditRecord>(&parsed)) out.push_back(record->queue_id);
        if (const auto* totals = std::get_if<AuditTotals>(&parsed)) {
          out.push_back("totals " + std::to_string(totals->messages));
        }
      } catch (const std::runtime_error&) {
        out.emplace_back("broken");
      }
    }
    return out;
  }

  std::vector<std::string> log_lines() {
    const std::lock_guard lock(mutex);
    return lines;
  }

  /// The first line of the log that has `part` in it, as soon as it is there.
  std::string wait_for_line(const std::string& part) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (std::chrono::steady_clock::now() < end) {
      for (const std::string& line : log_lines()) {
        if (line.find(part) != std::string::npos) return line;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return {};
  }

  /// So that a limit for its size is none to other files of the tests.
  static constexpr std::uintmax_t large = (1 << 24) + 1;
  void make_large() const {
    std::ofstream(path) << "\n";
    fs::resize_file(path, large - 1);
    std::ofstream end(path, std::ios::in | std::ios::ate);
    end << "\n";
  }

  std::string refusal() {
    try {
      trail();
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "opened";
  }

  fs::path directory;
  fs::path path;
  sigset_t signals_before = {};
  std::atomic<std::int64_t> now = 1795341600;
  std::mutex mutex;
  std::vector<std::string> lines;
  report::Log log{[this](report::Severity, std::string_view line) {
    const std::lock_guard lock(mutex);
    lines.emplace_back(line);
  }};
};

using Strings = std::vector<std::string>;

TEST_F(AuditTrailTest, AppendsRecordsWithTimeAndHost) {
  AuditTrail one = trail();
  affected(one, "Q1");
  now = now + 5;
  affected(one, "Q2");
  ASSERT_EQ(shown(path), (Strings{"Q1", "Q2"}));
  char host[256] = {};
  gethostname(host, sizeof(host) - 1);
  const auto second = std::get<AuditRecord>(report::parse_audit_line(lines_of(path)[1]));
  EXPECT_EQ(second.time, "2026-11-22T10:00:05Z");
  EXPECT_EQ(second.host, host);
  struct stat status = {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  const mode_t mask = umask(0);
  umask(mask);
  EXPECT_EQ(status.st_mode & 0777U, 0640U & ~mask);
  EXPECT_TRUE(log_lines().empty());
}

TEST_F(AuditTrailTest, GoesOnWhereTheFileEnds) {
  {
    AuditTrail one = trail();
    affected(one, "Q1");
  }
  AuditTrail two = trail();
  affected(two, "Q2");
  EXPECT_EQ(shown(path), (Strings{"Q1", "Q2"}));
}

TEST_F(AuditTrailTest, ALineThatWasLeftTornSpoilsOnlyItself) {
  std::ofstream(path) << R"({"version":1,"ty)";
  AuditTrail one = trail();
  affected(one, "Q1");
  affected(one, "Q2");
  EXPECT_EQ(shown(path), (Strings{"broken", "Q1", "Q2"}));
}

TEST_F(AuditTrailTest, TakesARegularFileOnly) {
  EXPECT_EQ(refusal(), "opened");
  fs::remove(path);
  fs::create_directory(path);
  EXPECT_EQ(refusal(), "Is a directory");
  fs::remove(path);
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(refusal(), "not a regular file") << "nobody reads the FIFO";
  const int reader = open(path.c_str(), O_RDONLY | O_NONBLOCK);
  EXPECT_EQ(refusal(), "not a regular file") << "somebody does";
  close(reader);
  fs::remove(path);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  path.string().copy(address.sun_path, sizeof(address.sun_path) - 1);
  const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  EXPECT_EQ(refusal(), "not a regular file");
  close(socket);
  fs::remove(path);
  fs::create_symlink("/dev/full", path);
  EXPECT_EQ(refusal(), "not a regular file");
  path = directory / "none" / "audit.jsonl";
  EXPECT_EQ(refusal(), "No such file or directory");
}

TEST_F(AuditTrailTest, TotalsAreWhatHasPassedSinceTheLast) {
  AuditTrail one = trail();
  one.clean();
  one.clean();
  one.unread();
  one.affected(record("Q1"), {{{"encoded-word", "rewritten"}, 2}, {{"folded", "reported"}, 1}});
  one.affected(record("Q2"), {{{"encoded-word", "rewritten"}, 1}, {{"encoded-word", "failed"}, 1}});
  now = now + 60;
  one.stop();
  const auto totals = std::get<AuditTotals>(report::parse_audit_line(lines_of(path).back()));
  EXPECT_EQ(totals.since, "2026-11-22T10:00:00Z");
  EXPECT_EQ(totals.time, "2026-11-22T10:01:00Z");
  EXPECT_EQ(totals.messages, 5u);
  EXPECT_EQ(totals.clean, 2u);
  EXPECT_EQ(totals.affected, 2u);
  EXPECT_EQ(totals.unread, 1u);
  const decltype(totals.findings) expected = {{"encoded-word", {{"rewritten", 3}, {"failed", 1}}},
                                              {"folded", {{"reported", 1}}}};
  EXPECT_EQ(totals.findings, expected);
  one.clean();
  now = now + 60;
  one.stop();
  const auto next = std::get<AuditTotals>(report::parse_audit_line(lines_of(path).back()));
  EXPECT_EQ(next.since, "2026-11-22T10:01:00Z");
  EXPECT_EQ(next.messages, 1u);
  EXPECT_TRUE(next.findings.empty());
}

// Totals that reach back over a quiet night belong to no hour and to no day.
TEST_F(AuditTrailTest, TotalsDoNotReachBackOverQuietIntervals) {
  std::atomic<int> looks = 0;
  AuditTrail one(path, log, std::chrono::milliseconds(1), [&] {
    ++looks;
    return now.load();
  });
  now = now + 7200;
  const int before = looks;
  one.start();
  const auto end = std::chrono::steady_clock::now() + patience;
  while (looks == before && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  one.clean();
  now = now + 60;
  one.stop();
  ASSERT_FALSE(lines_of(path).empty());
  const auto totals = std::get<AuditTotals>(report::parse_audit_line(lines_of(path).front()));
  EXPECT_EQ(totals.since, "2026-11-22T12:00:00Z");
  EXPECT_EQ(totals.messages, 1u);
}

TEST_F(AuditTrailTest, TheLastTotalsAreWrittenEvenOfNothing) {
  AuditTrail one = trail();
  one.start();
  one.stop();
  EXPECT_EQ(shown(path), Strings{"totals 0"});
  affected(one, "Q1");
  EXPECT_EQ(shown(path), (Strings{"totals 0", "Q1"})) << "a session that outlives the service";
}

TEST_F(AuditTrailTest, TotalsComeInTimeWhereMailHasPassed) {
  AuditTrail one = trail(std::chrono::milliseconds(5));
  one.start();
  std::uint64_t sent = 0;
  const auto end = std::chrono::steady_clock::now() + patience;
  while (lines_of(path).size() < 3 && std::chrono::steady_clock::now() < end) {
    one.clean();
    ++sent;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  one.stop();
  std::uint64_t counted = 0;
  const std::vector<std::string> written = lines_of(path);
  ASSERT_GE(written.size(), 4u);
  for (std::size_t i = 0; i < written.size(); ++i) {
    const auto totals = std::get<AuditTotals>(report::parse_audit_line(written[i]));
    counted += totals.messages;
    const bool is_last = i + 1 == written.size();
    EXPECT_TRUE(is_last || totals.messages > 0) << "a quiet interval has no record";
  }
  EXPECT_EQ(counted, sent);
}

TEST_F(AuditTrailTest, ASignalOpensTheFileAgain) {
  AuditTrail one = trail();
  one.start();
  affected(one, "Q1");
  const fs::path rotated = directory / "audit.jsonl.1";
  fs::rename(path, rotated);
  affected(one, "Q2");
  one.reopen();
  EXPECT_EQ(wait_for_line("audit-log opened again"), "audit-log opened again: " + path.string());
  affected(one, "Q3");
  one.stop();
  EXPECT_EQ(shown(rotated), (Strings{"Q1", "Q2"}));
  EXPECT_EQ(shown(path), (Strings{"Q3", "totals 3"}));
}

TEST_F(AuditTrailTest, TheOldFileGoesOnWhereTheNewOneCannotBeOpened) {
  AuditTrail one = trail();
  one.start();
  const fs::path rotated = directory / "audit.jsonl.1";
  fs::rename(path, rotated);
  fs::create_directory(path);
  one.reopen();
  EXPECT_EQ(wait_for_line("cannot be opened again"),
            "audit-log cannot be opened again, the old file goes on: " + path.string() + " what=\"Is a directory\"");
  affected(one, "Q1");
  one.stop();
  EXPECT_EQ(shown(rotated), (Strings{"Q1", "totals 1"}));
}

/// No file may grow beyond `octets`, as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(std::uintmax_t octets) : handler_(signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit = {octets, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_ = {};
  void (*handler_)(int);
};

TEST_F(AuditTrailTest, AFullDiskCostsALineAndHalfARecordSpoilsOnlyItself) {
  make_large();
  const std::size_t first = lines_of(path).size();
  AuditTrail one = trail();
  std::optional<FileSizeLimit> limit(large + 30);
  affected(one, "Q1");
  EXPECT_EQ(fs::file_size(path), large + 30) << "half of it is there";
  affected(one, "Q2");
  one.clean();
  one.stop();
  EXPECT_EQ(log_lines(), (Strings{"Q1: action=failed reason=audit-log what=\"only a part of it was written\"",
                                  "Q2: action=failed reason=audit-log what=\"File too large\"",
                                  "NOQUEUE: action=failed reason=audit-log what=\"File too large\""}));
  limit.reset();
  affected(one, "Q3");
  one.stop();
  const Strings all = shown(path);
  EXPECT_EQ(Strings(all.begin() + static_cast<std::ptrdiff_t>(first), all.end()), (Strings{"broken", "Q3", "totals 4"}))
      << "totals that were not written are counted on";
}

// The record was lost for the log, and there for the reader; totals were counted twice.
TEST_F(AuditTrailTest, ARecordThatLacksItsLineEndIsWritten) {
  make_large();
  const std::size_t first = lines_of(path).size();
  AuditTrail one = trail();
  affected(one, "Q1");
  const std::uintmax_t record = fs::file_size(path) - large;
  std::optional<FileSizeLimit> limit(large + 2 * record - 1);
  affected(one, "Q2");
  EXPECT_EQ(fs::file_size(path), large + 2 * record - 1);
  limit.reset();
  affected(one, "Q3");
  one.stop();
  const Strings all = shown(path);
  EXPECT_EQ(Strings(all.begin() + static_cast<std::ptrdiff_t>(first), all.end()),
            (Strings{"Q1", "Q2", "Q3", "totals 3"}));
  EXPECT_EQ(log_lines(), Strings{});
}

TEST_F(AuditTrailTest, ManyAtATime) {
  constexpr int threads = 8;
  constexpr int messages = 100;
  AuditTrail one = trail(std::chrono::milliseconds(3));
  one.start();
  std::vector<std::thread> running;
  for (int t = 0; t < threads; ++t) {
    running.emplace_back([&one, t] {
      for (int i = 0; i < messages; ++i) {
        AuditRecord large = record(std::to_string(t * messages + i));
        large.agent = std::string(static_cast<std::size_t>(i) * 10, 'x');
        one.affected(std::move(large), {{{"encoded-word", "rewritten"}, 1}});
        one.clean();
      }
    });
  }
  const fs::path rotated = directory / "audit.jsonl.1";
  fs::rename(path, rotated);
  one.reopen();
  for (std::thread& thread : running) thread.join();
  one.stop();
  std::uint64_t counted = 0;
  std::vector<int> seen(threads * messages);
  for (const fs::path& file : {rotated, path}) {
    if (!fs::exists(file)) continue;
    for (const std::string& line : lines_of(file)) {
      const auto parsed = report::parse_audit_line(line);
      if (const auto* totals = std::get_if<AuditTotals>(&parsed)) counted += totals->messages;
      if (const auto* one_record = std::get_if<AuditRecord>(&parsed)) {
        ++seen.at(static_cast<std::size_t>(std::stoi(one_record->queue_id)));
      }
    }
  }
  EXPECT_EQ(counted, 2u * threads * messages);
  EXPECT_EQ(seen, std::vector<int>(threads * messages, 1));
}

}  // namespace
