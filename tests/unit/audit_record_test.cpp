#include "report/audit_record.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace {

using report::AuditFinding;
using report::AuditRecord;
using report::AuditTotals;
using report::parse_audit_line;
using report::to_json_line;

AuditFinding finding() {
  return {.rule = "encoded-word",
          .field = "Message-ID",
          .instance = 2,
          .part = "2.1",
          .action = "rewritten",
          .reason = "a-reason",
          .before = "=?utf-8?q?=3Ca=40b=3E?=",
          .after = "<a@b>",
          .keeps = {"k.example"},
          .breaks = {"b.example", "c.example"}};
}

AuditRecord record() {
  return {.time = "2026-11-22T10:00:00Z",
          .host = "relay",
          .queue_id = "4XyZ12",
          .source = "mail.eml",
          .number = 3,
          .client_address = "192.0.2.7",
          .client_name = "app.example",
          .user = "app",
          .sender = "app@sender.example",
          .recipient_domains = {"r.example", "s.example"},
          .from_domain = "from.example",
          .agent = "Python \"3\"",
          .scope = "exempt",
          .findings = {finding()},
          .more_findings = 4};
}

AuditTotals totals() {
  return {.time = "2026-11-22T10:01:00Z",
          .since = "2026-11-22T10:00:00Z",
          .host = "relay",
          .messages = 11,
          .clean = 5,
          .affected = 3,
          .unread = 1,
          .exempt = 2,
          .findings = {{"encoded-word", {{"failed", 1}, {"rewritten", 2}}}}};
}

AuditRecord read_record(const std::string& line) {
  return std::get<AuditRecord>(parse_audit_line(line));
}

