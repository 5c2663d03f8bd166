// What the tool finds in one message. The rules themselves are tested with the core.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>

#include "audit/examine.h"
#include "report/words.h"
#include "tests/unit/source_files.h"

namespace {

using namespace std::string_view_literals;

msgid::Policy reporting() {
  msgid::Policy policy;
  policy.exchange = msgid::RuleAction::report;
  return policy;
}

/// A line a finding: "part rule field[instance] action reason: before".
std::string dump(const audit::Examined& examined) {
  std::string text;
  for (const msgid::Finding& finding : examined.findings) {
    text += finding.part + ' ' + std::string(finding.rule->name) + ' ' + finding.field + '[' +
            std::to_string(finding.instance) + ']';
    text += finding.action == msgid::Action::rewrite ? " rewrite " : " report ";
    text += finding.reason + ": " + finding.before + '\n';
  }
  return text;
}

std::string findings(const std::string& message, const msgid::Policy& policy = reporting()) {
  std::string with_crlf;
  for (const char c : message) with_crlf += c == '\n' ? std::string("\r\n") : std::string(1, c);
  audit::Examiner examiner(policy);
  const std::string found = dump(examiner.examine(message));
  EXPECT_EQ(dump(examiner.examine(with_crlf)), found) << "with CRLF";
  EXPECT_EQ(dump(examiner.examine(message)), found) << "again";
  return found;
}

const std::string mime = "Message-ID: <a@b.example>\nMIME-Version: 1.0\n";

TEST(Examine, HeaderFirstThenExchangeThenParts) {
  EXPECT_EQ(findings("Message-ID: =?utf-8?q?=3Ca=40b=3E?=\nX: \xff\nMIME-Version: 1.0\n"
                     "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-ID: =?utf-8?q?=3Cc=40b=3E?=\n\n\xff\n"),
            " encoded-word Message-ID[1] rewrite : =?utf-8?q?=3Ca=40b=3E?=\n"
            " exchange-non-ascii X[1] report not-utf-8: \xff\n"
            "1 encoded-word Content-ID[1] report in-part: =?utf-8?q?=3Cc=40b=3E?=\n"
            "1 exchange-8bit-body Content-Transfer-Encoding[0] report : \n");
}

TEST(Examine, EightBitOctetsNeedADeclaration) {
  const auto body = [](const std::string& encoding) {
    return findings(mime + "Content-Type: text/plain\n" + encoding +
                    "\nGr\xc3\xbc\xc3\x9f"
                    "e\n");
  };
  EXPECT_EQ(body(""), " exchange-8bit-body Content-Transfer-Encoding[0] report : \n");
  EXPECT_EQ(body("content-transfer-encoding: 7BIT (so)\n"),
            " exchange-8bit-body content-transfer-encoding[1] report : 7BIT (so)\n");
  EXPECT_EQ(body("Content-Transfer-Encoding: (a (b) \\)) 7bit\n"),
            " exchange-8bit-body Content-Transfer-Encoding[1] report : (a (b) \\)) 7bit\n");
  EXPECT_EQ(body("Content-Transfer-Encoding:\n 7bit\n"),
            " exchange-8bit-body Content-Transfer-Encoding[1] report : 7bit\n");
  for (const char* const wide : {"8bit", "8BIT", "binary", "quoted-printable", "base64"}) {
    EXPECT_EQ(body(std::string("Content-Transfer-Encoding: ") + wide + "\n"), "") << wide;
  }
  EXPECT_EQ(findings(mime + "\nText.\n"), "");
  EXPECT_EQ(findings(mime + "\n" + std::string(3000, 'x') + "\xc3\xbc"),
            " exchange-8bit-body Content-Transfer-Encoding[0] report : \n");
}

TEST(Examine, AFieldNameThatEndsTheHeaderIsSeen) {
  EXPECT_EQ(findings("Message-ID: <a@b.example>\nX Bad: 1\nX: 2\n\nText.\n"),
            " exchange-field-name X Bad[1] report : 1\n"
            " header-ends-early Message-ID[1] report no-field-name: X Bad: 1\n");
  EXPECT_EQ(findings("Message-ID: <a@b.example>\n: 1\n"),
            " exchange-field-name [1] report : 1\n header-ends-early Message-ID[1] report no-field-name: : 1\n");
  EXPECT_EQ(findings("Message-ID: <a@b.example>\n\nX Y: Z\n"), "") << "that is the body";
}

// The Message-ID below such a line is in the body for Postfix, and Exchange makes a new one.
TEST(Examine, AHeaderEndsEarlyAtALineThatIsNoField) {
  const std::string id = "Message-ID: <a@b.example>\n";
  const auto found = [&](const std::string& message) { return findings(message, msgid::Policy()); };
  EXPECT_EQ(found(id + "no field\nX: 1\n\nx\n"), " header-ends-early Message-ID[1] report no-colon: no field\n");
  EXPECT_EQ(found("X: 1\nx: 2\n 3\nno field"), " header-ends-early x[2] report no-colon: no field\n");
  EXPECT_EQ(found(id + "From a@b Mon Jan  5 10:00:00 2026\n" + id),
            " header-ends-early Message-ID[1] report from-line: From a@b Mon Jan  5 10:00:00 2026\n");
  EXPECT_EQ(found(id + ">From a\n" + id), " header-ends-early Message-ID[1] report from-line: >From a\n");
  EXPECT_EQ(found(id + "\xef\xbb\xbfX: 1\n"),
            " header-ends-early Message-ID[1] report no-field-name: \xef\xbb\xbfX: 1\n");
  EXPECT_EQ(found(id + std::string(5000, 'x') + '\n'),
            " header-ends-early Message-ID[1] report no-colon: " + std::string(1000, 'x') + '\n');
  for (const char* end : {"", "\n", "\nno field\n", "\r\r\nno field\n"}) {
    EXPECT_EQ(dump(audit::Examiner(msgid::Policy()).examine(id + end)), "") << end;
  }
  EXPECT_EQ(found("From a@b Mon Jan  5 10:00:00 2026\n" + id + "\n"), "");
}

TEST(Examine, AnAmbiguousFieldIsReportedOnceForEachReason) {
  const msgid::Policy policy;
  audit::Examiner examiner(policy);
  const auto found = [&](std::string_view message) { return dump(examiner.examine(message)); };
  EXPECT_EQ(found("X: 1\nx: a\0b\n c\0\nY: \0\n\n"sv), " header-ambiguous x[2] report nul: a\0b c\0\n"sv);
  EXPECT_EQ(found("X: a\rY: b\r\n\r\n"), " header-ambiguous X[1] report bare-cr: a\rY: b\n");
  EXPECT_EQ(found("X: 1\r\n\t2\r\nX: a\r\n b\r\r\n\r\n"), " header-ambiguous X[2] report bare-cr: a b\n");
  EXPECT_EQ(found("X: 1\r\n 2\r\n\r\na\rb\0"sv), "");
  EXPECT_EQ(found("References: <a@b>\r<c@d>\n\n"), " control-character References[1] report : <a@b>\r<c@d>\n")
      << "one fault, one line";
  msgid::Policy silent;
  silent.action(msgid::RuleId::control_character) = msgid::RuleAction::off;
  EXPECT_EQ(dump(audit::Examiner(silent).examine("References: <a@b>\r<c@d>\n\n")),
            " header-ambiguous References[1] report bare-cr: <a@b>\r<c@d>\n");
  const std::size_t limit = 102400 + 2048;
  EXPECT_EQ(found("X:" + std::string(limit - 2, 'x') + "\n\n"), "");
  EXPECT_EQ(found("X:" + std::string(limit - 1, 'x') + "\n\n"),
            " header-ambiguous X[1] report over-header-size-limit: " + std::string(1000, 'x') + '\n');
  EXPECT_EQ(found("X: 1\n\n"), "") << "what was seen in one message is not reported of the next";
}

TEST(Examine, TheRulesAboutHeadersAreExplained) {
  const std::string page = source_files::contents(source_files::source / "packaging/man/msgid-audit.1");
  std::set<msgid::RuleId> ids;
  for (const msgid::Rule& rule : audit::header_rules()) {
    EXPECT_NE(report::rule_words(rule.name), nullptr) << rule.name;
    EXPECT_NE(page.find("\n.It Cm " + std::string(rule.name) + '\n'), std::string::npos) << rule.name;
    EXPECT_GT(rule.id, msgid::exchange_rules().back().id) << "no other rule has it";
    ids.insert(rule.id);
  }
  EXPECT_EQ(ids.size(), 2u);
  for (const char* reason : {"no-colon", "no-field-name", "from-line", "nul", "bare-cr", "over-header-size-limit"}) {
    EXPECT_NE(page.find(".Cm reason=" + std::string(reason)), std::string::npos) << reason;
  }
}

TEST(Examine, AMultipartIsAsWideAsItsParts) {
  const auto multipart = [](const std::string& outer, const std::string& inner) {
    return findings(mime + "Content-Type: multipart/mixed; boundary=o\n" + outer +
                    "\n--o\nContent-Type: multipart/mixed; boundary=i\n" + inner +
                    "\n--i\nContent-Transfer-Encoding: 8bit\n\n\xc3\xbc\n--i--\n--o--\n");
  };
  const std::string seven = "Content-Transfer-Encoding: 7bit\n";
  const std::string eight = "Content-Transfer-Encoding: 8bit\n";
  EXPECT_EQ(multipart("", ""), "");
  EXPECT_EQ(multipart(eight, eight), "");
  EXPECT_EQ(multipart("Content-Transfer-Encoding: binary\n", ""), "");
  EXPECT_EQ(multipart(seven, ""), " exchange-narrow-multipart Content-Transfer-Encoding[1] report 8bit: 7bit\n");
  EXPECT_EQ(multipart(eight, seven), "1 exchange-narrow-multipart Content-Transfer-Encoding[1] report 8bit: 7bit\n");
}

TEST(Examine, IdsInPartsAreReportedUnderTheSamePolicy) {
  const std::string message = mime +
                              "Content-Type: multipart/mixed; boundary=o\n\n"
                              "--o\nContent-ID: no id\nX-Ref: =?utf-8?q?=3Cx=40b=3E?=\n\nx\n"
                              "--o\nContent-Type: message/rfc822\n\n"
                              "References: <a@b>\nReferences: <a@b>\nMessage-ID: x@y\n\nno Message-ID is missing here\n"
                              "--o\nContent-Type: text/plain\n\nMessage-ID: =?utf-8?q?=3Cx=40b=3E?=\n--o--\n";
  msgid::Policy policy = reporting();
  policy.action(msgid::RuleId::missing) = msgid::RuleAction::report;
  EXPECT_EQ(findings(message, policy),
            "1 malformed Content-ID[1] report no-msg-id: no id\n"
            "2 duplicate-field References[2] report : <a@b>\n"
            "2 brackets Message-ID[1] report : x@y\n");
  policy.fields.push_back({"X-Ref", true, false});
  policy.action(msgid::RuleId::duplicate_field) = msgid::RuleAction::off;
  policy.action(msgid::RuleId::brackets) = msgid::RuleAction::fix;
  EXPECT_EQ(findings(message, policy),
            "1 malformed Content-ID[1] report no-msg-id: no id\n"
            "1 encoded-word X-Ref[1] report in-part: =?utf-8?q?=3Cx=40b=3E?=\n"
            "2 brackets Message-ID[1] report in-part: x@y\n");
}

TEST(Examine, ExchangeOffLeavesOnlyIds) {
  EXPECT_EQ(findings("X: \xff\nContent-Type: multipart/mixed; boundary=o\nContent-Transfer-Encoding: 7bit\n\n"
                     "--o\nContent-ID: x@y\nContent-Transfer-Encoding: binary\n\nx\n--o\n\n\xff\n",
                     msgid::Policy()),
            "1 brackets Content-ID[1] report : x@y\n");
}

TEST(Examine, KeepsWhatHelpsToFindTheMessage) {
  const std::string message =
      "from: a@b\nX-Mailer: first\nUser-Agent: second\nFrom: c@d\nSubject:\nsubject: x\nDate: now\n\n";
  msgid::Policy policy;
  const audit::Examined examined = audit::Examiner(policy).examine(message);
  EXPECT_EQ(examined.from, " a@b");
  EXPECT_EQ(examined.agent, " first");
  EXPECT_EQ(examined.subject, "");
  EXPECT_EQ(examined.date, " now");
}

using Troubles = std::vector<std::string_view>;

TEST(Examine, SaysWhatItDidNotLookAt) {
  msgid::Policy policy = reporting();
  policy.header_size = 10000;
  audit::Examiner examiner(policy);
  const audit::Examined none = examiner.examine("\nno header\n");
  EXPECT_FALSE(none.is_decided);
  EXPECT_EQ(none.troubles, Troubles{"not a mail: it has no header field"});
  std::string large = "X: \xff\n";
  for (int i = 0; i < 10; ++i) large += "References: <" + std::string(1000, 'a') + "@b>\n";
  const audit::Examined over = examiner.examine(large);
  EXPECT_FALSE(over.is_decided);
  EXPECT_TRUE(over.findings.empty());
  EXPECT_EQ(over.troubles, Troubles{audit::over_size_text});
  // What was seen of it is not taken for the next message's.
  EXPECT_EQ(dump(examiner.examine("Message-ID: <a@b>\n\n")), "");

  std::string deep = mime;
  for (int i = 0; i < 100; ++i) deep += "Content-Type: message/rfc822\n\n";
  const Troubles is_deep = {"its MIME parts are too many or too deep; not all were looked at"};
  const audit::Examined cut = examiner.examine(deep);
  EXPECT_TRUE(cut.is_decided);
  EXPECT_EQ(cut.troubles, is_deep);
  const std::string large_signature = "DKIM-Signature: d=x.example; h=message-id; b=" + std::string(10000, 'x') + '\n';
  const audit::Examined both = examiner.examine(large_signature + "X: \xff\n" + deep);
  EXPECT_TRUE(both.is_decided);
  EXPECT_EQ(both.troubles, (Troubles{audit::lacks_signatures_text, is_deep.front()}));
}

// As the daemon's log.
TEST(Examine, SaysThatSignaturesWereLeftOutOnlyOfAFinding) {
  msgid::Policy policy = reporting();
  policy.header_size = 4096;
  const std::string signature = "DKIM-Signature: d=x.example; h=message-id; b=" + std::string(4096, 'x') + '\n';
  const auto troubles = [&](const std::string& message) { return audit::Examiner(policy).examine(message).troubles; };
  EXPECT_EQ(troubles(signature + "Message-ID: < a@b>\n\n"), Troubles{audit::lacks_signatures_text});
  EXPECT_EQ(troubles(signature + "X: \xff\nMessage-ID: <a@b>\n\n"), Troubles{audit::lacks_signatures_text});
  EXPECT_EQ(troubles(signature + "Message-ID: <a@b>\n\n"), Troubles{});
  EXPECT_EQ(troubles(signature + mime +
                     "\nGr\xc3\xbc\xc3\x9f"
                     "e\n"),
            Troubles{})
      << "the daemon does not see the body";
  policy.signed_fields = msgid::SignedFields::keep;
  EXPECT_EQ(troubles(signature + "Message-ID: <a@b>\n\n"), Troubles{audit::over_size_text});
}

}  // namespace
