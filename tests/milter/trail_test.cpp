// The audit trail of the daemon.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>

#include "report/audit_record.h"
#include "service.h"
#include "tests/eml.h"

namespace {

namespace bit = fake_mta::bit;
namespace code = fake_mta::code;
namespace fs = std::filesystem;
using fake_mta::Message;
using fake_mta::Session;
using fake_mta::SocketDirectory;
using report::AuditRecord;
using report::AuditTotals;

using Strings = std::vector<std::string>;

/// A trail, read.
struct Trail {
  std::vector<AuditRecord> records;
  AuditTotals totals;  ///< added up
  int totals_count = 0;
  int broken = 0;  ///< lines that are none
};

Trail read_trail(const std::string& path) {
  Trail trail;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    EXPECT_TRUE(std::all_of(line.begin(), line.end(), [](char c) { return c >= ' ' && c <= '~'; })) << line;
    try {
      const auto parsed = report::parse_audit_line(line);
      if (const auto* record = std::get_if<AuditRecord>(&parsed)) trail.records.push_back(*record);
      const auto* totals = std::get_if<AuditTotals>(&parsed);
      if (totals == nullptr) continue;
      ++trail.totals_count;
      EXPECT_EQ(totals->messages, totals->clean + totals->affected + totals->unread + totals->exempt) << line;
      trail.totals.messages += totals->messages;
      trail.totals.clean += totals->clean;
      trail.totals.affected += totals->affected;
      trail.totals.unread += totals->unread;
      for (const auto& [rule, actions] : totals->findings)
        for (const auto& [action, count] : actions) trail.totals.findings[rule][action] += count;
    } catch (const std::runtime_error&) {
      ++trail.broken;
    }
  }
  return trail;
}

report::Outcome outcome_of(const std::string& name) {
  using report::Outcome;
  for (const Outcome outcome : {Outcome::rewritten, Outcome::would_rewrite, Outcome::reported, Outcome::failed})
    if (name_of(outcome) == name) return outcome;
  ADD_FAILURE() << "no action: " << name;
  return Outcome::reported;
}

/// The lines that the log is to have for a record.
Strings as_logged(const AuditRecord& record) {
  Strings lines;
  const report::Log log([&lines](report::Severity, std::string_view line) { lines.emplace_back(line); });
  const std::string name = record.client_name.empty() ? "[" + record.client_address + "]" : record.client_name;
  const std::string sender = "<" + record.sender + ">";
  const report::MessageContext message = {record.queue_id, name, record.client_address, sender, record.agent};
  for (const report::AuditFinding& found : record.findings) {
    const auto rule = std::find_if(msgid::rules().begin(), msgid::rules().end(),
                                   [&](const msgid::Rule& row) { return row.name == found.rule; });
    if (rule == msgid::rules().end()) {
      ADD_FAILURE() << "no rule: " << found.rule;
      continue;
    }
    const report::Outcome outcome = outcome_of(found.action);
    const bool is_edit = outcome != report::Outcome::reported;
    log.finding(message,
                {&*rule,
                 found.field,
                 found.instance,
                 is_edit ? msgid::Action::rewrite : msgid::Action::report,
                 found.reason,
                 found.before,
                 found.after,
                 {found.keeps, found.breaks}},
                outcome);
  }
  if (record.more_findings > 0) log.more_findings(message, record.more_findings);
  return lines;
}

Message signed_message() {
  return message(
      "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=keeps.example; h=from:references; b=x\n"
      "DKIM-Signature: v=1; a=rsa-sha256; c=simple/simple; d=breaks.example; h=from:references; b=x\n"
      "From: a@example.com\nMessage-ID: <m@example.com>\nReferences: <" +
      std::string(500, 'r') + "@example.com> <" + std::string(500, 's') + "@example.com>\n");
}

