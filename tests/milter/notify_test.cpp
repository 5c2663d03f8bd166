// What a service manager is told, over the socket that systemd would have given.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <stdexcept>

#include "manager.h"
#include "service.h"

namespace {

using fake_mta::Daemon;
using fake_mta::Session;
using fake_mta::SocketDirectory;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

std::vector<std::string> with_socket(const SocketDirectory& directory) {
  return arguments({"--socket=unix:" + (directory / "milter.sock")});
}

TEST(Notify, ReadyMeansThatTheSocketAccepts) {
  Manager manager;
  const SocketDirectory directory;
  Daemon daemon(program(), with_socket(directory));
  EXPECT_EQ(manager.next(), "READY=1\nSTATUS=mode rewrite, open sessions: 0, messages: 0, with findings: 0");
  Session mta("unix:" + (directory / "milter.sock"));
  EXPECT_NO_THROW(mta.negotiate());
  mta.connect_info("mail.example.com", "192.0.2.1");
  mta.send(reported_message());
  mta.send(clean_message());
  daemon.terminate();
  EXPECT_EQ(
      manager.next_with("STOPPING=1"),
      "STOPPING=1\nEXTEND_TIMEOUT_USEC=20000000\nSTATUS=mode rewrite, open sessions: 1, messages: 2, with findings: 1");
  quit(mta);
  EXPECT_EQ(daemon.wait(), 0);
}

TEST(Notify, NothingIsReadyThatCannotListen) {
  Manager manager;
  Daemon daemon(program(), arguments({"--socket=unix:/nonexistent/s"}));
  EXPECT_EQ(daemon.wait(), 78);
  EXPECT_EQ(manager.next(milliseconds(1)), "");
}

TEST(Notify, AReloadBeginsAndEnds) {
  Manager manager;
  const SocketDirectory directory;
  Daemon daemon(program(), with_socket(directory));
  ASSERT_NE(manager.next_with("READY=1"), "");
  kill(daemon.pid(), SIGHUP);
  const std::string reloading = manager.next();
  EXPECT_TRUE(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC=")) << reloading;
  EXPECT_TRUE(manager.next().starts_with("READY=1"));
  EXPECT_EQ(daemon.stop(), 0);
}

TEST(Notify, WithoutAManagerItRunsAllTheSame) {
  const SocketDirectory directory;
  Daemon daemon(program(), with_socket(directory));
  EXPECT_TRUE(daemon.ready());
  EXPECT_EQ(daemon.stop(), 0);
}

/// A pipe that nobody reads until drain().
class FullPipe {
 public:
  FullPipe() {
    if (pipe2(ends_.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    fcntl(ends_[1], F_SETPIPE_SZ, 4096);
  }
  ~FullPipe() {
    close(ends_[0]);
    close(ends_[1]);
  }
  FullPipe(const FullPipe&) = delete;
  FullPipe& operator=(const FullPipe&) = delete;

  int input() const { return ends_[1]; }
  void drain() const {
    std::array<char, 65536> buffer{};
    fcntl(ends_[0], F_SETFL, O_NONBLOCK);
    while (read(ends_[0], buffer.data(), buffer.size()) > 0) continue;
  }

 private:
  std::array<int, 2> ends_{};
};

TEST(Watchdog, ItHearsNothingWhileACallbackHangs) {
  constexpr milliseconds watchdog{1000};
  Manager manager(watchdog);
  const FullPipe log;
  const SocketDirectory directory;
  Daemon daemon(program(), with_socket(directory), 0, log.input());
  ASSERT_NE(manager.next_with("READY=1"), "");
  EXPECT_NE(manager.next_with("WATCHDOG=1"), "");
  EXPECT_NE(manager.next_with("WATCHDOG=1"), "") << "again and again";

  // Findings are logged until the pipe is full, and the callback waits in write(2).
  Session mta("unix:" + (directory / "milter.sock"), milliseconds(500));
  mta.negotiate();
  bool hangs = false;
  for (int i = 0; i < 1000 && !hangs; ++i) {
    try {
      mta.send(reported_message());
    } catch (const std::exception&) {
      hangs = true;
    }
  }
  ASSERT_TRUE(hangs);
  // Once one of these is missing it must stay missing; on a slow machine that takes longer.
  while (manager.next_with("WATCHDOG=1", watchdog) != "") continue;
  EXPECT_EQ(manager.next_with("WATCHDOG=1", 2 * watchdog), "");

  // A small pipe wakes its second writer only after the next read.
  std::string alive;
  for (int i = 0; i < 300 && alive.empty(); ++i) {
    log.drain();
    alive = manager.next_with("WATCHDOG=1", milliseconds(100));
  }
  EXPECT_NE(alive, "") << "it goes on, and is well again";
  daemon.kill();
}

}  // namespace
