// An MTA that says what none should. What the daemon answers is compared with what it answers without the transport,
// with nothing but libmilter between the socket and the filter: the octets must be the same.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "hostile.h"

namespace {

using fake_mta::Session;
using fake_mta::Terms;
using hostile::Victim;
namespace bit = fake_mta::bit;
namespace code = fake_mta::code;

/// Offered by MTAs that wait for an answer to each step, and by those that need none.
const Terms no_reply_wanted = {};
const Terms all_replies_wanted = {6, fake_mta::action::all, 0x7f};

std::string description(const std::string& octets) {
  return "after " + hostile::hex(octets);
}

/// The daemon, and beside it one without the transport. libmilter keeps what steps
/// filters do without in one table for all sessions, so both are told the same in the same order.
class Hostile : public testing::Test {
 protected:
  Hostile() {
    if (has_transport_) alone.emplace(std::vector<std::string>{"--transport=off"});
  }

  void send(const std::string& beginning, char command, const std::string& packet) {
    const std::string octets = beginning + packet + hostile::command(code::end_of_message);
    // Macros without a value may crash libmilter 8.17.1. The transport does not let them come there.
    const std::size_t data = 6;
    const bool is_without_value = command == code::macro && packet.size() > data &&
                                  std::count(packet.begin() + data, packet.end(), '\0') % 2 != 0;
    if (!is_without_value) return send(octets);
    if (!has_transport_) return;
    EXPECT_EQ(hostile::hex(victim.answers(octets)), hostile::hex(victim.answers(beginning)));
  }

  void send(const std::string& octets) {
    const std::string answers = victim.answers(octets);
    EXPECT_TRUE(hostile::is_well_formed(answers)) << description(octets);
    if (!alone) return;
    EXPECT_EQ(hostile::hex(answers), hostile::hex(alone->answers(octets))) << description(octets);
  }

