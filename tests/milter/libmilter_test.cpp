// The one binary on libmilters that are built in other ways. tests/libmilter/build makes them, and the environment
// variable MSGID_LIBMILTERS names their directory; "tests/run libmilter" sets it, and runs the other tests on them too.
#include <gtest/gtest.h>
#include <sys/select.h>

#include <cstdlib>
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

TEST_F(Libmilters, OneWhoseBindDoesNotComeIsRefused) {
  const hostile::Environment loaded("LD_LIBRARY_PATH", directory("bind"));
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
