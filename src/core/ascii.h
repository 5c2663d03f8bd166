// Character classes of RFC 5322 and RFC 5234, independent of the locale.
#ifndef MSGID_CORE_ASCII_H
#define MSGID_CORE_ASCII_H

#include <string_view>

namespace msgid::ascii {

constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

/// WSP, and LF: in a field body a LF is a fold.
constexpr bool is_space(char c) noexcept {
  return c == ' ' || c == '\t' || c == '\n';
}

/// VCHAR: printable, without the space.
constexpr bool is_visible(char c) noexcept {
  return c > 32 && c < 127;
}

constexpr bool is_hex(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

constexpr bool is_alnum(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// atext (RFC 5322 3.2.3).
constexpr bool is_atext(char c) noexcept {
  return is_alnum(c) || std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
}

/// The text without the white space around it.
constexpr std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace msgid::ascii

#endif
