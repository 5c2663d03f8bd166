#include "msgid/encoded_word.h"

#include <mimetic/codec/base64.h>
#include <mimetic/codec/code.h>
#include <mimetic/codec/qp.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "core/ascii.h"
#include "msgid/field.h"

namespace msgid {

namespace {

constexpr std::string_view end_mark = "?=";

/// A token of RFC 2047 2 is narrower; what stands between the "?" only has to be readable.
bool is_label(char c) {
  return ascii::is_visible(c) && c != '?' && c != '<' && c != '>';
}

/// Reads a label up to the "?" behind it; leaves `at` behind that "?".
bool read_label(std::string_view text, std::size_t& at, std::string_view& label) {
  const std::size_t begin = at;
  while (at < text.size() && is_label(text[at])) ++at;
  if (at == text.size() || text[at] != '?') return false;
  label = text.substr(begin, at - begin);
  ++at;
  return true;
}

}  // namespace

bool EncodedWordMatcher::match(std::size_t at, EncodedWord& word) noexcept {
  if (text_.substr(at, 2) != "=?") return false;
  if (at >= hopeless_from_ && at < hopeless_to_) return false;
  std::size_t next = at + 2;
  if (!read_label(text_, next, word.charset) || !read_label(text_, next, word.encoding)) return false;
  if (word.encoding.empty()) return false;
  word.charset = word.charset.substr(0, word.charset.find('*'));
  std::size_t end = next;
  while (end < text_.size() && !ascii::is_space(text_[end]) && text_.substr(end, 2) != end_mark) ++end;
  if (end == text_.size() || ascii::is_space(text_[end])) {
    hopeless_from_ = at;
    hopeless_to_ = end;
    return false;
  }
  word.text = text_.substr(next, end - next);
  word.whole = text_.substr(at, end + end_mark.size() - at);
  return true;
}

bool is_ascii_charset(std::string_view charset) noexcept {
  // Not ASCII as octets: stateful or wide encodings, by how their names begin ...
  // IANA's names and aliases (2024), Windows' names, and those without a hyphen that iconv and Python take.
  static constexpr std::array<std::string_view, 21> beginnings = {
      "utf-7",    "utf-16",    "utf-32",    "ucs-",       "iso-2022", "hz-",     "ebcdic-",
      "x-ebcdic", "unicode",   "x-unicode", "iso-10646-", "csutf7",   "csutf16", "csutf32",
      "csucs4",   "csiso2022", "csunicode", "utf7",       "utf16",    "utf32",   "ucs2"};
  // ... and EBCDIC, by its code page number (IANA character sets, 2024) behind "ibm", "cp" and the like.
  static constexpr std::array<std::string_view, 4> ebcdic_makers = {"ibm-", "ibm", "cp", "csibm"};
  static constexpr std::array<std::string_view, 44> ebcdic_pages = {
      "37",   "38",   "273",  "274",  "275",  "277",  "278",  "280",  "281",  "284",  "285",
      "290",  "297",  "420",  "423",  "424",  "500",  "833",  "836",  "838",  "870",  "871",
      "875",  "880",  "905",  "918",  "924",  "930",  "933",  "935",  "937",  "939",  "1026",
      "1047", "1140", "1141", "1142", "1143", "1144", "1145", "1146", "1147", "1148", "1149"};

  if (charset.empty()) return false;
  const auto begins_with = [charset](std::string_view beginning) {
    return charset.size() >= beginning.size() && same_name(charset.substr(0, beginning.size()), beginning);
  };
  if (std::any_of(beginnings.begin(), beginnings.end(), begins_with)) return false;
  for (const std::string_view maker : ebcdic_makers) {
    if (!begins_with(maker)) continue;
    std::string_view page = charset.substr(maker.size());
    while (page.starts_with('0')) page.remove_prefix(1);
    if (std::find(ebcdic_pages.begin(), ebcdic_pages.end(), page) != ebcdic_pages.end()) return false;
  }
  return true;
}

namespace {

/// encoded-text = 1*<Any printable ASCII character other than "?" or SPACE>   ; RFC 2047 2
/// mimetic's decoders drop control characters without a word.
bool is_encoded_text(char c) {
  return ascii::is_visible(c) && c != '?';
}

/// The "Q" encoding (RFC 2047 4.2). mimetic's decoder passes a broken escape through and leaves "_" as it is,
/// so escapes are checked here, and "_" goes in as the escape of a space.
void decode_q(std::string_view text, Decoded& out) {
  std::string escaped;
  escaped.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '_') {
      escaped += "=20";
      continue;
    }
    if (text[i] == '=' && !(i + 2 < text.size() && ascii::is_hex(text[i + 1]) && ascii::is_hex(text[i + 2]))) {
      if (out.refusal == Reason::none) out.refusal = Reason::broken_escape;
      escaped += "=3D";  // or mimetic would take the octets behind it for the rest of it
      continue;
    }
    escaped += text[i];
  }
  mimetic::QP::Decoder decoder;
  mimetic::code(escaped.begin(), escaped.end(), decoder, std::back_inserter(out.octets));
}

/// The number of six bits, of an octet of the base64 alphabet (RFC 4648 4).
unsigned sextet(char c) {
  if (c >= 'A' && c <= 'Z') return static_cast<unsigned>(c - 'A');
  if (c >= 'a' && c <= 'z') return static_cast<unsigned>(c - 'a') + 26;
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0') + 52;
  return c == '+' ? 62 : 63;
}

/// Whether there is only one way to read the text: whole groups of four, the last one padded. Padding that is missing
/// altogether is no loss where the bits that are in no octet are zero.
bool is_sound_base64(std::string_view text) {
  const std::size_t data = std::min(text.find('='), text.size());
  const auto in_alphabet = [](char c) { return ascii::is_alnum(c) || c == '+' || c == '/'; };
  if (!std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(data), in_alphabet)) return false;
  if (text.find_first_not_of('=', data) != std::string_view::npos) return false;
  if (text.size() % 4 == 0) return text.size() - data <= 2;
  if (data != text.size() || data % 4 == 1) return false;
  const unsigned unused = data % 4 == 2 ? 0xFU : 0x3U;
  return (sextet(text.back()) & unused) == 0;
}

/// The "B" encoding (RFC 2047 4.1, RFC 4648 4). mimetic's decoder skips octets that are not of the alphabet and makes
/// an octet of six bits, so the text is checked here. It adds the padding itself.
void decode_b(std::string_view text, Decoded& out) {
  if (!is_sound_base64(text) && out.refusal == Reason::none) out.refusal = Reason::broken_base64;
  std::string sextets;
  std::copy_if(text.begin(), text.end(), std::back_inserter(sextets),
               [](char c) { return ascii::is_alnum(c) || c == '+' || c == '/'; });
  if (sextets.size() % 4 == 1) sextets.pop_back();
  mimetic::Base64::Decoder decoder;
  mimetic::code(sextets.begin(), sextets.end(), decoder, std::back_inserter(out.octets));
}

}  // namespace

void decode(const EncodedWord& word, Decoded& out) {
  if (out.refusal == Reason::none) {
    if (!is_ascii_charset(word.charset)) {
      out.refusal = Reason::charset;
    } else if (!std::all_of(word.text.begin(), word.text.end(), is_encoded_text)) {
      out.refusal = Reason::malformed_word;
    }
  }
  if (same_name(word.encoding, "q")) {
    decode_q(word.text, out);
  } else if (same_name(word.encoding, "b")) {
    decode_b(word.text, out);
  } else {
    if (out.refusal == Reason::none) out.refusal = Reason::encoding;
    out.octets += word.text;
  }
}

}  // namespace msgid
