// What becomes of one field: every row and sentence of the rules, as tables.
//
// A verdict is written as one line: the findings, "rule" for a rewrite, "rule:report" or "rule:reason" for none, and
// behind " -> " the new body. A fold is shown as "/".
#include "msgid/inspect.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace {

using msgid::Action;
using msgid::FieldList;
using msgid::Policy;
using msgid::RuleAction;
using msgid::RuleId;
using msgid::Verdict;

std::string on_one_line(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '\n' ? '/' : c;
  return out;
}

std::string dump(const Verdict& verdict) {
  std::string out;
  for (const msgid::Finding& finding : verdict.findings) {
    if (!out.empty()) out += ", ";
    out += finding.rule->name;
    if (finding.action == Action::report) out += ":" + (finding.reason.empty() ? "report" : finding.reason);
  }
  for (const msgid::Edit& edit : verdict.edits) out += " ->" + on_one_line(edit.new_body);
  return out;
}

std::string verdict_on(std::string_view name, std::string body, const Policy& policy = {}) {
  return dump(msgid::inspect({{std::string(name), std::move(body), 1}}, policy));
}

struct Case {
  const char* field;
  const char* body;
  const char* verdict;
};

void expect_all(std::span<const Case> cases, const Policy& policy = {}) {
  for (const Case& row : cases) {
    EXPECT_EQ(verdict_on(row.field, row.body, policy), row.verdict) << row.field << ":" << on_one_line(row.body);
  }
}

Policy with(RuleId rule, RuleAction action) {
  Policy policy;
  policy.action(rule) = action;
  return policy;
}

// --- Harmless to Exchange, so left alone.

const Case untouched[] = {
    {"Message-ID", "\n <guid@x.outlook.com>", ""},
    {"Message-ID", "\n\t<guid@x.outlook.com>", ""},
    {"Message-Id", " \n <guid@amazonses.com>", ""},
    {"Message-ID", " <[hex-ORSXG5A======@microsoft.com]>", ""},
    {"Message-ID", " <9181f493-df49-4af5-8ad2-e1a8eb692a98>", ""},
    {"In-Reply-To", " <yes>", ""},
    {"Message-ID", " <a1b2,c3d4-r0-SendEmail@odspnotify>", ""},
    {"Message-ID", " <!&!AAAAAAAAAAAYAAAA/79RoxKRBG5yGpSAQAAAAA=@dom.example>", ""},
    {"Message-ID", " <a-rather-long-left-side-of-an-id-that-is-well-over-the-78-octets-of-a-line@dom.example>", ""},
    {"References", " <a@b>,<c@d>,<e@f>", ""},
    {"In-Reply-To", " <a@b> (Name's message of \"Tue, 1 Jan 2026\")", ""},
    {"In-Reply-To", " Your message of \"Tue, 1 Jan 2026\" <a@b>", ""},
    {"In-Reply-To", " =?utf-8?q?Ren=C3=A9?= <a@b>", ""},
    {"In-Reply-To", " <a@b> (=?utf-8?q?Ren=C3=A9=3C=40?=)", ""},
    {"Message-ID", " <a@b> (=?utf-8?q?=3Cc=40d=3E?=)", ""},
    {"Message-ID", " <a@[192.0.2.1]>", ""},
    {"Message-ID", " <a@[IPv6:2001:db8::1]>", ""},
    {"Message-ID", " <a@b@c.example>", ""},
    {"Message-ID", " <Gr..a@domain.example>", ""},
    {"References", " <a@b>\n \n <c@d>", ""},
    {"References", " (an unclosed comment", ""},
    {"Subject", " =?utf-8?q?=3Ca=40b=3E?=", ""},
    {"X-Message-ID", " =?utf-8?q?=3Ca=40b=3E?=", ""},
    {"Content-ID", " =?utf-8?q?=3Ca=40b=3E?=", ""},
};

TEST(Inspect, LeavesTheHarmlessAlone) {
  expect_all(untouched);
}

// --- encoded-word.

const Case decoded[] = {
    // The reported case, by Python up to 3.7.
    {"Message-ID",
     " =?utf-8?q?=3C154810422972=2E4=2E16142961424846318784=40aaf39fce-?=\n"
     " =?utf-8?q?569e-473a-9453-6862595bd8da=2Eprvt=2Edyno=2Ert=2Eheroku=2Ecom=3E?=",
     "encoded-word -> "
     "<154810422972.4.16142961424846318784@aaf39fce-569e-473a-9453-6862595bd8da.prvt.dyno.rt.heroku.com>"},
    // Q and B, in any case, mixed in one run; TAB folds; words with nothing between.
    {"Message-ID", " =?utf-8?Q?=3ca?= =?UTF-8?b?QGI+?=", "encoded-word -> <a@b>"},
    {"Message-ID", " =?utf-8?Q?=3ca?=\n\t=?UTF-8?B?QGI+?=", "encoded-word -> <a@b>"},
    {"Message-ID", " =?utf-8?q?=3Ca?==?utf-8?q?=40b=3E?=", "encoded-word -> <a@b>"},
    {"Message-ID", "=?utf-8?q?=3Ca=40b=3E?=", "encoded-word -> <a@b>"},
    {"Message-ID", "\n =?utf-8?q?=3Ca=40b=3E?=\n ", "encoded-word -> <a@b>"},
    // Any charset whose ASCII is ASCII, and a language.
    {"Message-ID", " =?x-unknown*en-GB?q?=3Ca=40b=3E?=", "encoded-word -> <a@b>"},
    {"Message-ID", " =?cp-850?q?=3Ca=40b=3E?=", "encoded-word -> <a@b>"},
    // Empty words.
    {"Message-ID", " =?utf-8?q?\?= =?utf-8?q?=3Ca=40b=3E?= =?utf-8?b?\?=", "encoded-word -> <a@b>"},
    // PHPMailer: literal brackets, "_" between ids, cut mid-id.
    {"References", " =?us-ascii?Q?<a=5F1@b>_<c=3D@d.ex?=\n =?us-ascii?Q?ample>_<e@f>?=",
     "encoded-word -> <a_1@b> <c=@d.example> <e@f>"},
    // Comma, white space or nothing between ids.
    {"References", " =?utf-8?q?=3Ca=40b=3E?=\n =?utf-8?q?=3Cc=40d=3E?=", "encoded-word -> <a@b> <c@d>"},
    {"References", " =?utf-8?q?=3Ca=40b=3E=2C_=3Cc=40d=3E?=", "encoded-word -> <a@b> <c@d>"},
    {"References", " =?utf-8?q?=3Ca=40b=3E,=3Cc=40d=3E?=", "encoded-word -> <a@b> <c@d>"},
    {"References", " =?utf-8?q?=3Ca=40b=3E=09=3Cc=40d=3E?=", "encoded-word -> <a@b> <c@d>"},
    // Plain and encoded in one field: white space between them counts.
    {"References", " <p@q>\n =?utf-8?q?=3Ca=40b?=\n =?utf-8?q?=2Ec=3E?=", "encoded-word -> <p@q> <a@b.c>"},
    {"References", " =?utf-8?q?=3Ca=40b=3E?= <p@q> =?utf-8?q?=3Cc=40d=3E?=", "encoded-word -> <a@b> <p@q> <c@d>"},
    {"References", " =?utf-8?q?=3Ca=40b=3E?=,=?utf-8?q?=3Cc=40d=3E?=", "encoded-word -> <a@b> <c@d>"},
    {"References", " <p@q>=?utf-8?q?=3Ca=40b=3E?=", "encoded-word -> <p@q> <a@b>"},
    // Phrases and comments stay, a legal encoded-word among them.
    {"In-Reply-To", " =?utf-8?q?Ren=C3=A9?= (a\n b) <p@q> =?utf-8?q?=3Ca=40b=3E?=",
     "encoded-word -> =?utf-8?q?Ren=C3=A9?= (a b) <p@q> <a@b>"},
    {"In-Reply-To",
     " Your message of Sat,\n 10 Dec =?utf-8?q?=3Ca=40b=3E?=", "encoded-word -> Your message of Sat, 10 Dec <a@b>"},
    {"Message-ID", " (c) =?utf-8?q?=3Ca=40b=3E?= (d)", "encoded-word -> (c) <a@b> (d)"},
    // Odd ids.
    {"Message-ID", " =?utf-8?q?=3C=5Bhex=3D=3D=40microsoft=2Ecom=5D=3E?=", "encoded-word -> <[hex==@microsoft.com]>"},
    {"Message-ID", " =?utf-8?q?=3CGUID=3E?=", "encoded-word -> <GUID>"},
    {"Message-ID", " =?utf-8?q?=3Ca,b=40c=40d=3E?=", "encoded-word -> <a,b@c@d>"},
    // Base64 without its padding.
    {"Message-ID", " =?utf-8?b?PGFAYj4?=", "encoded-word -> <a@b>"},
    {"Message-ID", " =?utf-8?b?PGFAYi5jPg?=", "encoded-word -> <a@b.c>"},
    {"Message-ID", " =?utf-8?b?PGFA?= =?utf-8?b?Yj4?=", "encoded-word -> <a@b>"},
    // The line end was encoded too.
    {"Message-ID", " =?utf-8?q?=3Ca=40b=3E=0D=0A?=", "encoded-word -> <a@b>"},
    {"Message-ID", " =?utf-8?q?=3Ca=40b=3E=0A?=", "encoded-word -> <a@b>"},
    {"Message-ID", " =?utf-8?q?a=40b=0D=0A?=", "encoded-word -> <a@b>"},
    {"References", " =?utf-8?q?=3Ca=40b=3E=0D=0A?= <c@d>", "encoded-word -> <a@b> <c@d>"},
    // zend-mail: no brackets, the whole body.
    {"Message-ID", " =?UTF-8?Q?a8239b7f@localhost.eu?=", "encoded-word -> <a8239b7f@localhost.eu>"},
    {"In-Reply-To", " =?UTF-8?Q?a?= =?UTF-8?Q?=40b.c?=", "encoded-word -> <a@b.c>"},
};