std::string refusal(std::string_view line) {
  try {
    parse_audit_line(line);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "taken";
}

/// Printable ASCII, and one LF at the end.
bool is_harmless(const std::string& line) {
  for (const char c : line.substr(0, line.size() - 1)) {
    if (c < ' ' || c > '~') return false;
  }
  return line.ends_with('\n') && line.size() <= report::max_audit_line_octets;
}

TEST(AuditRecord, IsOneLine) {
  EXPECT_EQ(
      to_json_line(record()),
      R"({"version":1,"type":"message","time":"2026-11-22T10:00:00Z","host":"relay","queue_id":"4XyZ12",)"
      R"("source":"mail.eml","number":3,"client_address":"192.0.2.7","client_name":"app.example","user":"app",)"
      R"("sender":"app@sender.example","recipient_domains":["r.example","s.example"],)"
      R"("from_domain":"from.example","agent":"Python \"3\"","scope":"exempt","findings":[{"rule":"encoded-word",)"
      R"("field":"Message-ID","instance":2,"part":"2.1","action":"rewritten","reason":"a-reason",)"
      R"("before":"=?utf-8?q?=3Ca=40b=3E?=","after":"<a@b>",)"
      R"("dkim":{"keeps":["k.example"],"breaks":["b.example","c.example"]}}],"more_findings":4})"
      "\n");
}

TEST(AuditRecord, LeavesOutWhatIsNotKnown) {
  EXPECT_EQ(to_json_line(AuditRecord()), "{\"version\":1,\"type\":\"message\",\"findings\":[]}\n");
  AuditRecord one;
  AuditFinding& bare = one.findings.emplace_back();
  bare.rule = "missing";
  bare.field = "Message-ID";
  bare.action = "reported";
  EXPECT_EQ(to_json_line(one),
            R"({"version":1,"type":"message","findings":[{"rule":"missing","field":"Message-ID","instance":0,)"
            R"("action":"reported"}]})"
            "\n");
}

TEST(AuditRecord, IsReadAsItWasWritten) {
  const AuditRecord read = read_record(to_json_line(record()));
  const AuditRecord written = record();
  EXPECT_EQ(read.time, written.time);
  EXPECT_EQ(read.host, written.host);
  EXPECT_EQ(read.queue_id, written.queue_id);
  EXPECT_EQ(read.source, written.source);
  EXPECT_EQ(read.number, written.number);
  EXPECT_EQ(read.client_address, written.client_address);
  EXPECT_EQ(read.client_name, written.client_name);
  EXPECT_EQ(read.user, written.user);
  EXPECT_EQ(read.sender, written.sender);
  EXPECT_EQ(read.recipient_domains, written.recipient_domains);
  EXPECT_EQ(read.from_domain, written.from_domain);
  EXPECT_EQ(read.agent, written.agent);
  EXPECT_EQ(read.scope, written.scope);
  EXPECT_EQ(read.more_findings, written.more_findings);
  ASSERT_EQ(read.findings.size(), 1u);
  EXPECT_EQ(read.findings[0].rule, "encoded-word");
  EXPECT_EQ(read.findings[0].field, "Message-ID");
  EXPECT_EQ(read.findings[0].instance, 2);
  EXPECT_EQ(read.findings[0].part, "2.1");
  EXPECT_EQ(read.findings[0].action, "rewritten");
  EXPECT_EQ(read.findings[0].reason, "a-reason");
  EXPECT_EQ(read.findings[0].before, finding().before);
  EXPECT_EQ(read.findings[0].after, "<a@b>");
  EXPECT_EQ(read.findings[0].keeps, finding().keeps);
  EXPECT_EQ(read.findings[0].breaks, finding().breaks);
}

TEST(AuditTotals, AreWrittenAndRead) {
  const std::string line = to_json_line(totals());
  EXPECT_EQ(line, R"({"version":1,"type":"totals","time":"2026-11-22T10:01:00Z","since":"2026-11-22T10:00:00Z",)"
                  R"("host":"relay","messages":11,"clean":5,"affected":3,"unread":1,"exempt":2,)"
                  R"("findings":{"encoded-word":{"failed":1,"rewritten":2}}})"
                  "\n");
  const AuditTotals read = std::get<AuditTotals>(parse_audit_line(line));
  EXPECT_EQ(read.time, "2026-11-22T10:01:00Z");
  EXPECT_EQ(read.since, "2026-11-22T10:00:00Z");
  EXPECT_EQ(read.host, "relay");
  EXPECT_EQ(read.messages, 11u);
  EXPECT_EQ(read.clean, 5u);
  EXPECT_EQ(read.affected, 3u);
  EXPECT_EQ(read.unread, 1u);
  EXPECT_EQ(read.exempt, 2u);
  EXPECT_EQ(read.findings, totals().findings);
}

TEST(AuditRecord, HostileValuesEndAsAscii) {
  AuditRecord one = record();
  one.sender = "\"\\\x01\x1f\x7f\n\r\t\xff\xc3\xc3\xa9\xed\xa0\x80\xf0\x9f\x98\x80";
  one.sender += '\0';
  one.agent = "\xc2\x9b[2J\xe2\x80\xae";  // CSI of C1, right-to-left override
  one.recipient_domains = {"\x80"};
  one.findings[0].keeps = {"a,b\n"};
  const std::string line = to_json_line(one);
  EXPECT_TRUE(is_harmless(line)) << line;
  const AuditRecord read = read_record(line);
  const std::string replaced = "\xef\xbf\xbd";
  EXPECT_EQ(read.sender.substr(0, 8), "\"\\\x01\x1f\x7f\n\r\t");
  EXPECT_EQ(read.sender.substr(8, 8), replaced + replaced + "\xc3\xa9");
  EXPECT_TRUE(read.sender.ends_with(std::string("\xf0\x9f\x98\x80\0", 5)));
  EXPECT_EQ(read.agent, one.agent);
  EXPECT_EQ(read.recipient_domains, std::vector<std::string>{replaced});
  EXPECT_EQ(read.findings[0].keeps, std::vector<std::string>{"a,b\n"});
}

TEST(AuditRecord, CutsLongValues) {
  AuditRecord one;
  one.sender = std::string(8192, 'x');
  one.agent = one.sender + "y";
  one.user = std::string(100000, '\x01');
  one.queue_id = std::string(100000, '"');
  AuditRecord read = read_record(to_json_line(one));
  EXPECT_EQ(read.sender, one.sender);
  EXPECT_EQ(read.agent, one.sender + "...");
  EXPECT_EQ(read.user, std::string(1365, '\x01') + "...") << "\\u0001 is six octets";
  EXPECT_EQ(read.queue_id, std::string(4096, '"') + "...");
}

TEST(AuditRecord, CutsBetweenCharacters) {
  const std::vector<std::string> characters = {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
  for (const std::string& character : characters) {
    for (std::size_t before = 0; before < 13; ++before) {
      AuditRecord one;
      one.agent = std::string(before, 'x');
      while (one.agent.size() < 20000) one.agent += character;
      const std::string read = read_record(to_json_line(one)).agent;
      EXPECT_EQ(read.find("\xef\xbf\xbd"), std::string::npos) << before;
      EXPECT_TRUE(read.ends_with(character + "...")) << before;
    }
  }
  AuditRecord none;
  none.agent = std::string(20000, '\x80');
  EXPECT_TRUE(read_record(to_json_line(none)).agent.ends_with("...")) << "nothing to stop at";
}

TEST(AuditRecord, IsBounded) {
  const std::string worst(10000, '\xff');
  const std::vector<std::string> domains(110, std::string(300, '\xff'));
  AuditRecord one = {.time = worst,
                     .host = worst,
                     .queue_id = worst,
                     .source = worst,
                     .number = std::numeric_limits<std::size_t>::max(),
                     .client_address = worst,
                     .client_name = worst,
                     .user = worst,
                     .sender = worst,
                     .recipient_domains = domains,
                     .from_domain = worst,
                     .agent = worst,
                     .scope = worst,
                     .findings = {},
                     .more_findings = 7};
  const AuditFinding large = {.rule = worst,
                              .field = worst,
                              .instance = std::numeric_limits<int>::max(),
                              .part = worst,
                              .action = worst,
                              .reason = worst,
                              .before = worst,
                              .after = worst,
                              .keeps = domains,
                              .breaks = domains};
  one.findings.assign(60, large);
  const std::string line = to_json_line(one);
  EXPECT_LE(line.size(), report::max_audit_line_octets);
  EXPECT_GT(line.size(), report::max_audit_line_octets / 4) << "the worst case is none";
  one.number = 1;
  const AuditRecord read = read_record(to_json_line(one));
  EXPECT_EQ(read.findings.size(), report::max_findings);
  EXPECT_EQ(read.more_findings, 17u);
  EXPECT_EQ(read.recipient_domains.size(), report::max_audit_domains);
  EXPECT_EQ(read.findings[0].breaks.size(), report::max_audit_domains);
}

TEST(AuditLine, IsRefusedWithAReason) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "cut in half"},
      {"\n", "cut in half"},
      {"[]", "not a record"},
      {"1", "not a record"},
      {"{}", "version is missing"},
      {"nonsense", "not JSON, at octet 2"},
      {R"({"version":1,"type":"message","findings":[]} x)", "not JSON, at octet 46"},
      {"{\"version\":1,\"type\":\"\xff\"}", "not JSON, at octet 22"},
      {std::string("{\"version\":1,\"type\":\"new\"}\0\0", 28), "not JSON, at octet 27"},
      {R"({"version":1e999})", "not JSON: a number out of range"},
      {R"({"version":2,"type":"message","findings":[]})", "version 2 is not known here"},
      {R"({"version":"1","type":"message","findings":[]})", "version: a value of another type, or out of range"},
      {R"({"version":1.0,"type":"message","findings":[]})", "version: a value of another type, or out of range"},
      {R"({"version":1})", "type is missing"},
      {R"({"version":1,"type":1})", "type: a value of another type, or out of range"},
      {R"({"version":1,"type":"message"})", "findings is missing"},
      {R"({"version":1,"type":"message","findings":{}})", "findings: a value of another type, or out of range"},
      {R"({"version":1,"type":"message","findings":[1]})", "findings: a value of another type, or out of range"},
      {R"({"version":1,"type":"message","findings":[],"host":1})", "host: a value of another type, or out of range"},
      {R"({"version":1,"type":"message","findings":[],"host":null})", "host: a value of another type, or out of range"},
      {R"({"version":1,"type":"message","findings":[],"recipient_domains":[1]})",
       "recipient_domains: a value of another type, or out of range"},
      {R"({"version":1,"type":"message","findings":[],"recipient_domains":"a"})",
       "recipient_domains: a value of another type, or out of range"},
      {R"({"version":1,"type":"message","findings":[{"instance":-1}]})",
       "instance: a value of another type, or out of range"},
      {R"({"version":1,"type":"message","findings":[{"instance":2147483648}]})",
       "instance: a value of another type, or out of range"},
      {R"({"version":1,"type":"message","findings":[{"dkim":[]}]})", "dkim: a value of another type, or out of range"},
      {R"({"version":1,"type":"message","findings":[{"dkim":{"keeps":{}}}]})",
       "keeps: a value of another type, or out of range"},
      {R"({"version":1,"type":"totals","clean":1,"affected":0,"unread":0,"findings":{}})", "messages is missing"},
      {R"({"version":1,"type":"totals","messages":-1,"clean":1,"affected":0,"unread":0,"findings":{}})",
       "messages: a value of another type, or out of range"},
      {R"({"version":1,"type":"totals","messages":9007199254740992,"clean":1,"affected":0,"unread":0,"findings":{}})",
       "messages: a value of another type, or out of range"},
      {R"({"version":1,"type":"totals","messages":1,"clean":1,"affected":0,"unread":0,"findings":{"a":1}})",
       "findings: a value of another type, or out of range"},
      {R"({"version":1,"type":"totals","messages":1,"clean":1,"affected":0,"unread":0,"findings":{"a":{"b":"c"}}})",
       "findings: a value of another type, or out of range"},
  };
  for (const auto& [line, reason] : cases) EXPECT_EQ(refusal(line), reason) << line;
}

