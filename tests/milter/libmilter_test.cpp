// The one binary on libmilters that are built in other ways. tests/libmilter/build makes them, and the environment
// variable MSGID_LIBMILTERS names their directory; "tests/run libmilter" sets it, and runs the other tests on them too.
#include <gtest/gtest.h>
#include <sys/select.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include "hostile.h"

namespace {

class Libmilters : public testing::Test {
 protected:
  void SetUp() override {
    if (std::getenv("MSGID_LIBMILTERS") == nullptr) GTEST_SKIP() << "skipped: tests/run libmilter has the libraries";
  }

  static std::string directory(const std::string& name) { return std::getenv("MSGID_LIBMILTERS") + ("/" + name); }
};

// The first bind() was taken for libmilter's, poll() of no descriptor for that of a listener that has ended, and
// select() with a session's number for that session's.
TEST(OtherLibraries, AreNotTakenForLibmilter) {
  const fake_mta::TemporaryDirectory directory;
  std::filesystem::permissions(directory.path(), std::filesystem::perms::all);
  const std::string rounds = directory / "rounds";
  const auto go_on = [&] {
    const auto before = std::filesystem::file_size(rounds);
    const auto end = std::chrono::steady_clock::now() + fake_mta::patience;
    while (std::filesystem::file_size(rounds) < before + 3 && std::chrono::steady_clock::now() < end) usleep(1000);
    return std::filesystem::file_size(rounds) >= before + 3;
  };
  const hostile::Environment file("MSGID_OTHER_LIBRARY", rounds);
  const hostile::Environment library("LD_PRELOAD", OTHER_LIBRARY);
  const hostile::Environment first("ASAN_OPTIONS", "verify_asan_link_order=0");
  std::optional<fake_mta::Daemon> daemon;
  for (int attempt = 0; attempt < 5 && !(daemon && daemon->ready()); ++attempt)  // somebody may take the port
    daemon.emplace(program(), arguments({"--socket=inet:" + std::to_string(fake_mta::free_port()) + "@localhost",
                                         "--max-sessions=40", "--drain-timeout=5s"}));
  ASSERT_TRUE(daemon->ready()) << daemon->errors();
  const std::string serving = daemon->wait_for_line("serving ");
  const std::string address = serving.substr(serving.find("inet:"), serving.find("@localhost") - serving.find("inet:"));
  std::vector<fake_mta::Session> open;
  for (int i = 0; i < 40; ++i) {
    open.emplace_back(address + "@127.0.0.1");
    open.back().negotiate();
    open.back().connect_info("mail.example.com", "192.0.2.1");
    open.back().helo("mail.example.com");
  }
  EXPECT_THROW(fake_mta::Session(address + "@127.0.0.1").negotiate(), fake_mta::ProtocolError) << "max-sessions";
  EXPECT_TRUE(go_on());
  daemon->terminate();
  ASSERT_NE(daemon->wait_for_line("stopping sessions=40"), "") << daemon->errors();
  for (fake_mta::Session& mta : open) EXPECT_EQ(mta.send(reported_message()).modifications, reported_edit());
  EXPECT_TRUE(go_on());
  open.clear();
  EXPECT_EQ(daemon->wait(), 0) << daemon->errors();
}

// An update of libmilter that makes other calls must not stop mail, nor hide that it is slower.
TEST_F(Libmilters, OneWithOtherCallsIsServedWithoutTheTransport) {
  const hostile::Environment loaded("LD_LIBRARY_PATH", directory("recv"));
  Service service({"--max-sessions=1"});
  fake_mta::Session mta = service.session();
  EXPECT_EQ(mta.send(reported_message()).modifications, reported_edit());
  EXPECT_THROW(service.session(), fake_mta::ProtocolError) << "max-sessions";
  quit(mta);
  const std::string serving = service.daemon().wait_for_line("serving ");
  EXPECT_NE(serving.find(" libmilter=" + directory("recv") + "/libmilter.so.1.0.1 libmilter-api=1.0.1 transport=off"),
            std::string::npos)
      << serving;
  EXPECT_TRUE(service.daemon()
                  .wait_for_line("no effect")
                  .ends_with("transport = on has no effect with this libmilter reason=\"it calls recv()\""))
      << service.daemon().errors();
  fake_mta::Daemon check(program(), {"--config=/dev/null", "--socket=unix:/s", "--check-config"});
  EXPECT_EQ(check.wait(), 0);
  EXPECT_NE(check.errors().find("transport: on has no effect with this libmilter: it calls recv()"), std::string::npos)
      << check.errors();
  fake_mta::Daemon version(program(), {"--version"});
  EXPECT_EQ(version.wait(), 0);
  EXPECT_NE(version.output().find("\ntransport = on has no effect with it: it calls recv()\n"), std::string::npos)
      << version.output();
}

TEST_F(Libmilters, OneWhoseListenDoesNotComeIsRefused) {
  const hostile::Environment loaded("LD_LIBRARY_PATH", directory("listen"));
  const fake_mta::SocketDirectory place;
  const std::string address = "--socket=unix:" + (place / "s");
  fake_mta::Daemon on(program(), arguments({address, "--transport=on"}));
  EXPECT_EQ(on.wait(), 78);
  EXPECT_NE(on.errors().find("transport: libmilter's calls do not come to this program; set transport = off"),
            std::string::npos)
      << on.errors();
  fake_mta::Daemon off(program(), arguments({address, "--transport=off"}));
  EXPECT_TRUE(off.ready()) << off.errors();
  EXPECT_EQ(off.stop(), 0);
}

// Its descriptors end at FD_SETSIZE. More made it abort, or give up after 16 connections in a row.
TEST_F(Libmilters, OneWithSelectRefusesWhatIsBeyondItsDescriptors) {
  const hostile::Environment loaded("LD_LIBRARY_PATH", directory("select"));
  constexpr std::size_t more_than_fit = FD_SETSIZE + 100;
  if (!hostile::may_have_descriptors(2 * FD_SETSIZE)) GTEST_SKIP() << "too few descriptors may be open here";
  hostile::Victim victim;
  std::vector<fake_mta::Session> open;
  std::size_t refused = 0;
  while (open.size() + refused < more_than_fit) {
    try {
      fake_mta::Session mta(victim.address());
      mta.negotiate();
      mta.connect_info("mail.example.com", "192.0.2.1");
      mta.helo("mail.example.com");
      open.push_back(std::move(mta));
    } catch (const fake_mta::ProtocolError&) {
      ++refused;
    }
  }
  EXPECT_GT(open.size(), std::size_t{FD_SETSIZE - 50});
  EXPECT_LT(open.size(), std::size_t{FD_SETSIZE});
  EXPECT_NE(victim.daemon().wait_for_line("connections over max-sessions closed at once"), "");
  for (fake_mta::Session& mta : open) ASSERT_EQ(mta.send(reported_message()).modifications, reported_edit());
  open.clear();
}

}  // namespace
