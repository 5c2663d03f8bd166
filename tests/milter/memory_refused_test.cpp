// The daemon without memory or threads: it lives, others are served, no message is damaged, and it recovers by itself.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "hostile.h"
#include "manager.h"
#include "orders.h"
#include "report/audit_record.h"
#include "scrape.h"

namespace {

using fake_mta::Modification;
using fake_mta::Outcome;
using fake_mta::Session;
using hostile::Victim;
using std::chrono::milliseconds;
namespace code = fake_mta::code;

/// Three fields that are to be edited, of two names.
fake_mta::Message broken_message(const std::string& queue_id) {
  const std::string broken(encoded_body);
  fake_mta::Message made = message("From: a@example.com\nMessage-ID:" + broken + "\nReferences:" + broken +
                                   "\nIn-Reply-To:" + broken + "\nX-Mailer: Python\n");
  made.queue_id = queue_id;
  return made;
}

const std::vector<Modification> right_edits = {
    {code::change_header, 1, "In-Reply-To", " " + std::string(decoded_id)},
    {code::change_header, 1, "References", " " + std::string(decoded_id)},
    {code::change_header, 1, "Message-ID", " " + std::string(decoded_id)},
};

/// What has become of messages.
struct Counts {
  std::atomic<int> right = 0;
  std::atomic<int> unedited = 0;  ///< some fields, or all
  std::atomic<int> closed = 0;    ///< the MTA's default action decides
  std::atomic<int> damaged = 0;
};

void count(const Outcome& outcome, Counts& counts) {
  std::vector<Modification> rest = right_edits;
  for (const Modification& edit : outcome.modifications) {
    const auto found = std::find(rest.begin(), rest.end(), edit);
    if (found == rest.end() || outcome.verdict != code::go_on) {
      ++counts.damaged;
      return;
    }
    rest.erase(found);
  }
  ++(rest.empty() ? counts.right : counts.unedited);
}

/// A session of some messages, while memory may be refused.
void try_session(const std::string& address, const std::string& queue_id, Counts& counts, int messages = 1) {
  try {
    Session mta(address);
    mta.negotiate();
    mta.connect_info("mail.example.com", "192.0.2.1");
    mta.helo("mail.example.com");
    for (int i = 0; i < messages; ++i) count(mta.send(broken_message(queue_id)), counts);
    mta.quit();
    mta.rest();
  } catch (const std::exception&) {
    ++counts.closed;
  }
}

/// Lines that tell of a message that passes without an edit that it should have.
int told(fake_mta::Daemon& daemon) {
  int lines = 0;
  for (const std::string& line : daemon.lines()) lines += line.find(" action=failed ") == line.npos ? 0 : 1;
  return lines;
}

class MemoryRefused : public testing::Test {
 protected:
  MemoryRefused() { start(); }
  ~MemoryRefused() override { orders.refuse_none(); }

  void write(const std::string& text) { std::ofstream(directory / "conf") << text; }

  void start() {
    write("rule.encoded-word = fix\n");
    metrics_port = fake_mta::free_port();
    const Orders::Taken by_the_daemon(orders);
    victim.emplace(std::vector<std::string>{"--config=" + (directory / "conf"), "--audit-log=" + (directory / "trail"),
                                            "--metrics=" + std::to_string(metrics_port)});
  }

  /// Calls session(n), which is to refuse the n-th allocation of a part of it, until that part has no more. Where the
  /// session was closed, closed(n, why).
  template <class Try, class Closed>
  void for_each_refusal(Try session, Closed closed) {
    bool is_over = false;
    for (std::uint64_t n = 1; !is_over; ++n) {
      ASSERT_LT(n, 1000u);
      const std::uint64_t refused_before = orders->refused;
      try {
        session(n);
        is_over = orders->refused == refused_before;
      } catch (const fake_mta::ProtocolError& error) {
        orders.refuse_none();
        closed(n, error);
      }
    }
  }

