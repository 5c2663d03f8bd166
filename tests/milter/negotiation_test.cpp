// What the daemon asks for, under every kind of offer, and that a session works under it.
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <random>

#include "service.h"

namespace {

namespace action = fake_mta::action;
namespace bit = fake_mta::bit;
using fake_mta::Session;
using fake_mta::Terms;
using Family = Service::Family;

// libmilter (8.17.1) reads an offer of nothing as an offer of version 1.
Terms effective(Terms offer) {
  if (offer.actions == 0) offer.actions = action::version_1;
  if (offer.protocol == 0) offer.protocol = bit::version_1;
  return offer;
}

// Negotiates, and sends a message to be edited and one that is not, with an abort between.
void expect_works(Service& service, const Terms& offer, bool edits) {
  SCOPED_TRACE(testing::Message() << std::hex << "version " << offer.version << " actions " << offer.actions
                                  << " protocol " << offer.protocol);
  Session mta(service.address());
  const Terms wish = mta.negotiate(offer);
  const Terms possible = effective(offer);
  EXPECT_LE(wish.version, offer.version);
  EXPECT_EQ(wish.actions & ~possible.actions, 0u);
  EXPECT_EQ(wish.protocol & ~possible.protocol, 0u);
  EXPECT_EQ(wish.actions, edits ? action::change_header : 0u);
  mta.connect_info("mail.example.com", "192.0.2.1");
  mta.helo("mail.example.com");

  const fake_mta::Message reported = reported_message();
  mta.mail(reported.sender);
  mta.rcpt("<rcpt@example.com>");
  mta.data();
  mta.header("Message-ID", encoded_body);
  mta.abort();
  EXPECT_TRUE(mta.send(clean_message()).modifications.empty());
  const fake_mta::Outcome outcome = mta.send(reported);
  EXPECT_TRUE(outcome.verdict == fake_mta::code::go_on || outcome.verdict == fake_mta::code::accept) << outcome.verdict;
  const bool spaced = (wish.protocol & bit::leading_space) != 0;
  const fake_mta::Changed changed = fake_mta::apply(reported.fields, outcome.modifications, spaced);
  ASSERT_EQ(changed.fields.size(), reported.fields.size());
  EXPECT_EQ(changed.appended + changed.deleted + changed.other, 0);
  EXPECT_EQ(changed.fields[2].body, edits ? " " + std::string(decoded_id) : reported.fields[2].body);
  quit(mta);
}

class Negotiation : public testing::TestWithParam<Family> {};
INSTANTIATE_TEST_SUITE_P(On, Negotiation, testing::Values(Family::unix_socket, Family::tcp),
                         [](const auto& family) { return family.param == Family::tcp ? "tcp" : "unix"; });

TEST_P(Negotiation, AsksForWhatItNeeds) {
  Service service({}, GetParam());
  const Terms wish = Session(service.address()).negotiate();
  EXPECT_EQ(wish.version, 6u);
  EXPECT_EQ(wish.actions, action::change_header);
  const std::uint32_t wanted = bit::no_helo | bit::no_rcpt | bit::no_body | bit::no_unknown | bit::nr_connect |
                               bit::nr_mail | bit::nr_header | bit::nr_eoh | bit::leading_space;
  EXPECT_EQ(wish.protocol & wanted, wanted);
  EXPECT_EQ(wish.protocol & (bit::no_connect | bit::no_mail | bit::no_header | bit::rejected_rcpt), 0u);
}

TEST_P(Negotiation, RefusesSessionsOverMaxSessions) {
  Service service({"--max-sessions=2"}, GetParam());
  Session first = service.session();
  Session second = service.session();
  const auto third = [&]() -> std::optional<Session> {
    try {
      return service.session();
    } catch (const fake_mta::ProtocolError&) {
      return std::nullopt;
    }
  };
  EXPECT_FALSE(third());
  EXPECT_FALSE(third());
  EXPECT_NE(service.daemon().wait_for_line("connections over max-sessions closed at once"), "");
  EXPECT_EQ(service.daemon().errors().find("libmilter: "), std::string::npos) << "that had a line for each";
  EXPECT_EQ(first.send(reported_message()).modifications, reported_edit());
  quit(first);
  bool is_served = false;
  const auto end = std::chrono::steady_clock::now() + fake_mta::patience;
  while (!is_served && std::chrono::steady_clock::now() < end) {
    if (std::optional<Session> next = third()) {
      is_served = next->send(reported_message()).modifications == reported_edit();
      quit(*next);
    }
  }
  EXPECT_TRUE(is_served);
  quit(second);
}

// With SMFIP_NODATA Postfix 3.7.11 writes two small packets on a TCP connection without an answer between: Nagle's
// algorithm and the delayed acknowledgement then make every message wait 40 ms. An answer to DATA cures it.
TEST_P(Negotiation, AnswersDataOnTcpOnly) {
  Service service({}, GetParam());
  Session mta(service.address());
  const Terms wish = mta.negotiate();
  if (GetParam() == Family::tcp)
    EXPECT_EQ(wish.protocol & (bit::no_data | bit::nr_data), 0u);
  else
    EXPECT_NE(wish.protocol & bit::no_data, 0u);
  mta.connect_info("mail.example.com", "192.0.2.1");
  mta.mail("<a@example.com>");
  mta.rcpt("<rcpt@example.com>");
  EXPECT_EQ(mta.data(), GetParam() == Family::tcp ? Session::Reply('c') : Session::Reply());
}

// libmilter (8.17.1) answers no message without fields where DATA is sent and the end of the header is not, and none
// after an unknown command where DATA is not sent. steps_test.cpp sends such messages.
TEST_P(Negotiation, LeavesOutNoStepThatLibmilterNeedsForAnother) {
  Service service({}, GetParam());
  const auto left_out = [&](std::uint32_t missing) {
    const Terms wish = Session(service.address()).negotiate({6, action::all, bit::all & ~missing});
    return wish.protocol & (bit::no_eoh | bit::no_data | bit::no_unknown);
  };
  const bool is_tcp = GetParam() == Family::tcp;  // DATA is never left out there
  EXPECT_EQ(left_out(0), is_tcp ? bit::no_unknown : bit::no_eoh | bit::no_data | bit::no_unknown);
  EXPECT_EQ(left_out(bit::no_eoh), is_tcp ? bit::no_unknown : bit::no_data | bit::no_unknown);
  EXPECT_EQ(left_out(bit::no_data), bit::no_unknown);
  EXPECT_EQ(left_out(bit::no_unknown), 0u);
}

TEST_P(Negotiation, WorksWhateverOneBitIsMissing) {
  Service service({}, GetParam());
  expect_works(service, {}, true);
  for (int i = 0; i < bit::count; ++i) expect_works(service, {6, action::all, bit::all & ~(1u << i)}, true);
}

TEST_P(Negotiation, WorksUnderAnyMixOfBits) {
  Service service({}, GetParam());
  std::mt19937 random(20261121);
  // Fewer on TCP: where DATA must not be answered, a message takes the 40 ms.
  const int mixes = GetParam() == Family::tcp ? 50 : 300;
  for (int i = 0; i < mixes; ++i)
    expect_works(service, {6, action::all, static_cast<std::uint32_t>(random()) & bit::all}, true);
}

TEST_P(Negotiation, WorksUnderOldVersions) {
  Service service({}, GetParam());
  expect_works(service, {2, action::version_2, bit::version_2}, true);
  expect_works(service, {2, action::version_2, bit::version_2 | bit::nr_header}, true);
  expect_works(service, {6, action::version_2, bit::version_2}, true);
  expect_works(service, {6, action::all, 0}, true);
}

TEST_P(Negotiation, WithoutChangeHeaderItIsLogOnlyForThatSession) {
  Service service({}, GetParam());
  expect_works(service, {6, action::all & ~action::change_header, bit::all}, false);
  expect_works(service, {6, action::all, bit::all}, true);
  expect_works(service, {6, 0, 0}, false);
  const std::string warning = "the MTA does not let filters change header fields: log-only for this session";
  const std::vector<std::string> log = service.log();
  ASSERT_EQ(log.size(), 5u);
  EXPECT_NE(log[0].find(warning), std::string::npos) << log[0];
  EXPECT_NE(log[1].find(" action=would-rewrite "), std::string::npos) << log[1];
  EXPECT_NE(log[2].find(" action=rewritten "), std::string::npos) << log[2];
  EXPECT_NE(log[3].find(warning), std::string::npos) << log[3];
  EXPECT_NE(log[4].find(" action=would-rewrite "), std::string::npos) << log[4];
}

TEST_P(Negotiation, LogOnlyAsksForNoAction) {
  Service service({"--mode=log-only"}, GetParam());
  expect_works(service, {}, false);
  expect_works(service, {6, action::all & ~action::change_header, bit::all}, false);
  const std::vector<std::string> log = service.log();
  ASSERT_EQ(log.size(), 2u);  // and no warning about what was not asked for
  for (const std::string& line : log) EXPECT_NE(line.find(" action=would-rewrite "), std::string::npos) << line;
}

}  // namespace