TEST(EncodedWord, IsReplacedByTheIds) {
  expect_all(decoded);
}

const Case refused[] = {
    {"Message-ID", " =?utf-8?q?=3Ca=0D=0ABcc:_x=40b=3E?=", "encoded-word:control-character"},
    {"Message-ID", " =?utf-8?q?=3Ca=40b=3E=0ABcc:_x?=", "encoded-word:control-character"},
    {"Message-ID", " =?utf-8?q?=3Ca=40b=3E=0A=0A?=", "encoded-word:control-character"},
    {"Message-ID", " =?utf-8?q?=3Ca=40b=3E=0D?=", "encoded-word:control-character"},
    {"Message-ID", " =?utf-8?q?=3Ca=40b=3E=0A_?=", "encoded-word:control-character"},
    {"References", " =?utf-8?q?=3Ca=40b=3E=0A=3Cc=40d=3E?=", "encoded-word:control-character"},
    // What they decode to holds an encoded-word.
    {"Message-ID", " =?utf-8?q?=3C=3D=3Futf-8=3Fq=3Fa=40b=3F=3D=3E?=", "encoded-word:inside-msg-id"},
    // Several ids in one pair of brackets.
    {"References", " =?utf-8?q?=3Ca=40b,c=40d=3E?=", "encoded-word:more-than-one-msg-id"},
    {"References", " =?utf-8?q?=3Ca=40b;c=40d=3E?= <e@f>", "encoded-word:more-than-one-msg-id"},
    {"Message-ID", " =?utf-8?q?=3C=22a=40b=22=40c=3E?=", "encoded-word:more-than-one-msg-id"},
    {"Message-ID", " =?utf-8?q?=3Ca=00=40b=3E?=", "encoded-word:control-character"},
    {"Message-ID", " =?utf-8?q?=3Ca=1F=40b=3E?=", "encoded-word:control-character"},
    {"Message-ID", " =?utf-8?q?=3Ca=7F=40b=3E?=", "encoded-word:control-character"},
    {"Message-ID", " =?utf-8?q?=3C=C3=A9=40b=3E?=", "encoded-word:non-ascii"},
    {"Message-ID", " =?utf-8?q?=3Ca=4?=", "encoded-word:broken-escape"},
    // Padding is missing in part, or the bits that are in no octet are not zero, or six bits are left.
    {"Message-ID", " =?utf-8?b?PGFAYi5jPg=?=", "encoded-word:broken-base64"},
    {"Message-ID", " =?utf-8?b?PGFAYi5jPh?=", "encoded-word:broken-base64"},
    {"Message-ID", " =?utf-8?b?PGFAYj5?=", "encoded-word:broken-base64"},
    {"Message-ID", " =?utf-8?b?PGFAYi5jPg==P?=", "encoded-word:broken-base64"},
    {"Message-ID", " =?utf-8?b?PGFA?= =?utf-8?b?Yj4?=x", "encoded-word:text-left-over"},
    {"Message-ID", " =?utf-8?x?abc?=", "encoded-word:encoding"},
    {"References", " <a@b> =?utf-8?x?<c@d>?=", "encoded-word:encoding"},
    {"Message-ID", " =?utf-16?q?=3Ca=40b=3E?=", "encoded-word:charset"},
    {"Message-ID", " =?utf-8?q?=3Ca=40?= =?iso-2022-jp?q?b=3E?=", "encoded-word:charset"},
    {"Message-ID", " =?ibm037?q?=3Ca=40b=3E?=", "encoded-word:charset"},
    {"Message-ID", " =?utf-8?q?=3Ca=40b?=", "encoded-word:unbalanced-brackets"},
    {"Message-ID", " =?utf-8?q?a=40b=3E?=", "encoded-word:text-left-over"},
    {"Message-ID", " =?utf-8?q?=3E=3Ca=40b=3E?=", "encoded-word:unbalanced-brackets"},
    {"Message-ID", " =?utf-8?q?=3C=3Ca=40b=3E?=", "encoded-word:unbalanced-brackets"},
    {"Message-ID", " =?utf-8?q?=3Ca=40b=3E_text?=", "encoded-word:text-left-over"},
    {"Message-ID", " =?utf-8?q?text_=3Ca=40b=3E?=", "encoded-word:text-left-over"},
    {"Message-ID", " =?utf-8?q?=3Ca_b=40c=3E?=", "encoded-word:space-in-msgid"},
    {"Message-ID", " =?utf-8?q?=3C=3E?=", "encoded-word:empty"},
    {"Message-ID", " =?utf-8?q?\?=", "encoded-word:no-msg-id"},
    {"Message-ID", " =?utf-8?q?abc?=", "encoded-word:no-msg-id"},
    {"Message-ID", " =?utf-8?q?a=40b=40c?=", "encoded-word:no-msg-id"},
    {"In-Reply-To", " =?utf-8?q?Your_message?=", "encoded-word:no-msg-id"},
    {"References", " <p@q> =?utf-8?q?a=40b?=", "encoded-word:no-msg-id"},
    // Exactly one id in a field of one id.
    {"Message-ID", " =?utf-8?q?=3Ca=40b=3E_=3Cc=40d=3E?=", "encoded-word:more-than-one-msg-id"},
    {"Message-ID", " <p@q> =?utf-8?q?=3Ca=40b=3E?=", "encoded-word:more-than-one-msg-id"},
    {"Message-ID", " text =?utf-8?q?=3Ca=40b=3E?=", "encoded-word:text-left-over"},
    {"Message-ID", " <p@q> =?utf-8?q?phrase?=", "encoded-word:no-msg-id"},
    {"Resent-Message-ID", " =?utf-8?q?=3Ca=40b=3E_=3Cc=40d=3E?=", "encoded-word:more-than-one-msg-id"},
    // A word that a relay has cut, or that has a space in it, is no word, and what follows its beginning is no plain
    // id.
    {"Message-ID", " =?us-ascii?Q?<aaaa\n bbb@x>?=", "encoded-word:malformed-word, space-in-msgid:encoded-word"},
    {"References", " <a@b>\n =?us-ascii?Q?<c@d>\n _<e@f>?=", "encoded-word:malformed-word"},
    {"References", " <a @b> =?utf-8?q?=3Cc=40d", "encoded-word:malformed-word, space-in-msgid:encoded-word"},
    {"Message-ID", " =?utf-8?q?=3Ca=40b=3E", "encoded-word:malformed-word"},
    {"References", " =?u?b?=?u?b?= <c @d>", "encoded-word:malformed-word, space-in-msgid:encoded-word"},
    // A word that begins in a comment and ends after it is read otherwise by who decodes first.
    {"References", " (=?u?b?x)<c@d>,<e@f>?= <g @h>", "encoded-word:malformed-word, space-in-msgid:encoded-word"},
    {"References", " \"=?u?b?x\"<c@d>?= <g @h>", "encoded-word:malformed-word, space-in-msgid:encoded-word"},
    // Inside plain brackets: reported, never decoded.
    {"Message-ID", " <a=?utf-8?q?=40?=b>", "encoded-word:inside-msg-id"},
    {"References", " <a =?utf-8?q?=40b=3E?=", "encoded-word:inside-msg-id"},
    {"References", " <AAAA?=\n =?utf-8?q?b@c>,<d@e>?=", "encoded-word:inside-msg-id, space-in-msgid:uncertain"},
    {"References", " <a@b> <c=?utf-8?q?d?=@e> =?utf-8?q?=3Cf=40g=3E?=", "encoded-word:inside-msg-id"},
    // One run that cannot be read leaves the whole field as it was.
    {"References", " =?utf-8?q?=3Ca=40b=3E?= , =?utf-8?q?=3Cc=4?=", "encoded-word:broken-escape"},
};

TEST(EncodedWord, IsRefusedWithItsReason) {
  expect_all(refused);
}

TEST(EncodedWord, SetToReportLeavesTheField) {
  const Case cases[] = {
      {"Message-ID", " =?utf-8?q?=3Ca=40b=3E?=", "encoded-word:report"},
      {"Message-ID", " =?utf-8?q?=3Ca=4?=", "encoded-word:broken-escape"},
  };
  expect_all(cases, with(RuleId::encoded_word, RuleAction::report));
}

