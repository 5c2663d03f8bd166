// An MTA that sends too much, or nothing, or comes too often.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>
#include <thread>

#include "hostile.h"

namespace {

using fake_mta::Outcome;
using fake_mta::Session;
using fake_mta::Terms;
using hostile::may_have_descriptors;
using hostile::Victim;
using std::chrono::milliseconds;
namespace code = fake_mta::code;

const Terms all_replies_wanted = {6, fake_mta::action::all, 0x7f};

std::string header_packet(std::string_view name, std::string_view body) {
  std::string data(name);
  data += '\0';
  data += body;
  data += '\0';
  return hostile::packet(code::header, data);
}

/// The same octets again and again.
void send_times(Session& mta, const std::string& octets, std::size_t times) {
  constexpr std::size_t at_a_time = 1000;
  std::string block;
  for (std::size_t i = 0; i < at_a_time; ++i) block += octets;
  std::size_t sent = 0;
  for (; sent + at_a_time <= times; sent += at_a_time) mta.send_raw(block);
  mta.send_raw(std::string_view(block).substr(0, (times - sent) * octets.size()));
}

constexpr long kib = 1;
constexpr long mib = 1024 * kib;

#if defined(__SANITIZE_THREAD__)
constexpr long memory_factor = 8;  // what it remembers of memory is memory too
#else
constexpr long memory_factor = 1;
#endif

void send_a_million_fields(Victim& victim) {
  const long before = victim.daemon().peak_memory_kib();
  Session mta = victim.session();
  mta.mail("<sender@example.com>");
  mta.set_queue_id("4cVq2S1000");
  mta.data();
  send_times(mta, header_packet("X", " y"), 1'000'000);
  mta.header("Message-ID", encoded_body);
  mta.end_of_header();
  EXPECT_EQ(mta.end_of_message().modifications, reported_edit());
  // Of those that are looked at, too.
  mta.mail("<sender@example.com>");
  mta.data();
  mta.header("Message-ID", encoded_body);
  send_times(mta, header_packet("References", " <a@example.com>"), 100'000);
  const Outcome outcome = mta.end_of_message();
  EXPECT_TRUE(outcome.modifications.empty());
  EXPECT_EQ(outcome.verdict, code::go_on);
  EXPECT_NE(victim.daemon().wait_for_line("header-size"), "");
  quit(mta);
  EXPECT_LT(victim.daemon().peak_memory_kib(), before + 16 * mib * memory_factor);
  EXPECT_TRUE(victim.serves());
}

TEST(TooMuch, AMillionFields) {
  Victim victim;
  send_a_million_fields(victim);
}

// The transport leaves none of them out.
TEST(TooMuch, AMillionFieldsThatAreLookedAt) {
  Victim victim({"--exchange=report"});
  send_a_million_fields(victim);
  EXPECT_NE(victim.daemon().wait_for_line("rule=exchange-"), "");
}

TEST(TooMuch, FieldsOf60000Octets) {
  Victim victim;
  constexpr std::size_t octets = 60'000;
  const std::string plain(octets, 'a');
  std::string ids;
  while (ids.size() < octets) ids += " <" + std::to_string(ids.size()) + "@example.com>";
  std::string words;
  while (words.size() < octets) words += " =?utf-8?q?=3Ca=40example=2Ecom=3E?=";
  for (const std::string& body : {" " + plain, " <" + plain + "@b>", ids, words, std::string(octets, ' '),
                                  std::string(octets, '<'), std::string(octets, '\n')}) {
    for (const char* name : {"Message-ID", "References", "X-Other", "From", "DKIM-Signature"}) {
      Session mta = victim.session();
      fake_mta::Message message = reported_message();
      message.fields.push_back({name, body, 1});
      message.fields.push_back({plain, " x", 1});
      const Outcome outcome = mta.send(message);
      const fake_mta::Changed changed = fake_mta::apply(message.fields, outcome.modifications);
      EXPECT_EQ(changed.fields[2].body, " " + std::string(decoded_id)) << name << body.substr(0, 40);
      EXPECT_EQ(changed.appended + changed.deleted + changed.other, 0);
      quit(mta);
    }
  }
  EXPECT_TRUE(victim.serves());
}

TEST(TooMuch, AnMtaThatNeverReads) {
  SKIP_WITHOUT_TRANSPORT();  // sixteen of them keep all threads of libmilter's pool busy, and others wait for seconds
  Victim victim;
  constexpr std::size_t count = 16;
  std::vector<std::optional<Session>> stuck(count);
  std::vector<std::thread> threads;
  for (std::optional<Session>& mta : stuck) {
    threads.emplace_back([&] {
      mta.emplace(victim.address(), std::chrono::seconds(2));
      ASSERT_NO_THROW(mta->negotiate(all_replies_wanted));
      mta->send_raw(hostile::command(code::connect) + hostile::command(code::mail) + hostile::command(code::rcpt));
      EXPECT_THROW(send_times(*mta, header_packet("X", " y"), 1'000'000), fake_mta::ProtocolError);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(victim.serves());
  EXPECT_TRUE(victim.idles());
  stuck.clear();
  EXPECT_TRUE(victim.serves());
}

TEST(TooMuch, AnswersThatAreReadLate) {
  Victim victim;
  constexpr std::size_t fields = 100'000;
  Session mta(victim.address());
  mta.negotiate(all_replies_wanted);
  std::string octets = hostile::command(code::connect) + hostile::command(code::mail) + hostile::command(code::rcpt);
  const std::string field = header_packet("X", " y");
  for (std::size_t i = 0; i < fields; ++i) octets += field;
  octets += hostile::command(code::header) + hostile::packet(code::end_of_message);
  const std::string answers = mta.exchange(octets);
  EXPECT_TRUE(hostile::is_well_formed(answers));
  const std::string go_on = hostile::packet(code::go_on);
  EXPECT_EQ(answers.find("Message-ID"), (3 + fields + 1) * go_on.size() + 9);
  EXPECT_TRUE(answers.ends_with(go_on));
}

// Hundreds at a time, one at every few octets of a session; then each goes on as if nothing had been.
TEST(Stalled, AtEveryStepWhileOthersGoOn) {
  for (const Terms& terms : {Terms{}, all_replies_wanted}) {
    Victim victim;
    const std::string octets = hostile::joined(hostile::whole_session(terms));
    const std::string expected = victim.answers(octets);
    constexpr std::size_t count = 300;
    std::vector<Session> stalled;
    for (std::size_t i = 0; i < count; ++i) {
      stalled.emplace_back(victim.address());
      stalled.back().send_raw(std::string_view(octets).substr(0, i * octets.size() / count));
    }
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(victim.serves());
    EXPECT_TRUE(victim.idles()) << "nothing is asked of it";
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_EQ(hostile::hex(stalled[i].exchange(std::string_view(octets).substr(i * octets.size() / count))),
                hostile::hex(expected))
          << i;
    }
  }
}

TEST(Stalled, TheTimeoutEndsThem) {
  SKIP_WITHOUT_TRANSPORT();  // libmilter's pool looks at them every ten minutes
  Victim victim({"--timeout=1s"});
  const std::string octets = hostile::joined(hostile::whole_session());
  std::vector<Session> stalled;
  for (std::size_t i = 0; i < 50; ++i) {
    stalled.emplace_back(victim.address());
    stalled.back().send_raw(std::string_view(octets).substr(0, i * octets.size() / 50));
  }
  for (Session& mta : stalled) EXPECT_TRUE(hostile::is_well_formed(mta.rest()));
}

TEST(Many, TwoThousandSessionsAtOnce) {
#if defined(__SANITIZE_THREAD__)
  constexpr std::size_t count = 300;
#else
  constexpr std::size_t count = 2000;
#endif
  if (!may_have_descriptors(count + 100)) GTEST_SKIP() << "no " << count + 100 << " descriptors may be open here";
  Victim victim;
  std::vector<Session> sessions;
  sessions.reserve(count);
  for (std::size_t i = 0; i < count; ++i) sessions.push_back(victim.session());
  for (Session& mta : sessions) mta.begin(reported_message());
  EXPECT_TRUE(victim.serves());
  for (Session& mta : sessions) {
    const Outcome outcome = mta.end_of_message();
    EXPECT_EQ(outcome.modifications, reported_edit());
    EXPECT_EQ(outcome.verdict, code::go_on);
  }
  for (Session& mta : sessions) mta.quit();
}

/// So many connections, not yet spoken on.
std::vector<Session> connections(const Victim& victim, std::size_t count) {
  std::vector<Session> made;
  for (std::size_t i = 0; i < count; ++i) made.emplace_back(victim.address());
  return made;
}

bool is_served(Session& mta) {
  try {
    mta.negotiate();
    mta.connect_info("mail.example.com", "192.0.2.1");
    return mta.send(reported_message()).modifications == reported_edit();
  } catch (const fake_mta::ProtocolError&) {
    return false;
  }
}

TEST(Exhausted, DescriptorsAreWaitedFor) {
  SKIP_WITHOUT_TRANSPORT();
  const fake_mta::TemporaryDirectory directory;
  const std::string script = directory / "msgid-milter";
  constexpr std::size_t most = 40;
  std::ofstream(script) << "#!/bin/sh\nulimit -Sn 30\nulimit -Hn " << most << "\nexec " << program() << " \"$@\"\n";
  ASSERT_EQ(chmod(script.c_str(), 0755), 0);
  const hostile::Environment environment("MSGID_MILTER", script);
  Victim victim;
  const std::size_t served = most - victim.descriptors();
  constexpr std::size_t waiting = 15;
  std::vector<Session> first = connections(victim, served);
  for (Session& mta : first) EXPECT_TRUE(is_served(mta));
  std::vector<Session> later = connections(victim, waiting);
  EXPECT_NE(victim.daemon().wait_for_line("too many open files"), "");
  EXPECT_TRUE(victim.idles()) << "it pauses";
  for (Session& mta : first) EXPECT_EQ(mta.send(reported_message()).modifications, reported_edit());
  first.clear();
  for (Session& mta : later) EXPECT_TRUE(is_served(mta));
  std::size_t lines = 0;
  for (const std::string& line : victim.daemon().lines())
    lines += line.find("too many open files") == line.npos ? 0 : 1;
  EXPECT_EQ(lines, 1u) << "one a minute";
}

class MaxSessions : public testing::Test {
 protected:
  void write(std::size_t max_sessions) const { std::ofstream(path) << "max-sessions = " << max_sessions << "\n"; }
  /// The connection is accepted, and closed without a word.
  static void expect_refused(Victim& victim) {
    Session mta(victim.address());
    EXPECT_EQ(mta.rest(), "");
  }

  static bool serves_soon(Victim& victim) {
    const auto end = std::chrono::steady_clock::now() + fake_mta::patience;
    while (!victim.serves() && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(milliseconds(1));
    return victim.serves();
  }

  fake_mta::SocketDirectory directory;
  const std::string path = directory / "conf";
};

TEST_F(MaxSessions, WhoComesBeyondIsClosedAtOnce) {
  SKIP_WITHOUT_TRANSPORT();
  write(5);
  Victim victim({"--config=" + path});
  std::vector<Session> sessions = connections(victim, 5);
  for (Session& mta : sessions) EXPECT_TRUE(is_served(mta));
  const std::size_t open = victim.descriptors();
  for (int i = 0; i < 200; ++i) expect_refused(victim);
  EXPECT_EQ(victim.descriptors(), open);
  const std::string line = victim.daemon().wait_for_line("closed at once");
  EXPECT_NE(line.find(" count=1"), std::string::npos) << line << ": the first is told, the rest in a minute";
  for (Session& mta : sessions) EXPECT_EQ(mta.send(reported_message()).modifications, reported_edit());
  Session(std::move(sessions.back())).hang_up();
  sessions.pop_back();
  EXPECT_TRUE(serves_soon(victim)) << "the end of that session is near";

  write(1);
  kill(victim.daemon().pid(), SIGHUP);
  EXPECT_NE(victim.daemon().wait_for_line("reloaded "), "");
  for (Session& mta : sessions) EXPECT_EQ(mta.send(reported_message()).modifications, reported_edit());
  expect_refused(victim);
  write(100);
  kill(victim.daemon().pid(), SIGHUP);
  EXPECT_TRUE(serves_soon(victim)) << "once that is read";
  std::vector<Session> more;
  for (int i = 0; i < 50; ++i) {
    more.emplace_back(victim.address());
    EXPECT_TRUE(is_served(more.back()));
  }
}

}  // namespace
