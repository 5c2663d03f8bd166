#include "audit/header_text.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

#include "msgid/field.h"

namespace audit {

namespace {

constexpr std::size_t npos = std::string_view::npos;

struct Line {
  std::string_view text;  ///< without indentation and the blanks at its end
  std::size_t indent = 0;
  std::string_view name;  ///< of the field it begins; empty where it begins none
};

bool begins_with(std::string_view text, std::string_view beginning) {
  return text.size() >= beginning.size() && msgid::same_name(text.substr(0, beginning.size()), beginning);
}

template <std::size_t N>
bool is_one_of(std::string_view name, const std::array<std::string_view, N>& names) {
  return std::any_of(names.begin(), names.end(), [name](std::string_view one) { return msgid::same_name(one, name); });
}

bool is_id_field(std::string_view name) {
  static constexpr std::array<std::string_view, 4> names = {"Message-ID", "In-Reply-To", "References",
                                                            "Resent-Message-ID"};
  return is_one_of(name, names);
}

/// Fields that are in a header and not in what a mail program shows of it.
bool is_technical(std::string_view name) {
  static constexpr std::array<std::string_view, 6> names = {"Received",    "DKIM-Signature", "MIME-Version",
                                                            "Return-Path", "Received-SPF",   "Authentication-Results"};
  return is_id_field(name) || is_one_of(name, names) || begins_with(name, "ARC-");
}

bool is_known(std::string_view name) {
  static constexpr std::array<std::string_view, 12> names = {
      "From",       "To",           "Cc",         "Subject",         "Date",          "Sender", "Reply-To",
      "User-Agent", "Delivered-To", "Importance", "Accept-Language", "Auto-Submitted"};
  static constexpr std::array<std::string_view, 5> beginnings = {"X-", "List-", "Resent-", "Content-", "Thread-"};
  return is_technical(name) || is_one_of(name, names) ||
         std::any_of(beginnings.begin(), beginnings.end(),
                     [&](std::string_view one) { return begins_with(name, one); });
}

/// The name of the field that a line begins: a word of letters, digits, "-" and "_" before a colon with a blank or the
/// line's end behind it. Behind the names that are known, anything.
std::string_view name_of_field(std::string_view line) {
  static constexpr std::size_t longest = 78;
  const std::size_t colon = line.substr(0, longest).find(':');
  if (colon == npos || colon == 0) return {};
  const std::string_view name = line.substr(0, colon);
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const bool is_name = is_letter(name.front()) && std::all_of(name.begin(), name.end(), [&](char c) {
                         return is_letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '_';
                       });
  if (!is_name) return {};
  const bool is_apart = colon + 1 == line.size() || line[colon + 1] == ' ' || line[colon + 1] == '\t';
  return is_apart || is_known(name) ? name : std::string_view{};
}

/// Cuts a text into lines. A no-break space (UTF-8) counts as indentation too: that is what programs paste for it.
std::vector<Line> lines_of(std::string_view text) {
  static constexpr std::string_view no_break_space = "\xc2\xa0";
  std::vector<Line> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    Line line = {text.substr(begin, end - begin), 0, {}};
    while (!line.text.empty() && std::string_view(" \t\r").find(line.text.back()) != npos) line.text.remove_suffix(1);
    while (!line.text.empty()) {
      const bool is_wide = line.text.starts_with(no_break_space);
      if (!is_wide && line.text.front() != ' ' && line.text.front() != '\t') break;
      line.text.remove_prefix(is_wide ? no_break_space.size() : 1);
      ++line.indent;
    }
    line.name = name_of_field(line.text);
    lines.push_back(line);
    begin = end + 1;
  }
  return lines;
}

/// A run of fields: lines [begin, end).
struct Block {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t fields = 0;
  bool has_ids = false;
  bool has_technical = false;

  bool is_header() const { return has_ids || (has_technical && fields > 1); }
};

/// Whether an empty line stands behind each of the lines from `at` on: what comes of HTML with paragraphs for lines.
bool is_double_spaced(const std::vector<Line>& lines, std::size_t at) {
  for (std::size_t i = at; i < at + 6; ++i) {
    const bool is_empty = i >= lines.size() || lines[i].text.empty();
    if (is_empty != ((i - at) % 2 == 1)) return false;
  }
  return true;
}

Block read_block(const std::vector<Line>& lines, std::size_t begin) {
  Block block = {begin, begin};
  const bool is_spaced = is_double_spaced(lines, begin);
  std::size_t i = begin;
  for (; i < lines.size(); ++i) {
    const Line& line = lines[i];
    if (line.text.empty()) {
      const bool goes_on = is_spaced && i + 1 < lines.size() && !lines[i + 1].text.empty();
      if (!goes_on) break;
      continue;
    }
    if (line.text.starts_with("--")) break;  // a boundary or a rule
    block.end = i + 1;
    const bool is_field = !line.name.empty() && (line.indent <= lines[begin].indent || is_known(line.name));
    if (!is_field) continue;
    ++block.fields;
    if (is_id_field(line.name)) block.has_ids = true;
    if (is_technical(line.name)) block.has_technical = true;
  }
  block.end = std::max(block.end, begin + 1);
  return block;
}

/// The block as a header.
void render(const std::vector<Line>& lines, const Block& block, HeaderText& found) {
  const std::size_t base = lines[block.begin].indent;
  for (std::size_t i = block.begin; i < block.end; ++i) {
    const Line& line = lines[i];
    if (line.text.empty()) continue;
    const bool is_field = !line.name.empty() && (line.indent <= base || is_known(line.name));
    if (!is_field) {
      if (line.indent <= base) found.is_rewrapped = true;
      found.header += ' ';
    }
    found.header += line.text;
    found.header += '\n';
  }
}

}  // namespace

HeaderText find_header(std::string_view text) {
  const std::vector<Line> lines = lines_of(text);
  Block best;
  for (std::size_t i = 0; i < lines.size();) {
    if (!is_known(lines[i].name)) {
      ++i;
      continue;
    }
    const Block block = read_block(lines, i);
    if (block.is_header() && block.fields > best.fields) best = block;
    i = block.end;
  }
  HeaderText found;
  if (best.fields == 0) {
    found.rest = text;
    return found;
  }
  render(lines, best, found);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i >= best.begin && i < best.end) continue;
    found.rest += lines[i].text;
    found.rest += '\n';
  }
  return found;
}

std::string without_quote_marks(std::string_view text) {
  const auto end_of_line = [text](std::size_t begin) { return std::min(text.find('\n', begin), text.size()); };
  const auto is_quoted = [text](std::size_t begin) { return begin < text.size() && text[begin] == '>'; };
  std::string out;
  out.reserve(text.size());
  bool was_quoted = true;  // so that a single line counts
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = end_of_line(begin);
    const bool quoted = is_quoted(begin);
    const bool in_company = was_quoted || is_quoted(end + 1);
    std::size_t at = begin;
    while (quoted && in_company && at < end && text[at] == '>') {
      ++at;
      if (at + 1 < end && text[at] == ' ' && text[at + 1] == '>') ++at;  // "> > "
    }
    if (at > begin && at < end && text[at] == ' ') ++at;
    out += text.substr(at, end - at);
    out += '\n';
    was_quoted = quoted;
    begin = end + 1;
  }
  return out;
}

}  // namespace audit