TEST(EncodedWord, IsLookedForInPhrasesButNotInPlainText) {
  const Case cases[] = {
      {"In-Reply-To", " a=b?c <a@b>", ""},
      {"In-Reply-To", " (a comment =?utf-8?q?cut) <a@b>", ""},
  };
  expect_all(cases);
}

TEST(EncodedWord, OffIsNotLookedFor) {
  const Case cases[] = {
      {"References", " =?utf-8?q?=3Ca=40b=3E?=", "malformed:no-msg-id"},
      {"References", " <a@b> =?utf-8?q?=3Ca=40b=3E?=", ""},
      {"Message-ID", " =?utf-8?q?=3Ca=40b=3E?=", "malformed:no-msg-id"},
  };
  expect_all(cases, with(RuleId::encoded_word, RuleAction::off));
}

TEST(EncodedWord, ThatIsNotReadHoldsLaterEditsBack) {
  const std::string long_id = "<" + std::string(1000, 'x') + "@y.example>";
  EXPECT_EQ(verdict_on("References", " <a @b>\n =?utf-8?q?=3Cc=4?="),
            "encoded-word:broken-escape, space-in-msgid:encoded-word");
  EXPECT_EQ(verdict_on("References", " " + long_id + "\n =?utf-8?q?=3Cc=4?="),
            "encoded-word:broken-escape, line-too-long:no-fold-point, msgid-too-long:encoded-word");
}

TEST(EncodedWord, ThatIsNotReadHoldsEveryOtherEditBack) {
  Policy policy;
  policy.references_length = 20;
  for (const RuleId rule : {RuleId::references_too_long, RuleId::brackets, RuleId::non_ascii}) {
    policy.action(rule) = RuleAction::fix;
  }
  EXPECT_EQ(verdict_on("References", " <a@b> <c@d> <e@f> <g@h> =?utf-8?q?=3Cc=4?=", policy),
            "encoded-word:broken-escape, references-too-long:encoded-word");
  EXPECT_EQ(verdict_on("In-Reply-To", " <\xc3\xa9@b> =?utf-8?q?=3Cc=4?=", policy),
            "encoded-word:broken-escape, references-too-long:encoded-word, non-ascii:encoded-word");
  EXPECT_EQ(verdict_on("Message-ID", " a=?b@c", policy), "encoded-word:malformed-word, brackets:encoded-word");
}

TEST(EncodedWord, ThatIsNotReadAllowsRefoldingAtExistingWhiteSpace) {
  const std::string id = "<" + std::string(600, 'x') + "@y>";
  EXPECT_EQ(verdict_on("References", " " + id + ", " + id + "  =?utf-8?q?=3Cc=4?=\t=?utf-8?q?5?="),
            "encoded-word:broken-escape, line-too-long -> " + id + ",/ " + id + "  =?utf-8?q?=3Cc=4?=\t=?utf-8?q?5?=");
  EXPECT_EQ(verdict_on("References", " " + id + "," + id + "=?utf-8?q?=3Cc=4?="),
            "encoded-word:broken-escape, line-too-long:no-fold-point")
      << "no white space, no fold point";
  Policy unfolds = with(RuleId::folded, RuleAction::fix);
  EXPECT_EQ(verdict_on("References", " <a\n b@c>\n =?utf-8?q?=3Cc=4?=", unfolds),
            "encoded-word:broken-escape, space-in-msgid:encoded-word, folded -> <a/ b@c> =?utf-8?q?=3Cc=4?=")
      << "a fold inside an id stays a fold, or no later relay could tell what it was";
  EXPECT_EQ(verdict_on("References", " <a@b>,<c@d>\n =?utf-8?q?=3Cc=4?=", unfolds),
            "encoded-word:broken-escape, folded -> <a@b>,<c@d> =?utf-8?q?=3Cc=4?=");
}

// --- line-too-long.

std::string list_of(std::size_t ids, std::string_view between, std::size_t id_octets = 80) {
  std::string out;
  for (std::size_t i = 0; i < ids; ++i) {
    std::string id = "<" + std::to_string(i) + "-";
    id += std::string(id_octets - id.size() - 3, 'x') + "@y>";
    out += (i == 0 ? " " : std::string(between)) + id;
  }
  return out;
}

TEST(LineTooLong, IsRefoldedBetweenIds) {
  struct {
    std::string_view between;
    std::string_view broken;
  } const rows[] = {{" ", "/ "},     {", ", ",/ "}, {"\t", "/\t"}, {"  ,  ", "  ,/  "},
                    {" , ", " ,/ "}, {",", ",/ "},  {"", "/ "}};
  for (const auto& row : rows) {
    // The first line is as full as it may be: ids of 80 octets, "References:" of 11.
    const std::size_t ids = (998 - 11 - 81) / (80 + row.between.size()) + 1;
    const std::string all = list_of(13, row.between);
    const std::size_t at = 81 + (ids - 1) * (80 + row.between.size());
    const std::string expected = all.substr(0, at) + std::string(row.broken) + all.substr(at + row.between.size());
    EXPECT_EQ(verdict_on("References", all), "line-too-long ->" + expected) << row.between;
  }
}

TEST(LineTooLong, ChangesNothingButLineBreaks) {
  Policy policy;
  policy.line_length = policy.fold_at = 40;
  const Case cases[] = {
      // Bare ids, phrases, escaped text, doubled brackets: broken where white space is, and kept as they are.
      {"References", " a1@mail.example b2@mail.example c3@mail.example",
       "line-too-long, brackets:report -> a1@mail.example/ b2@mail.example c3@mail.example"},
      {"In-Reply-To", " Your message of \"Tue, 1 Jan 2026\" at night <a1@mail.example>",
       "line-too-long -> Your message of/ \"Tue, 1 Jan 2026\" at night/ <a1@mail.example>"},
      {"References", " <<a1@mail.example>> <<b2@mail.example>>\t<<c3@x>>",
       "line-too-long, brackets:report -> <<a1@mail.example>>/ <<b2@mail.example>>\t<<c3@x>>"},
      {"References", " <a1@mail.example>;  <b2@mail.example>;  <c3@x>",
       "line-too-long, malformed:text-left-over -> <a1@mail.example>;/  <b2@mail.example>;  <c3@x>"},
      {"References", " &lt;a1@mail.example&gt; &lt;b2@mail.example&gt;",
       "line-too-long, malformed:escaped -> &lt;a1@mail.example&gt;/ &lt;b2@mail.example&gt;"},
      // Lines that are short enough keep their folds and their white space.
      {"References", "\n <a1@mail.example>\n\t<b2@mail.example> <c3@mail.example> (c d)\n  <e@f>",
       "line-too-long ->/ <a1@mail.example>/\t<b2@mail.example> <c3@mail.example>/ (c d)/  <e@f>"},
      {"References", "<a1@mail.example> <b2@mail.example>", "line-too-long -><a1@mail.example>/ <b2@mail.example>"},
      // White space is there but not enough of it: touching neighbors are parted too, where that helps.
      {"References", " <a1@mail.example> <b2@mail.example>,<c3@mail.example><d4@x>",
       "line-too-long -> <a1@mail.example>/ <b2@mail.example>,<c3@mail.example>/ <d4@x>"},
      {"References", " <a1@mail.example>,b2@mail.example,c3@mail.example",
       "line-too-long, brackets:report -> <a1@mail.example>,/ b2@mail.example,c3@mail.example"},
      {"References", " <a1@mail.example>(a comment of 20 c)<c3@x>",
       "line-too-long -> <a1@mail.example>/ (a comment of 20 c)<c3@x>"},
      // Never inside brackets, closed or not.
      {"References", " <a1@mail.example b2@mail.example c3@mail.example>",
       "line-too-long:no-fold-point, space-in-msgid:uncertain"},
      {"References", " <a1@mail.example b2@mail.example c3@mail.example",
       "line-too-long:no-fold-point, malformed:unbalanced-brackets"},
      {"References", " <a1@mail.example b2@mail.example> <c3@mail.example>",
       "line-too-long, space-in-msgid:uncertain -> <a1@mail.example b2@mail.example>/ <c3@mail.example>"},
  };
  expect_all(cases, policy);
}

TEST(LineTooLong, CountsTheNameAndTheColon) {
  // "References:" has 11 octets, each id 81 with its space.
  EXPECT_EQ(verdict_on("References", list_of(12, " ") + std::string(998 - 11 - 12 * 81, ' ')), "") << "998";
  EXPECT_EQ(verdict_on("References", list_of(12, " ") + std::string(999 - 11 - 12 * 81, ' ')),
            "line-too-long ->" + list_of(11, " ") + "/ " + list_of(12, " ").substr(11 * 81 + 1) + std::string(16, ' '))
      << "999";
  EXPECT_EQ(verdict_on("References", " (" + std::string(984, 'x') + ")"), "") << "998";
  EXPECT_EQ(verdict_on("References", " (" + std::string(984, 'x') + ") "), "line-too-long:no-fold-point")
      << "a line of white space only would be obsolete";
}

TEST(LineTooLong, LooksAtPhysicalLines) {
  EXPECT_EQ(verdict_on("References", list_of(13, "\n ")), "");
  EXPECT_EQ(
      verdict_on("References", " <a@b>\n" + list_of(12, " ") + std::string(27, ' ')),
      "line-too-long -> <a@b>/" + list_of(11, " ") + "/ " + list_of(12, " ").substr(11 * 81 + 1) + std::string(27, ' '))
      << "a second line of 999";
}