std::vector<Message> corpus() {
  std::vector<Message> messages;
  for (const auto& entry : fs::directory_iterator(MSGID_CORPUS)) {
    if (entry.path().extension() != ".eml") continue;
    std::stringstream text;
    text << std::ifstream(entry.path(), std::ios::binary).rdbuf();
    Message& sent = messages.emplace_back();
    sent.fields = eml::header_of(text.str());
    sent.queue_id = "Q" + std::to_string(messages.size());
  }
  return messages;
}

TEST(Trail, RecordsAreWhatTheLogSays) {
  for (const std::string mode : {"rewrite", "log-only"}) {
    const SocketDirectory directory;
    Service service({"--mode=" + mode, "--audit-log=" + (directory / "audit.jsonl")});
    Session mta = service.session();
    std::vector<Message> messages = corpus();
    ASSERT_GT(messages.size(), 20u);
    messages.push_back(signed_message());
    Message many = message("From: a@example.com\n");
    for (int i = 1; i <= 70; ++i) many.fields.push_back({"Resent-Message-ID", encoded_body, i});
    messages.push_back(many);
    for (const Message& sent : messages) mta.send(sent);
    quit(mta);
    const Strings log = service.log();
    const Trail trail = read_trail(directory / "audit.jsonl");
    EXPECT_EQ(trail.broken, 0);
    Strings expected;
    for (const AuditRecord& record : trail.records) {
      const Strings lines = as_logged(record);
      expected.insert(expected.end(), lines.begin(), lines.end());
    }
    EXPECT_EQ(log, expected);
    EXPECT_GT(log.size(), 80u);
    const auto has_both = [](const std::string& line) {
      return line.find(" dkim=keeps:keeps.example dkim=breaks:breaks.example ") != line.npos;
    };
    EXPECT_EQ(std::count_if(log.begin(), log.end(), has_both), 1);
    EXPECT_EQ(trail.totals.messages, messages.size());
    EXPECT_EQ(trail.totals.affected, trail.records.size());
    EXPECT_EQ(trail.totals.unread, 0u);
    // One line for the findings that are not logged.
    std::uint64_t findings = 0;
    for (const auto& [rule, actions] : trail.totals.findings)
      for (const auto& [action, count] : actions) findings += count;
    EXPECT_EQ(findings, log.size() - 1 + 20);
  }
}

