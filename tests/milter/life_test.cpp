// Reloading and stopping, with sessions under way.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include "service.h"

namespace {

using fake_mta::Session;
using fake_mta::SocketDirectory;

const std::string prefix = "msgid-milter: ";

/// A configuration file, and a service that has read it.
class ReloadTest : public testing::Test {
 protected:
  void write(const std::string& text) {
    // In one step, so that no reload sees half of it.
    const std::string path = directory / "conf";
    std::ofstream(path + ".new") << text;
    std::filesystem::rename(path + ".new", path);
  }

  void start(const std::string& text, const std::vector<std::string>& more = {}) {
    write(text);
    std::vector<std::string> options = {"--config=" + (directory / "conf")};
    options.insert(options.end(), more.begin(), more.end());
    service.emplace(options);
  }

  /// Sends the signal and waits for the line that answers it, which must be the first with `part` in it.
  std::string reload(std::string_view part) {
    kill(service->daemon().pid(), SIGHUP);
    return service->daemon().wait_for_line(part);
  }

  bool edits(Session& mta) { return mta.send(reported_message()).modifications == reported_edit(); }
  bool leaves(Session& mta) { return mta.send(reported_message()).modifications.empty(); }

  SocketDirectory directory;
  std::optional<Service> service;
};

TEST_F(ReloadTest, SessionsKeepWhatTheyBeganWith) {
  start("rule.encoded-word = fix\n");
  Session old = service->session();
  EXPECT_TRUE(edits(old));
  write("rule.encoded-word = report\n");
  EXPECT_EQ(reload("reloaded "), prefix + "reloaded old-sessions=1 mode=rewrite changed=rule.encoded-word");
  Session next = service->session();
  EXPECT_TRUE(leaves(next));
  EXPECT_TRUE(edits(old));
  write("rule.encoded-word = fix\n");
  EXPECT_EQ(reload("reloaded old-sessions=2"),
            prefix + "reloaded old-sessions=2 mode=rewrite changed=rule.encoded-word");
  EXPECT_TRUE(leaves(next));
  Session last = service->session();
  EXPECT_TRUE(edits(last));
  quit(old);
  quit(next);
  quit(last);
}

TEST_F(ReloadTest, WhatWasAskedOfTheMtaStaysWithItsSession) {
  start("mode = log-only\n");
  Session old = service->session();
  EXPECT_TRUE(leaves(old));
  write("mode = rewrite\n");
  ASSERT_NE(reload("reloaded "), "");
  Session next = service->session();
  EXPECT_TRUE(edits(next));
  EXPECT_TRUE(leaves(old)) << "it never asked for the right to change fields";
  // After SMFIC_QUIT_NC the next SMTP connection comes without a new negotiation.
  old.quit_new_connection();
  old.connect_info("mail.example.com", "192.0.2.1");
  EXPECT_TRUE(leaves(old));
  quit(old);
  quit(next);
}

// What no session looks at may be left out before libmilter sees it: see src/milter/asked_fields.h.
TEST_F(ReloadTest, AFieldOfAReloadComesToTheSessionsBehindIt) {
  const fake_mta::Message ticket = message("From: a@example.com\nSubject: x\nX-Ticket:" + std::string(encoded_body) +
                                           "\nMessage-ID: <clean.1@example.com>\nX-Mailer: Python\n");
  const std::vector<fake_mta::Modification> edit = {
      {fake_mta::code::change_header, 1, "X-Ticket", " " + std::string(decoded_id)}};
  start("mode = rewrite\n");
  Session old = service->session();
  EXPECT_TRUE(old.send(ticket).modifications.empty());
  write("extra-field = X-Ticket\n");
  EXPECT_NE(reload("reloaded "), "");
  Session next = service->session();
  Session beside = service->session();  // keeps the settings alive between two SMTP connections of the other
  EXPECT_EQ(next.send(ticket).modifications, edit);
  EXPECT_TRUE(old.send(ticket).modifications.empty());
  write("mode = rewrite\n");
  EXPECT_NE(reload("reloaded old-sessions=3"), "");
  Session last = service->session();
  EXPECT_TRUE(last.send(ticket).modifications.empty());
  EXPECT_EQ(next.send(ticket).modifications, edit);
  next.quit_new_connection();
  next.connect_info("mail.example.com", "192.0.2.1");
  EXPECT_EQ(next.send(ticket).modifications, edit);
  for (Session* mta : {&old, &next, &beside, &last}) quit(*mta);
}

TEST_F(ReloadTest, TheRulesOfExchangeSeeEachFieldFromAReloadOn) {
  fake_mta::Message raw = message("From: a@example.com\nX-Raw: \xc3\xa9\nMessage-ID: <clean.1@example.com>\n");
  const auto is_reported = [&](Session& mta, const std::string& queue_id) {
    raw.queue_id = queue_id;
    EXPECT_TRUE(mta.send(raw).modifications.empty());
    fake_mta::Message second = reported_message();  // its line comes after that of the first message
    second.queue_id = queue_id + "z";
    mta.send(second);
    EXPECT_NE(service->daemon().wait_for_line(second.queue_id + ": "), "");
    return service->daemon().errors().find(queue_id + ": field=X-Raw instance=1 rule=exchange-non-ascii ") !=
           std::string::npos;
  };
  start("exchange = off\n");
  Session old = service->session();
  EXPECT_FALSE(is_reported(old, "4cVq2S1000"));
  write("exchange = report\n");
  EXPECT_NE(reload("reloaded "), "");
  Session next = service->session();
  Session beside = service->session();  // as above
  EXPECT_TRUE(is_reported(next, "4cVq2S1001"));
  EXPECT_FALSE(is_reported(old, "4cVq2S1002"));
  write("exchange = off\n");
  EXPECT_NE(reload("reloaded old-sessions=3"), "");
  EXPECT_TRUE(is_reported(next, "4cVq2S1003"));
  next.quit_new_connection();
  next.connect_info("mail.example.com", "192.0.2.1");
  EXPECT_TRUE(is_reported(next, "4cVq2S1004"));
  for (Session* mta : {&old, &next, &beside}) quit(*mta);
}

TEST_F(ReloadTest, ABrokenFileIsRefused) {
  start("rule.encoded-word = fix\n");
  Session old = service->session();
  write("rule.encoded-word = report\n\nbogus = 1\n");
  EXPECT_EQ(reload("not reloaded"), prefix + "not reloaded, the old configuration stays: what=\"" +
                                        (directory / "conf") + ":3: bogus: unknown option\"");
  EXPECT_TRUE(edits(old));
  Session next = service->session();
  EXPECT_TRUE(edits(next));
  std::filesystem::remove(directory / "conf");
  EXPECT_NE(reload("cannot read " + (directory / "conf")), "");
  EXPECT_TRUE(edits(next));
  quit(old);
  quit(next);
}

TEST_F(ReloadTest, ATruncatedFileDoesNotEndLogOnly) {
  start("# It begins.\nmode = log-only\n");
  const std::string refused =
      prefix + "not reloaded, the old configuration stays: what=\"" + (directory / "conf") + ": config: ";
  write("");
  EXPECT_EQ(reload("reloaded"), refused +
                                    "the file is empty and was not before; a file that is meant to be empty holds a "
                                    "comment\"");
  write("# It begins.\n");
  EXPECT_NE(reload("sets no option any more, and set 1 before"), "");
  write("# It begins.\nmode = log-only\ntimeout = 30");
  EXPECT_NE(reload("has no line end and had one before"), "") << "compared with what is in force";
  Session mta = service->session();
  EXPECT_TRUE(leaves(mta));
  quit(mta);
  write("mode = rewrite\n");
  EXPECT_NE(reload("reloaded old-sessions"), "");
}

TEST_F(ReloadTest, ATruncatedListDropsNoExemption) {
  const std::string list = directory / "senders";
  const auto write_list = [&](const std::string& text) { std::ofstream(list) << text; };
  const std::string sender = "sender@example.com";
  write_list("other.example\n" + sender + "\n");
  start("exempt-sender = @" + list + "\n");
  write_list("other.example\n" + sender.substr(0, sender.size() - 2));
  EXPECT_EQ(reload("reloaded"), prefix + "not reloaded, the old configuration stays: what=\"" + list +
                                    ": exempt-sender: the last line has no line end and had one before, so the file "
                                    "may be cut short; end the line\"");
  write_list("");
  EXPECT_NE(reload("the file is empty and was not before"), "");
  Session old = service->session();
  EXPECT_TRUE(leaves(old));
  write_list("# nobody\n");
  EXPECT_NE(reload("reloaded old-sessions"), "");
  Session next = service->session();
  EXPECT_TRUE(edits(next));
  quit(old);
  quit(next);
}

// Without a writer an open(2) of it waits for ever, and the main thread with it.
TEST_F(ReloadTest, AFifoIsRefused) {
  start("rule.encoded-word = fix\n");
  std::filesystem::remove(directory / "conf");
  ASSERT_EQ(mkfifo((directory / "conf").c_str(), 0666), 0);
  EXPECT_EQ(reload("reloaded"), prefix + "not reloaded, the old configuration stays: what=\"command line: config: " +
                                    "cannot read " + (directory / "conf") + ": it is not a regular file\"");
}

TEST_F(ReloadTest, AStartWithATruncatedFileWarns) {
  start("");
  EXPECT_EQ(service->daemon().wait_for_line("cut short"),
            prefix + "a configuration file may be cut short: what=\"" + (directory / "conf") +
                ": config: the file is empty; a file that is meant to be empty holds a comment\"");
  // And a reload warns of a file that it names first.
  std::ofstream(directory / "senders") << "a.example\nb.exam";
  write("exempt-sender = @" + (directory / "senders") + "\n");
  EXPECT_NE(reload("reloaded old-sessions"), "");
  EXPECT_NE(service->daemon().wait_for_line("/senders: exempt-sender: the last line has no line end, so"), "");
}

TEST_F(ReloadTest, WhatNeedsARestartIsNamedEachTime) {
  start("rule.encoded-word = fix\n");
  write("rule.encoded-word = report\ntimeout = 30m\nsocket-mode = 0600\n");
  const std::string expected =
      prefix + "reloaded old-sessions=0 mode=rewrite changed=rule.encoded-word needs-restart=socket-mode,timeout";
  EXPECT_EQ(reload("reloaded "), expected);
  Session mta = service->session();
  EXPECT_TRUE(leaves(mta)) << "the rest is taken";
  EXPECT_EQ(reload("reloaded old-sessions=1"),
            prefix + "reloaded old-sessions=1 mode=rewrite needs-restart=socket-mode,timeout")
      << "nothing else has changed since";
  write("rule.encoded-word = report\n");
  Session another = service->session();
  EXPECT_EQ(reload("reloaded old-sessions=2"), prefix + "reloaded old-sessions=2 mode=rewrite")
      << "nothing is left to be named";
  quit(mta);
  quit(another);
}

TEST_F(ReloadTest, TheLineNamesTheModeAndWhatChanged) {
  std::ofstream(directory / "senders") << "a.example\n";
  const std::string list = "exempt-sender = @" + (directory / "senders") + "\n";
  start("mode = log-only\n" + list);
  EXPECT_EQ(reload("reloaded "), prefix + "reloaded old-sessions=0 mode=log-only");
  write(list + "signed = keep\n");
  Session mta = service->session();
  EXPECT_EQ(reload("mode=rewrite"), prefix + "reloaded old-sessions=1 mode=rewrite changed=mode,signed");
  std::ofstream(directory / "senders") << "b.example\n";
  write(list + "signed = keep\ntimeout = 30m\n");
  Session another = service->session();
  EXPECT_EQ(reload("old-sessions=2"),
            prefix + "reloaded old-sessions=2 mode=rewrite changed=exempt-sender needs-restart=timeout")
      << "the text of a list";
  write("bogus = 1\n");
  EXPECT_NE(reload("not reloaded"), "");
  write("mode = log-only\n");
  Session last = service->session();
  EXPECT_EQ(reload("old-sessions=3"),
            prefix + "reloaded old-sessions=3 mode=log-only changed=mode,exempt-sender,signed")
      << "since the last one that was accepted";
  for (Session* session : {&mta, &another, &last}) quit(*session);
}

TEST_F(ReloadTest, TheAuditTrailIsOpenedAgainEvenWithABrokenFile) {
  const std::string trail = directory / "audit.jsonl";
  start("audit-log = " + trail + "\n");
  std::filesystem::rename(trail, trail + ".1");
  write("bogus\n");
  EXPECT_NE(reload("audit-log opened"), "");
  EXPECT_TRUE(std::filesystem::exists(trail));
}

// logrotate sends it while somebody is still editing the file.
TEST_F(ReloadTest, Usr1OpensTheAuditTrailAgainAndReloadsNothing) {
  const std::string trail = directory / "audit.jsonl";
  start("audit-log = " + trail + "\nrule.encoded-word = fix\n");
  write("audit-log = " + trail + "\nrule.encoded-word = report\n");
  std::filesystem::rename(trail, trail + ".1");
  kill(service->daemon().pid(), SIGUSR1);
  EXPECT_NE(service->daemon().wait_for_line("audit-log opened"), "");
  EXPECT_TRUE(std::filesystem::exists(trail));
  Session mta = service->session();
  EXPECT_TRUE(edits(mta));
  write("bogus\n");
  kill(service->daemon().pid(), SIGUSR1);
  EXPECT_EQ(reload("reloaded"), prefix + "not reloaded, the old configuration stays: what=\"" + (directory / "conf") +
                                    ":1: bogus: \\\"=\\\" is missing; write OPTION = VALUE\"")
      << "the first line about a reload answers SIGHUP";
  quit(mta);
  EXPECT_EQ(service->daemon().errors().find("reloaded "), std::string::npos);
}

// libmilter's own thread ends the service at a SIGHUP if it gets one.
TEST_F(ReloadTest, AStormOfReloadsUnderLoadLosesNothing) {
  int long_senders = 0;
#ifdef __SANITIZE_THREAD__
  constexpr std::size_t reloads = 300;     // each takes fifty times as long
  constexpr long tolerance_kib = 1 << 20;  // what it remembers of memory is memory too
#else
#ifdef __SANITIZE_ADDRESS__
  // Each takes ten times as long on a busy machine, so they are fewer and larger. A build without sanitizers gets all;
  // its memory is the measure.
  const std::size_t reloads = std::getenv("MSGID_EXHAUSTIVE") != nullptr ? 10000 : 1000;
  long_senders = 5;
#else
  constexpr std::size_t reloads = 10000;
#endif
  // A service that kept all settings had 11 MiB more at the end, and of the fewer with long senders 42 (2026-11-22).
  constexpr long tolerance_kib = 8192;
#endif
  std::string text = "rule.encoded-word = fix\n";
  for (int i = 0; i < long_senders; ++i)
    text += "exempt-sender = " + std::to_string(i) + std::string(4000, 'x') + "@example.com\n";
  // Under AddressSanitizer what is freed is kept for a while: for less than is measured here.
  setenv("ASAN_OPTIONS", "quarantine_size_mb=1:thread_local_quarantine_size_kb=16", 1);
  start(text);
  unsetenv("ASAN_OPTIONS");
  std::atomic<bool> is_over = false;
  std::atomic<int> lost = 0;
  std::vector<std::thread> clients;
  for (int client = 0; client < 3; ++client) {
    clients.emplace_back([&, client] {
      while (!is_over) {
        try {
          Session mta = service->session();
          for (int message = 0; message < 1 + 10 * client; ++message) lost += edits(mta) ? 0 : 1;
          quit(mta);
        } catch (const std::exception& error) {
          ++lost;
          ADD_FAILURE() << error.what();
        }
      }
    });
  }
  fake_mta::Daemon& daemon = service->daemon();
  std::size_t done = 0;
  std::size_t read = 0;
  long early_peak = 0;
  while (done < reloads && daemon.running() && lost == 0) {
    for (int i = 0; i < 100; ++i) {
      kill(daemon.pid(), i % 4 == 0 ? SIGUSR1 : SIGHUP);
      std::this_thread::sleep_for(std::chrono::microseconds(500));
    }
    const std::string log = daemon.errors();
    for (; (read = log.find("reloaded old-sessions=", read)) != log.npos; ++read) ++done;
    read = log.size();
    if (early_peak == 0 && done > reloads / 10) early_peak = daemon.peak_memory_kib();
  }
  is_over = true;
  for (std::thread& client : clients) client.join();
  EXPECT_GE(done, reloads);
  EXPECT_EQ(lost, 0);
  ASSERT_TRUE(daemon.running());
  EXPECT_LT(daemon.peak_memory_kib(), early_peak + tolerance_kib);
}

TEST(Drain, ASessionIsServedUntilTheMtaClosesIt) {
  for (const auto family : {Service::Family::unix_socket, Service::Family::tcp}) {
    Service service({"--drain-timeout=10m"}, family);
    Session mta = service.session();
    mta.begin(reported_message());
    service.daemon().terminate();
    EXPECT_EQ(service.daemon().wait_for_line("stopping"), prefix + "stopping sessions=1 drain-timeout=600s");
    EXPECT_THROW(Session{service.address()}, std::exception) << "a new connection is refused";
    EXPECT_EQ(mta.end_of_message().modifications, reported_edit());
    EXPECT_EQ(mta.send(reported_message()).modifications, reported_edit()) << "the next message too";
    quit(mta);
    EXPECT_EQ(service.daemon().wait(), 0);
    EXPECT_EQ(service.daemon().wait_for_line("stopped"), prefix + "stopped cut-sessions=0");
  }
}

// Who has connected when the stop comes is served: none of these connections is reset.
TEST(Drain, ConnectionsUnderWayAreServedOrRefused) {
  for (int round = 0; round < 5; ++round) {
    Service service({"--drain-timeout=10m"});
    std::atomic<int> lost = 0;
    std::atomic<int> served = 0;
    std::vector<std::thread> clients;
    for (int client = 0; client < 8; ++client) {
      clients.emplace_back([&] {
        for (;;) {
          std::optional<Session> mta;
          try {
            mta.emplace(service.address());
          } catch (const std::exception&) {
            return;  // refused: it is gone
          }
          try {
            mta->negotiate();
            mta->quit();
            ++served;
          } catch (const std::exception&) {
            ++lost;
          }
        }
      });
    }
    while (served < 50 && service.daemon().running()) std::this_thread::yield();
    service.daemon().terminate();
    for (std::thread& client : clients) client.join();
    EXPECT_EQ(service.daemon().wait(), 0);
    EXPECT_EQ(lost, 0);
  }
}

// A busy MTA may take its time between the connection and its first word.
TEST(Drain, AConnectionThatHasNotNegotiatedIsServed) {
  SKIP_WITHOUT_TRANSPORT();
  Service service({"--drain-timeout=10m"});
  Session mta(service.address());
  service.daemon().terminate();
  EXPECT_EQ(service.daemon().wait_for_line("stopping"), prefix + "stopping sessions=1 drain-timeout=600s");
  EXPECT_EQ(service.daemon().wait(std::chrono::milliseconds(500)), std::nullopt);
  mta.negotiate();
  mta.connect_info("mail.example.com", "192.0.2.1");
  mta.helo("mail.example.com");
  EXPECT_EQ(mta.send(reported_message()).modifications, reported_edit());
  quit(mta);
  EXPECT_EQ(service.daemon().wait(), 0);
}

// libmilter's listener looks every five seconds only whether it is to stop.
TEST(Drain, WithoutASessionTheEndIsNear) {
  Service service({"--drain-timeout=10m"});
  service.daemon().terminate();
  EXPECT_EQ(service.daemon().wait(std::chrono::milliseconds(4000)), 0);
}

TEST(Drain, WhatIsLeftIsCut) {
  Service service({"--drain-timeout=1s"});
  Session mta = service.session();
  mta.begin(reported_message());
  service.daemon().terminate();
  EXPECT_EQ(service.daemon().wait(), 0);
  EXPECT_EQ(service.daemon().wait_for_line("stopped"), prefix + "stopped cut-sessions=1");
  EXPECT_EQ(mta.rest(), "");
}

TEST(Drain, ASecondSignalCutsAtOnce) {
  Service service({"--drain-timeout=10m"});
  Session mta = service.session();
  kill(service.daemon().pid(), SIGINT);
  EXPECT_NE(service.daemon().wait_for_line("stopping"), "");
  EXPECT_EQ(mta.send(reported_message()).modifications, reported_edit()) << "the first one does not";
  kill(service.daemon().pid(), SIGINT);
  EXPECT_EQ(service.daemon().wait(), 0);
  EXPECT_EQ(service.daemon().wait_for_line("stopped"), prefix + "stopped cut-sessions=1");
}

TEST(Drain, TheSocketIsGoneAtOnce) {
  Service service({"--drain-timeout=10m"});
  const std::string path = service.address().substr(std::strlen("unix:"));
  Session mta = service.session();
  service.daemon().terminate();
  EXPECT_NE(service.daemon().wait_for_line("stopping"), "");
  EXPECT_FALSE(std::filesystem::exists(path));
  Session(std::move(mta)).hang_up();
  EXPECT_EQ(service.daemon().wait(), 0);
}

}  // namespace
