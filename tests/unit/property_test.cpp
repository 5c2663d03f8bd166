// The promises of inspect() over generated fields: every short sequence of the grammar's own pieces, long random ones,
// and lists of ids with the damage that lists get on their way.
#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/properties.h"
#include "tests/random_fields.h"

namespace {

using msgid::FieldList;
using msgid::Policy;
using msgid::RuleAction;
using random_fields::DamagedList;
using random_fields::Random;

constexpr std::array<std::string_view, 16> pieces = {
    "<", ">", "@", "a", " ", "\n ", ",", ";", "\"", "(", ")", "=?us-ascii?q?", "=3C", "=40", "=3E", "?="};

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
  // The quick run takes all sequences of up to three pieces and a sample of the longer ones; MSGID_EXHAUSTIVE=1 takes
  // all 17,895,696 of up to six.
  const bool is_exhaustive = std::getenv("MSGID_EXHAUSTIVE") != nullptr;
  const Policy by_default;
  const Policy everything = eager();
  std::uint64_t tried = 0;
  for (std::size_t length = 1; length <= 6; ++length) {
    std::uint64_t all = 1;
    for (std::size_t i = 0; i < length; ++i) all *= pieces.size();
    const std::uint64_t step = is_exhaustive || length <= 3 ? 1 : length == 4 ? 3 : length == 5 ? 101 : 1009;
    for (std::uint64_t number = 0; number < all; number += step) {
      std::string body = " ";
      for (std::uint64_t rest = number, i = 0; i < length; ++i, rest /= pieces.size())
        body += pieces[static_cast<std::size_t>(rest % pieces.size())];
      const FieldList fields = one_of_each(body);
      ASSERT_EQ(properties::broken(fields, by_default), "") << printable(body);
      ASSERT_EQ(properties::broken(fields, everything), "") << printable(body) << " (every rule fixes)";
      ++tried;
    }
  }
  EXPECT_GE(tried, is_exhaustive ? 17895696u : 50000u);
}

Policy random_policy(Random& random) {
  Policy policy = random.below(2) == 0 ? narrow() : Policy();
  for (const msgid::Rule& rule : msgid::rules()) {
    switch (random.below(4)) {
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
  if (random.below(4) == 0) policy.msgid_domain = "short.example";
  if (random.below(4) == 0) policy.msgid_length = 45 + random.below(30);
  if (random.below(2) == 0) policy.signed_fields = msgid::SignedFields::keep;
  return policy;
}

TEST(Property, RandomFields) {
  const int rounds = std::getenv("MSGID_EXHAUSTIVE") != nullptr ? 3000000 : 30000;
  Random random(20261121);
  for (int i = 0; i < rounds; ++i) {
    const std::string body = random.body();
    const Policy policy = random_policy(random);
    FieldList fields = one_of_each(body);
    for (msgid::Field& field : random.signature()) fields.push_back(std::move(field));
    ASSERT_EQ(properties::broken(fields, policy), "") << "round " << i << ": " << printable(body);
  }
}

/// The fields of a message whose correlator is the Message-ID.
FieldList correlated(const std::string& body) {
  return {{"Message-ID", body, 1}, {"References", body, 1}, {"X-MS-TNEF-Correlator", body, 1}};
}

TEST(Property, FieldsThatBrokeAPromise) {
  const Policy wide;
  Policy narrow_ids;
  narrow_ids.msgid_length = 60;
  Policy without_words = narrow_ids;
  without_words.action(msgid::RuleId::encoded_word) = RuleAction::off;
  Policy unfolding;
  unfolding.action(msgid::RuleId::folded) = RuleAction::fix;
  const std::string left(48, 'a');
  struct Case {
    std::string body;
    const Policy& policy;
  };
  for (const Case& c : {
           // An encoded-word that begins inside of brackets and ends outside.
           Case{" <=?utf-8?q?" + left + "@b>?=", narrow_ids},
           // One that is there only when white space is removed, or when another is decoded.
           Case{" <=?utf-8?q?a@ b?=>", narrow_ids},
           Case{" =?utf-8?q?=3C=3D=3Futf-8=3Fq=3Fa=40b=3F=3D=3E?=", narrow_ids},
           // A space where none was, between text and a comment.
           Case{" x@[(]>) <a .b@c>", narrow_ids},
           // A line feed that is no fold.
           Case{" a@b\n!\n\t", unfolding},
           // Encoded-words in brackets that are not to be decoded.
           Case{" <=?utf-8?q?=3C" + left + "=40b=3E?=>", without_words},
           Case{" <=?utf-8?q?=40?=\n a@b>", without_words},
           // The same beside an id: the correlator has to follow.
           Case{" <a .b@c> =?utf-16?q?x?=", without_words},
           Case{" <a .b@c> =?utf-8?q?x=4?=", without_words},
           // The Message-ID fits its line, the correlator with its longer name does not.
           Case{" < " + std::string(973, 'a') + "@b>", wide},
           Case{" =?utf-8?q?=3C" + std::string(973, 'a') + "=40b=3E?=", wide},
       }) {
    EXPECT_EQ(properties::broken(correlated(c.body), c.policy), "") << printable(c.body);
  }
}

TEST(Property, DamagedLists) {
  const int rounds = std::getenv("MSGID_EXHAUSTIVE") != nullptr ? 2000000 : 20000;
  Random random(20261130);
  DamagedList list(random);
  for (int i = 0; i < rounds; ++i) {
    const std::string body = list.body();
    Policy policy = random_policy(random);
    // What may lose ids, or hides what does, is on in some rounds only.
    if (random.below(4) != 0) policy.action(msgid::RuleId::references_too_long) = RuleAction::report;
    if (random.below(4) != 0) policy.action(msgid::RuleId::non_ascii) = RuleAction::report;
    FieldList fields = correlated(body);
    for (msgid::Field& field : random.signature()) fields.push_back(std::move(field));
    ASSERT_EQ(properties::broken(fields, policy), "") << "round " << i << ": " << printable(body);
  }
}

}  // namespace