TEST(Trail, TheReportedCase) {
  const SocketDirectory directory;
  Service service({"--audit-log=" + (directory / "audit.jsonl")});
  Session mta = service.session();
  mta.set_macros(code::mail, {{"{auth_authen}", "login"}});
  mta.send(reported_message());
  mta.set_macros(code::mail, {{"{mail_addr}", "sender@example.com"}});
  mta.send(reported_message());
  quit(mta);
  service.log();
  const Trail trail = read_trail(directory / "audit.jsonl");
  ASSERT_EQ(trail.records.size(), 2u);
  const AuditRecord& record = trail.records[0];
  EXPECT_EQ(record.queue_id, "4XyZ01234z");
  EXPECT_EQ(record.client_name, "mail.example.com");
  EXPECT_EQ(record.client_address, "192.0.2.1");
  EXPECT_EQ(record.user, "login");
  EXPECT_EQ(record.sender, "sender@example.com");
  EXPECT_EQ(record.from_domain, "example.com");
  EXPECT_EQ(record.agent, "Python");
  EXPECT_TRUE(record.recipient_domains.empty());
  ASSERT_EQ(record.findings.size(), 1u);
  EXPECT_EQ(record.findings[0].after, decoded_id);
  char host[256] = {};
  gethostname(host, sizeof host - 1);
  EXPECT_EQ(record.host, host);
  EXPECT_LE(report::rfc3339(time(nullptr) - 3600), record.time);
  EXPECT_GE(report::rfc3339(time(nullptr)), record.time);
  EXPECT_EQ(trail.records[1].user, "");
  struct stat status = {};
  ASSERT_EQ(stat((directory / "audit.jsonl").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0137, 0u) << "at most 0640";
}

// With many sessions at a time, some of them cut in the middle.
TEST(Trail, TotalsAreTheMessagesSent) {
  const SocketDirectory directory;
  Service service({"--header-size=4096", "--audit-log=" + (directory / "audit.jsonl")});
  Message large = message("Message-ID: <a@b>\n");
  large.fields.push_back({"References", " " + std::string(5000, 'x'), 1});
  constexpr int threads = 8;
  constexpr int rounds = 20;
  std::vector<int> done(threads);
  std::vector<std::thread> running;
  for (int i = 0; i < threads; ++i)
    running.emplace_back([&service, &large, &done, i] {
      try {
        Session mta = service.session();
        for (int n = 0; n < rounds; ++n) {
          mta.send(clean_message());
          mta.send(clean_message());
          mta.send(reported_message());
          mta.send(large);
          mta.begin(reported_message());
          mta.abort();
        }
        mta.begin(reported_message());
        mta.hang_up();
        done[static_cast<std::size_t>(i)] = 1;
      } catch (const std::exception&) {  // then it is not done
      }
    });
  for (std::thread& thread : running) thread.join();
  ASSERT_EQ(done, std::vector<int>(threads, 1));
  service.log();
  const Trail trail = read_trail(directory / "audit.jsonl");
  constexpr std::uint64_t each = threads * rounds;
  EXPECT_EQ(trail.broken, 0);
  EXPECT_EQ(trail.totals.messages, 4 * each);
  EXPECT_EQ(trail.totals.clean, 2 * each);
  EXPECT_EQ(trail.totals.affected, each);
  EXPECT_EQ(trail.totals.unread, each);
  EXPECT_EQ(trail.records.size(), each);
  EXPECT_EQ(trail.totals.findings, (decltype(trail.totals.findings){{"encoded-word", {{"rewritten", each}}}}));
}

TEST(Trail, TotalsOfNothingAreWrittenAtTheEnd) {
  const SocketDirectory directory;
  static_cast<void>(Service({"--audit-log=" + (directory / "audit.jsonl")}));
  const Trail trail = read_trail(directory / "audit.jsonl");
  EXPECT_EQ(trail.totals_count, 1);
  EXPECT_EQ(trail.totals.messages, 0u);
}

TEST(Trail, ASignalAfterARenameGoesToANewFile) {
  const SocketDirectory directory;
  const std::string path = directory / "audit.jsonl";
  Service service({"--audit-log=" + path});
  Session mta = service.session();
  mta.send(reported_message());
  fs::rename(path, path + ".1");
  mta.send(reported_message());
  kill(service.daemon().pid(), SIGUSR1);
  EXPECT_NE(service.daemon().wait_for_line("audit-log opened: " + path), "");
  mta.send(clean_message());
  mta.send(reported_message());
  quit(mta);
  service.log();
  EXPECT_EQ(read_trail(path + ".1").records.size(), 2u);
  const Trail trail = read_trail(path);
  EXPECT_EQ(trail.records.size(), 1u);
  EXPECT_EQ(trail.totals.messages, 4u) << "a rotation loses nothing";
}

TEST(Trail, ASignalWithoutATrailIsNothing) {
  Service service;
  Session mta = service.session();
  kill(service.daemon().pid(), SIGUSR1);
  EXPECT_EQ(mta.send(reported_message()).modifications, reported_edit());
  kill(service.daemon().pid(), SIGUSR1);
  quit(mta);
  EXPECT_EQ(service.log().size(), 1u);
}

/// No file of a program started under it may grow beyond `octets`, as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(std::uintmax_t octets) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit = {octets, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() { setrlimit(RLIMIT_FSIZE, &before_); }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
};

