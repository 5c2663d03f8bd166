#include "audit/html_text.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "msgid/field.h"

namespace audit {

namespace {

constexpr std::size_t npos = std::string_view::npos;

bool is_alpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_alnum(char c) {
  return is_alpha(c) || (c >= '0' && c <= '9');
}

/// The name of the tag that `text` begins with, "/" left out; empty where it begins with none.
///
///   tag = "<" ["/"] ALPHA *( ALPHA / DIGIT / ":" / "-" ) ( WSP / line-end / "/" / ">" )    ; enough of HTML 13.1.2
std::string_view tag_name(std::string_view text) {
  std::size_t at = 1;
  if (at < text.size() && text[at] == '/') ++at;
  const std::size_t begin = at;
  while (at < text.size() && (is_alnum(text[at]) || text[at] == ':' || text[at] == '-')) ++at;
  if (at == begin || !is_alpha(text[begin])) return {};
  const bool is_closed = at < text.size() && std::string_view(" \t\r\n/>").find(text[at]) != npos;
  return is_closed ? text.substr(begin, at - begin) : std::string_view{};
}

template <std::size_t N>
bool is_one_of(std::string_view name, const std::array<std::string_view, N>& names) {
  return std::any_of(names.begin(), names.end(), [name](std::string_view one) { return msgid::same_name(one, name); });
}

bool is_block(std::string_view name) {
  static constexpr std::array<std::string_view, 20> blocks = {
      "address", "blockquote", "body", "br",   "dd", "div", "dl",  "dt", "h1", "h2",
      "h3",      "h4",         "hr",   "html", "li", "p",   "pre", "td", "tr", "table"};
  return is_one_of(name, blocks);
}

/// Finds `what` in any case, from `at` on.
std::size_t find_tag(std::string_view text, std::string_view what, std::size_t at) {
  const auto same = [](char a, char b) { return msgid::same_name({&a, 1}, {&b, 1}); };
  const auto* const found = std::search(text.begin() + at, text.end(), what.begin(), what.end(), same);
  return found == text.end() ? npos : static_cast<std::size_t>(found - text.begin());
}

void append_utf8(std::string& out, std::uint32_t character) {
  const auto octet = [&out](std::uint32_t value) { out += static_cast<char>(static_cast<unsigned char>(value)); };
  if (character < 0x80) {
    octet(character);
  } else if (character < 0x800) {
    octet(0xC0U | character >> 6U);
    octet(0x80U | (character & 0x3FU));
  } else if (character < 0x10000) {
    octet(0xE0U | character >> 12U);
    octet(0x80U | (character >> 6U & 0x3FU));
    octet(0x80U | (character & 0x3FU));
  } else {
    octet(0xF0U | character >> 18U);
    octet(0x80U | (character >> 12U & 0x3FU));
    octet(0x80U | (character >> 6U & 0x3FU));
    octet(0x80U | (character & 0x3FU));
  }
}

/// "#38" or "#x26" as a character; 0 where it is none that a text may have.
std::uint32_t numeric_reference(std::string_view name) {
  const bool is_hex = name.size() > 2 && (name[1] == 'x' || name[1] == 'X');
  const std::string_view digits = name.substr(is_hex ? 2 : 1);
  std::uint32_t value = 0;
  for (const char c : digits) {
    const auto digit = static_cast<std::uint32_t>(c >= '0' && c <= '9'   ? c - '0'
                                                  : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                                  : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                                         : 99);
    if (digit >= (is_hex ? 16U : 10U) || value > 0x10FFFF) return 0;
    value = value * (is_hex ? 16U : 10U) + digit;
  }
  const bool is_surrogate = value >= 0xD800 && value <= 0xDFFF;
  return digits.empty() || is_surrogate || value > 0x10FFFF ? 0 : value;
}

/// Decodes the character reference that `text` begins with (at its "&"); returns its length, 0 where it is none.
std::size_t append_reference(std::string& out, std::string_view text) {
  struct Named {
    std::string_view name;
    std::string_view text;
  };
  static constexpr std::array<Named, 6> named = {
      {{"lt", "<"}, {"gt", ">"}, {"amp", "&"}, {"quot", "\""}, {"apos", "'"}, {"nbsp", " "}}};
  static constexpr std::size_t longest = 10;
  const std::size_t end = text.substr(0, longest).find(';');
  if (end == npos || end < 3) return 0;
  const std::string_view name = text.substr(1, end - 1);
  if (name.front() == '#') {
    const std::uint32_t character = numeric_reference(name);
    if (character == 0) return 0;
    if (character == 0xA0) {
      out += ' ';
    } else {
      append_utf8(out, character);
    }
    return end + 1;
  }
  const auto* const row =
      std::find_if(named.begin(), named.end(), [name](const Named& one) { return msgid::same_name(one.name, name); });
  if (row == named.end()) return 0;
  out += row->text;
  return end + 1;
}

/// Behind the comment, or the element with a content that is no text, that begins at `at`.
std::size_t behind_hidden(std::string_view html, std::size_t at, std::string_view end_mark) {
  const std::size_t end = find_tag(html, end_mark, at);
  return end == npos ? html.size() : end + end_mark.size();
}

}  // namespace

bool looks_like_html(std::string_view text) noexcept {
  static constexpr std::array<std::string_view, 9> tags = {"html", "body", "div", "br", "p",
                                                           "font", "span", "pre", "td"};
  for (std::size_t at = text.find('<'); at != npos; at = text.find('<', at + 1)) {
    if (is_one_of(tag_name(text.substr(at)), tags)) return true;
  }
  return false;
}

std::string text_of_html(std::string_view html) {
  std::string out;
  out.reserve(html.size());
  for (std::size_t at = 0; at < html.size();) {
    if (html[at] == '&') {
      const std::size_t length = append_reference(out, html.substr(at));
      if (length == 0) out += '&';
      at += std::max<std::size_t>(length, 1);
      continue;
    }
    const bool is_comment = html.substr(at, 4) == "<!--";
    const std::string_view name = html[at] == '<' ? tag_name(html.substr(at)) : std::string_view{};
    if (is_comment) {
      at = behind_hidden(html, at, "-->");
    } else if (name.empty() && html.substr(at, 2) != "<!") {
      out += html[at++];
    } else {
      const bool is_end = html.substr(at, 2) == "</";
      if (is_block(name)) out += '\n';
      if (!is_end && msgid::same_name(name, "style")) {
        at = behind_hidden(html, at, "</style>");
      } else if (!is_end && msgid::same_name(name, "script")) {
        at = behind_hidden(html, at, "</script>");
      } else {
        at = std::min(html.find('>', at), html.size() - 1) + 1;
      }
    }
  }
  return out;
}

}  // namespace audit
