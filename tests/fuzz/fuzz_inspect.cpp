// The promises of inspect() over any octets. The first octets choose a policy, and whether the rest is taken as it is
// or each octet for a word of the grammar.
#include <array>
#include <string>
#include <string_view>

#include "tests/fuzz/input.h"
#include "tests/properties.h"

namespace {

using namespace std::string_view_literals;

/// Octets of the grammar, and words that a mutation of octets does not hit upon.
constexpr std::array words = {
    "<"sv,     ">"sv,   "@"sv,         "."sv,           ","sv,         "("sv,       ")"sv,      "\""sv, "\\"sv,
    "["sv,     "]"sv,   "="sv,         "?"sv,           "_"sv,         " "sv,       "\t"sv,     "\n"sv, "!"sv,
    "a"sv,     "q"sv,   "b"sv,         "Q"sv,           "B"sv,         "x"sv,       "3"sv,      "C"sv,  "E"sv,
    "u"sv,     "-"sv,   "8"sv,         "\x01"sv,        "\xc3"sv,      ";"sv,       "\n "sv,    "<<"sv, ">>"sv,
    "<a@b>"sv, "c@d"sv, "<e@f g@h>"sv, "<i@j\n k@l>"sv, "&lt;"sv,      "&gt;"sv,    "=?u?q?"sv, "?="sv, "=3C"sv,
    "=3E"sv,   "=40"sv, "=?u?b?"sv,    "PGFAYj4="sv,    "<a@[1;2]>"sv, "\"<m@n>"sv, "(<o@p>"sv};

msgid::Policy policy_from(std::uint8_t limits, std::uint8_t actions) {
  msgid::Policy policy;
  for (const msgid::Rule& rule : msgid::rules()) {
    const unsigned choice = (actions >> (static_cast<unsigned>(rule.id) % 4U * 2U)) & 3U;
    if (choice == 1) policy.action(rule.id) = msgid::RuleAction::off;
    if (choice == 2) policy.action(rule.id) = msgid::RuleAction::report;
    if (choice == 3 && rule.can_fix) policy.action(rule.id) = msgid::RuleAction::fix;
  }
  if ((limits & 1U) != 0) policy.line_length = 90;
  if ((limits & 3U) != 0) policy.fold_at = 78;
  if ((limits & 4U) != 0) policy.msgid_length = 60;
  if ((limits & 8U) != 0) policy.references_length = 120;
  if ((limits & 16U) != 0) policy.msgid_domain = "x.example";
  if ((limits & 32U) != 0) policy.signed_fields = msgid::SignedFields::keep;
  if ((limits & 64U) != 0) policy.action(msgid::RuleId::brackets) = msgid::RuleAction::fix;
  if ((limits & 128U) != 0) policy.action(msgid::RuleId::strict_syntax) = msgid::RuleAction::report;
  return policy;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const msgid::Policy policy = policy_from(data[0], data[1]);
  const bool is_mapped = (data[2] & 1U) != 0;
  std::string body;
  for (std::size_t i = 3; i < size; ++i) {
    if (is_mapped) {
      body += words[data[i] % words.size()];
    } else {
      body += static_cast<char>(data[i]);
    }
  }
  const msgid::FieldList fields = {
      {"Message-ID", body, 1},
      {"References", body, 1},
      {"References", body, 2},
      {"X", body, 1},
      {"X-MS-TNEF-Correlator", body, 1},
      {"DKIM-Signature", (data[2] & 2U) != 0 ? " d=d.example; c=relaxed; h=message-id:references" : body, 1}};
  const std::string broken = properties::broken(fields, policy);
  fuzz::expect(broken.empty(), broken);
  return 0;
}
