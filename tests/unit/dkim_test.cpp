// Which signatures cover a field, and what an edit does to them.
#include "msgid/dkim.h"

#include <gtest/gtest.h>

#include "msgid/inspect.h"

namespace {

using msgid::Field;
using msgid::FieldList;
using msgid::Survival;

std::string joined(const std::vector<std::string>& domains) {
  std::string out;
  for (const std::string& domain : domains) out += (out.empty() ? "" : ",") + domain;
  return out;
}

/// "keeps/breaks", of an edit of `field` among `fields`.
std::string after(const FieldList& fields, const Field& field, std::string_view new_body) {
  const Survival survival = msgid::Signatures(fields).after(field, new_body);
  return joined(survival.keeps) + "/" + joined(survival.breaks);
}

const Field folded = {"Message-ID", "\n  <a@b>  ", 1};
constexpr std::string_view unfolded = " <a@b>";
constexpr std::string_view other = " <c@d>";

std::string with_signature(std::string_view body, std::string_view new_body = unfolded) {
  return after({folded, {"DKIM-Signature", std::string(body), 1}}, folded, new_body);
}

TEST(Dkim, RelaxedBearsNewFoldsAndNothingElse) {
  constexpr std::string_view relaxed = " v=1; c=relaxed/simple; d=d.example; h=from:message-id; b=x";
  EXPECT_EQ(with_signature(relaxed), "d.example/");
  EXPECT_EQ(with_signature(relaxed, other), "/d.example");
  EXPECT_EQ(with_signature(" c=relaxed; d=d.example; h=message-id"), "d.example/");
}

TEST(Dkim, SimpleBearsNothing) {
  EXPECT_EQ(with_signature(" c=simple/relaxed; d=d.example; h=message-id"), "/d.example");
  EXPECT_EQ(with_signature(" d=d.example; h=message-id"), "/d.example") << "simple is the default";
  EXPECT_EQ(with_signature(" c=; d=d.example; h=message-id"), "/d.example");
  EXPECT_EQ(with_signature(" c=Relaxed; d=d.example; h=message-id"), "/d.example") << "tag values have a case";
}

TEST(Dkim, TheTagListMayBeFoldedAndSpaced) {
  EXPECT_EQ(with_signature(
                "\n v = 1 ;\n\td\n =\n d.example\n ; c = relaxed/relaxed ; h = From :\n\tMESSAGE-ID : To ;\n b=\n x; "),
            "d.example/");
  EXPECT_EQ(with_signature(" c=relaxed;d=D.Example;h=Message-Id"), "d.example/") << "domains have no case";
}

TEST(Dkim, WhatIsNoSignatureCoversNothing) {
  EXPECT_EQ(with_signature(""), "/");
  EXPECT_EQ(with_signature(" d=d.example"), "/");
  EXPECT_EQ(with_signature(" h=message-id"), "/");
  EXPECT_EQ(with_signature(" d=; h=message-id"), "/");
  EXPECT_EQ(with_signature(" h=message-id; d=" + std::string(255, 'd')), "/" + std::string(255, 'd'));
  EXPECT_EQ(with_signature(" h=message-id; d=" + std::string(256, 'd')), "/") << "no name in the DNS";
  EXPECT_EQ(with_signature(" nonsense; d=d.example; h=message-id"), "/");
  EXPECT_EQ(with_signature(" d=d.example; d=e.example; h=message-id"), "/") << "a tag twice: RFC 6376 3.2";
  EXPECT_EQ(with_signature(" v=1; v=1; d=d.example; h=message-id"), "/") << "any tag";
  EXPECT_EQ(with_signature(" =1; d=d.example; h=message-id"), "/") << "a tag without a name";
  EXPECT_EQ(with_signature(" 9=1; d=d.example; h=message-id"), "/") << "no tag-name";
  EXPECT_EQ(with_signature(" a-b=1; d=d.example; h=message-id"), "/") << "no tag-name";
  EXPECT_EQ(with_signature(" d=d.example; h=message-id;;"), "/") << "a tag-spec without anything";
  EXPECT_EQ(with_signature(" d=d.example;; h=message-id"), "/") << "an empty tag-spec in the middle";
  EXPECT_EQ(with_signature(" d=d.example; h=message-id;\n ;"), "/") << "and at the end";
  EXPECT_EQ(with_signature(" d=d.example; h=message-id;\n "), "/d.example");
  EXPECT_EQ(with_signature(" d=d.example; h=from:to"), "/");
  EXPECT_EQ(with_signature(" d=d.example; h="), "/");
  EXPECT_EQ(after({folded, {"ARC-Seal", " d=d.example; h=message-id", 1}}, folded, other), "/");
  EXPECT_EQ(after({folded, {"X-DKIM-Signature", " d=d.example; h=message-id", 1}}, folded, other), "/");
  EXPECT_EQ(after({folded, {"ARC-Message-Signature", " i=1; d=d.example; h=message-id", 1}}, folded, other),
            "/d.example");
}

TEST(Dkim, NamesCountFromTheBottom) {
  const Field first = {"Resent-Message-ID", " <1@x>", 1};
  const Field second = {"resent-message-id", " <2@x>", 2};
  const Field third = {"Resent-Message-Id", " <3@x>", 3};
  const auto covered = [&](const std::string& names) {
    const FieldList fields = {{"DKIM-Signature", " d=d.example; h=" + names, 1}, first, second, third};
    std::string out;
    for (const Field& field : {first, second, third}) out += after(fields, field, other) == "/d.example" ? 'x' : '-';
    return out;
  };
  EXPECT_EQ(covered("from"), "---");
  EXPECT_EQ(covered("resent-message-id"), "--x");
  EXPECT_EQ(covered("resent-message-id:from:resent-message-id"), "-xx");
  EXPECT_EQ(covered("resent-message-id:resent-message-id:resent-message-id"), "xxx");
  EXPECT_EQ(covered("resent-message-id:resent-message-id:resent-message-id:resent-message-id"), "xxx")
      << "more often than there are such fields: against fields added later";
}

TEST(Dkim, EachDomainOnceInTheOrderOfTheHeader) {
  const FieldList fields = {{"DKIM-Signature", " c=relaxed; d=b.example; h=message-id", 1},
                            {"dkim-signature", " c=relaxed; d=a.example; h=message-id", 2},
                            {"DKIM-Signature", " c=relaxed; d=b.example; h=message-id", 3},
                            {"DKIM-Signature", " c=simple; d=a.example; h=message-id", 4},
                            folded};
  EXPECT_EQ(after(fields, folded, unfolded), "b.example,a.example/a.example");
}

TEST(Dkim, OnlySoManySignaturesAreRead) {
  FieldList fields = {folded};
  for (int i = 1; i <= 101; ++i) {
    fields.push_back({"DKIM-Signature", " h=message-id; d=d" + std::to_string(i) + ".example", i});
  }
  const Survival survival = msgid::Signatures(fields).after(folded, other);
  ASSERT_EQ(survival.breaks.size(), 100u);
  EXPECT_EQ(survival.breaks.back(), "d100.example");
}

TEST(Dkim, RelaxedForm) {
  EXPECT_EQ(msgid::relaxed_body(""), "");
  EXPECT_EQ(msgid::relaxed_body("A"), "A");
  EXPECT_EQ(msgid::relaxed_body(" \t\n "), "");
  EXPECT_EQ(msgid::relaxed_body(" A <x@y>\n\t <Z@y> \t"), "A <x@y> <Z@y>");
  EXPECT_EQ(msgid::relaxed_body(" A\n\n B"), "A\n B") << "a LF that is no fold is no white space";
}

// --- In a verdict.

FieldList signed_message(const std::string& canonicalization, Field field) {
  return {std::move(field), {"DKIM-Signature", " c=" + canonicalization + "; d=d.example; h=message-id:references", 1}};
}

std::string verdict_on(const FieldList& fields, const msgid::Policy& policy) {
  std::string out;
  const msgid::Verdict verdict = msgid::inspect(fields, policy);
  for (const msgid::Finding& finding : verdict.findings) {
    out += std::string(finding.rule->name) + (finding.action == msgid::Action::rewrite ? "" : ":" + finding.reason) +
           " " + joined(finding.dkim.keeps) + "/" + joined(finding.dkim.breaks) + "; ";
  }
  for (const msgid::Edit& edit : verdict.edits) out += edit.new_body.substr(0, 12);
  return out;
}

msgid::Policy keep() {
  msgid::Policy policy;
  policy.signed_fields = msgid::SignedFields::keep;
  return policy;
}

const Field encoded = {"Message-ID", " =?utf-8?q?=3Ca=40b=3E?=", 1};

/// A line over 998 that can be folded, and with `tail` something else to mend.
Field long_list(const std::string& tail = "") {
  std::string body;
  for (int i = 0; i < 100; ++i) body += " <" + std::to_string(1000 + i) + "@x.example>";
  return {"References", body + tail, 1};
}

TEST(DkimVerdict, AnEditSaysWhatItDoes) {
  EXPECT_EQ(verdict_on(signed_message("relaxed", encoded), {}), "encoded-word /d.example;  <a@b>");
  EXPECT_EQ(verdict_on(signed_message("relaxed", long_list()), {}), "line-too-long d.example/;  <1000@x.exa");
  EXPECT_EQ(verdict_on(signed_message("simple", long_list()), {}), "line-too-long /d.example;  <1000@x.exa");
  EXPECT_EQ(verdict_on({encoded, {"Resent-Message-ID", " x", 1}}, {}), "encoded-word /; malformed:no-msg-id /;  <a@b>");
}

TEST(DkimVerdict, WithKeepAnEditThatBreaksIsNotMade) {
  EXPECT_EQ(verdict_on(signed_message("relaxed", encoded), keep()), "encoded-word:signed /d.example; ");
  EXPECT_EQ(verdict_on(signed_message("simple", long_list()), keep()), "line-too-long:signed /d.example; ");
}

TEST(DkimVerdict, WithKeepAnEditThatBreaksNothingIsMade) {
  EXPECT_EQ(verdict_on(signed_message("relaxed", long_list()), keep()), "line-too-long d.example/;  <1000@x.exa");
  EXPECT_EQ(verdict_on({encoded, {"DKIM-Signature", " d=d.example; h=from", 1}}, keep()), "encoded-word /;  <a@b>");
}

TEST(DkimVerdict, WithKeepNothingIsEditedWhereNotAllSignaturesAreRead) {
  FieldList fields = {encoded};
  for (int i = 1; i <= 100; ++i) fields.push_back({"DKIM-Signature", " h=from; d=d.example", i});
  EXPECT_EQ(verdict_on(fields, keep()), "encoded-word /;  <a@b>");
  fields.push_back({"DKIM-Signature", " h=message-id; d=late.example", 101});
  EXPECT_EQ(verdict_on(fields, keep()), "encoded-word:signed /; ");
  fields[100].body = " h=message-id; d=hundredth.example";
  EXPECT_EQ(verdict_on(fields, keep()), "encoded-word:signed /hundredth.example; ");
  fields[100].body = " h=from; d=d.example";
  EXPECT_EQ(verdict_on(fields, {}), "encoded-word /;  <a@b>");
}

TEST(DkimVerdict, WithKeepNoReportIsLost) {
  msgid::Policy policy = keep();
  policy.action(msgid::RuleId::folded) = msgid::RuleAction::fix;
  EXPECT_EQ(verdict_on(signed_message("simple", {"Message-ID", " no\n id", 1}), policy),
            "folded:signed /d.example; malformed:no-msg-id /; ");
}

TEST(DkimVerdict, WithKeepAFoldThatAddsSpaceIsHeldBackForTheSignature) {
  msgid::Policy policy = keep();
  policy.line_length = 60;
  policy.fold_at = 60;
  const std::string one = " <" + std::string(25, 'x') + "@e.example>";
  const std::string other = "<" + std::string(25, 'y') + "@e.example>";
  const auto verdict_of = [&](const std::string& body, const msgid::Policy& chosen) {
    return verdict_on(signed_message("relaxed", {"References", body, 1}), chosen);
  };
  EXPECT_EQ(verdict_of(one + "," + other, policy), "line-too-long:signed /d.example; ");
  // Folds at white space that is there are made, beside an edit that is held back.
  const std::string verdict = verdict_of(" <a\n b@c>" + one + " " + other, policy);
  EXPECT_EQ(verdict.find("line-too-long d.example/; space-in-msgid:signed /d.example;  <a\n b@c>"), 0U) << verdict;
}

TEST(DkimVerdict, DoubtIsTheReasonBeforeASignature) {
  msgid::Policy policy = keep();
  policy.action(msgid::RuleId::references_too_long) = msgid::RuleAction::fix;
  policy.references_length = 40;
  policy.line_length = policy.fold_at = 60;
  const std::string body = " <a b@c> <d@eeeeeeeeeeeeeeee> <f@gggggggggggggggg> <h@iiiiiiiiiiii>";
  const std::string verdict = verdict_on(signed_message("relaxed", {"References", body, 1}), policy);
  EXPECT_NE(verdict.find("references-too-long:uncertain /; "), std::string::npos) << verdict;
}

TEST(DkimVerdict, KeepAndRewriteFoldAlikeWhereWhiteSpaceIsThere) {
  msgid::Policy rewrite;
  rewrite.line_length = rewrite.fold_at = 60;
  msgid::Policy kept = rewrite;
  kept.signed_fields = msgid::SignedFields::keep;
  for (const std::string between : {" ", ", ", "; ", "> ", " (c) ", "\t"}) {
    std::string body;
    for (int i = 0; i < 5; ++i) body += (i == 0 ? " <" : between + "<") + std::string(25, 'x') + "@e.example>";
    const FieldList fields = signed_message("relaxed", {"References", body, 1});
    const msgid::Verdict verdict = msgid::inspect(fields, rewrite);
    ASSERT_EQ(verdict.edits.size(), 1U) << between;
    EXPECT_EQ(verdict.edits, msgid::inspect(fields, kept).edits) << between;
    EXPECT_EQ(verdict.findings.front().dkim.keeps, std::vector<std::string>{"d.example"}) << between;
    EXPECT_EQ(msgid::relaxed_body(verdict.edits.front().new_body), msgid::relaxed_body(body));
  }
}

TEST(DkimVerdict, WithKeepFoldsAreStillMended) {
  EXPECT_EQ(verdict_on(signed_message("relaxed", long_list(" <a .b@c>")), keep()),
            "line-too-long d.example/; space-in-msgid:signed /d.example;  <1000@x.exa");
  EXPECT_EQ(verdict_on(signed_message("relaxed", long_list(" =?utf-8?q?=3Ca=40b=3E?=")), keep()),
            "encoded-word:signed /d.example; line-too-long d.example/;  <1000@x.exa");
}

}  // namespace