  const bool has_transport_ = has_transport();
  Victim victim;
  std::optional<Victim> alone;
};

/// How far a session may have come.
const std::vector<std::string> beginnings = [] {
  const std::string negotiated = hostile::offer();
  const std::string in_header = negotiated + hostile::command(code::connect) + hostile::command(code::mail) +
                                hostile::command(code::rcpt) + hostile::command(code::header);
  return std::vector<std::string>{"", negotiated, in_header};
}();

TEST_F(Hostile, AWholeSessionIsAnsweredAsExpected) {
  for (const Terms& terms : {no_reply_wanted, all_replies_wanted}) {
    std::string edit("\0\0\0\1Message-ID\0", 15);
    if ((terms.protocol & bit::leading_space) != 0) edit += ' ';
    edit += decoded_id;
    edit += '\0';
    const std::string answers = victim.answers(hostile::joined(hostile::whole_session(terms)));
    EXPECT_NE(answers.find(hostile::packet(code::change_header, edit) + hostile::packet(code::go_on)),
              std::string::npos)
        << hostile::hex(answers);
    EXPECT_TRUE(hostile::is_well_formed(answers));
  }
}

TEST_F(Hostile, LengthsFromNoneToTheMost) {
  const std::vector<std::uint32_t> lengths = {
      0,          1,          2,          3,          4,          5,          12,        13,        14,
      255,        256,        65534,      65535,      65536,      65537,      65538,     1u << 20u, 0x7ffffffe,
      0x7fffffff, 0x80000000, 0x80000001, 0x80000002, 0xffff0000, 0xfffffffe, 0xffffffff};
  for (const std::string& beginning : beginnings) {
    for (const char command : std::string(hostile::commands) + "Z") {
      for (const std::uint32_t length : lengths) {
        const bool is_sent_in_full = length > 0 && length < 70000;
        std::string data(is_sent_in_full ? length - 1 : 64, 'x');
        for (std::size_t i = 8; i < data.size(); i += 2000) data[i] = '\0';
        if (!data.empty()) data.back() = '\0';
        send(beginning, command, hostile::packet_of_length(length, command, data));
      }
      if (HasFailure()) return;
    }
    EXPECT_TRUE(victim.serves());
  }
}

TEST_F(Hostile, CommandsOutOfOrder) {
  const std::string begun =
      hostile::command(code::connect) + hostile::command(code::mail) + hostile::command(code::rcpt);
  std::vector<std::string> packets = {hostile::packet(code::header, std::string("Subject\0 x\0", 11))};
  for (const char command : hostile::commands) packets.push_back(hostile::command(command));
  for (const std::string& beginning :
       {std::string(), hostile::offer(no_reply_wanted), hostile::offer(no_reply_wanted) + begun,
        hostile::offer(all_replies_wanted), hostile::offer(all_replies_wanted) + begun}) {
    for (const std::string& first : packets) {
      for (const std::string& second : packets) {
        send(beginning + first + second + hostile::command(code::end_of_message));
      }
      if (HasFailure()) return;
    }
    EXPECT_TRUE(victim.serves());
  }
}

TEST_F(Hostile, UnknownCommands) {
  for (const std::string& beginning : beginnings) {
    for (int value = 0; value < 256; ++value) {
      const auto command = static_cast<char>(value);
      send(beginning, command, hostile::packet(command));
      send(beginning, command, hostile::packet(command, std::string("x\0", 2)));
    }
    EXPECT_TRUE(victim.serves());
    if (HasFailure()) return;
  }
}

TEST_F(Hostile, NulsEverywhere) {
  std::vector<std::string> payloads = {"x",
                                       "xxxxxxxxxxxxxxxx",
                                       std::string("\0x", 2),
                                       std::string("x\0\0x", 4),
                                       std::string("x\0\0", 3),
                                       std::string("\0x\0", 3)};
  for (const std::size_t size : {1U, 2U, 3U, 4U, 12U, 13U, 100U, 65535U}) payloads.emplace_back(size, '\0');
  // After the code of a step, as macros.
  for (const std::size_t size : {1U, 2U, 3U, 65534U}) payloads.push_back("M" + std::string(size, '\0'));
  payloads.emplace_back("Mi\0x", 4);
  payloads.emplace_back("Ei\0\0i", 5);
  for (const std::string& beginning : beginnings) {
    for (const char command : hostile::commands) {
      for (const std::string& payload : payloads) send(beginning, command, hostile::packet(command, payload));
    }
    EXPECT_TRUE(victim.serves());
    if (HasFailure()) return;
  }
}

// Whatever is offered: each bit alone, all but one, any. What is sent then does not keep to it.
TEST_F(Hostile, OddOffers) {
  std::vector<std::uint32_t> offers = {0, 0x7f, 0x80000000, 0x70000000, 0xffffffff};
  for (int i = 0; i < bit::count; ++i) {
    offers.push_back(1u << i);
    offers.push_back(bit::all & ~(1u << i));
  }
  std::mt19937 random(20261122);
  for (int i = 0; i < 60; ++i) offers.push_back(static_cast<std::uint32_t>(random()) & bit::all);
  for (const std::uint32_t protocol : offers) {
    for (const std::uint32_t actions : {fake_mta::action::all, 0u, fake_mta::action::all & ~0x10u})
      send(hostile::joined(hostile::whole_session({6, actions, protocol})));
    // And one that keeps to it.
    SCOPED_TRACE(protocol);
    try {
      Session mta = victim.session({6, fake_mta::action::all, protocol});
      const fake_mta::Outcome outcome = mta.send(reported_message());
      EXPECT_EQ(outcome.verdict, code::go_on);
      const fake_mta::Changed changed =
          fake_mta::apply(reported_message().fields, outcome.modifications, (protocol & bit::leading_space) != 0);
      EXPECT_EQ(changed.fields[2].body, " " + std::string(decoded_id));
    } catch (const fake_mta::ProtocolError& error) {
      ADD_FAILURE() << error.what();
    }
  }
  EXPECT_TRUE(victim.serves());
}

// Who is gone before the answer, with something behind the question that libmilter must not see.
TEST(Gone, WhatIsBehindTheLastAnswerIsLeft) {
  SKIP_WITHOUT_TRANSPORT();
  Victim victim;
  const std::string end = hostile::command(code::end_of_message);
  const std::string macros = hostile::packet(code::macro, std::string("Ei\0", 3));
  for (int i = 0; i < 200; ++i) {
    Session mta(victim.address());
    mta.send_raw(beginnings.back() + end + end + macros + hostile::command(code::mail) + end + end);
  }
  EXPECT_TRUE(victim.serves());
}

TEST_F(Hostile, OddVersions) {
  for (const std::uint32_t version : {0u, 1u, 2u, 3u, 4u, 5u, 6u, 7u, 255u, 0x7fffffffu, 0x80000000u, 0xffffffffu})
    send(hostile::joined(hostile::whole_session({version, fake_mta::action::all, bit::all})));
  EXPECT_TRUE(victim.serves());
}

enum class End { half_closed, closed, reset };

/// Every packet of a session cut at every octet.
class Cut : public testing::TestWithParam<End> {};
INSTANTIATE_TEST_SUITE_P(Ends, Cut, testing::Values(End::half_closed, End::closed, End::reset),
                         [](const testing::TestParamInfo<End>& info) {
                           return std::string(info.param == End::half_closed ? "HalfClosed"
                                              : info.param == End::closed    ? "Closed"
                                                                             : "Reset");
                         });

TEST_P(Cut, AtEveryOctet) {
  // Only TCP has resets.
  Victim victim({}, GetParam() == End::reset ? Service::Family::tcp : Service::Family::unix_socket);
  for (const Terms& terms : {no_reply_wanted, all_replies_wanted}) {
    std::string sent;
    for (const std::string& packet : hostile::whole_session(terms)) {
      const std::string expected = GetParam() == End::half_closed ? victim.answers(sent) : std::string();
      for (std::size_t octets = 0; octets < packet.size(); ++octets) {
        const std::string cut = sent + packet.substr(0, octets);
        Session mta(victim.address());
        if (GetParam() == End::half_closed) {
          // A packet that has not come in full is not answered, those before it are.
          EXPECT_EQ(hostile::hex(mta.exchange(cut)), hostile::hex(expected)) << description(cut);
          continue;
        }
        mta.send_raw(cut);
        GetParam() == End::closed ? mta.hang_up() : mta.reset();
      }
      sent += packet;
      ASSERT_TRUE(victim.serves()) << description(sent);
    }
  }
}

// In pieces of any size, with pauses or without, it is the same session.
TEST(Pieces, OfAnySizeGiveTheSameAnswers) {
  Victim victim;
  for (const Terms& terms : {no_reply_wanted, all_replies_wanted}) {
    const std::string octets = hostile::joined(hostile::whole_session(terms));
    const std::string expected = victim.answers(octets);
    for (const std::size_t size : {1U, 2U, 3U, 4U, 5U, 7U, 64U, 500U}) {
      Session mta(victim.address());
      for (std::size_t at = 0; at < octets.size(); at += size) mta.send_raw(std::string_view(octets).substr(at, size));
      EXPECT_EQ(hostile::hex(mta.exchange({})), hostile::hex(expected)) << size;
    }
  }
}

}  // namespace
