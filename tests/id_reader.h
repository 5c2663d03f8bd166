// A second reader of msg-id fields: the judge of the promise that no edit loses an id. It is written from that promise
// and the RFCs, and shares no code with the core: a mistake in the core's scanner must not hide here too.
//
// The ids of a field are what is clean among its pieces:
//
//   clean = dot-atom-text "@" (dot-atom-text / "[" *dtext "]")      ; RFC 5322 3.2.3, 3.4.1
//
// Encoded-words are decoded first. A pair of brackets is a "<" and the next ">" with no "<" between them. A pair with
// one "@" is one piece, without its white space. A pair with several, and what is outside of pairs, is split at white
// space, commas, semicolons and angle brackets. Comments and quoted-strings have no meaning here.
#ifndef MSGID_TESTS_ID_READER_H
#define MSGID_TESTS_ID_READER_H

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace id_reader {

inline constexpr std::size_t npos = std::string_view::npos;
inline constexpr std::string_view white_space = " \t\r\n";

inline bool is_one_of(char c, std::string_view set) {
  return set.find(c) != npos;
}

inline bool is_visible(char c) {
  return c > 32 && c < 127;
}

inline bool is_dot_atom(std::string_view text) {
  for (;;) {
    const std::string_view atom = text.substr(0, text.find('.'));
    const auto is_atext = [](char c) { return is_visible(c) && !is_one_of(c, "()<>[]:;@\\,.\""); };
    if (atom.empty() || !std::all_of(atom.begin(), atom.end(), is_atext)) return false;
    if (atom.size() == text.size()) return true;
    text.remove_prefix(atom.size() + 1);
  }
}

inline bool is_clean(std::string_view text) {
  const std::size_t at = text.find('@');
  if (at == npos || !is_dot_atom(text.substr(0, at))) return false;
  const std::string_view right = text.substr(at + 1);
  if (right.size() < 2 || right.front() != '[' || right.back() != ']') return is_dot_atom(right);
  const std::string_view literal = right.substr(1, right.size() - 2);
  return std::all_of(literal.begin(), literal.end(), [](char c) { return is_visible(c) && !is_one_of(c, "[]\\"); });
}

/// The number that a hexadecimal digit or a digit of base64 stands for; npos if it is none.
inline std::size_t digit(char c, std::string_view digits) {
  return digits.find(c);
}

/// RFC 2047 4.2. A broken escape stays as it is.
inline std::string decode_q(std::string_view text) {
  static constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto value = [&](std::size_t at) {
      return at < text.size() ? digit(static_cast<char>(std::toupper(text[at])), digits) : npos;
    };
    if (text[i] == '=' && value(i + 1) != npos && value(i + 2) != npos) {
      out += static_cast<char>(value(i + 1) * 16 + value(i + 2));
      i += 2;
    } else {
      out += text[i] == '_' ? ' ' : text[i];
    }
  }
  return out;
}

/// RFC 2047 4.1. Other characters are passed over, padding too.
inline std::string decode_b(std::string_view text) {
  static constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  std::size_t bits = 0;
  std::size_t count = 0;
  for (const char c : text) {
    if (digit(c, digits) == npos) continue;
    bits = (bits << 6U | digit(c, digits)) & 0xFFFFU;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>(bits >> count & 0xFFU);
  }
  return out;
}

/// Appends what the encoded-word at the beginning of `text` decodes to. Returns its length; 0 if there is none.
///   encoded-word = "=?" charset "?" ("Q" / "B") "?" encoded-text "?="         ; RFC 2047 2; no white space in it
inline std::size_t decode_word(std::string_view text, std::string& out) {
  if (!text.starts_with("=?")) return 0;
  const auto label_end = [text](std::size_t at) {
    while (at < text.size() && is_visible(text[at]) && !is_one_of(text[at], "?<>")) ++at;
    return at;
  };
  const std::size_t charset_end = label_end(2);
  if (charset_end + 2 >= text.size() || text[charset_end] != '?' || text[charset_end + 2] != '?') return 0;
  const char encoding = text[charset_end + 1];
  if (!is_one_of(encoding, "qQbB")) return 0;
  const std::size_t begin = charset_end + 3;
  std::size_t end = begin;
  while (end < text.size() && is_visible(text[end]) && text[end] != '?') ++end;
  if (!text.substr(end).starts_with("?=")) return 0;
  const std::string_view encoded = text.substr(begin, end - begin);
  out += is_one_of(encoding, "qQ") ? decode_q(encoded) : decode_b(encoded);
  return end + 2;
}

/// The text with its encoded-words decoded, whatever their charset. White space between two of them is dropped.
inline std::string decoded(std::string_view text) {
  std::string out;
  bool is_after_word = false;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t next = std::min(text.find_first_not_of(white_space, at), text.size());
    std::string word;
    const std::size_t size = decode_word(text.substr(next), word);
    if (size == 0 || !is_after_word) out += text.substr(at, next - at);
    out += word;
    at = next + size;
    is_after_word = size != 0;
    if (size == 0 && at < text.size()) out += text[at++];
  }
  return out;
}

/// Calls pair(inside) for what is between each pair of brackets, other(text) for what is outside of them, in order.
template <typename Pair, typename Other>
void each_part(std::string_view text, Pair pair, Other other) {
  while (!text.empty()) {
    const std::size_t close = text.find('>');
    const std::size_t open = close == npos ? npos : text.substr(0, close).rfind('<');
    if (close == npos) return other(text);
    if (open == npos) {
      other(text.substr(0, close));
    } else {
      other(text.substr(0, open));
      pair(text.substr(open + 1, close - open - 1));
    }
    text.remove_prefix(close + 1);
  }
}

inline std::string without(std::string_view text, std::string_view set) {
  std::string out;
  std::copy_if(text.begin(), text.end(), std::back_inserter(out), [set](char c) { return !is_one_of(c, set); });
  return out;
}

/// The clean ids of a field body without brackets, sorted; one that is there twice is there twice.
inline std::vector<std::string> ids(std::string_view body) {
  std::vector<std::string> out;
  const auto split = [&out](std::string_view text) {
    while (!text.empty()) {
      const std::size_t end = std::min(text.find_first_of(" \t\r\n,;<>"), text.size());
      if (is_clean(text.substr(0, end))) out.emplace_back(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  };
  const auto read_pair = [&](std::string_view inside) {
    if (std::count(inside.begin(), inside.end(), '@') != 1) return split(inside);
    std::string id = without(inside, " \t\n");
    if (is_clean(id)) out.push_back(std::move(id));
  };
  each_part(decoded(body), read_pair, split);
  std::sort(out.begin(), out.end());
  return out;
}

/// The insides of the pairs that may hold several ids: two of their "@" have white space or other punctuation that
/// parts or encloses ids between them. Nothing is decoded.
inline std::vector<std::string_view> several(std::string_view body) {
  std::vector<std::string_view> out;
  const auto read_pair = [&out](std::string_view inside) {
    const std::size_t first = inside.find('@');
    const std::size_t last = inside.rfind('@');
    if (first == last) return;
    if (inside.substr(first, last - first).find_first_of(" \t\n,;\"()[]") != npos) out.push_back(inside);
  };
  each_part(body, read_pair, [](std::string_view) {});
  return out;
}

}  // namespace id_reader

#endif
