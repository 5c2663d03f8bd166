// Every sequence of steps that an MTA may send, under every offer: what is to be answered is answered, and each message
// gets the edits it needs and no others.
//
// A sequence is a string, a letter a step:
//
//   C connection   H HELO   M MAIL   R RCPT   D DATA   N end of header   B part of the body
//   l a field that nobody asks for   L the field to be repaired
//   E end of message   e the same, with the last octets of the body in it
//   A abort   U command that the MTA does not know   K quit, a new connection follows
//
// The MTA sends of it what was agreed on and what the version of the protocol has. Where libmilter has no way from one
// step to the next, it drops the packet without a word. So a missing answer is a failure after a short time, with the
// sequence in its text.
#include <gtest/gtest.h>

#include <chrono>
#include <exception>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "handed_sockets.h"
#include "service.h"

namespace {

namespace action = fake_mta::action;
namespace bit = fake_mta::bit;
namespace code = fake_mta::code;
using fake_mta::Session;
using fake_mta::Terms;

/// Much more than an answer takes on a busy host, and little enough to wait for a few that do not come.
constexpr std::chrono::seconds deadline{5};
constexpr int most_failures = 3;

Session::Reply send_step(Session& mta, char step) {
  switch (step) {
    case 'C':
      return mta.connect_info("mail.example.com", "192.0.2.1");
    case 'H':
      return mta.helo("mail.example.com");
    case 'M':
      mta.set_queue_id("");
      return mta.mail("<sender@example.com>");
    case 'R':
      return mta.rcpt("<rcpt@example.com>");
    case 'D':
      mta.set_queue_id("4XyZ01234z");
      return mta.data();
    case 'l':
      return mta.header("X-Nobody-Asks", " for this");
    case 'L':
      return mta.header("Message-ID", encoded_body);
    case 'N':
      return mta.end_of_header();
    case 'B':
      return mta.body_chunk("text\r\n");
    case 'A':
      mta.abort();
      return {};
    case 'U':
      return mta.unknown("XYZZY");
    case 'K':
      mta.quit_new_connection();
      return {};
    default:
      throw std::invalid_argument(std::string("no such step: ") + step);
  }
}

void end_message(Session& mta, const Terms& agreed, bool is_to_be_edited) {
  const fake_mta::Outcome outcome = mta.end_of_message();
  if (outcome.verdict != code::go_on) throw std::runtime_error(std::string("the verdict is ") + outcome.verdict);
  const std::string space = (agreed.protocol & bit::leading_space) != 0 ? " " : "";
  std::vector<fake_mta::Modification> edits;
  if (is_to_be_edited) edits.push_back({code::change_header, 1, "Message-ID", space + decoded_id});
  if (outcome.modifications != edits)
    throw std::runtime_error("edits: " + std::to_string(outcome.modifications.size()));
}

/// Sends the steps, up to `at`, and looks at the answers. Throws where one is missing or wrong.
void send_steps(Session& mta, const Terms& agreed, std::string_view steps, std::size_t& at) {
  bool is_to_be_edited = false;
  for (at = 0; at < steps.size(); ++at) {
    const char step = steps[at];
    if (step == 'E' || step == 'e') {
      if (step == 'e') mta.body("the last of it\r\n");
      end_message(mta, agreed, std::exchange(is_to_be_edited, false));
      continue;
    }
    if (const Session::Reply reply = send_step(mta, step); reply.value_or(code::go_on) != code::go_on)
      throw std::runtime_error(std::string("the answer is ") + *reply);
    if (step == 'M') is_to_be_edited = false;
    if (step == 'L') is_to_be_edited = true;
  }
}

/// One session. What is wrong with it, or nothing.
std::string failure_of(const std::string& address, const Terms& offer, const std::string& steps) {
  std::size_t at = 0;
  Terms agreed;
  std::string what;
  try {
    Session mta(address, deadline);
    mta.do_not_delay();
    agreed = mta.negotiate(offer);
    send_steps(mta, agreed, steps, at);
    mta.quit();
    if (!mta.rest().empty()) what = "answers to what is not to be answered";
  } catch (const std::exception& error) {
    what = error.what();
  }
  if (what.empty()) return {};
  std::ostringstream text;
  text << steps.substr(0, at) << '[' << steps.substr(at, 1) << ']' << steps.substr(std::min(at + 1, steps.size()))
       << ": " << what << std::hex << " (version " << offer.version << ", offered " << offer.protocol << ", agreed "
       << agreed.protocol << ", " << address << ")";
  return text.str();
}

std::vector<std::string> messages() {
  std::vector<std::string> all;
  for (const char* const fields : {"", "l", "L", "lLl", "Lll", "lll"})
    for (const char* const body : {"E", "BE", "BBE", "e"}) all.push_back(std::string("MRD") + fields + "N" + body);
  return all;
}

// Two more messages follow in each session.
std::vector<std::string> sequences() {
  std::vector<std::string> all = {"CMRDNE", "CMRDNBE"};
  for (const std::string& message : messages()) all.push_back("CH" + message);
  const std::string full = "CHMRDlLlNBBE";
  for (std::size_t i = 1; i <= full.size(); ++i) {
    const std::string begin = full.substr(0, i);
    all.push_back(begin + "A");
    all.push_back(begin + "HA");  // Postfix (3.7.11) sends the second HELO first
  }
  for (const char* const aborted : {"CHAA", "CHMRDLAA", "CHMRDNEAA"}) all.emplace_back(aborted);
  // Without ABORT, as Sendmail (8.17.1) does before the header where MAIL is not answered.
  for (const char* const begin : {"CHM", "CHMR", "CHMRD"}) all.emplace_back(begin);
  // Commands that no SMTP server knows: anywhere but between DATA and the end of the message.
  for (const char* const begin : {"C", "CH", "CHM", "CHMR", "CHMRR", "CHMRDNE"})
    for (const char* const unknown : {"U", "UU", "UA", "UH"}) all.push_back(std::string(begin) + unknown);
  for (const char* const message : {"MRUDNE", "MRUUDNBE", "MURDLNE", "MRURUDLNE", "MRUDlLlNBE"})
    all.push_back(std::string("CH") + message);
  for (const char* const next : {"KC", "KCH", "KCU", "KCHMRA", "UKC", "UKCH"})
    for (const char* const message : {"MRDNE", "MRDLNBE"}) all.push_back(std::string("CH") + message + next);
  for (std::string& steps : all) steps += "MRDNEMRRDlLlNBE";
  return all;
}

constexpr std::uint32_t no_step = bit::rejected_rcpt;  // an offer of 0 is one of version 1
constexpr std::uint32_t version_3 = bit::version_2 | bit::no_unknown;
constexpr std::uint32_t version_4 = version_3 | bit::no_data;

/// The offers that differ in the steps that can be left out, the only ones that libmilter's table of states depends on.
/// libmilter (8.17.1) has one table for all sessions: what one session leaves out, all may leave out from then on. So
/// the smallest offer comes first.
std::vector<Terms> offers() {
  std::vector<Terms> all = {{6, action::all, no_step},
                            {6, action::all, 0},
                            {2, action::version_2, bit::version_2 & ~bit::no_eoh},
                            {2, action::version_2, bit::version_2},
                            {2, action::version_2, bit::version_2 | bit::nr_header},
                            {6, action::version_2, bit::version_2},
                            {3, action::all, version_3},
                            {6, action::all, version_3},
                            {4, action::all, version_4},
                            {6, action::all, version_4}};
  for (const std::uint32_t missing : {bit::no_eoh | bit::no_data | bit::no_unknown, bit::no_data | bit::no_unknown,
                                      bit::no_eoh | bit::no_unknown, bit::no_eoh | bit::no_data, bit::no_helo,
                                      bit::no_rcpt, bit::no_body, bit::no_eoh, bit::no_unknown, bit::no_data, 0U})
    all.push_back({6, action::all, bit::all & ~missing});
  return all;
}

/// Each other bit missing, and mixes of all.
std::vector<Terms> more_offers() {
  std::vector<Terms> all;
  for (int i = 0; i < bit::count; ++i) all.push_back({6, action::all, bit::all & ~(1U << i)});
  constexpr int mixes = 60;
  std::mt19937 random(20261130);
  for (int i = 0; i < mixes; ++i) {
    const std::uint32_t version = std::array<std::uint32_t, 6>{2, 3, 4, 6, 6, 6}[random() % 6];
    std::uint32_t protocol = static_cast<std::uint32_t>(random()) & bit::all;
    // Postfix (3.7.11) sends no step that it does not offer to leave out. Without this bit see below.
    if (version == 3) protocol |= bit::no_unknown;
    all.push_back({version, action::all, protocol});
  }
  return all;
}

/// Sends sequences under offers, in turn to each of the addresses: one in `every`, and of more_offers() one in six of
/// these.
void expect_answers(const std::vector<std::string>& addresses, std::size_t every = 1) {
  const std::vector<std::string> all = sequences();
  std::size_t sent = 0;
  int failures = 0;
  const auto send = [&](const Terms& offer, std::size_t turn, std::size_t one_in) {
    for (std::size_t i = turn % one_in; i < all.size() && failures < most_failures; i += one_in) {
      const std::string failure = failure_of(addresses[sent++ % addresses.size()], offer, all[i]);
      if (failure.empty()) continue;
      ADD_FAILURE() << failure;
      ++failures;
    }
  };
  std::size_t turn = 0;
  for (const Terms& offer : offers()) send(offer, turn++, every);
  for (const Terms& offer : more_offers()) send(offer, turn++, 6 * every);
}

TEST(Steps, AreAnsweredOnUnix) {
  Service service;
  expect_answers({service.address()});
}

TEST(Steps, AreAnsweredOnTcp) {
  Service service({}, Service::Family::tcp);
  expect_answers({service.address()});
}

TEST(Steps, AreAnsweredOnBothAtATime) {
  SKIP_WITHOUT_TRANSPORT();
  HandedSockets sockets;
  sockets.add_unix();
  sockets.add_tcp();
  fake_mta::Daemon daemon = sockets.start();
  ASSERT_TRUE(daemon.ready()) << daemon.errors();
  expect_answers({sockets.address(0), sockets.address(1)}, 3);
  EXPECT_EQ(daemon.stop(), 0);
}

// What follows is no promise, but what libmilter (8.17.1) does where its table of states has a hole that no agreement
// closes. No MTA that we know of sends this: neither Postfix (3.7.11) nor Sendmail (8.17.1) ever sends QUIT_NC.

/// Sends the steps, QUIT_NC, and a second client's connection and message. Whether the connection was answered; the
/// message always is.
bool answers_next_connection(const std::string& address, std::uint32_t protocol, const std::string& steps) {
  Session mta(address, deadline);
  const Terms agreed = mta.negotiate({6, action::all, protocol & ~bit::nr_connect});
  std::size_t at = 0;
  send_steps(mta, agreed, steps + "K", at);
  const std::string port(2, '\0');
  mta.send_packet(code::connect, std::string("second.example.com") + '\0' + '4' + port + "192.0.2.2" + '\0');
  send_steps(mta, agreed, "MRDLN", at);  // none of these is answered
  mta.send_packet(code::end_of_message, {});
  const bool is_answered = mta.read_packet().code == code::go_on;
  if (is_answered) {
    EXPECT_EQ(mta.read_packet().code, code::change_header) << steps;
  }
  EXPECT_EQ(mta.read_packet().code, code::go_on) << steps;
  quit(mta);
  return is_answered;
}

TEST(Libmilter, DropsQuitNewConnectionAfterConnectHeloAndAbort) {
  Service service;
  constexpr std::uint32_t with_unknown = bit::all & ~bit::no_unknown;
  std::vector<bool> is_second;
  const auto expect = [&](bool answered, std::uint32_t protocol, const std::string& steps) {
    EXPECT_EQ(answers_next_connection(service.address(), protocol, steps), answered) << steps;
    is_second.push_back(answered);
  };
  expect(true, with_unknown, "CHMRDNE");
  expect(true, with_unknown, "CHU");
  expect(false, with_unknown, "C");
  expect(false, with_unknown, "CH");
  expect(false, with_unknown, "CHMR");
  expect(false, with_unknown, "CHMRA");
  expect(false, with_unknown, "CHMRDNEA");
  // Where unknown commands are left out, there is a way from ABORT: for all sessions from then on.
  expect(true, bit::all, "CHMRA");
  expect(true, with_unknown, "CHMRA");
  expect(false, bit::all, "C");
  expect(false, bit::all, "CHMRDNEA");
  // Without its connection the second client's mail is taken for the first one's.
  const std::vector<std::string> log = service.log();
  ASSERT_EQ(log.size(), is_second.size());
  for (std::size_t i = 0; i < log.size(); ++i) {
    const char* const client =
        is_second[i] ? " client=second.example.com[192.0.2.2] " : " client=mail.example.com[192.0.2.1] ";
    EXPECT_NE(log[i].find(client), std::string::npos) << i << ": " << log[i];
  }
}

// Version 3 has unknown commands and no DATA step. Postfix offers to leave them out.
TEST(Libmilter, DropsAMessageAfterAnUnknownCommandWithoutData) {
  Service service;
  Session mta(service.address(), deadline);
  const Terms agreed = mta.negotiate({3, action::all, bit::all & ~bit::no_unknown});
  std::size_t at = 0;
  send_steps(mta, agreed, "CHMRULN", at);
  mta.send_packet(code::end_of_message, {});  // not answered
  send_steps(mta, agreed, "AMRLNE", at);
  quit(mta);
  EXPECT_EQ(service.log().size(), 1u);
}

}  // namespace