TEST(Trail, AFullDiskCostsALineInTheLog) {
  const SocketDirectory directory;
  const std::string path = directory / "audit.jsonl";
  // Large and with holes, so that the limit is none for what the daemon writes to standard error.
  constexpr std::uintmax_t large = 1 << 24;
  std::ofstream(path).close();
  fs::resize_file(path, large);
  fs::permissions(path, fs::perms(0666));  // the daemon's user is not ours
  std::optional<Service> service;
  {
    const FileSizeLimit limit(large + 30);
    service.emplace(Strings{"--audit-log=" + path});
  }
  Session mta = service->session();
  EXPECT_EQ(mta.send(reported_message()).modifications, reported_edit()) << "half a record";
  EXPECT_NE(service->daemon().wait_for_line("only a part of it was written"), "");
  EXPECT_EQ(mta.send(reported_message()).modifications, reported_edit()) << "no record";
  EXPECT_NE(service->daemon().wait_for_line("File too large"), "");
  EXPECT_TRUE(mta.send(clean_message()).modifications.empty());
  fs::rename(path, path + ".1");  // to where there is room
  kill(service->daemon().pid(), SIGUSR1);
  ASSERT_NE(service->daemon().wait_for_line("audit-log opened"), "");
  EXPECT_EQ(mta.send(reported_message()).modifications, reported_edit());
  quit(mta);
  const Strings log = service->log();
  ASSERT_EQ(log.size(), 6u);
  EXPECT_EQ(log[1], "4XyZ01234z: action=failed reason=audit-log what=\"only a part of it was written\"");
  EXPECT_EQ(log[3], "4XyZ01234z: action=failed reason=audit-log what=\"File too large\"");
  EXPECT_EQ(fs::file_size(path + ".1"), large + 30);
  const Trail trail = read_trail(path);
  EXPECT_EQ(trail.broken, 0);
  EXPECT_EQ(trail.records.size(), 1u);
  EXPECT_EQ(trail.totals.messages, 4u);
  EXPECT_EQ(trail.totals.affected, 3u);
}

TEST(Trail, HostileValuesEndAsJson) {
  const SocketDirectory directory;
  const std::string evil = "\"},\n{\"version\":1 \\ \x1b[2J\x07\x7f\xc3\xc3\xa9\xff \r y";
  Service service({"--exchange=report", "--audit-recipients=yes", "--audit-log=" + (directory / "audit.jsonl")});
  {
    Session mta(service.address());
    mta.negotiate();
    mta.connect_info("evil" + evil, "192.0.2.1");
    mta.set_macros(code::mail, {{"{auth_authen}", evil}});
    Message sent = message("");
    sent.queue_id = evil;
    sent.sender = "<" + evil + ">";
    sent.recipients = {"<a@" + evil + ">", "<\"" + evil + "@x>", std::string(70, '<')};
    sent.fields = {{"Message-ID", " =?utf-8?q?=3Ca=4? " + evil, 1},
                   {"From", " " + evil + " <a@" + evil + ">", 1},
                   {"DKIM-Signature", " d=" + evil + "; h=message-id:references", 1},
                   {"References", " =?utf-8?q?=3Ca=40b=3E?=", 1},
                   {"References", std::string(20000, '\xc3'), 2},
                   {"Bad\x01Name", " x", 1},
                   {"User-Agent", " " + evil, 1}};
    mta.send(sent);
    quit(mta);
  }
  service.log();
  const Trail trail = read_trail(directory / "audit.jsonl");
  EXPECT_EQ(trail.broken, 0);
  ASSERT_EQ(trail.records.size(), 1u);
  EXPECT_EQ(trail.records[0].agent, "\"},\n{\"version\":1 \\ \x1b[2J\x07\x7f\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd \r y");
  EXPECT_EQ(trail.records[0].user, trail.records[0].agent);
  EXPECT_EQ(trail.records[0].queue_id, trail.records[0].agent);
  EXPECT_EQ(trail.totals.messages, 1u);
}

