#include "report/printable.h"

#include <algorithm>

namespace report {

//   UTF8-char = UTF8-1 / UTF8-2 / UTF8-3 / UTF8-4    ; RFC 3629 4: shortest form, no surrogates, up to U+10FFFF
std::size_t read_character(std::string_view text, std::uint32_t& character) {
  const auto octet = [text](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i])); };
  const std::uint32_t first = octet(0);
  const std::size_t length = first < 0x80   ? 1
                             : first < 0xC2 ? 0
                             : first < 0xE0 ? 2
                             : first < 0xF0 ? 3
                             : first < 0xF5 ? 4
                                            : 0;
  if (length == 0 || length > text.size()) return 0;
  character = length == 1 ? first : first & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((octet(i) & 0xC0U) != 0x80U) return 0;
    character = character << 6U | (octet(i) & 0x3FU);
  }
  const bool is_overlong = (length == 3 && character < 0x800) || (length == 4 && character < 0x10000);
  const bool is_surrogate = character >= 0xD800 && character <= 0xDFFF;
  return is_overlong || is_surrogate || character > 0x10FFFF ? 0 : length;
}

namespace {

/// Characters that would do something to a terminal or to the reader instead of being seen: controls, separators of
/// lines, and all of Default_Ignorable_Code_Point (Unicode 15.0, DerivedCoreProperties.txt), which have no glyph.
bool is_harmful(std::uint32_t character) {
  struct Range {
    std::uint32_t first, last;
  };
  static constexpr Range ranges[] = {
      {0x00, 0x1F},        // C0
      {0x7F, 0x9F},        // DEL, C1
      {0xAD, 0xAD},        // soft hyphen
      {0x34F, 0x34F},      // combining grapheme joiner
      {0x61C, 0x61C},      // Arabic letter mark
      {0x115F, 0x1160},    // Hangul fillers
      {0x17B4, 0x17B5},    // Khmer inherent vowels
      {0x180B, 0x180F},    // Mongolian variation selectors and vowel separator
      {0x200B, 0x200F},    // zero width; left-to-right and right-to-left mark
      {0x2028, 0x202E},    // line and paragraph separator; embeddings and overrides
      {0x2060, 0x206F},    // word joiner, isolates, deprecated format characters
      {0x3164, 0x3164},    // Hangul filler
      {0xFE00, 0xFE0F},    // variation selectors
      {0xFEFF, 0xFEFF},    // zero width no-break space
      {0xFFA0, 0xFFA0},    // halfwidth Hangul filler
      {0xFFF0, 0xFFFB},    // reserved for format characters; interlinear annotation
      {0x1BCA0, 0x1BCA3},  // shorthand format controls
      {0x1D173, 0x1D17A},  // musical beams and slurs
      {0xE0000, 0xE0FFF}   // tags and variation selectors
  };
  return std::any_of(std::begin(ranges), std::end(ranges),
                     [character](Range range) { return character >= range.first && character <= range.last; });
}

}  // namespace

std::string printable(std::string_view text) {
  static constexpr std::string_view hex = "0123456789abcdef";
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    std::uint32_t character = 0;
    const std::size_t length = read_character(text, character);
    if (length != 0 && !is_harmful(character)) {
      out += text.substr(0, length);
      text.remove_prefix(length);
      continue;
    }
    for (std::size_t i = 0; i < std::max<std::size_t>(length, 1); ++i) {
      const auto octet = static_cast<unsigned char>(text[i]);
      out += "\\x";
      out += hex[octet >> 4U];
      out += hex[octet & 15U];
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

std::string printable(std::string_view text, std::size_t longest) {
  if (text.size() <= longest) return printable(text);
  std::size_t end = longest;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;  // not within a character
  return printable(text.substr(0, end)) + "...";
}

}  // namespace report