  void expect_unharmed(const Counts& counts) {
    orders.refuse_none();
    EXPECT_EQ(counts.damaged, 0);
    EXPECT_GT(counts.right, 0);
    EXPECT_TRUE(victim->serves());
  }

  /// The number that the metrics give by that name.
  std::uint64_t counted(const std::string& name) const {
    return static_cast<std::uint64_t>(fake_mta::scrape(metrics_port).at(name));
  }

  fake_mta::SocketDirectory directory;
  Orders orders;
  int metrics_port = 0;
  std::optional<Victim> victim;
};

// Each allocation of a session fails once: that of its beginning, of its message, of its end.
TEST_F(MemoryRefused, EachAllocationOfASessionOnce) {
  Counts counts;
  try_session(victim->address(), "4cVq2S1000", counts);
  const std::uint64_t before = orders->count;
  try_session(victim->address(), "4cVq2S1001", counts);
  const std::uint64_t allocations = orders->count - before;
  EXPECT_GT(allocations, 50u);
  ASSERT_EQ(counts.right, 2);
  for (std::uint64_t n = 1; n <= allocations + 5; ++n) {
    const int told_before = told(victim->daemon());
    const int unedited_before = counts.unedited;
    orders.refuse(n);
    const int right_before = counts.right;
    const std::string queue_id = "4cVq2S" + std::to_string(2000 + n);
    try_session(victim->address(), queue_id, counts);
    orders.refuse_none();
    const auto told_more = [&] { return told(victim->daemon()) > told_before; };
    const auto end = std::chrono::steady_clock::now() + fake_mta::patience;
    while (counts.unedited > unedited_before && !told_more() && std::chrono::steady_clock::now() < end) usleep(1000);
    // "exception" alone says that the message has passed unchanged.
    for (const std::string& line : victim->daemon().lines()) {
      if (counts.right == right_before || line.find(queue_id + ": ") == line.npos) continue;
      EXPECT_TRUE(line.find("reason=exception") == line.npos || line.find("was edited") != line.npos) << line;
    }
    EXPECT_TRUE(counts.unedited == unedited_before || told_more()) << n;
    ASSERT_EQ(counts.damaged, 0) << n;
    ASSERT_TRUE(victim->serves()) << n;
  }
  expect_unharmed(counts);
  EXPECT_GT(orders->refused, allocations - 5);
  EXPECT_GT(counts.closed, 0);
  EXPECT_GT(counts.unedited, 0);
  std::printf("%d right, %d unedited, %d closed, of %d allocations\n", counts.right.load(), counts.unedited.load(),
              counts.closed.load(), static_cast<int>(allocations));
}

// A session that could not be made had agreed to no answers, and told the MTA otherwise: that waited for one.
TEST_F(MemoryRefused, NoMtaWaitsForAnAnswerThatWasNotAgreedOn) {
  fake_mta::Terms offer;
  offer.actions = 0;  // so that there is a line to be logged, behind all else
  for_each_refusal(
      [&](std::uint64_t n) {
        Session mta(victim->address());
        orders.refuse(n);
        mta.negotiate(offer);
        orders.refuse_none();
        mta.connect_info("mail.example.com", "192.0.2.1");
        EXPECT_EQ(mta.send(broken_message("4cVq2S1000")).modifications.size(), 0u) << n;
        quit(mta);
      },
      [](std::uint64_t n, const fake_mta::ProtocolError& error) {
        EXPECT_EQ(std::string_view(error.what()).find("deadline"), std::string_view::npos) << n << ": " << error.what();
      });
}

// The copy of the client's name failed, the next message began anew, and was in scope.
TEST_F(MemoryRefused, AnExemptClientStaysExempt) {
  write("rule.encoded-word = fix\nexempt-client = 192.0.2.1\n");
  kill(victim->daemon().pid(), SIGHUP);
  ASSERT_NE(victim->daemon().wait_for_line("reloaded "), "");
  for_each_refusal(
      [&](std::uint64_t n) {
        Session mta(victim->address());
        mta.negotiate();
        orders.refuse(n);
        mta.connect_info("a.name.of.more.than.fifteen.octets.example.com", "192.0.2.1");
        mta.helo("mail.example.com");
        EXPECT_TRUE(mta.send(broken_message("4cVq2S1000")).modifications.empty()) << n;
        orders.refuse_none();
        quit(mta);
      },
      [](std::uint64_t, const fake_mta::ProtocolError&) {});  // the MTA's default action decides
}

// What stood behind a packet that was due came to libmilter unseen, macros without a value among it, which may crash
// it.
TEST_F(MemoryRefused, WhatIsMalformedDoesNotComeToLibmilter) {
  using hostile::command;
  const std::string octets = hostile::offer() + hostile::packet(code::macro, std::string("Cx\0", 3)) +
                             command(code::connect) + command(code::mail) + command(code::end_of_message) +
                             std::string(3000, '\0');  // more than is received at a time
  for (std::uint64_t n = 1; n < 40; ++n) {
    orders.refuse(n);
    victim->answers(octets);
    orders.refuse_none();
    ASSERT_TRUE(victim->daemon().running()) << n;
  }
  EXPECT_TRUE(victim->serves());
}

TEST_F(MemoryRefused, AThreadThatCannotBeMadeIsLikeMaxSessions) {
  Session open = victim->session();
  std::vector<Session> served;  // by threads that are there already
  orders->threads = 1;
  Counts counts;
  while (counts.closed == 0) {
    ASSERT_LT(served.size(), 100u);
    try {
      served.push_back(victim->session());
    } catch (const fake_mta::ProtocolError&) {
      ++counts.closed;
    }
  }
  EXPECT_NE(victim->daemon().wait_for_line("connections closed at once for want of a thread or memory"), "");
  EXPECT_EQ(open.send(reported_message()).modifications, reported_edit()) << "it was there before";
  orders->threads = 0;
  EXPECT_TRUE(victim->serves());
  quit(open);
  for (Session& mta : served) quit(mta);
}

// Each made all others wait for 100 ms: 15 s here.
TEST_F(MemoryRefused, AConnectionThatFailsBeforeItIsAcceptedDelaysNoOther) {
  SKIP_WITHOUT_TRANSPORT();
  const auto begin = std::chrono::steady_clock::now();
  std::uint64_t failed = 0;
  for (const int error : {EPROTO, ECONNABORTED, EPERM, ENETDOWN, ENONET}) {
    orders->accept_error = static_cast<std::uint64_t>(error);
    for (const std::uint64_t in_a_row : {1U, 14U, 15U}) {
      orders->accepts = in_a_row;
      failed += in_a_row;
      EXPECT_TRUE(victim->serves()) << error;
      EXPECT_EQ(orders->accepts, 0u);
    }
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  EXPECT_EQ(counted("failed_accepts_total"), failed);
  EXPECT_EQ(counted("accept_pauses_total"), 0u);
}

// Where the kernel keeps the connection it fails again and again.
TEST_F(MemoryRefused, AConnectionThatKeepsFailingTakesNoProcessor) {
  SKIP_WITHOUT_TRANSPORT();
  orders->accept_error = EPERM;
  orders->accepts = UINT64_MAX;
  Session waiting(victim->address());
  EXPECT_TRUE(victim->idles());
  orders->accepts = 0;
  waiting.negotiate();
  EXPECT_GE(counted("failed_accepts_total"), 16u);
  EXPECT_TRUE(victim->serves());
  quit(waiting);
}

// One for which there was no memory in the thread that writes was neither there nor counted.
TEST_F(MemoryRefused, EachRecordIsThereOrCounted) {
  Counts counts;
  for (int i = 0; i < 100; ++i) {
    orders->every = 100;
    try_session(victim->address(), "4cVq2S1000", counts, 5);
    orders->every = 0;
  }
  const std::uint64_t lost = counted("failures_total{cause=\"audit-log\"}");
  victim.reset();
  std::uint64_t records = 0;
  std::uint64_t affected = 0;
  std::ifstream trail(directory / "trail");
  for (std::string line; std::getline(trail, line);) {
    const auto read = report::parse_audit_line(line);
    if (const auto* totals = std::get_if<report::AuditTotals>(&read)) affected += totals->affected;
    if (std::holds_alternative<report::AuditRecord>(read)) ++records;
  }
  EXPECT_GT(lost, 0u);
  EXPECT_EQ(records + lost, affected);
}

// From any allocation of a session on, as many as it has.
TEST_F(MemoryRefused, InARow) {
  Counts counts;
  for (std::uint64_t n = 1; n < 600; n += 13) {
    orders.refuse(n, 500);
    for (int i = 0; i < 5; ++i) try_session(victim->address(), "4cVq2S1000", counts, 2);
    orders.refuse_none();
    ASSERT_TRUE(victim->serves()) << n;
  }
  expect_unharmed(counts);
}

TEST_F(MemoryRefused, NowAndThenUnderLoad) {
  for (const std::uint64_t every : {10U, 100U, 1000U}) {
    Counts counts;
    orders->every = every;
    std::vector<std::thread> clients;
    for (int client = 0; client < 4; ++client) {
      clients.emplace_back([&] {
        for (int session = 0; session < 10; ++session) try_session(victim->address(), "4cVq2S1000", counts, 4);
      });
    }
    for (std::thread& client : clients) client.join();
    orders.refuse_none();
    Counts now;
    try_session(victim->address(), "4cVq2S1001", now, 4);
    EXPECT_EQ(now.right, 4) << every;
    EXPECT_EQ(counts.damaged, 0) << every;
    EXPECT_TRUE(victim->serves());
  }
}

TEST_F(MemoryRefused, WhatIsLarge) {
  Counts counts;
  for (const std::uint64_t octets : {200U, 1000U, 4000U, 60000U}) {
    orders->larger_than = octets;
    for (int session = 0; session < 5; ++session) {
      try_session(victim->address(), "4cVq2S1000", counts, 4);
      try {
        Session mta(victim->address());
        mta.negotiate();
        fake_mta::Message large = broken_message("4cVq2S1001");
        large.fields.push_back({"References", std::string(60'000, 'x'), 2});
        mta.send(large);
        mta.quit();
      } catch (const fake_mta::ProtocolError&) {
        ++counts.closed;
      }
    }
  }
  expect_unharmed(counts);
}

// All of it, for a while, with whatever the service does beside its sessions.
TEST_F(MemoryRefused, AllOfItWhileReloadsAreAskedFor) {
  Counts counts;
  for (int round = 0; round < 3; ++round) {
    Session open = victim->session();
    orders.refuse(1, 1'000'000'000);
    const auto refused = orders->refused.load();
    for (int i = 0; i < 20; ++i) {
      kill(victim->daemon().pid(), i % 2 == 0 ? SIGHUP : SIGUSR1);
      try_session(victim->address(), "4cVq2S1000", counts);
      std::this_thread::sleep_for(milliseconds(5));
    }
    EXPECT_GT(orders->refused, refused + 20);
    orders.refuse_none();
    ASSERT_TRUE(victim->daemon().running());
    ASSERT_TRUE(victim->serves());
    EXPECT_EQ(open.send(reported_message()).modifications, reported_edit()) << "it was there all the time";
    quit(open);
  }
  kill(victim->daemon().pid(), SIGHUP);
  EXPECT_NE(victim->daemon().wait_for_line("reloaded "), "");
  EXPECT_EQ(counts.damaged, 0);
}

// bad_alloc came to main(), which ended with the status after which no service manager starts it again.
TEST_F(MemoryRefused, AStopHasItsStatus) {
  victim.reset();
  const Orders::Taken by_the_daemon(orders);
  fake_mta::SocketDirectory place;
  const std::string address = "unix:" + (place / "s");
  fake_mta::Daemon daemon(program(), arguments({"--socket=" + address}));
  ASSERT_TRUE(daemon.ready()) << daemon.errors();
  Session(address).negotiate();  // the start has some allocations left behind its line
  orders.refuse(1, 1'000'000'000);
  daemon.terminate();
  EXPECT_EQ(daemon.wait(), 0) << daemon.errors();
  orders.refuse_none();
}

// Each allocation of a reload, of the status for the service manager, and of a scrape.
TEST_F(MemoryRefused, OfAReload) {
  for (std::uint64_t n = 1; n < 400; n += 7) {
    orders.refuse(n, 1 + n % 5);
    kill(victim->daemon().pid(), SIGHUP);
    std::this_thread::sleep_for(milliseconds(2));
    orders.refuse_none();
    ASSERT_TRUE(victim->daemon().running())
        << n << ": ended with " << victim->daemon().wait().value_or(-1) << ": " << victim->daemon().errors();
  }
  EXPECT_TRUE(victim->serves());
}

// Each allocation of a reload: the log, the manager and a new session tell of the same configuration.
TEST_F(MemoryRefused, AReloadIsTakenWholeOrNotAtAll) {
  victim.reset();
  Manager manager(std::chrono::seconds(2));  // so that what could not be said is said half a second later
  start();
  ASSERT_NE(manager.next_with("READY=1"), "");
  fake_mta::Daemon& daemon = victim->daemon();
  int taken = 0;
  int refused = 0;
  for (bool is_over = false; !is_over;) {
    const int n = 1 + taken + refused;
    SCOPED_TRACE(n);
    ASSERT_LT(n, 10000);
    write("mode = log-only\nextra-field = X-Ticket\n");
    const std::size_t lines_before = daemon.lines().size();
    const std::uint64_t refused_before = orders->refused;
    const std::string refused_reloads = "reloads_total{result=\"refused\"}";
    const std::uint64_t reloads_before = counted(refused_reloads);
    const auto said = [&] {
      const std::vector<std::string> lines = daemon.lines();
      const auto found = std::find_if(lines.begin() + static_cast<std::ptrdiff_t>(lines_before), lines.end(),
                                      [](const std::string& line) { return line.find("reloaded") != line.npos; });
      return found == lines.end() ? std::string() : *found;
    };
    orders.refuse(static_cast<std::uint64_t>(n));
    kill(daemon.pid(), SIGHUP);
    // What is refused may be the line, or, for the time being, what the manager is told.
    std::string told;
    for (const auto end = std::chrono::steady_clock::now() + fake_mta::patience; told.empty();) {
      if (!said().empty() && orders->refused > refused_before) break;
      ASSERT_LT(std::chrono::steady_clock::now(), end);
      told = manager.next_with("READY=1", milliseconds(1));
    }
    is_over = orders->refused == refused_before;
    orders.refuse_none();
    const bool is_refused = counted(refused_reloads) > reloads_before;  // the line comes when the log has time
    ++(is_refused ? refused : taken);
    if (told.empty()) told = manager.next_with("READY=1");
    EXPECT_NE(told.find(is_refused ? "mode rewrite" : "mode log-only"), std::string::npos) << told;
    Session mta = victim->session();
    EXPECT_EQ(mta.send(reported_message()).modifications.empty(), !is_refused) << said();
    quit(mta);
    if (is_refused) continue;
    write("rule.encoded-word = fix\n");
    kill(daemon.pid(), SIGHUP);
    do {
      told = manager.next_with("READY=1");
      ASSERT_NE(told, "");
    } while (told.find("mode rewrite") == std::string::npos);
  }
  EXPECT_GT(refused, 10);
  std::printf("%d taken, %d refused\n", taken, refused);
}

}  // namespace
