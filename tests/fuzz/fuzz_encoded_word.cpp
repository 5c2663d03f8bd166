// Encoded-words over any octets: found where the grammar has them, and read as a plain second reading reads them. And
// whatever the octets are, what is encoded by hand is decoded to them.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "msgid/encoded_word.h"
#include "msgid/field.h"
#include "tests/fuzz/input.h"

namespace {

using namespace std::string_view_literals;
using fuzz::expect;
using msgid::Decoded;
using msgid::EncodedWord;
using msgid::Reason;

constexpr std::array words = {
    "=?"sv,    "?="sv,     "?q?"sv,  "?Q?"sv, "?b?"sv,   "?B?"sv, "?x?"sv,    "utf-8"sv,      "us-ascii"sv,
    "utf-7"sv, "IBM037"sv, "*en"sv,  "=3C"sv, "=3e"sv,   "=40"sv, "=4"sv,     "=ZZ"sv,        "="sv,
    "_"sv,     "?"sv,      "<"sv,    ">"sv,   "@"sv,     "."sv,   " "sv,      "\n "sv,        "\t"sv,
    "PGE="sv,  "PGFA"sv,   "Yj4="sv, "=="sv,  "+/"sv,    "a"sv,   "B"sv,      "7"sv,          "\xc3"sv,
    "\x01"sv,  "\r"sv,     "\0"sv,   "=0A"sv, "=\r\n"sv, "-"sv,   "=?u?q?"sv, "=?utf-8?b?"sv, "cp500"sv};

constexpr std::string_view base64_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view hex_digits = "0123456789ABCDEF";

std::string q_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '=' && i + 2 < text.size()) {
      out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      out += text[i] == '_' ? ' ' : text[i];
    }
  }
  return out;
}

std::string b_decoded(std::string_view text) {
  std::string out;
  unsigned bits = 0;
  int count = 0;
  for (const char c : text.substr(0, text.find('='))) {
    bits = (bits << 6U) | static_cast<unsigned>(base64_digits.find(c));
    count += 6;
    if (count >= 8) out += static_cast<char>((bits >> static_cast<unsigned>(count -= 8)) & 0xFFU);
  }
  return out;
}

std::string q_encoded(std::string_view octets) {
  std::string out;
  for (const char c : octets) {
    const auto octet = static_cast<unsigned char>(c);
    out += '=';
    out += hex_digits[octet >> 4U];
    out += hex_digits[octet & 15U];
  }
  return out;
}

std::string b_encoded(std::string_view octets) {
  std::string out;
  for (std::size_t i = 0; i < octets.size(); i += 3) {
    unsigned bits = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      bits = (bits << 8U) | (i + j < octets.size() ? static_cast<unsigned char>(octets[i + j]) : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      out += i + j > octets.size() ? '=' : base64_digits[(bits >> (18U - 6U * static_cast<unsigned>(j))) & 63U];
    }
  }
  return out;
}

void check_decoding(const EncodedWord& word) {
  static constexpr std::array refusals = {Reason::charset, Reason::encoding, Reason::broken_escape,
                                          Reason::broken_base64, Reason::malformed_word};
  Decoded decoded;
  msgid::decode(word, decoded);
  // An "_" that is refused with what stands around it may be shown as "=20".
  expect(decoded.octets.size() <= word.text.size() * (decoded.refusal == Reason::none ? 1 : 3), "it is not longer",
         word.whole);
  const bool is_q = msgid::same_name(word.encoding, "q");
  const bool is_b = msgid::same_name(word.encoding, "b");
  if (decoded.refusal == Reason::none) {
    expect(is_q || is_b, "another encoding is refused", word.whole);
    expect(decoded.octets == (is_q ? q_decoded(word.text) : b_decoded(word.text)), "a second reading is the same",
           word.whole);
  } else {
    expect(std::find(refusals.begin(), refusals.end(), decoded.refusal) != refusals.end(), "a known refusal");
  }
  for (const char mark : "<>@"sv) {
    if (is_b) break;
    expect(std::count(decoded.octets.begin(), decoded.octets.end(), mark) >=
               std::count(word.text.begin(), word.text.end(), mark),
           "what stands there as it is can be seen", word.whole);
  }
  Decoded second{"before", Reason::encoding};
  msgid::decode(word, second);
  expect(second.refusal == Reason::encoding && second.octets == "before" + decoded.octets,
         "it is appended, and the first "
         "refusal stays");
}

void check_words(std::string_view text) {
  msgid::EncodedWordMatcher in_one_pass(text);
  for (std::size_t at = 0; at < text.size(); ++at) {
    EncodedWord word;
    EncodedWord alone;
    const bool is_word = in_one_pass.match(at, word);
    // With a matcher of its own for each "=?" it costs the square of the length.
    if (text.size() <= 1000 && text[at] == '=') {
      expect(is_word == msgid::EncodedWordMatcher(text.substr(at)).match(0, alone) &&
                 (!is_word || alone.whole == word.whole),
             "what was looked at before changes nothing", text.substr(at));
    }
    if (!is_word) continue;
    expect(word.whole.data() == text.data() + at && word.whole.starts_with("=?") && word.whole.ends_with("?="),
           "a word is where it was looked for", word.whole);
    expect(word.whole.size() >= 6 && !word.encoding.empty(), "a word has its parts", word.whole);
    expect(word.whole.find_first_of(" \t\n") == text.npos, "a word has no white space", word.whole);
    expect(word.charset.data() == word.whole.data() + 2 && word.charset.find_first_of("*?") == text.npos,
           "the charset is the first part, without its language", word.whole);
    expect(word.text.data() == word.encoding.data() + word.encoding.size() + 1 &&
               word.text.data() + word.text.size() + 2 == word.whole.data() + word.whole.size(),
           "the text is the last part", word.whole);
    expect(word.text.find("?=") == text.npos, "the first ?= is the end", word.whole);
    check_decoding(word);
    at += word.whole.size() - 1;
  }
}

void check_encoded(std::string_view octets) {
  for (const bool is_q : {true, false}) {
    const std::string text = is_q ? "=?utf-8*de?q?" + q_encoded(octets) + "?=" : "=?x?B?" + b_encoded(octets) + "?=";
    EncodedWord word;
    expect(msgid::EncodedWordMatcher(text).match(0, word) && word.whole == text, "what is encoded is a word", text);
    Decoded decoded;
    msgid::decode(word, decoded);
    expect(decoded.refusal == Reason::none && decoded.octets == octets, "what is encoded is decoded", text);
    if (is_q) continue;
    // Without its padding it says the same: the bits that are in no octet are zero.
    const std::string base64 = b_encoded(octets);
    const std::string bare = "=?x?B?" + base64.substr(0, base64.find('=')) + "?=";
    Decoded again;
    expect(msgid::EncodedWordMatcher(bare).match(0, word), "without padding it is a word", bare);
    msgid::decode(word, again);
    expect(again.refusal == Reason::none && again.octets == octets, "padding is not needed", bare);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text = fuzz::text_of({data, size}, words);
  check_words(text);
  check_encoded(text);
  expect(!msgid::is_ascii_charset("UTF-7-" + text) && !msgid::is_ascii_charset("cp00500"), "UTF-7 is not ASCII");
  return 0;
}
