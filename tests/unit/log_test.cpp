#include "report/log.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace {

using report::Log;
using report::MessageContext;
using report::Outcome;
using report::Severity;

struct Captured {
  std::vector<std::string> lines;
  std::vector<Severity> severities;
  Log log{[this](Severity severity, std::string_view line) {
    severities.push_back(severity);
    lines.emplace_back(line);
  }};
};

const MessageContext message = {"4XyZ12", "app.example", "192.0.2.7", "<app@sender.example>", "Python/3.11 \"mail\""};

msgid::Finding finding(msgid::RuleId rule, msgid::Action action, std::string reason = {}) {
  const bool is_rewrite = action == msgid::Action::rewrite;
  return {&msgid::rules()[static_cast<std::size_t>(rule)],
          "Message-ID",
          1,
          action,
          std::move(reason),
          "=?utf-8?q?=3Ca?=",
          is_rewrite ? "<a@b>" : ""};
}

TEST(Log, AFindingIsOneLineWithTheQueueIdFirst) {
  Captured captured;
  captured.log.finding(message, finding(msgid::RuleId::encoded_word, msgid::Action::rewrite), Outcome::rewritten);
  ASSERT_EQ(captured.lines.size(), 1u);
  EXPECT_EQ(captured.lines[0],
            "4XyZ12: field=Message-ID instance=1 rule=encoded-word action=rewritten before=\"=?utf-8?q?=3Ca?=\" "
            "after=\"<a@b>\" client=app.example[192.0.2.7] sender=\"<app@sender.example>\" "
            "agent=\"Python/3.11 \\\"mail\\\"\"");
  EXPECT_EQ(captured.severities[0], Severity::info);
}

TEST(Log, NamesWhatHasBecomeOfAFinding) {
  Captured captured;
  const msgid::Finding edit = finding(msgid::RuleId::encoded_word, msgid::Action::rewrite);
  captured.log.finding(message, edit, Outcome::would_rewrite);
  captured.log.finding(message, edit, Outcome::failed);
  captured.log.finding(message, finding(msgid::RuleId::malformed, msgid::Action::report), Outcome::reported);
  captured.log.finding(message, finding(msgid::RuleId::encoded_word, msgid::Action::report, "broken-escape"),
                       Outcome::reported);
  EXPECT_NE(captured.lines[0].find(" action=would-rewrite before="), std::string::npos);
  EXPECT_NE(captured.lines[1].find(" action=failed reason=change-header before="), std::string::npos);
  EXPECT_EQ(captured.severities[1], Severity::warning);
  EXPECT_NE(captured.lines[2].find(" rule=malformed action=reported before="), std::string::npos);
  EXPECT_EQ(captured.lines[2].find(" after="), std::string::npos);
  EXPECT_NE(captured.lines[3].find(" action=reported reason=broken-escape before="), std::string::npos);
}

TEST(Log, ShowsWhatIsNotKnown) {
  Captured captured;
  captured.log.header_too_large({});
  EXPECT_EQ(captured.lines[0],
            "NOQUEUE: action=reported reason=header-size client=unknown[unknown] sender=\"\" agent=\"\"");
  captured.log.header_too_large({"q", "[192.0.2.7]", "192.0.2.7", {}, {}});
  EXPECT_NE(captured.lines[1].find(" client=unknown[192.0.2.7] "), std::string::npos);
  captured.log.callback_failed({"q", {}, {}, {}, {}}, "no \"memory\"");
  EXPECT_EQ(
      captured.lines[2],
      "q: action=failed reason=exception what=\"no \\\"memory\\\"\" client=unknown[unknown] sender=\"\" agent=\"\"");
}

TEST(Log, NothingFromOutsideCanForgeALineOrAKey) {
  Captured captured;
  const MessageContext hostile = {"q\n4Xforged: a=b", "host action=rewritten \"x\"", "1.2.3.4\r", "<a\nb@c> \"x\" \\",
                                  "\xc3\xa9\x7f\x01"};
  captured.log.header_too_large(hostile);
  EXPECT_EQ(captured.lines[0],
            "q\\x0a4Xforged:\\x20a=b: action=reported reason=header-size "
            "client=host\\x20action=rewritten\\x20\\x22x\\x22[1.2.3.4\\x0d] sender=\"<a\\x0ab@c> \\\"x\\\" \\\\\" "
            "agent=\"\\xc3\\xa9\\x7f\\x01\"");
}