TEST(LineTooLong, WithoutAFoldPointIsReported) {
  const std::string phrase(1000, 'p');
  EXPECT_EQ(verdict_on("References", " <a@b> " + phrase), "line-too-long:no-fold-point");
  EXPECT_EQ(
      verdict_on("Message-ID", " <" + std::string(1000, 'x') + "@y>", with(RuleId::msgid_too_long, RuleAction::report)),
      "line-too-long:no-fold-point, msgid-too-long:report");
  EXPECT_EQ(verdict_on("References", " " + std::string(1000, ' ')), "line-too-long:no-fold-point, malformed:empty");
}

TEST(LineTooLong, IsMadeShorterWhereOneIdKeepsItLong) {
  Policy policy;
  policy.line_length = 78;
  policy.fold_at = 78;
  const std::string long_id = "<" + std::string(84, 'x') + "@y>";
  EXPECT_EQ(verdict_on("References", list_of(4, " ", 30) + " " + long_id, policy),
            "line-too-long ->" + list_of(2, " ", 30) + "/" + list_of(4, " ", 30).substr(2 * 31) + "/ " + long_id);
  EXPECT_EQ(verdict_on("References", list_of(2, " ", 30) + "\n " + long_id, policy), "line-too-long:no-fold-point");
}

TEST(LineTooLong, TakesItsLimitsFromThePolicy) {
  Policy policy;
  policy.line_length = 100;
  policy.fold_at = 78;
  EXPECT_EQ(verdict_on("References", list_of(3, " ", 30), policy),
            "line-too-long ->" + list_of(2, " ", 30) + "/ " + list_of(3, " ", 30).substr(2 * 31 + 1));
  EXPECT_EQ(verdict_on("References", list_of(2, " ", 40), policy), "") << "93: over fold-at is no finding";
}

// --- msgid-too-long and shortening by name.

TEST(MsgidTooLong, IsShortenedByName) {
  const std::string just = "<" + std::string(967, 'x') + "@y.example>";
  ASSERT_EQ(just.size(), 979u);
  EXPECT_EQ(verdict_on("Resent-Message-ID", " " + just), "");
  const std::string over = "<x" + just.substr(1);
  const std::string name = *msgid::shorten(over, {}, 979);
  EXPECT_EQ(name.size(), 1 + 36 + 1 + 9 + 1u);
  EXPECT_EQ(verdict_on("Message-ID", " " + over), "msgid-too-long -> " + name);
  EXPECT_EQ(verdict_on("References", " <a@b>, " + over + " <c@d>"),
            "line-too-long, msgid-too-long -> <a@b> " + name + " <c@d>");
  EXPECT_EQ(verdict_on("In-Reply-To", " " + over, with(RuleId::msgid_too_long, RuleAction::report)),
            "msgid-too-long:report");
}

TEST(MsgidTooLong, IsMeasuredWithoutItsSpace) {
  Policy policy;
  policy.msgid_length = 10;
  EXPECT_EQ(verdict_on("Message-ID", " <a @b45678>", policy), "space-in-msgid -> <a@b45678>");
}

TEST(MsgidTooLong, GivesACutIdTheNameOfTheWholeOne) {
  const std::string id = "<" + std::string(2000, 'x') + "@y.example>";
  const std::string name = *msgid::shorten(id, {}, 979);
  std::string cut_by_postfix = id;
  cut_by_postfix.insert(980, "\n ");
  EXPECT_EQ(verdict_on("Message-ID", " " + cut_by_postfix), "line-too-long, msgid-too-long -> " + name);
  cut_by_postfix.insert(1960, "\n ");
  EXPECT_EQ(verdict_on("Message-ID", " " + cut_by_postfix), "msgid-too-long -> " + name);
  const std::string fits = "<" + std::string(970, 'x') + "@y>";
  std::string spaced = fits;
  spaced.insert(500, "\n ");
  spaced.insert(400, "\n ");
  spaced.insert(300, "\n ");
  spaced.insert(200, "\n ");
  EXPECT_GT(spaced.size(), 979u);
  EXPECT_EQ(verdict_on("Message-ID", " " + spaced), "space-in-msgid -> " + fits)
      << "white space is not part of its length";
}

TEST(MsgidTooLong, AppliesToDecodedIds) {
  // ProtonMail's shape: one word of about 990 octets.
  const std::string id = "<" + std::string(970, 'x') + "@protonmail.example>";
  EXPECT_EQ(verdict_on("Message-ID", " =?us-ascii?Q?" + id + "?="),
            "encoded-word, line-too-long, msgid-too-long -> " + *msgid::shorten(id, {}, 979));
}

TEST(MsgidTooLong, RecipeOfANewIdUnderOurOwnDomain) {
  Policy policy;
  policy.msgid_length = 77;
  policy.msgid_domain = "example.com";
  const std::string id = "<" + std::string(66, 'x') + "@y.example>";
  ASSERT_EQ(id.size(), 78u);
  EXPECT_EQ(verdict_on("Message-ID", " " + id, policy), "msgid-too-long -> " + *msgid::shorten(id, "example.com", 77));
  EXPECT_EQ(verdict_on("Message-ID", " <" + id.substr(2), policy), "");
}

TEST(MsgidTooLong, WithoutAShorterNameIsReported) {
  Policy policy;
  policy.msgid_length = 50;  // the configuration refuses it without a msgid-domain
  EXPECT_EQ(verdict_on("Message-ID", " <" + std::string(50, 'x') + "@[1]>", policy), "msgid-too-long:no-shorter-name");
}

// --- space-in-msgid.

const Case spaces[] = {
    {"Message-ID", " <ab\n cd@e.example>", "space-in-msgid -> <abcd@e.example>"},
    {"Message-ID", " < a @ b . c >", "space-in-msgid -> <a@b.c>"},
    {"Message-ID", " <1234   @   local(blah)  .machine .example>",
     "space-in-msgid -> <1234@local(blah).machine.example>"},
    {"References", " <a@b> <c @d>\n <e@\n f> (x  y)", "space-in-msgid -> <a@b> <c@d> <e@f> (x  y)"},
    {"Message-ID", " <0A0E08 0C0703@comcast.example>", "space-in-msgid:uncertain"},
    {"Message-ID", " <legal text@domain> extra crud", "space-in-msgid:uncertain, malformed:text-left-over"},
    {"References", " <a @b> <c d@e>", "space-in-msgid:uncertain"},
    {"Message-ID", " <abc!\n def@e>", "space-in-msgid:uncertain"},
    {"Message-ID", " <abc\n\tdef@e>", "space-in-msgid:uncertain"},
    {"Message-ID", " <\"foo 2\"@bar>", "space-in-msgid:legal-space"},
    {"Message-ID", " <[a b]@c>", "space-in-msgid:legal-space"},
    {"References", " <\"foo 2\" @bar> <a @b>", "space-in-msgid -> <\"foo 2\"@bar> <a@b>"},
    {"References", " <a@b> < > <c@d>", "malformed:empty"},
};

TEST(SpaceInMsgid, IsRemovedWhereItsMeaningIsCertain) {
  expect_all(spaces);
}

// --- Doubt: what may be several ids, or one with white space of its own, is never replaced, joined or cut.

std::string thread_of(std::size_t ids, std::string_view between) {
  std::string out;
  for (std::size_t i = 0; i < ids; ++i) {
    out +=
        (i == 0 ? "" : std::string(between)) + "thread-" + std::to_string(i) + ".abcdefghijklmnopqrstuvw@mail.example";
  }
  return out;
}

TEST(Doubt, KeepsAListInOnePairOfBrackets) {
  EXPECT_EQ(verdict_on("References", " <" + thread_of(25, " ") + ">"),
            "line-too-long:no-fold-point, msgid-too-long:uncertain, space-in-msgid:uncertain");
  EXPECT_EQ(verdict_on("References", " <" + thread_of(25, ";") + ">"),
            "line-too-long:no-fold-point, msgid-too-long:more-than-one-msg-id, malformed:more-than-one-msg-id");
  EXPECT_EQ(verdict_on("References", " <" + thread_of(25, ",") + ">"),
            "line-too-long:no-fold-point, msgid-too-long:more-than-one-msg-id, malformed:more-than-one-msg-id");
  EXPECT_EQ(verdict_on("References", " =?us-ascii?Q?<" + thread_of(25, ",") + ">?="),
            "encoded-word:more-than-one-msg-id, line-too-long:no-fold-point");
}

TEST(Doubt, KeepsAFoldBetweenTwoIds) {
  const Case cases[] = {
      {"References", " <one.abc@sender.example\n two.def@sender.example>", "space-in-msgid:uncertain"},
      {"References", " <one@a>\n <two@a\n three@a>", "space-in-msgid:uncertain"},
      {"References", " <one@a .two@b>", "space-in-msgid:uncertain"},
      {"References", " <one@a >two@b>", "space-in-msgid, brackets:report -> <one@a> two@b>"},
      // A fold is spurious only if one clean id is left without it.
      {"References", " <AAAA\n BBBB>", "space-in-msgid:uncertain"},
      {"References", " <a@b@\n c>", "space-in-msgid:uncertain"},
      {"References", " <a\n b@[x]>", "space-in-msgid -> <ab@[x]>"},
      {"References", " <\n GUID>", "space-in-msgid:uncertain"},
      {"References", " < GUID >", "space-in-msgid -> <GUID>"},
  };
  expect_all(cases);
}

