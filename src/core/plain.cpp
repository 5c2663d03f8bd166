// A first look at a field, for speed: nearly every field body of nearly every message is plain, and the scanner and
// eleven rules cost 3.3 us for four fields of one message where this costs 0.5 us (g++ 12 -O3, 2026-11-21). The tests
// hold it to the rules: what is plain has no finding under any policy.

#include <array>
#include <cstddef>
#include <string_view>

#include "core/ascii.h"
#include "core/inspection.h"

namespace msgid {

namespace {

constexpr std::size_t octet_values = 256;

/// By octet: whether a rule or the scanner looks twice at it inside an id. A table takes half the instructions that
/// comparisons without branches take (g++ 12 -O3, callgrind, 2026-11-22). Not constexpr, for tests/mutation switches
/// its mutants at run time.
const std::array<bool, octet_values> is_special = [] {
  std::array<bool, octet_values> table = {};
  for (std::size_t i = 0; i < table.size(); ++i) {
    const auto c = static_cast<char>(i);
    table[i] = !ascii::is_visible(c) || std::string_view("<\"()\\?,;[]").find(c) != std::string_view::npos;
  }
  return table;
}();

/// Whether an id's inside can hold nothing that a rule or the scanner looks twice at. `inside` is not empty.
bool is_plain_inside(std::string_view inside) noexcept {
  bool has_special = inside.front() == '@' || inside.back() == '@';
  for (const char c : inside) has_special |= is_special[static_cast<unsigned char>(c)];
  return !has_special;
}

}  // namespace

bool is_plain(const Field& field, const ListedField& listed, const Policy& policy) noexcept {
  const std::string_view body = field.body;
  if (listed.at_most_once && field.instance > 1) return false;
  if (listed.is_list && body.size() > policy.references_length) return false;
  if (policy.action(RuleId::strict_syntax) != RuleAction::off) return false;
  const bool may_fold = policy.action(RuleId::folded) == RuleAction::off;
  bool has_id = false;
  std::size_t line_begin = 0;
  std::size_t line_prefix = field.name.size() + 1;
  for (std::size_t i = 0; i < body.size();) {
    const char c = body[i];
    if (c == '<') {
      const std::size_t end = body.find('>', i);
      if (end == std::string_view::npos || end == i + 1 || end + 1 - i > policy.msgid_length) return false;
      if (!is_plain_inside(body.substr(i + 1, end - i - 1))) return false;
      if (has_id && !listed.is_list) return false;
      has_id = true;
      i = end + 1;
    } else if (c == ' ' || c == '\t' || c == ',') {
      ++i;
    } else if (c == '\n' && may_fold && i + 1 < body.size() && (body[i + 1] == ' ' || body[i + 1] == '\t')) {
      if (line_prefix + i - line_begin > policy.line_length) return false;
      line_prefix = 0;
      line_begin = ++i;
    } else {
      return false;
    }
  }
  return line_prefix + body.size() - line_begin <= policy.line_length && has_id;
}

}  // namespace msgid
