#include "report/audit_trail.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
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

  /// A trail that has begun.
  std::unique_ptr<AuditTrail> begin(std::chrono::milliseconds interval = never, std::size_t most = 1 << 20) {
    auto trail = std::make_unique<AuditTrail>(path.string(), log, most, interval, [this] { return now.load(); });
    trail->start();
    return trail;
  }

  static AuditTrail::Steady::time_point soon() { return AuditTrail::Steady::now() + patience; }

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

  /// What the log says of a file that was not opened.
  std::string refusal() {
    begin()->stop(soon());
    const std::lock_guard lock(mutex);
    std::string said = lines.empty() ? "opened" : lines.front();
    lines.clear();
    return said.substr(said.find("what=") == std::string::npos ? 0 : said.find("what=") + 5);
  }

  fs::path directory;
  fs::path path;
  sigset_t signals_before = {};
  std::atomic<std::int64_t> now = 1795341600;
  std::mutex mutex;
  std::vector<std::string> lines;
  std::atomic<int> lost = 0;
  report::Log log{[this](report::Severity, std::string_view line) {
                    const std::lock_guard lock(mutex);
                    lines.emplace_back(line);
                  },
                  [this](report::Failure cause) { lost += cause == report::Failure::audit_log ? 1 : 0; }};
};

using Strings = std::vector<std::string>;

TEST_F(AuditTrailTest, AppendsRecordsWithTimeAndHost) {
  const auto one = begin();
  affected(*one, "Q1");
  now = now + 5;
  affected(*one, "Q2");
  ASSERT_TRUE(one->flush(soon()));
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
    const auto one = begin();
    affected(*one, "Q1");
  }
  const auto two = begin();
  affected(*two, "Q2");
  two->stop(soon());
  EXPECT_EQ(shown(path), (Strings{"Q1", "totals 1", "Q2", "totals 1"}));
}

TEST_F(AuditTrailTest, ALineThatWasLeftTornSpoilsOnlyItself) {
  std::ofstream(path) << R"({"version":1,"ty)";
  const auto one = begin();
  affected(*one, "Q1");
  affected(*one, "Q2");
  ASSERT_TRUE(one->flush(soon()));
  EXPECT_EQ(shown(path), (Strings{"broken", "Q1", "Q2"}));
}

TEST_F(AuditTrailTest, TakesARegularFileOnly) {
  EXPECT_EQ(refusal(), "opened");
  fs::remove(path);
  fs::create_directory(path);
  EXPECT_EQ(refusal(), "\"Is a directory\"");
  fs::remove(path);
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(refusal(), "\"not a regular file\"") << "nobody reads the FIFO";
  const int reader = open(path.c_str(), O_RDONLY | O_NONBLOCK);
  EXPECT_EQ(refusal(), "\"not a regular file\"") << "somebody does";
  close(reader);
  fs::remove(path);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  path.string().copy(address.sun_path, sizeof(address.sun_path) - 1);
  const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  EXPECT_EQ(refusal(), "\"not a regular file\"");
  close(socket);
  fs::remove(path);
  fs::create_symlink("/dev/full", path);
  EXPECT_EQ(refusal(), "\"not a regular file\"");
  path = directory / "none" / "audit.jsonl";
  EXPECT_EQ(refusal(), "\"No such file or directory\"");
}

TEST_F(AuditTrailTest, TotalsAreWhatHasPassedSinceTheLast) {
  const auto one = begin();
  one->clean();
  one->clean();
  one->unread();
  one->affected(record("Q1"), {{{"encoded-word", "rewritten"}, 2}, {{"folded", "reported"}, 1}});
  one->affected(record("Q2"), {{{"encoded-word", "rewritten"}, 1}, {{"encoded-word", "failed"}, 1}});
  now = now + 60;
  one->stop(soon());
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
}