TEST(Doubt, KeepsWhatMayBeAnEncodedWord) {
  Policy policy = with(RuleId::encoded_word, RuleAction::off);
  policy.msgid_length = 60;
  const Case cases[] = {
      {"Message-ID", " <=?utf-8?q?a@ b?=>", "space-in-msgid:uncertain"},
      {"Message-ID", " <=?utf-8?q?=40?=\n a@b>", "space-in-msgid:uncertain"},
      {"Message-ID", " <=?utf-8?q?=3Caaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=40b=3E?=>",
       "msgid-too-long:encoded-word"},
      {"References", " =?u?b? <a @b>", "space-in-msgid:encoded-word"},
  };
  expect_all(cases, policy);
}

TEST(Rendering, KeepsACommentWithTheWordsThatItTouches) {
  const Case cases[] = {
      {"References", " x@[(]>) <a .b@c>", "space-in-msgid -> x@[(]>) <a.b@c>"},
      {"References", " (c)x y (d) (e)<a .b@c>(f)", "space-in-msgid -> (c)x y (d) (e) <a.b@c> (f)"},
  };
  expect_all(cases);
}

TEST(Doubt, StrayQuotesSwallowNoIds) {
  const std::string ids = "<" + thread_of(25, "> <") + ">";
  for (const std::string_view marks : {"\"\"", "()"}) {
    const std::string first = std::string("<") + marks.front() + "x@h>";
    const std::string last = std::string("<y") + marks.back() + "@h>";
    const std::string verdict = verdict_on("References", " " + first + " " + ids + " " + last);
    EXPECT_EQ(verdict.substr(0, 16), "line-too-long ->") << verdict;
    EXPECT_NE(verdict.find("/ <thread-"), std::string::npos) << "folded between ids";
  }
}

TEST(Doubt, HoldsTheWholeField) {
  Policy policy;
  for (const msgid::Rule& rule : msgid::rules()) {
    if (rule.can_fix) policy.action(rule.id) = RuleAction::fix;
  }
  policy.msgid_length = 60;
  policy.references_length = 20;
  const Case cases[] = {
      {"References", " <a b@c> =?utf-8?q?=3Cd=40e=3E?=",
       "encoded-word:uncertain, space-in-msgid:uncertain, references-too-long:uncertain"},
      {"References", " <a@b;c@d> <e @f> <g@h> <i@j>",
       "space-in-msgid:more-than-one-msg-id, references-too-long:more-than-one-msg-id, malformed:more-than-one-msg-id"},
      {"References", " <a\tb@c> d@e", "space-in-msgid:uncertain, brackets:uncertain"},
      {"Message-ID", " <\"a@b\"@c> \n (c)", "folded -> <\"a@b\"@c>  (c)"},
      {"Message-ID", " <a b@c>\n (c)", "space-in-msgid:uncertain, folded -> <a b@c> (c)"},
  };
  expect_all(cases, policy);
}

// --- references-too-long.

TEST(ControlCharacter, IsSeenAtBothEnds) {
  EXPECT_EQ(verdict_on("Message-ID", "\x01 <a@b>"), "control-character:report");
  EXPECT_EQ(verdict_on("Message-ID", " <a@b>\n"), "control-character:report");
}

TEST(EncodedWord, IsNotTheBeginningOfOneInsideAnId) {
  EXPECT_EQ(verdict_on("Message-ID", " <a=?b@c>"), "");
}

TEST(SpaceInMsgid, IsRemovedBetweenPhrases) {
  EXPECT_EQ(verdict_on("References", " <a @b> (c .d)"), "space-in-msgid -> <a@b> (c .d)");
  EXPECT_EQ(verdict_on("References", " fred <a @b> said (c) so"), "space-in-msgid -> fred <a@b> said (c) so");
  EXPECT_EQ(verdict_on("References", " fred  said <a @b>"), "space-in-msgid -> fred  said <a@b>");
}

TEST(ReferencesTooLong, IsReportedByDefault) {
  const std::string body = list_of(25, "\n ");
  EXPECT_EQ(verdict_on("References", body), "references-too-long:report") << "25 * 81 - 1 = 2024";
  EXPECT_EQ(verdict_on("References", list_of(24, "\n ")), "");
  EXPECT_EQ(verdict_on("In-Reply-To", body), "references-too-long:report") << "a list too";
  EXPECT_EQ(verdict_on("Message-ID", body), "malformed:more-than-one-msg-id") << "not a list";
}

TEST(ReferencesTooLong, IsMeasuredUnfoldedWithoutTheSpaceAround) {
  Policy policy;
  policy.references_length = 27;
  EXPECT_EQ(verdict_on("References", " <a@b>\n <c@d>\n <e@f>\n <g@h>  ", policy), "") << "23";
  EXPECT_EQ(verdict_on("References", " <a@b>\n  <c@d>\n  <e@f>\n   <g@h>  ", policy), "") << "27";
  EXPECT_EQ(verdict_on("References", " <a@b>\n  <c@d>\n   <e@f>\n   <g@h>", policy), "references-too-long:report");
}

TEST(ReferencesTooLong, KeepsTheFirstAndAsManyOfTheLastAsFit) {
  Policy policy = with(RuleId::references_too_long, RuleAction::fix);
  EXPECT_EQ(verdict_on("References", list_of(25, "\n "), policy),
            "references-too-long ->" + on_one_line(msgid::fold(
                                           10,
                                           [&] {
                                             static const std::string all = list_of(25, " ");
                                             std::vector<std::string_view> units;
                                             for (std::size_t i = 0; i < 25; ++i) {
                                               if (i != 1)
                                                 units.push_back(std::string_view(all).substr(i * 81 + 1, 80));
                                             }
                                             return units;
                                           }(),
                                           998)));
  policy.references_length = 20;
  EXPECT_EQ(verdict_on("References", " <a@b> <c@d> <e@f> <g@h>", policy), "references-too-long -> <a@b> <e@f> <g@h>")
      << "20";
  policy.references_length = 10;
  EXPECT_EQ(verdict_on("References", " <a@b> <c@d> <e@f> <g@h>", policy), "references-too-long -> <a@b> <e@f> <g@h>")
      << "never fewer than the last two";
  EXPECT_EQ(verdict_on("References", " <a@b> <e@f> <g@h>", policy), "references-too-long:cannot-be-shorter");
  EXPECT_EQ(verdict_on("References", " a phrase that is too long", policy), "references-too-long:cannot-be-shorter");
}

/// Every limit, with ids of different lengths, so that it matters which are counted.
TEST(ReferencesTooLong, KeepsAsManyAsFitUnderAnyLimit) {
  const std::vector<std::string> ids = {"<a@b>",       "<cc@d> (c)",      "<eeee@f>",
                                        "<ggggggg@h>", "<iiiiiiiiiii@j>", "<k@lllllllllllllll>"};
  std::string all;
  for (const std::string& id : ids) all += (all.empty() ? "" : " ") + id;
  for (std::size_t limit = 1; limit < all.size(); ++limit) {
    std::string last = " " + ids[4] + " " + ids[5];
    for (std::size_t i = 3; i > 0 && ids[0].size() + 1 + ids[i].size() + last.size() <= limit; --i) {
      last.insert(0, " " + ids[i]);
    }
    Policy policy = with(RuleId::references_too_long, RuleAction::fix);
    policy.references_length = limit;
    for (const std::string before : {"", " "}) {
      EXPECT_EQ(verdict_on("References", before + all, policy), "references-too-long -> " + ids[0] + last) << limit;
    }
  }
  Policy policy = with(RuleId::references_too_long, RuleAction::fix);
  policy.references_length = all.size();
  EXPECT_EQ(verdict_on("References", " " + all, policy), "");
}

TEST(ReferencesTooLong, IsOfListsOnly) {
  Policy policy = with(RuleId::references_too_long, RuleAction::fix);
  policy.references_length = 10;
  EXPECT_EQ(verdict_on("Message-ID", " <a@b> (a comment)", policy), "");
  EXPECT_EQ(verdict_on("References", " <a@b> <c@d>", policy), "references-too-long:cannot-be-shorter") << "two";
}

TEST(ReferencesTooLong, IsMeasuredAsTheRulesBeforeLeaveIt) {
  Policy policy;
  policy.references_length = 17;
  EXPECT_EQ(verdict_on("References", " <a @b> <c @d> <e @f>", policy), "space-in-msgid -> <a@b> <c@d> <e@f>");
  policy.references_length = 16;
  EXPECT_EQ(verdict_on("References", " <a @b> <c @d> <e @f>", policy),
            "space-in-msgid, references-too-long:report -> <a@b> <c@d> <e@f>");
  EXPECT_EQ(verdict_on("References", "<a@b><c@d><e @f>", policy),
            "space-in-msgid, references-too-long:report -> <a@b> <c@d> <e@f>")
      << "16 as received, 17 with a space between them";
}

