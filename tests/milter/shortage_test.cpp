// Starts under a shortage. The configuration is right, so the exit status must let the service manager retry, and
// standard error must name what is missing.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "handed_sockets.h"
#include "service.h"

namespace {

using fake_mta::Daemon;
using fake_mta::SocketDirectory;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool has_sanitizer = true;  // which needs much of everything
#else
constexpr bool has_sanitizer = false;
#endif

/// How a start under a limit ended.
struct Ended {
  std::optional<int> status;
  std::string errors;
  bool served = false;
};

/// Starts the daemon under a limit of bash's ulimit.
Ended start_under(const std::string& limit, const std::vector<std::string>& options) {
  std::vector<std::string> all = {"-c", "ulimit " + limit + " && exec \"$0\" \"$@\"", program()};
  for (std::string& argument : arguments(options)) all.push_back(std::move(argument));
  Daemon daemon("/bin/bash", all);
  Ended ended;
  ended.served = daemon.ready();
  if (ended.served) daemon.terminate();
  ended.status = daemon.wait();
  ended.errors = daemon.errors();
  return ended;
}

/// With all the daemon can have.
Ended start_under(const std::string& limit) {
  const SocketDirectory directory;
  return start_under(limit, {"--socket=unix:" + (directory / "s"), "--audit-log=" + (directory / "a"),
                             "--metrics=" + std::to_string(fake_mta::free_port())});
}

/// Accepts the statuses that cause a retry, and 127 of the dynamic linker. After `serving`, libmilter may give up (70).
void expect_another_try(const Ended& ended, const std::string& limit) {
  ASSERT_TRUE(ended.status) << limit;
  const std::array again = {70, 71, 75, 127};
  const bool is_one = std::find(again.begin(), again.end(), *ended.status) != again.end();
  EXPECT_TRUE(is_one || (ended.served && *ended.status == 0)) << limit << ": " << *ended.status << ' ' << ended.errors;
  EXPECT_EQ(ended.errors.find("must be able to write"), std::string::npos) << ended.errors;
}

TEST(Shortage, RetriesWithoutDescriptors) {
  if (has_sanitizer) GTEST_SKIP() << "a sanitizer needs descriptors, and reports false errors without them";
  int named = 0;
  int served = 0;
  for (int limit = 4; limit <= 16; ++limit) {
    const Ended ended = start_under("-n " + std::to_string(limit));
    expect_another_try(ended, std::to_string(limit) + " descriptors");
    named += ended.errors.find("Too many open files") == std::string::npos ? 0 : 1;
    served += ended.served ? 1 : 0;
    if (!ended.served && limit > 6) {
      EXPECT_NE(ended.errors.find("Too many open files"), std::string::npos) << limit << ": " << ended.errors;
    }
  }
  EXPECT_GT(named, 0);
  EXPECT_GT(served, 0) << "no limit was high enough for a complete start";
}

TEST(Shortage, RetriesWithoutThreads) {
  if (geteuid() != 0)
    GTEST_SKIP() << "the limit counts all threads of the user; only as root are these the daemon's alone";
  if (has_sanitizer) GTEST_SKIP() << "a sanitizer has threads of its own";
  int refused = 0;
  for (int limit = 1; limit <= 10; ++limit) {
    const Ended ended = start_under("-u " + std::to_string(limit));
    expect_another_try(ended, std::to_string(limit) + " threads");
    // After "serving", libmilter lacks the thread and reports that itself.
    if (ended.served || ended.errors.find("the listener failed") != std::string::npos) continue;
    ++refused;
    EXPECT_NE(ended.errors.find("thread"), std::string::npos) << limit << ": " << ended.errors;
    EXPECT_NE(ended.errors.find("Resource temporarily unavailable"), std::string::npos)
        << limit << ": " << ended.errors;
  }
  EXPECT_GT(refused, 0);
}

TEST(Shortage, RetriesWithoutMemory) {
  if (has_sanitizer) GTEST_SKIP() << "a sanitizer needs much memory";
  int refused = 0;
  int served = 0;
  for (int kibibytes = 10000; kibibytes < 200000 && served < 3; kibibytes += std::max(2000, kibibytes / 10)) {
    const Ended ended = start_under("-v " + std::to_string(kibibytes));
    expect_another_try(ended, std::to_string(kibibytes) + " KiB");
    (ended.served ? served : refused) += 1;
  }
  EXPECT_GT(refused, 5);
  EXPECT_EQ(served, 3);
}

// The name could not be looked up for the same reason, and was called unknown.
TEST(Shortage, NamesTheCauseWhereAHostNameIsGiven) {
  if (has_sanitizer) GTEST_SKIP() << "a sanitizer needs descriptors, and reports false errors without them";
  int named = 0;
  for (int limit = 4; limit <= 8; ++limit) {
    const Ended ended = start_under("-n " + std::to_string(limit),
                                    {"--socket=inet:" + std::to_string(fake_mta::free_port()) + "@localhost"});
    if (ended.served) break;
    EXPECT_EQ(ended.errors.find("look up the host name"), std::string::npos) << ended.errors;
    named += ended.errors.find("cannot listen") == std::string::npos ? 0 : 1;
  }
  // Without the transport the listener is the last thing that fits, or the first that does not.
  EXPECT_TRUE(named > 0 || !has_transport());
}

// The start said that libmilter could not serve such a socket, with the status for a wrong configuration.
TEST(Shortage, RetriesWithASocketOfTheManager) {
  if (has_sanitizer) GTEST_SKIP() << "a sanitizer needs descriptors, and reports false errors without them";
  SKIP_WITHOUT_TRANSPORT();
  HandedSockets sockets;
  sockets.add_unix();
  int refused = 0;
  for (int limit = 5; limit <= 16; ++limit) {
    fake_mta::Daemon daemon = sockets.start({}, "ulimit -n " + std::to_string(limit) + "; ");
    const bool is_served = daemon.ready();  // and may fail soon after: a pool needs descriptors of its own
    EXPECT_NE(is_served ? daemon.stop() : daemon.wait(), 78) << limit << ": " << daemon.errors();
    EXPECT_EQ(daemon.errors().find("a socket of systemd"), std::string::npos) << daemon.errors();
    refused += is_served ? 0 : 1;
  }
  EXPECT_GT(refused, 0);
}

TEST(Shortage, RetriesWhenTheAddressIsMissing) {
  // An address from a documentation network; no machine has it.
  Daemon daemon(program(), arguments({"--socket=inet:8891@192.0.2.77"}));
  EXPECT_EQ(daemon.wait(), 75);
  EXPECT_NE(daemon.errors().find("cannot listen on inet:8891@192.0.2.77: Cannot assign requested address"),
            std::string::npos)
      << daemon.errors();
}

TEST(Shortage, RetriesWhenTheNameCannotBeLookedUp) {
  Daemon daemon(program(), arguments({"--socket=inet:8891@no-such-host.invalid"}));
  EXPECT_EQ(daemon.wait(), 75);
  EXPECT_NE(daemon.errors().find("cannot listen on inet:8891@no-such-host.invalid: cannot look up the host name: "),
            std::string::npos)
      << daemon.errors();
}

TEST(Shortage, DoesNotRetryWhenTheDirectoryIsMissing) {
  const SocketDirectory directory;
  Daemon daemon(program(), arguments({"--socket=unix:" + (directory / "none/s")}));
  EXPECT_EQ(daemon.wait(), 78);
  EXPECT_NE(daemon.errors().find("No such file or directory"), std::string::npos) << daemon.errors();
  EXPECT_EQ(daemon.errors().find("must be able to write"), std::string::npos) << daemon.errors();
}

}  // namespace