TEST(AuditLine, CutAnywhereIsRefused) {
  for (const std::string& line : {to_json_line(record()), to_json_line(totals())}) {
    for (std::size_t size = 0; size + 1 < line.size(); ++size) {
      EXPECT_EQ(refusal(line.substr(0, size)), "cut in half") << line.substr(0, size);
      EXPECT_EQ(refusal(line.substr(0, size) + "\n"), "cut in half");
    }
    EXPECT_EQ(refusal(line.substr(0, line.size() - 1)), "taken");
  }
}

TEST(AuditLine, PassesOverWhatItDoesNotKnow) {
  EXPECT_TRUE(
      std::holds_alternative<std::monostate>(parse_audit_line(R"({"version":1,"type":"started","findings":7})")));
  const AuditRecord read =
      read_record(R"({"new":{"a":[1,{"b":null}]},"version":1,"findings":[{"rule":"x","new":[]}],"type":"message"})");
  ASSERT_EQ(read.findings.size(), 1u);
  EXPECT_EQ(read.findings[0].rule, "x");
}

TEST(AuditLine, NestingIsBounded) {
  for (const std::string opening : {"[", "{\"a\":", "[{\"a\":"}) {
    std::string line;
    while (line.size() < 4000000) line += opening;
    EXPECT_EQ(refusal(line), "not a record: nested too deeply");
    EXPECT_EQ(refusal(R"({"version":1,"type":"message","findings":[],"x":)" + line), "not a record: nested too deeply");
  }
}