TEST(Trail, RecipientsOnlyWhereTheyAreAskedFor) {
  Message sent = reported_message();
  sent.recipients = {"<a@one.example>", "<b@TWO.example>", "<c@one.example>", "<local>"};
  for (const bool is_tcp : {false, true}) {
    const auto family = is_tcp ? Service::Family::tcp : Service::Family::unix_socket;
    for (const bool wanted : {true, false}) {
      const SocketDirectory directory;
      Service service(
          {"--audit-log=" + (directory / "audit.jsonl"), std::string("--audit-recipients=") + (wanted ? "yes" : "no")},
          family);
      const fake_mta::Terms wish = Session(service.address()).negotiate();
      EXPECT_EQ(wish.protocol & (bit::no_rcpt | bit::nr_rcpt | bit::rejected_rcpt),
                wanted ? bit::nr_rcpt : bit::no_rcpt | bit::nr_rcpt);
      Session mta = service.session();
      Session without_nr = service.session({6, fake_mta::action::all, bit::all & ~(bit::nr_rcpt | bit::no_rcpt)});
      EXPECT_EQ(mta.send(sent).modifications, reported_edit());
      EXPECT_EQ(without_nr.send(sent).modifications, reported_edit());
      quit(mta);
      quit(without_nr);
      service.log();
      const Trail trail = read_trail(directory / "audit.jsonl");
      ASSERT_EQ(trail.records.size(), 2u);
      const Strings expected = wanted ? Strings{"one.example", "two.example"} : Strings();
      EXPECT_EQ(trail.records[0].recipient_domains, expected);
      EXPECT_EQ(trail.records[1].recipient_domains, expected);
    }
  }
}

/// What the daemon says of an audit log that it cannot open. It serves all the same.
std::string said_of(const std::string& path) {
  Service service({"--audit-log=" + path});
  const std::string beginning = "msgid-milter: audit-log cannot be opened; mail is filtered without it: ";
  std::string line = service.daemon().wait_for_line(beginning);
  Session mta = service.session();
  EXPECT_EQ(mta.send(reported_message()).modifications, reported_edit());
  quit(mta);
  service.daemon().terminate();
  EXPECT_EQ(service.daemon().wait(), 0);
  EXPECT_NE(
      service.daemon().wait_for_line("audit records were lost because they could not be written in time: count=1"), "");
  return line.substr(std::min(line.size(), beginning.size()));
}

TEST(Trail, RepairsMailWhenTheFileCannotBeOpened) {
  const SocketDirectory directory;
  const std::string none = directory / "none/audit.jsonl";
  EXPECT_EQ(said_of(none), none + " what=\"No such file or directory\"");
  const std::string fifo = directory / "fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0666), 0);
  fs::permissions(fifo, fs::perms(0666));
  EXPECT_EQ(said_of(fifo), fifo + " what=\"not a regular file\"");
  const int reader = open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  EXPECT_EQ(said_of(fifo), fifo + " what=\"not a regular file\"");
  close(reader);
  EXPECT_EQ(said_of("/dev/full"), "/dev/full what=\"not a regular file\"");
  EXPECT_EQ(said_of(directory.path()), directory.path() + " what=\"Is a directory\"");
  // Opened by the user that serves, not by root.
  const std::string locked = directory / "locked";
  std::ofstream(locked).close();
  fs::permissions(locked, fs::perms(0400));
  EXPECT_EQ(said_of(locked), locked + " what=\"Permission denied\"");
}

TEST(Trail, WritesWaitingRecordsOnceTheFileCanBeOpened) {
  const SocketDirectory directory;
  const std::string path = directory / "later/audit.jsonl";
  Service service({"--audit-log=" + path});
  ASSERT_NE(service.daemon().wait_for_line("audit-log cannot be opened"), "");
  Session mta = service.session();
  EXPECT_EQ(mta.send(reported_message()).modifications, reported_edit());
  fs::create_directory(directory / "later");
  fs::permissions(directory / "later", fs::perms(0777));
  kill(service.daemon().pid(), SIGUSR1);
  EXPECT_NE(service.daemon().wait_for_line("audit-log opened: " + path), "");
  EXPECT_EQ(mta.send(reported_message()).modifications, reported_edit());
  quit(mta);
  service.log();
  const Trail trail = read_trail(path);
  EXPECT_EQ(trail.records.size(), 2u);
  EXPECT_EQ(trail.totals.messages, 2u);
}

}  // namespace