TEST(ReferencesTooLong, IsNotMeasuredByWhatOnlyFoldsWouldLeave) {
  Policy policy;
  policy.line_length = policy.fold_at = 25;
  policy.references_length = 27;
  EXPECT_EQ(verdict_on("References", " <a@b>   <c@d>   <e@f>   <g@h>", policy),
            "line-too-long, references-too-long:report -> <a@b>   <c@d>/   <e@f>   <g@h>");
}

TEST(ReferencesTooLong, DropsWhatBelongsToADroppedId) {
  Policy policy = with(RuleId::references_too_long, RuleAction::fix);
  policy.references_length = 40;
  EXPECT_EQ(verdict_on("References", " phrase <a@b> (A) <c@d> (C c) <e@f> (E) <g@h>", policy),
            "references-too-long -> phrase <a@b> (A) <e@f> (E) <g@h>");
  EXPECT_EQ(verdict_on("References", " <a@b> <c@d> <cannot be read <e@f> <g@h> <i@j>", policy),
            "references-too-long:unreadable, malformed:unbalanced-brackets");
}

TEST(ReferencesTooLong, MayNeedLessWhiteSpaceOnly) {
  Policy policy = with(RuleId::references_too_long, RuleAction::fix);
  policy.references_length = 27;
  EXPECT_EQ(verdict_on("References", " <a@b>  ,  <c@d> , <e@f> , <g@h>", policy),
            "references-too-long -> <a@b> <c@d> <e@f> <g@h>");
  policy.references_length = 23;
  EXPECT_EQ(verdict_on("References", " <a@b>  ,  <c@d> , <e@f> , <g@h>", policy),
            "references-too-long -> <a@b> <c@d> <e@f> <g@h>")
      << "just 23";
}

// --- folded.

TEST(Folded, FitsOneLineWithNameAndColon) {
  Policy policy = with(RuleId::folded, RuleAction::fix);
  policy.fold_at = 11 + 6 + 6;
  EXPECT_EQ(verdict_on("References", " <a@b>\n <c@d>", policy), "folded -> <a@b> <c@d>");
  policy.fold_at = 11 + 6 + 5;
  EXPECT_EQ(verdict_on("References", " <a@b>\n <c@d>", policy), "");
}

TEST(Folded, IsOffByDefaultAndUnfoldsWhatFitsOneLine) {
  const Policy policy = with(RuleId::folded, RuleAction::fix);
  const Case cases[] = {
      {"Message-ID", "\n <guid@x.outlook.com>", "folded -> <guid@x.outlook.com>"},
      {"References", " <a@b>\n\t<c@d>,\n <e@f>", "folded -> <a@b>\t<c@d>, <e@f>"},
      {"References", " <a@b> <c@d>", ""},
      {"In-Reply-To", "\n ", "folded:unrenderable, malformed:empty"},
      {"References", " (a\n b) <a@b>", "folded -> (a b) <a@b>"},
      // A fold inside an id says that a relay cut the line, and on one line nobody could tell.
      {"In-Reply-To", " <cut!\n @x>", "space-in-msgid:uncertain, folded:space-in-msgid"},
      // A LF that is no fold stays, so nothing is joined.
      {"References", " e@f\nc@d\n <a@b>", "folded:unrenderable, brackets:report, control-character:report"},
      {"References", " <cut!\n @x>\n <a@b>", "space-in-msgid:uncertain, folded -> <cut!/ @x> <a@b>"},
      {"In-Reply-To", " <cut! @x>", "space-in-msgid:uncertain"},
  };
  expect_all(cases, policy);
  EXPECT_EQ(verdict_on("References", list_of(13, "\n "), policy), "") << "does not fit fold-at on one line";
  Policy narrow = policy;
  narrow.fold_at = 78;
  EXPECT_EQ(verdict_on("References", list_of(2, "\n ", 32), narrow), "folded ->" + list_of(2, " ", 32)) << "77";
  EXPECT_EQ(verdict_on("References", list_of(2, "\n ", 33), narrow), "") << "79";
  EXPECT_EQ(verdict_on("Message-ID", "\n <guid@x.outlook.com>", with(RuleId::folded, RuleAction::report)),
            "folded:report");
}

// --- brackets, non-ascii.

TEST(Brackets, AreAddedToABareId) {
  const Case by_default[] = {
      {"Message-ID", " 8787KJ.mail@example.net", "brackets:report"},
      {"In-Reply-To", " someone@yahoo.example", "brackets:report"},
      {"Message-ID", "   a@[foobar] \t ", "brackets:report"},
      {"References", " a@b (c)", ""},
      // Several, with commas or not, beside others; doubled; one too many; one too few.
      {"References", " a@b c@d", "brackets:report"},
      {"References", " a@b, c@d", "brackets:report"},
      {"References", " <a@b> c@d", "brackets:report"},
      {"References", " <<a@b>>", "brackets:report"},
      {"References", " <<a@b> <c@d>>", "brackets:report"},
      {"Message-ID", " <<a@b>>", "brackets:report"},
      {"Message-ID", " <<a@b>", "brackets:report"},
      {"Message-ID", " <a@b>>", "brackets:report"},
      {"Message-ID", " <a@b", "brackets:report"},
      {"Message-ID", " a@b>", "brackets:report"},
      {"References", " a@b> <c@d>", "brackets:report"},
      {"References", " <a@b <c@d>", "brackets:report"},
      // A phrase may hold an address.
      {"In-Reply-To", " message from joe@host.example of Tuesday", ""},
      {"In-Reply-To", " message from joe@host.example <a@b>", ""},
  };
  expect_all(by_default);
  const Case fixed[] = {
      {"Message-ID", "8787KJ.mail@example.net", "brackets -> <8787KJ.mail@example.net>"},
      {"Message-ID", "\n a@[foobar] \t ", "brackets -> <a@[foobar]>"},
      {"References", " a@b, c@d", "brackets -> <a@b> <c@d>"},
      {"References", " <a@b>\n c@d (x)", ""},
      {"References", " <a@b> c@d <GUID>", "brackets -> <a@b> <c@d> <GUID>"},
      {"References", " <<a@b>><<c@d> <<<e@f>>>>", "brackets -> <a@b> <c@d> <e@f>"},
      {"References", " <<a@b> <c@d> <e@f>>", "brackets -> <a@b> <c@d> <e@f>"},
      {"References", " a@b><c@d>,<e@f<g@h>", "brackets -> <a@b> <c@d> <e@f> <g@h>"},
      {"Message-ID", " <<a@b>> (c)", "brackets -> <a@b> (c)"},
      {"References", " <GUID><a@b> c@d", "brackets -> <GUID> <a@b> <c@d>"},
      {"References", " <GUID><<a@b>><c@d@e>", "brackets -> <GUID> <a@b> <c@d@e>"},
      {"References", " <GUID>c@d", "malformed:text-left-over"},
      {"References", " c@d<GUID>", "malformed:text-left-over"},
      {"References", " <GUID>c@d>", "malformed:unbalanced-brackets"},
      {"Message-ID", " <a@b", "brackets -> <a@b>"},
      // Anything else is left over: nothing is certain then.
      {"Message-ID", " a@b@c", "malformed:no-msg-id"},
      {"Message-ID", " a@b c@d", "malformed:no-msg-id"},
      {"References", " a@b c", ""},
      {"References", " <a@b> <c@d", "malformed:unbalanced-brackets"},
      {"References", " <<GUID>>", "malformed:unbalanced-brackets"},
      {"References", " <<a@b> (c)>", "malformed:unbalanced-brackets"},
      {"References", " <\n <a@b>", "malformed:unbalanced-brackets"},
      {"References", " <<a b@c>>", "space-in-msgid:uncertain, malformed:unbalanced-brackets"},
      {"References", " <a@b>c@d", "malformed:text-left-over"},
      {"References", " \"x\" a@b", ""},
      {"In-Reply-To", " %3Ca@b%3E", "malformed:escaped"},
  };
  expect_all(fixed, with(RuleId::brackets, RuleAction::fix));
  EXPECT_EQ(verdict_on("Message-ID", " <<a@b>>", with(RuleId::brackets, RuleAction::off)),
            "malformed:unbalanced-brackets");
}

TEST(Brackets, MayMakeAnIdThatIsTooLong) {
  const std::string bare = std::string(970, 'x') + "@y.example";
  EXPECT_EQ(verdict_on("Message-ID", " " + bare, with(RuleId::brackets, RuleAction::fix)),
            "msgid-too-long, brackets -> " + *msgid::shorten("<" + bare + ">", {}, 979));
}

TEST(NonAscii, IsReportedOrShortenedByName) {
  EXPECT_EQ(verdict_on("Message-ID", " <a@\xc3\xa4.example>"), "non-ascii:report");
  EXPECT_EQ(verdict_on("Message-ID", " <a@\x80.example>"), "non-ascii:report") << "the first octet that is none";
  EXPECT_EQ(verdict_on("References", " <a@b> (\xc3\xa4)"), "") << "in an id only";
  EXPECT_EQ(verdict_on("Message-ID", " <\xc3\xa4@b.example>", with(RuleId::non_ascii, RuleAction::fix)),
            "non-ascii -> " + *msgid::shorten("<\xc3\xa4@b.example>", {}, 979));
}