TEST(Log, CutsLongValues) {
  Captured captured;
  const std::string longest(400, 'x');
  captured.log.header_too_large({"q", {}, {}, longest, longest + "y"});
  EXPECT_NE(captured.lines[0].find("sender=\"" + longest + "\""), std::string::npos);
  EXPECT_NE(captured.lines[0].find("agent=\"" + longest + "...\""), std::string::npos);
  captured.log.header_too_large({"q", {}, {}, std::string(100000, '\x01'), {}});
  EXPECT_LT(captured.lines[1].size(), 600u) << "escapes count";
}

TEST(Log, TheService) {
  Captured captured;
  captured.log.serving({{"unix:/run/x.sock"}, "rewrite", "1.2.3", "/lib/libmilter.so.1", "1.0.1"});
  captured.log.cannot_change_fields();
  captured.log.more_findings(message, 12);
  EXPECT_EQ(captured.lines[0],
            "serving unix:/run/x.sock mode=rewrite version=1.2.3 libmilter=/lib/libmilter.so.1 libmilter-api=1.0.1 "
            "transport=on");
  EXPECT_EQ(captured.lines[1], "the MTA does not let filters change header fields: log-only for this session");
  EXPECT_EQ(captured.severities[1], Severity::warning);
  EXPECT_NE(captured.lines[2].find("4XyZ12: action=reported reason=more-findings count=12 client="), std::string::npos);
}

TEST(Log, SaysWhatBecomesOfSignatures) {
  Captured captured;
  msgid::Finding edit = finding(msgid::RuleId::encoded_word, msgid::Action::rewrite);
  edit.dkim = {{"one.example", "two.example"}, {"three.example"}};
  captured.log.finding(message, edit, Outcome::rewritten);
  EXPECT_NE(
      captured.lines[0].find(" after=\"<a@b>\" dkim=keeps:one.example,two.example dkim=breaks:three.example client="),
      std::string::npos);
  msgid::Finding held = finding(msgid::RuleId::encoded_word, msgid::Action::report, "signed");
  held.dkim.breaks = {"one.example"};
  captured.log.finding(message, held, Outcome::reported);
  EXPECT_NE(captured.lines[1].find(" reason=signed before=\"=?utf-8?q?=3Ca?=\" dkim=breaks:one.example client="),
            std::string::npos);
}

TEST(Log, NoDomainForgesAnother) {
  Captured captured;
  msgid::Finding edit = finding(msgid::RuleId::encoded_word, msgid::Action::rewrite);
  edit.dkim.breaks = {"a,b", "x y=\"z\" \\\n\xc3", "", "c"};
  captured.log.finding(message, edit, Outcome::rewritten);
  EXPECT_NE(captured.lines[0].find(" dkim=breaks:a\\x2cb,x\\x20y=\\x22z\\x22\\x20\\x5c\\x0a\\xc3,,c client="),
            std::string::npos)
      << captured.lines[0];
  edit.dkim.breaks.assign(100, std::string(300, 'x'));
  captured.log.finding(message, edit, Outcome::rewritten);
  EXPECT_LT(captured.lines[1].size(), captured.lines[0].size() + 420);
  EXPECT_NE(captured.lines[1].find("xxx... client="), std::string::npos);
}

TEST(Log, LinesOfLibmilterAreEscaped) {
  Captured captured;
  captured.log.libmilter_line(Severity::warning, "msgid-milter: \x1b[2J\nFAKE: action=failed \xc3");
  EXPECT_EQ(captured.lines[0], "libmilter: msgid-milter: \\x1b[2J\\x0aFAKE: action=failed \\xc3");
  EXPECT_EQ(captured.severities[0], Severity::warning);
}

TEST(Log, TheAuditTrail) {
  Captured captured;
  captured.log.audit_record_lost("4XyZ12", "No space left on device");
  captured.log.audit_record_lost({}, "Input/output error");
  captured.log.audit_log_opened("/var/log/a b.jsonl");
  captured.log.audit_log_not_opened("/var/log/audit.jsonl", "Permission denied", true);
  captured.log.signatures_too_large(message);
  EXPECT_EQ(captured.lines[0], "4XyZ12: action=failed reason=audit-log what=\"No space left on device\"");
  EXPECT_EQ(captured.severities[0], Severity::error);
  EXPECT_EQ(captured.lines[1], "NOQUEUE: action=failed reason=audit-log what=\"Input/output error\"");
  EXPECT_EQ(captured.lines[2], "audit-log opened: /var/log/a\\x20b.jsonl");
  EXPECT_EQ(captured.severities[2], Severity::info);
  EXPECT_EQ(captured.lines[3],
            "audit-log cannot be reopened; records still go to the old file: /var/log/audit.jsonl what=\"Permission "
            "denied\"");
  EXPECT_EQ(captured.severities[3], Severity::error);
  EXPECT_NE(captured.lines[4].find("4XyZ12: action=reported reason=signatures-size client="), std::string::npos);
}

}  // namespace