TEST(AuditFinding, SaysWhatTheLogSays) {
  const msgid::Finding found = {&msgid::rules()[0], "Message-Id", 3, msgid::Action::rewrite, "", "before", "after",
                                {{"k"}, {"b"}},     "2.1"};
  const AuditFinding failed = audit_finding(found, report::Outcome::failed);
  EXPECT_EQ(failed.rule, msgid::rules()[0].name);
  EXPECT_EQ(failed.field, "Message-Id");
  EXPECT_EQ(failed.instance, 3);
  EXPECT_EQ(failed.part, "2.1");
  EXPECT_EQ(failed.action, "failed");
  EXPECT_EQ(failed.reason, "change-header");
  EXPECT_EQ(failed.before, "before");
  EXPECT_EQ(failed.after, "after");
  EXPECT_EQ(failed.keeps, std::vector<std::string>{"k"});
  EXPECT_EQ(failed.breaks, std::vector<std::string>{"b"});
  EXPECT_EQ(audit_finding(found, report::Outcome::would_rewrite).action, "would-rewrite");
  EXPECT_EQ(audit_finding(found, report::Outcome::rewritten).reason, "");
}

TEST(Rfc3339, Times) {
  EXPECT_EQ(report::rfc3339(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(report::rfc3339(1795341600), "2026-11-22T10:00:00Z");
  EXPECT_EQ(report::rfc3339(951782399), "2000-02-28T23:59:59Z");
  EXPECT_EQ(report::rfc3339(-1), "1969-12-31T23:59:59Z");
  EXPECT_EQ(report::rfc3339(std::numeric_limits<std::int64_t>::min()), "0000-01-01T00:00:00Z");
  EXPECT_EQ(report::rfc3339(std::numeric_limits<std::int64_t>::max()), "9999-12-31T23:59:59Z");
}

}  // namespace