TEST(NonAscii, ThatIsKeptKeepsTheFieldFromBeingWritten) {
  EXPECT_EQ(verdict_on("References", " <\xc3\xa4@b> =?utf-8?q?=3Ca=40b=3E?="),
            "encoded-word:unrenderable, non-ascii:report");
  EXPECT_EQ(verdict_on("References", " (\xc3\xa4) =?utf-8?q?=3Ca=40b=3E?="), "encoded-word:unrenderable");
}

// --- Rules that never edit.

const Case reported[] = {
    {"Message-ID", " <a\x01@b>", "control-character:report"},
    {"References", " <a@b>\r <c@d>", "control-character:report"},
    {"References", " <a@b>\x1f", "control-character:report"},
    {"References", " <a@b>\x7f", "control-character:report"},
    {"References", " <a@b>\nX-Injected: yes", "control-character:report"},
    {"References", " <a@b>\t<c@d>", ""},
    {"Message-ID", " <a@b>\x02 (c)", "control-character:report"},
    {"References", " \x02 =?utf-8?q?=3Ca=40b=3E?=", "encoded-word:unrenderable, control-character:report"},
    // empty
    {"Message-ID", "", "malformed:empty"},
    {"Message-ID", " ", "malformed:empty"},
    {"Message-ID", " <>", "malformed:empty"},
    {"References", "", "malformed:empty"},
    {"References", " \n ", "malformed:empty"},
    {"In-Reply-To", " < >", "malformed:empty"},
    {"References", " <a@b> <>", "malformed:empty"},
    {"Message-ID", " <> <a@b>", "malformed:empty"},
    {"References", " , ,", "malformed:empty"},
    // no-msg-id
    {"Message-ID", " 12223", "malformed:no-msg-id"},
    {"Resent-Message-ID", " (only a comment)", "malformed:no-msg-id"},
    {"In-Reply-To", " 00020", "malformed:no-msg-id"},
    {"References", " undefined", "malformed:no-msg-id"},
    {"References", " undefined undefined", "malformed:no-msg-id"},
    {"References", " null, null", "malformed:no-msg-id"},
    {"In-Reply-To", " a@b@c", "malformed:no-msg-id"},
    {"In-Reply-To", " Your message", ""},
    {"References", " (a comment)", ""},
    // empty-side
    {"Message-ID", " <a@>", "malformed:empty-side"},
    {"References", " <@b>", "malformed:empty-side"},
    {"References", " <a@b> <@>", "malformed:empty-side"},
    {"Message-ID", " <https://x.example/4711@>", "malformed:empty-side"},
    // unbalanced-brackets
    {"Message-ID", " <unterminated", "malformed:unbalanced-brackets"},
    {"References", " <a@b>, <unterminated", "malformed:unbalanced-brackets"},
    {"References", " <a@b> <c@dDate: Mon, 2 Nov 2026", "malformed:unbalanced-brackets"},
    {"References", " a > b", "malformed:unbalanced-brackets"},
    // text-left-over
    {"Message-ID", " <a@b>MIME-Version: 1.0", "malformed:text-left-over"},
    {"Message-ID", " <a@b> text", "malformed:text-left-over"},
    {"Message-ID", " \"text\" <a@b>", "malformed:text-left-over"},
    {"Message-ID", " Message-ID: <a@b>", "malformed:text-left-over"},
    {"References", " In-Reply-To: <a@b>", "malformed:text-left-over"},
    {"References", " <a@b>X-Count: 9", "malformed:text-left-over"},
    {"References", " <a@b>;<c@d>", "malformed:text-left-over"},
    {"References", " <a@b> X-Count: 9", ""},
    {"Message-ID", " <a@b>, (c)", ""},
    // more-than-one-msg-id
    {"Message-ID", " <a@b> <c@d>", "malformed:more-than-one-msg-id"},
    {"Message-ID", " <a@b><c@d>", "malformed:more-than-one-msg-id"},
    {"In-Reply-To", " <a@b,c@d>", "malformed:more-than-one-msg-id"},
    {"In-Reply-To", " <\"a@b\"@c>", ""},
    {"In-Reply-To", " <a,b@c>", ""},
    // escaped
    {"Message-ID", " &lt;a@b&gt;", "malformed:escaped"},
    {"In-Reply-To", " &#60;a@b&#62;", "malformed:escaped"},
    {"In-Reply-To", " %3ca%40b%3e", "malformed:escaped"},
    {"References", " \\u003ca@b\\u003e", "malformed:escaped"},
    {"References", " <a@b>\\r\\n\\t<c@d>", "malformed:escaped"},
    {"References", " [\"<a@b>\",\"<c@d>\"]", "malformed:escaped"},
    {"References", " ['<a@b>', '<c@d>']", "malformed:escaped"},
    {"References", " [\"<a@b>\"]", "malformed:escaped"},
    // quoted
    {"In-Reply-To", " \"<a@b>\"", "malformed:quoted"},
    {"In-Reply-To", " \"a@b\"", "malformed:quoted"},
    {"In-Reply-To", " '<a@b>'", "malformed:quoted"},
    {"In-Reply-To", " \"<a@b>", "malformed:quoted"},
    {"In-Reply-To", " \"=?utf-8?q?=3Ca=40b=3E?=\"", "malformed:quoted"},
    {"Message-ID", " \"=?utf-8?q?=3Ca=40b=3E?=\"", "malformed:quoted"},
    {"In-Reply-To", " \"Joe <joe@host.example>\" <a@b>", ""},
    {"In-Reply-To", " Joe \" said <a@b>", ""},
    {"References", " \"", "malformed:no-msg-id"},
    {"Message-ID", " <a@b> \"\"\"", "malformed:text-left-over"},
};

TEST(Reports, Table) {
  expect_all(reported);
}

TEST(StrictSyntax, IsOffByDefaultAndSaysWhatIsWrong) {
  const Case cases[] = {
      {"Message-ID", " <a.b+c@d-e.f>", ""},
      {"Message-ID", " <a@[IPv6:2001:db8::1]>", ""},
      {"References", " <a@b> <GUID>", "strict-syntax:no-at"},
      {"Message-ID", " <a@@b>", "strict-syntax:two-at"},
      {"Message-ID", " <a@b@c>", "strict-syntax:two-at"},
      {"Message-ID", " <a@b@[1.2.3.4]>", "strict-syntax:two-at"},
      {"Message-ID", " <a:b@c>", "strict-syntax:bad-character"},
      {"Message-ID", " <[hex==@x.example]>", "strict-syntax:bad-character"},
      {"Message-ID", " <a@b[1]>", "strict-syntax:bad-character"},
      {"Message-ID", " <a@[b[]>", "strict-syntax:bad-character"},
      {"Message-ID", " <a..b@c>", "strict-syntax:bad-dots"},
      {"Message-ID", " <.a@c>", "strict-syntax:bad-dots"},
      {"Message-ID", " <a@c.>", "strict-syntax:bad-dots"},
      {"Message-ID", " <a.@[1.2.3.4]>", "strict-syntax:bad-dots"},
      // Other rules have these.
      {"Message-ID", " <a@>", "malformed:empty-side"},
      {"Message-ID", " <a b@c>", "space-in-msgid:uncertain"},
      {"Message-ID", " <\xc3\xa9@c>", "non-ascii:report"},
  };
  for (const Case& row : cases) {
    const std::string verdict = verdict_on(row.field, row.body, with(RuleId::strict_syntax, RuleAction::report));
    EXPECT_EQ(verdict, row.verdict) << row.body;
    if (verdict.starts_with("strict-syntax")) {
      EXPECT_EQ(verdict_on(row.field, row.body), "") << row.body;
    }
  }
}

TEST(DuplicateField, IsReportedFromTheSecondOn) {
  EXPECT_EQ(
      dump(msgid::inspect({{"Message-ID", " <a@b>", 1}, {"message-id", " <a@b>", 2}, {"MESSAGE-ID", " <a@b>", 3}}, {})),
      "duplicate-field:report, duplicate-field:report");
  for (const char* name : {"In-Reply-To", "References"}) {
    EXPECT_EQ(dump(msgid::inspect({{name, " <a@b>", 1}, {name, " <a@b>", 2}}, {})), "duplicate-field:report") << name;
  }
  EXPECT_EQ(dump(msgid::inspect({{"Resent-Message-ID", " <a@b>", 1}, {"Resent-Message-ID", " <c@d>", 2}}, {})), "");
  Policy policy;
  policy.fields.push_back({"X-Ids", true, false});
  EXPECT_EQ(dump(msgid::inspect({{"X-Ids", " <a@b>", 1}, {"X-Ids", " <c@d>", 2}}, policy)), "");
}

