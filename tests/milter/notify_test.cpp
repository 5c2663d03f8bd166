// What a service manager is told, over the socket that systemd would have given.
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

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

// The main thread waited for it for ever, and with it every signal.
TEST(Notify, AManagerThatDoesNotReadHoldsNothingUp) {
  int waiting = 0;
  std::ifstream("/proc/sys/net/unix/max_dgram_qlen") >> waiting;
  if (waiting > 1000) GTEST_SKIP() << "its queue takes too much";
  Manager manager;
  const SocketDirectory directory;
  Daemon daemon(program(), with_socket(directory));
  ASSERT_TRUE(daemon.ready()) << daemon.errors();
  for (int i = 0; i < waiting + 3; ++i) {  // each says two things
    const std::size_t lines = daemon.lines().size();
    kill(daemon.pid(), SIGHUP);
    const auto end = steady_clock::now() + fake_mta::patience;
    while (daemon.lines().size() == lines && steady_clock::now() < end) usleep(200);
    ASSERT_GT(daemon.lines().size(), lines) << i;
  }
  EXPECT_EQ(daemon.stop(), 0);
}

TEST(Notify, WithoutAManagerItRunsAllTheSame) {
  const SocketDirectory directory;
  Daemon daemon(program(), with_socket(directory));
  EXPECT_TRUE(daemon.ready());
  EXPECT_EQ(daemon.stop(), 0);
}

}  // namespace
