// Text of the outside world on a terminal.
#ifndef MSGID_REPORT_PRINTABLE_H
#define MSGID_REPORT_PRINTABLE_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace report {

/// The text on one line, and harmless: what is not valid UTF-8 (RFC 3629), control characters (C0, C1, DEL), line and
/// paragraph separators, marks that change the direction of writing, and characters without a glyph (variation
/// selectors, Hangul fillers, and the rest of Unicode's Default_Ignorable_Code_Point) come as \xHH, octet by octet; a
/// backslash comes as it is. Other UTF-8 passes, and so do all spaces that have a width.
std::string printable(std::string_view text);

/// The same, with at most `longest` octets of `text` looked at, and "..." behind what was cut.
std::string printable(std::string_view text, std::size_t longest);

/// The octets of the UTF-8 character (RFC 3629) that `text`, which is not empty, begins with, and which it is; 0 where
/// it begins with none.
std::size_t read_character(std::string_view text, std::uint32_t& character);

}  // namespace report

#endif