TEST(Missing, IsLookedForOnlyIfAsked) {
  EXPECT_EQ(dump(msgid::inspect({}, {})), "");
  const Policy policy = with(RuleId::missing, RuleAction::report);
  const Verdict verdict = msgid::inspect({{"References", " <a@b>", 1}}, policy);
  EXPECT_EQ(dump(verdict), "missing:report");
  EXPECT_EQ(verdict.findings.front().field, "Message-ID");
  EXPECT_EQ(verdict.findings.front().instance, 0);
  EXPECT_EQ(dump(msgid::inspect({{"message-ID", " <a@b>", 1}}, policy)), "");
}

// --- Rendering.

TEST(Rendering, FoldsWhereThePolicySays) {
  Policy policy;
  policy.fold_at = 78;
  EXPECT_EQ(
      verdict_on("References",
                 " =?us-ascii?Q?<" + std::string(60, 'a') + "@b>_<" + std::string(60, 'c') + "@d>_<e@f>?=", policy),
      "encoded-word -> <" + std::string(60, 'a') + "@b>/ <" + std::string(60, 'c') + "@d> <e@f>");
  EXPECT_EQ(verdict_on("Message-ID", " =?us-ascii?Q?<" + std::string(100, 'a') + "@b>?=", policy),
            "encoded-word -> <" + std::string(100, 'a') + "@b>")
      << "never directly after the colon";
}

TEST(Rendering, OfIdsThatWouldReadOtherwiseIsRefused) {
  EXPECT_EQ(verdict_on("References", " =?utf-8?q?=3C=22=40x=3E=3C=22=40y=3E?="), "encoded-word:unrenderable")
      << "<\"@x> <\"@y> is one id with a quoted-string in it";
  EXPECT_EQ(verdict_on("References", " =?utf-8?q?=3C=22=40x=3E=3Ca=40b=3E=3C=22=40y=3E?="),
            "encoded-word -> <\"@x> <a@b> <\"@y>")
      << "a clean id in between says that it is none";
}

TEST(Inspect, ShowsBeforeAndAfterUnfolded) {
  const Verdict verdict = msgid::inspect({{"MESSAGE-id", " =?utf-8?q?=3Ca?=\n =?utf-8?q?=40b=3E?=", 1}}, {});
  ASSERT_EQ(verdict.findings.size(), 1u);
  const msgid::Finding& finding = verdict.findings.front();
  EXPECT_EQ(finding.field, "MESSAGE-id");
  EXPECT_EQ(finding.before, "=?utf-8?q?=3Ca?= =?utf-8?q?=40b=3E?=");
  EXPECT_EQ(finding.after, "<a@b>");
  ASSERT_EQ(verdict.edits.size(), 1u);
  EXPECT_EQ(verdict.edits.front().field, "MESSAGE-id");
}

TEST(Inspect, LooksAtExtraFieldsAsLists) {
  Policy policy;
  policy.fields.push_back({"X-Original-Ids", true, false});
  EXPECT_EQ(verdict_on("x-original-ids", " =?utf-8?q?=3Ca=40b=3E=3Cc=40d=3E?=", policy), "encoded-word -> <a@b> <c@d>");
}

// --- X-MS-TNEF-Correlator.

std::string verdict_with(const std::string& message_id, const std::string& correlator, const Policy& policy = {},
                         const std::string& signature = {}) {
  FieldList fields = {{"x-ms-tnef-correlator", correlator, 1}, {"Message-ID", message_id, 1}};
  if (!signature.empty()) fields.push_back({"DKIM-Signature", signature, 1});
  const Verdict verdict = msgid::inspect(fields, policy);
  std::string out;
  for (const msgid::Finding& finding : verdict.findings) {
    out += finding.field.substr(0, 1) + ":" + std::string(finding.rule->name) + ":" + finding.reason + " ";
  }
  for (const msgid::Edit& edit : verdict.edits) out += edit.field.substr(0, 1) + on_one_line(edit.new_body) + " ";
  return out;
}

TEST(Correlator, FollowsTheMessageId) {
  const std::string encoded = " =?utf-8?q?=3Ca=40b=3E?=";
  const std::string both = "x:encoded-word: M:encoded-word: x <a@b> M <a@b> ";
  EXPECT_EQ(verdict_with(encoded, encoded), both);
  EXPECT_EQ(verdict_with(encoded, " =?utf-8?b?PGFAYj4=?="), both) << "the same id, written otherwise";
  EXPECT_EQ(verdict_with(" =?utf-8?q?=3Ca=40?=\n =?utf-8?q?b=3E?=", encoded), both);
  EXPECT_EQ(verdict_with(" <a\n b@c>", " <a\n b@c>"), "x:space-in-msgid: M:space-in-msgid: x <ab@c> M <ab@c> ");
  const std::string long_id = " <" + std::string(1000, 'x') + "@y>";
  const std::string name = *msgid::shorten(long_id.substr(1), {}, 979);
  EXPECT_EQ(verdict_with(long_id, long_id, with(RuleId::line_too_long, RuleAction::off)),
            "x:msgid-too-long: M:msgid-too-long: x " + name + " M " + name + " ");
}

TEST(Correlator, IsLeftAloneOtherwise) {
  const std::string encoded = " =?utf-8?q?=3Ca=40b=3E?=";
  EXPECT_EQ(verdict_with(encoded, " <a@b>"), "M:encoded-word: M <a@b> ") << "it has that body already";
  EXPECT_EQ(verdict_with(encoded, " <c@d>"), "M:encoded-word: M <a@b> ");
  EXPECT_EQ(verdict_with(encoded, " =?utf-8?q?=3Cc=40d=3E?="), "M:encoded-word: M <a@b> ");
  EXPECT_EQ(verdict_with(encoded, ""), "M:encoded-word: M <a@b> ");
  EXPECT_EQ(verdict_with(" <a@b>", encoded), "") << "never reported on its own";
  EXPECT_EQ(verdict_with(" =?utf-16?q?=3Ca=40b=3E?=", " =?utf-16?q?=3Ca=40b=3E?="), "M:encoded-word:charset ");
  EXPECT_EQ(verdict_with("\n <a@b>", " <a@b> ", with(RuleId::folded, RuleAction::fix)), "M:folded: M <a@b> ")
      << "only line breaks change";
  Policy policy;
  policy.fields.push_back({"X-MS-TNEF-Correlator", false, false});
  EXPECT_EQ(verdict_with(" <a@b>", encoded, policy), "x:encoded-word: x <a@b> ") << "listed";
  EXPECT_EQ(verdict_on("X-MS-TNEF-Correlator", encoded), "") << "no Message-ID";
}

TEST(Correlator, AnIdThatDoesNotFitAfterItsNameChangesNeither) {
  // "X-MS-TNEF-Correlator: " has 22 octets.
  for (const std::size_t octets : {976U, 977U, 979U}) {
    const std::string id = "<" + std::string(octets - 4, 'x') + "@y>";
    const std::string encoded = " =?us-ascii?Q?" + id + "?=";
    const std::string verdict = verdict_with(encoded, encoded, with(RuleId::line_too_long, RuleAction::off));
    EXPECT_EQ(verdict, octets <= 976 ? "x:encoded-word: M:encoded-word: x " + id + " M " + id + " "
                                     : "M:encoded-word:no-fold-point ");
  }
}

TEST(Correlator, ChangesWithTheMessageIdOrNotAtAll) {
  const std::string encoded = " =?utf-8?q?=3Ca=40b=3E?=";
  Policy keep;
  keep.signed_fields = msgid::SignedFields::keep;
  for (const std::string covered : {"x-ms-tnef-correlator", "message-id", "message-id:x-ms-tnef-correlator"}) {
    const std::string signature = " d=d.example; c=relaxed; h=" + covered;
    EXPECT_EQ(verdict_with(encoded, encoded, keep, signature), "M:encoded-word:signed ") << covered;
    EXPECT_EQ(verdict_with(encoded, encoded, {}, signature), "x:encoded-word: M:encoded-word: x <a@b> M <a@b> ");
  }
  EXPECT_EQ(verdict_with(encoded, encoded, keep, " d=d.example; h=from"),
            "x:encoded-word: M:encoded-word: x <a@b> M <a@b> ");
}

TEST(Apply, ReplacesThatInstanceOnly) {
  const FieldList fields = {{"Resent-Message-ID", " 1", 1}, {"X", " x", 1}, {"resent-message-id", " 2", 2}};
  const std::vector<msgid::Edit> edits = {{"Resent-Message-ID", 2, " new"}};
  const FieldList after = msgid::apply(fields, edits);
  EXPECT_EQ(after[0].body, " 1");
  EXPECT_EQ(after[1].body, " x");
  EXPECT_EQ(after[2].body, " new");
}

TEST(Rules, DefaultsAndWhatCanBeFixed) {
  std::string table;
  for (const msgid::Rule& rule : msgid::rules()) {
    static constexpr std::string_view letters = "orf";
    table +=
        std::string(rule.name) + "=" + letters[static_cast<std::size_t>(rule.by_default)] + (rule.can_fix ? "+ " : " ");
  }
  EXPECT_EQ(table,
            "encoded-word=f+ line-too-long=f+ msgid-too-long=f+ space-in-msgid=f+ references-too-long=r+ folded=o+ "
            "brackets=r+ non-ascii=r+ control-character=r duplicate-field=r malformed=r strict-syntax=o missing=o ");
}

}  // namespace
