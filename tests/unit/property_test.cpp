// The promises of inspect() over generated fields: every short sequence of the grammar's own pieces, and long random
// ones.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>

#include "tests/properties.h"

namespace {

using msgid::FieldList;
using msgid::Policy;
using msgid::RuleAction;

constexpr std::array<std::string_view, 14> pieces = {
    "<", ">", "@", "a", " ", "\n ", ",", "(", ")", "=?us-ascii?q?", "=3C", "=40", "=3E", "?="};

/// Every rule that can fix, fixes; limits low enough to be met by short fields.
Policy eager() {
  Policy policy;
  for (const msgid::Rule& rule : msgid::rules()) {
    policy.action(rule.id) = rule.can_fix ? RuleAction::fix : RuleAction::report;
  }
  return policy;
}

Policy narrow() {
  Policy policy = eager();
  policy.line_length = 90;
  policy.fold_at = 78;
  policy.msgid_length = 60;
  policy.references_length = 150;
  return policy;
}

std::string printable(std::string_view body) {
  std::string out;
  for (const char c : body) out += c == '\n' ? "\\n" : std::string(1, c);
  return out;
}

FieldList one_of_each(const std::string& body) {
  return {{"Message-ID", body, 1}, {"References", body, 1}, {"X-Other", body, 1}};
}

TEST(Property, EverySequenceOfPieces) {
  // The quick run takes all sequences of up to four pieces and a sample of the longer ones; MSGID_EXHAUSTIVE=1 takes
  // all 8,108,730 of up to six.
  const bool is_exhaustive = std::getenv("MSGID_EXHAUSTIVE") != nullptr;
  const Policy by_default;
  const Policy everything = eager();
  std::uint64_t tried = 0;
  for (std::size_t length = 1; length <= 6; ++length) {
    std::uint64_t all = 1;
    for (std::size_t i = 0; i < length; ++i) all *= pieces.size();
    const std::uint64_t step = is_exhaustive || length <= 4 ? 1 : length == 5 ? 101 : 1009;
    for (std::uint64_t number = 0; number < all; number += step) {
      std::string body = " ";
      for (std::uint64_t rest = number, i = 0; i < length; ++i, rest /= pieces.size())
        body += pieces[rest % pieces.size()];
      const FieldList fields = one_of_each(body);
      ASSERT_EQ(properties::broken(fields, by_default), "") << printable(body);
      ASSERT_EQ(properties::broken(fields, everything), "") << printable(body) << " (every rule fixes)";
      ++tried;
    }
  }
  EXPECT_GE(tried, is_exhaustive ? 8108730u : 50000u);
}

/// Longer fields out of pieces that make the rules meet.
class Random {
 public:
  explicit Random(std::uint32_t seed) : engine_(seed) {}

  std::string body() {
    static const std::array<std::string, 27> parts = {" ",
                                                      "\n ",
                                                      "\n\t",
                                                      "\t",
                                                      ",",
                                                      "<a@b>",
                                                      "<c@d.example>",
                                                      "<a b@c>",
                                                      "<a\n b@c>",
                                                      "<a .b@c>",
                                                      "<a! \n b@c>",
                                                      "(comment)",
                                                      "(c\n d)",
                                                      "\"q <x@y>\"",
                                                      "phrase",
                                                      "<\xc3\xa9@x>",
                                                      "<unterminated",
                                                      "a@b.example",
                                                      "=?utf-8?q?=3Cq=40example=2Ecom=3E?=",
                                                      "=?utf-8?q?=3Ccut?=",
                                                      "=?utf-8?b?QGV4YW1wbGUuY29tPg==?=",
                                                      "=?utf-8?q?phrase?=",
                                                      "=?utf-16?q?=3Ca=40b=3E?=",
                                                      "=?utf-8?q?=3Cbroken=4?=",
                                                      "\x01",
                                                      "<\"quoted space\"@x>",
                                                      "<[hex====@microsoft.example]>"};
    std::string out = below(8) == 0 ? "" : " ";
    const std::size_t length = 1 + below(below(10) == 0 ? 80 : 8);
    for (std::size_t i = 0; i < length; ++i) {
      if (below(12) == 0) {
        out += "<" + std::string(below(120), 'x') + "@" + std::string(below(30), 'y') + ">";
      } else if (below(40) == 0) {
        out += static_cast<char>(below(256));
      } else {
        out += parts[below(parts.size())];
      }
      if (below(3) == 0) out += ' ';
    }
    return out;
  }

  Policy policy() {
    Policy policy = below(2) == 0 ? narrow() : Policy();
    for (const msgid::Rule& rule : msgid::rules()) {
      switch (below(4)) {
        case 0:
          policy.action(rule.id) = RuleAction::off;
          break;
        case 1:
          policy.action(rule.id) = RuleAction::report;
          break;
        case 2:
          policy.action(rule.id) = rule.can_fix ? RuleAction::fix : RuleAction::report;
          break;
        default:
          break;
      }
    }
    if (below(4) == 0) policy.msgid_domain = "short.example";
    if (below(4) == 0) policy.msgid_length = 45 + below(30);
    if (below(2) == 0) policy.signed_fields = msgid::SignedFields::keep;
    return policy;
  }

  /// A signature over some of the fields of one_of_each(), or none.
  FieldList signature() {
    static const std::array<std::string, 5> bodies = {
        " d=s.example; h=from:message-id", " c=relaxed; d=r.example; h=message-id",
        " c=relaxed; d=r.example; h=references:message-id:references", " c=relaxed; d=r.example",
        " c=simple; d=s.example; h=references"};
    return below(2) == 0 ? FieldList{} : FieldList{{"DKIM-Signature", bodies[below(bodies.size())], 1}};
  }

 private:
  std::size_t below(std::size_t limit) { return std::uniform_int_distribution<std::size_t>(0, limit - 1)(engine_); }

  std::mt19937 engine_;
};

TEST(Property, RandomFields) {
  const int rounds = std::getenv("MSGID_EXHAUSTIVE") != nullptr ? 3000000 : 60000;
  Random random(20261121);
  for (int i = 0; i < rounds; ++i) {
    const std::string body = random.body();
    const Policy policy = random.policy();
    FieldList fields = one_of_each(body);
    for (msgid::Field& field : random.signature()) fields.push_back(std::move(field));
    ASSERT_EQ(properties::broken(fields, policy), "") << "round " << i << ": " << printable(body);
  }
}

}  // namespace