// Totals that reach back over a quiet night belong to no hour and to no day.
TEST_F(AuditTrailTest, TotalsDoNotReachBackOverQuietIntervals) {
  std::atomic<int> looks = 0;
  AuditTrail one(path, log, 1 << 20, std::chrono::milliseconds(1), [&] {
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
  one.stop(soon());
  ASSERT_FALSE(lines_of(path).empty());
  const auto totals = std::get<AuditTotals>(report::parse_audit_line(lines_of(path).front()));
  EXPECT_EQ(totals.since, "2026-11-22T12:00:00Z");
  EXPECT_EQ(totals.messages, 1u);
}

TEST_F(AuditTrailTest, TheLastTotalsAreWrittenEvenOfNothing) {
  const auto one = begin();
  one->stop(soon());
  EXPECT_EQ(shown(path), Strings{"totals 0"});
}

TEST_F(AuditTrailTest, TotalsComeInTimeWhereMailHasPassed) {
  const auto one = begin(std::chrono::milliseconds(5));
  std::uint64_t sent = 0;
  const auto end = std::chrono::steady_clock::now() + patience;
  while (lines_of(path).size() < 3 && std::chrono::steady_clock::now() < end) {
    one->clean();
    ++sent;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  one->stop(soon());
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
  const auto one = begin();
  affected(*one, "Q1");
  ASSERT_TRUE(one->flush(soon()));
  const fs::path rotated = directory / "audit.jsonl.1";
  fs::rename(path, rotated);
  affected(*one, "Q2");
  one->reopen();
  EXPECT_EQ(wait_for_line("audit-log opened"), "audit-log opened: " + path.string());
  affected(*one, "Q3");
  one->stop(soon());
  EXPECT_EQ(shown(rotated), (Strings{"Q1", "Q2"}));
  EXPECT_EQ(shown(path), (Strings{"Q3", "totals 3"}));
}

TEST_F(AuditTrailTest, TheOldFileGoesOnWhereTheNewOneCannotBeOpened) {
  const auto one = begin();
  affected(*one, "Q0");
  ASSERT_TRUE(one->flush(soon()));
  const fs::path rotated = directory / "audit.jsonl.1";
  fs::rename(path, rotated);
  fs::create_directory(path);
  one->reopen();
  EXPECT_EQ(wait_for_line("cannot be reopened"), "audit-log cannot be reopened; records still go to the old file: " +
                                                     path.string() + " what=\"Is a directory\"");
  affected(*one, "Q1");
  one->stop(soon());
  EXPECT_EQ(shown(rotated), (Strings{"Q0", "Q1", "totals 2"}));
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
  const auto one = begin(std::chrono::milliseconds(5));
  std::optional<FileSizeLimit> limit(large + 30);
  affected(*one, "Q1");
  ASSERT_NE(wait_for_line("Q1"), "");
  EXPECT_EQ(fs::file_size(path), large + 30) << "half of it is there";
  affected(*one, "Q2");
  one->clean();
  ASSERT_NE(wait_for_line("Q2"), "");
  ASSERT_NE(wait_for_line("NOQUEUE"), "") << "totals";
  EXPECT_EQ(wait_for_line("Q1"), "Q1: action=failed reason=audit-log what=\"only a part of it was written\"");
  EXPECT_EQ(wait_for_line("Q2"), "Q2: action=failed reason=audit-log what=\"File too large\"");
  EXPECT_EQ(wait_for_line("NOQUEUE"), "NOQUEUE: action=failed reason=audit-log what=\"File too large\"");
  limit.reset();
  affected(*one, "Q3");
  EXPECT_TRUE(one->stop(soon()));
  std::size_t records = 0;
  std::uint64_t messages = 0;
  const Strings all = lines_of(path);
  for (std::size_t i = first + 1; i < all.size(); ++i) {
    const auto parsed = report::parse_audit_line(all[i]);
    if (const auto* totals = std::get_if<AuditTotals>(&parsed)) messages += totals->messages;
    if (std::holds_alternative<AuditRecord>(parsed)) ++records;
  }
  EXPECT_EQ(shown(path)[first], "broken");
  EXPECT_EQ(records, 1u);
  EXPECT_EQ(messages, 4u) << "totals that were not written are counted on";
}

TEST_F(AuditTrailTest, TriesAgainToReopenTheFile) {
  const auto one = begin(std::chrono::milliseconds(12));
  affected(*one, "Q1");
  ASSERT_TRUE(one->flush(soon()));
  const fs::path rotated = directory / "audit.jsonl.1";
  fs::rename(path, rotated);
  fs::create_directory(path);
  one->reopen();
  ASSERT_NE(wait_for_line("cannot be reopened"), "");
  const auto end = std::chrono::steady_clock::now() + patience;
  while (log_lines().size() < 2 && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  EXPECT_NE(log_lines().back().find("cannot be reopened"), std::string::npos) << "said again";
  fs::remove(path);
  EXPECT_EQ(wait_for_line("opened: "), "audit-log opened: " + path.string());
  affected(*one, "Q2");
  EXPECT_TRUE(one->stop(soon()));
  EXPECT_EQ(shown(path).front(), "Q2");
}

TEST_F(AuditTrailTest, MakesAFileThatWasRemovedAgain) {
  const auto one = begin(std::chrono::milliseconds(12));
  affected(*one, "Q1");
  ASSERT_TRUE(one->flush(soon()));
  fs::remove(path);
  EXPECT_EQ(wait_for_line("opened: "), "audit-log opened: " + path.string());
  affected(*one, "Q2");
  EXPECT_TRUE(one->stop(soon()));
  EXPECT_EQ(shown(path).front(), "Q2");
}

// The record was lost for the log, and there for the reader; totals were counted twice.
TEST_F(AuditTrailTest, ARecordThatLacksItsLineEndIsWritten) {
  make_large();
  const std::size_t first = lines_of(path).size();
  const auto one = begin();
  affected(*one, "Q1");
  ASSERT_TRUE(one->flush(soon()));
  const std::uintmax_t record = fs::file_size(path) - large;
  std::optional<FileSizeLimit> limit(large + 2 * record - 1);
  affected(*one, "Q2");
  ASSERT_TRUE(one->flush(soon()));
  EXPECT_EQ(fs::file_size(path), large + 2 * record - 1);
  limit.reset();
  affected(*one, "Q3");
  one->stop(soon());
  const Strings all = shown(path);
  EXPECT_EQ(Strings(all.begin() + static_cast<std::ptrdiff_t>(first), all.end()),
            (Strings{"Q1", "Q2", "Q3", "totals 3"}));
  EXPECT_EQ(log_lines(), Strings{});
}

// A disk that is not there yet, say.
TEST_F(AuditTrailTest, RecordsWaitWhileTheFileCannotBeOpened) {
  const fs::path later = directory / "later";
  path = later / "audit.jsonl";
  const auto one = begin(std::chrono::milliseconds(60));
  EXPECT_EQ(wait_for_line("cannot be opened"), "audit-log cannot be opened; mail is filtered without it: " +
                                                   path.string() + " what=\"No such file or directory\"");
  affected(*one, "Q1");
  affected(*one, "Q2");
  EXPECT_FALSE(one->flush(AuditTrail::Steady::now() + std::chrono::milliseconds(100)));
  fs::create_directory(later);
  EXPECT_EQ(wait_for_line("opened:"), "audit-log opened: " + path.string());
  affected(*one, "Q3");
  EXPECT_TRUE(one->stop(soon()));
  Strings all = shown(path);
  std::erase_if(all, [](const std::string& line) { return line.starts_with("totals"); });
  EXPECT_EQ(all, (Strings{"Q1", "Q2", "Q3"}));
}

TEST_F(AuditTrailTest, SaysAgainAndAgainThatTheFileCannotBeOpened) {
  path = directory / "never" / "audit.jsonl";
  const auto one = begin(std::chrono::milliseconds(12));
  const auto end = std::chrono::steady_clock::now() + patience;
  while (log_lines().size() < 3 && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  EXPECT_TRUE(one->stop(soon()));
  ASSERT_GE(log_lines().size(), 3u);
  for (const std::string& line : log_lines()) EXPECT_NE(line.find("cannot be opened; mail"), std::string::npos) << line;
}

TEST_F(AuditTrailTest, RecordsBeyondTheBoundAreCountedAndLogged) {
  path = directory / "later" / "audit.jsonl";
  const auto one = begin(never, 2000);
  ASSERT_NE(wait_for_line("cannot be opened"), "");
  for (int i = 0; i < 20; ++i) affected(*one, "Q" + std::to_string(i));
  const int lost_so_far = lost;
  EXPECT_GT(lost_so_far, 0);
  EXPECT_LT(lost_so_far, 20);
  const auto now_is = AuditTrail::Steady::now();
  one->tell(now_is);
  const std::string told = "audit records were lost because they could not be written in time: count=";
  EXPECT_EQ(log_lines().back(), told + std::to_string(lost_so_far));
  affected(*one, "Q20");
  one->tell(now_is + std::chrono::seconds(59));
  EXPECT_EQ(log_lines().back(), told + std::to_string(lost_so_far)) << "one line a minute";
  one->tell(now_is + std::chrono::seconds(60));
  EXPECT_EQ(log_lines().back(), told + "1");
  // What has waited is lost with the end, and what the last line did not report is reported then.
  affected(*one, "Q21");
  one->tell(now_is + std::chrono::seconds(61));
  EXPECT_TRUE(one->stop(soon()));
  affected(*one, "Q22");
  one->tell_all();
  EXPECT_EQ(log_lines().back(), told + std::to_string(20 - lost_so_far + 2));
  EXPECT_EQ(lost, 23);
}

TEST_F(AuditTrailTest, ManyAtATime) {
  constexpr int threads = 8;
  constexpr int messages = 100;
  const auto one = begin(std::chrono::milliseconds(3));
  std::vector<std::thread> running;
  for (int t = 0; t < threads; ++t) {
    running.emplace_back([&one, t] {
      for (int i = 0; i < messages; ++i) {
        AuditRecord large = record(std::to_string(t * messages + i));
        large.agent = std::string(static_cast<std::size_t>(i) * 10, 'x');
        one->affected(std::move(large), {{{"encoded-word", "rewritten"}, 1}});
        one->clean();
      }
    });
  }
  const fs::path rotated = directory / "audit.jsonl.1";
  while (!fs::exists(path)) std::this_thread::yield();
  fs::rename(path, rotated);
  one->reopen();
  for (std::thread& thread : running) thread.join();
  one->stop(soon());
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
