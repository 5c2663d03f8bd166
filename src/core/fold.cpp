#include "msgid/fold.h"

#include <algorithm>

#include "core/ascii.h"

namespace msgid {

std::string unfold(std::string_view body) {
  std::string out;
  out.reserve(body.size());
  for (std::size_t i = 0; i < body.size(); ++i) {
    const bool is_fold = body[i] == '\n' && i + 1 < body.size() && (body[i + 1] == ' ' || body[i + 1] == '\t');
    if (!is_fold) out += body[i];
  }
  return out;
}

std::size_t longest_line(std::size_t name_octets, std::string_view body) noexcept {
  std::size_t longest = 0;
  std::size_t before = name_octets + 1;
  for (;;) {
    const std::size_t end = body.find('\n');
    longest = std::max(longest, before + std::min(end, body.size()));
    if (end == std::string_view::npos) return longest;
    body.remove_prefix(end + 1);
    before = 0;
  }
}

namespace {

/// Appends a unit; a run of white space with a fold or a TAB in it becomes one space.
void append_on_one_line(std::string& out, std::string_view unit) {
  for (std::size_t i = 0; i < unit.size();) {
    if (!ascii::is_space(unit[i])) {
      out += unit[i++];
      continue;
    }
    std::size_t end = i;
    while (end < unit.size() && ascii::is_space(unit[end])) ++end;
    const std::string_view run = unit.substr(i, end - i);
    if (run.find_first_not_of(' ') == std::string_view::npos) {
      out += run;
    } else {
      out += ' ';
    }
    i = end;
  }
}

}  // namespace

std::string fold(std::size_t name_octets, std::span<const std::string_view> units, std::size_t fold_at) {
  std::string out;
  std::size_t line = name_octets + 1;
  for (const std::string_view unit : units) {
    const std::size_t start = out.size();
    out += ' ';
    append_on_one_line(out, unit);
    const std::size_t added = out.size() - start;
    if (start != 0 && line + added > fold_at) {
      out.insert(start, 1, '\n');
      line = added;
    } else {
      line += added;
    }
  }
  return out;
}

bool is_safe_body(std::size_t name_octets, std::string_view body) noexcept {
  for (std::size_t i = 0; i < body.size(); ++i) {
    const char c = body[i];
    const bool is_wsp_next = i + 1 < body.size() && (body[i + 1] == ' ' || body[i + 1] == '\t');
    if (c == '\n' ? !is_wsp_next : c != '\t' && (c < 32 || c > 126)) return false;
  }
  return longest_line(name_octets, body) <= max_line_octets;
}

}  // namespace msgid
