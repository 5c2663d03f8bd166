// A log or disk that accepts nothing must delay neither mail nor the stop of the service.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "hostile.h"
#include "manager.h"
#include "orders.h"
#include "report/audit_record.h"
#include "scrape.h"

namespace {

using fake_mta::Daemon;
using fake_mta::Session;
using fake_mta::SocketDirectory;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int many = 400;  // messages with findings, 500 octets of log each: more than waits anywhere

/// These daemons have a drain-timeout of a second. The end may take a second more, and another one on a busy machine.
constexpr std::chrono::seconds longest_end{3};

/// A pipe that nobody reads until read_until() is called.
class Pipe {
 public:
  Pipe() {
    if (pipe2(ends_.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    fcntl(ends_[1], F_SETPIPE_SZ, 4096);
  }
  ~Pipe() {
    for (int end = 0; end < 2; ++end) close_end(end);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  int input() const { return ends_[1]; }
  void close_output() { close_end(0); }
  void close_input() { close_end(1); }

  /// Reads until a line contains `part`, or nothing arrives for 30 s.
  std::string read_until(std::string_view part) {
    std::string text;
    std::array<char, 4096> buffer{};
    for (pollfd entry = {ends_[0], POLLIN, 0}; text.find(part) == text.npos && poll(&entry, 1, 30'000) == 1;) {
      const ssize_t got = read(ends_[0], buffer.data(), buffer.size());
      if (got <= 0) break;
      text.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return text;
  }

  void read_some(std::size_t octets) {
    std::string buffer(octets, '\0');
    pollfd entry = {ends_[0], POLLIN, 0};
    if (poll(&entry, 1, 0) == 1) static_cast<void>(!read(ends_[0], buffer.data(), buffer.size()));
  }

 private:
  void close_end(int end) {
    int& descriptor = ends_[static_cast<std::size_t>(end)];
    if (descriptor >= 0) close(descriptor);
    descriptor = -1;
  }
  std::array<int, 2> ends_{-1, -1};
};

class StalledLog : public testing::Test {
 protected:
  std::vector<std::string> options(std::vector<std::string> more = {}) const {
    std::vector<std::string> all = {"--socket=" + address, "--log-buffer=65536", "--drain-timeout=1s",
                                    "--metrics=" + std::to_string(metrics_port)};
    all.insert(all.end(), more.begin(), more.end());
    return arguments(all);
  }

  /// The number that the metrics give by that name; nothing where nobody answers yet.
  std::optional<double> counted(const std::string& name) const {
    try {
      return fake_mta::scrape(metrics_port).at(name);
    } catch (const std::exception&) {
    }
    return std::nullopt;
  }

  /// Waits until the metric exceeds `least`.
  testing::AssertionResult grows_beyond(const std::string& name, double least) const {
    std::optional<double> last;
    for (const auto end = steady_clock::now() + fake_mta::patience; steady_clock::now() < end; usleep(1000)) {
      last = counted(name);
      if (last && *last > least) return testing::AssertionSuccess();
    }
    return testing::AssertionFailure() << name << " is " << (last ? std::to_string(*last) : "not there");
  }

  /// Messages with findings get their edits, even if nothing can be logged about them.
  void expect_service(int messages) const {
    Session mta(address);
    mta.negotiate();
    mta.connect_info("mail.example.com", "192.0.2.1");
    for (int i = 0; i < messages; ++i) ASSERT_EQ(mta.send(reported_message()).modifications, reported_edit()) << i;
    mta.quit();
    mta.rest();
  }

  /// SIGHUP and SIGTERM are obeyed, and the daemon stops in time.
  void expect_life_and_end(Daemon& daemon) const {
    kill(daemon.pid(), SIGHUP);
    EXPECT_TRUE(grows_beyond("reloads_total{result=\"taken\"}", 0));
    const auto begin = steady_clock::now();
    daemon.terminate();
    EXPECT_EQ(daemon.wait(), 0);
    EXPECT_LT(steady_clock::now() - begin, longest_end);
  }

  const SocketDirectory directory;
  const std::string address = "unix:" + (directory / "milter.sock");
  int metrics_port = fake_mta::free_port();
};

// Before the log had its own thread, this blocked the sessions, the main thread and SIGTERM for ever.
TEST_F(StalledLog, StandardErrorThatNobodyReadsHoldsNothingUp) {
  Pipe log;
  Daemon daemon(program(), options(), 0, log.input());
  ASSERT_TRUE(grows_beyond("start_time_seconds", 0));
  expect_service(many);
  EXPECT_TRUE(grows_beyond("failures_total{cause=\"log\"}", 0));
  const int lost = static_cast<int>(*counted("failures_total{cause=\"log\"}"));
  expect_life_and_end(daemon);
  EXPECT_LT(lost, many);
}

TEST_F(StalledLog, LinesComeInOrderOnceTheyAreRead) {
  Pipe log;
  Daemon daemon(program(), options(), 0, log.input());
  ASSERT_TRUE(grows_beyond("start_time_seconds", 0));
  {
    Session mta(address);
    mta.negotiate();
    mta.connect_info("mail.example.com", "192.0.2.1");
    for (int i = 0; i < many; ++i) {
      fake_mta::Message sent = reported_message();
      sent.queue_id = "Q" + std::to_string(i);
      mta.send(sent);
    }
    quit(mta);
  }
  ASSERT_TRUE(grows_beyond("failures_total{cause=\"log\"}", 0));
  const std::string lost = std::to_string(static_cast<int>(*counted("failures_total{cause=\"log\"}")));
  const std::string text = log.read_until("count=" + lost + "\n");
  std::size_t at = text.find("serving ");
  EXPECT_NE(at, text.npos);
  int lines = 0;
  for (int i = 0; i < many; ++i) {
    const std::size_t next = text.find("msgid-milter: Q" + std::to_string(i) + ": ");
    if (next == text.npos) continue;
    EXPECT_GT(next, at);
    at = next;
    ++lines;
  }
  EXPECT_EQ(std::to_string(many - lines), lost);
  const std::string told = "log lines were lost because they could not be written: count=" + lost + "\n";
  EXPECT_GT(text.find(told), at);
  EXPECT_LT(text.find(told), text.size());
  expect_life_and_end(daemon);
}

TEST_F(StalledLog, ASecondSignalEndsTheWaitForASlowLog) {
  Pipe log;
  std::vector<std::string> all = options();
  all.push_back("--log-buffer=4194304");
  std::erase(all, "--log-buffer=65536");
  std::replace(all.begin(), all.end(), std::string("--drain-timeout=1s"), std::string("--drain-timeout=600s"));
  Daemon daemon(program(), all, 0, log.input());
  ASSERT_TRUE(grows_beyond("start_time_seconds", 0));
  expect_service(many);
  // A reader that takes a little now and then, so that the log gets on.
  std::atomic<bool> is_over = false;
  std::thread reader([&] {
    while (!is_over) {
      log.read_some(512);
      usleep(50'000);
    }
  });
  daemon.terminate();
  EXPECT_EQ(daemon.wait(milliseconds(1500)), std::nullopt) << "it still writes";
  daemon.terminate();
  const auto begin = steady_clock::now();
  EXPECT_EQ(daemon.wait(), 0);
  EXPECT_LT(steady_clock::now() - begin, longest_end);
  is_over = true;
  reader.join();
}

// Before, SIGPIPE killed the daemon.
TEST_F(StalledLog, KeepsServingWhenStandardErrorHasNoReader) {
  Pipe log;
  Daemon daemon(program(), options(), 0, log.input());
  ASSERT_TRUE(grows_beyond("start_time_seconds", 0));
  log.close_input();
  log.close_output();
  expect_service(3);
  EXPECT_TRUE(grows_beyond("failures_total{cause=\"log\"}", 2));
  expect_life_and_end(daemon);
}

TEST_F(StalledLog, AFailedStartDoesNotWaitForAReaderOfStandardError) {
  Pipe log;
  fcntl(log.input(), F_SETFL, O_NONBLOCK);
  const std::string filling(4096, 'x');
  while (write(log.input(), filling.data(), filling.size()) > 0) continue;
  fcntl(log.input(), F_SETFL, 0);
  Daemon daemon(program(), arguments({"--socket=unix:/nonexistent/s"}), 0, log.input());
  EXPECT_EQ(daemon.wait(), 78);
}

/// A /dev/log that nobody reads, for programs that are started with in_its_world().
class DeafSyslog {
 public:
  DeafSyslog() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = directory_ / "log";
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    socket_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        chmod(path.c_str(), 0666) != 0) {
      throw std::runtime_error("no socket for syslog");
    }
  }
  ~DeafSyslog() { close(socket_); }
  DeafSyslog(const DeafSyslog&) = delete;
  DeafSyslog& operator=(const DeafSyslog&) = delete;

  /// Arguments of /usr/bin/unshare for a command in a mount namespace of its own, where /dev has this log.
  std::vector<std::string> in_its_world(const std::vector<std::string>& command) const {
    std::vector<std::string> all = {"-m", "/bin/sh", "-ec",
                                    "mount -t tmpfs none /dev; mknod -m 666 /dev/null c 1 3; mknod -m 666 /dev/urandom "
                                    "c 1 9; ln -s " +
                                        (directory_ / "log") + " /dev/log; exec \"$0\" \"$@\""};
    all.insert(all.end(), command.begin(), command.end());
    return all;
  }

 private:
  SocketDirectory directory_;
  int socket_ = -1;
};

// Before, all sessions hung after ten messages, and only SIGKILL ended the daemon.
TEST_F(StalledLog, SyslogThatNobodyReadsHoldsNothingUp) {
  const DeafSyslog syslog;
  Daemon probe("/usr/bin/unshare", syslog.in_its_world({"/bin/true"}));
  if (probe.wait() != 0) GTEST_SKIP() << "cannot create a mount namespace";
  std::vector<std::string> all = options({"--log=syslog"});
  std::erase(all, "--log=stderr");
  all.insert(all.begin(), program());
  Daemon daemon("/usr/bin/unshare", syslog.in_its_world(all));
  ASSERT_TRUE(grows_beyond("start_time_seconds", 0)) << daemon.errors();
  expect_service(many);
  EXPECT_TRUE(grows_beyond("failures_total{cause=\"log\"}", 0));
  expect_life_and_end(daemon);
}

/// With the daemon that takes orders.
class StalledOnOrder : public StalledLog {
 protected:
  ~StalledOnOrder() override {
    orders->disk_hangs = 0;
    orders->held = 0;
  }

  Orders orders;

 private:
  Orders::Taken taken_{orders};
};

TEST_F(StalledOnOrder, AHangingDiskLosesRecordsButDelaysNoMail) {
  const std::string path = directory / "audit.jsonl";
  Daemon daemon(program(), options({"--audit-log=" + path}));
  ASSERT_TRUE(daemon.ready()) << daemon.errors();
  orders->disk_hangs = 1;
  expect_service(many);
  EXPECT_TRUE(grows_beyond("failures_total{cause=\"audit-log\"}", 0));
  const int lost = static_cast<int>(*counted("failures_total{cause=\"audit-log\"}"));
  EXPECT_LT(lost, many);
  orders->disk_hangs = 0;
  expect_life_and_end(daemon);
  EXPECT_NE(daemon.wait_for_line("audit records were lost because they could not be written in time: count=" +
                                 std::to_string(lost)),
            "");
  int records = 0;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    records += std::holds_alternative<report::AuditRecord>(report::parse_audit_line(line)) ? 1 : 0;
  }
  EXPECT_EQ(records, many - lost);
}

TEST_F(StalledOnOrder, AnEndDoesNotWaitForADiskThatHangs) {
  Daemon daemon(program(), options({"--audit-log=" + (directory / "audit.jsonl")}));
  ASSERT_TRUE(daemon.ready()) << daemon.errors();
  orders->disk_hangs = 1;
  expect_service(3);
  expect_life_and_end(daemon);
  EXPECT_NE(daemon.wait_for_line("audit records were lost"), "");
}

TEST_F(StalledOnOrder, TheWatchdogHearsNothingWhileACallbackHangs) {
  constexpr milliseconds watchdog{1000};
  Manager manager(watchdog);
  Daemon daemon(program(), options());
  ASSERT_NE(manager.next_with("READY=1"), "");
  EXPECT_NE(manager.next_with("WATCHDOG=1"), "");
  EXPECT_NE(manager.next_with("WATCHDOG=1"), "") << "again and again";

  // The copy of the field that the daemon keeps is one octet longer.
  const std::string body = "<" + std::string(7000, 'x') + "@example.com>";
  orders->held = body.size() + 2;
  Session mta(address, milliseconds(500));
  mta.negotiate();
  fake_mta::Message sent = message("");
  sent.fields = {{"References", " " + body, 1}};
  EXPECT_THROW(mta.send(sent), fake_mta::ProtocolError);
  // After one ping is missed, no more may come; a slow machine takes longer to miss the first.
  while (manager.next_with("WATCHDOG=1", watchdog) != "") continue;
  EXPECT_EQ(manager.next_with("WATCHDOG=1", 2 * watchdog), "");
  EXPECT_NE(daemon.wait_for_line("a callback hangs"), "");
  orders->held = 0;
  EXPECT_NE(manager.next_with("WATCHDOG=1"), "") << "the callback continues, and the pings resume";
  EXPECT_EQ(daemon.stop(), 0);
}

}  // namespace
