// Text for a terminal: lines of at most 80 columns, or as many as are wanted, broken at spaces.
#ifndef MSGID_REPORT_PARAGRAPH_H
#define MSGID_REPORT_PARAGRAPH_H

#include <cstddef>
#include <string>
#include <string_view>

namespace report {

inline constexpr std::size_t terminal_columns = 80;

/// Appends `text`, which is printable (see printable.h), as lines that begin with `indent` spaces, the first with
/// `first_line` in their place (as "  - "). What has no space in it is never cut: a msg-id longer than a line stands on
/// a line of its own. A run of spaces between two words on one line stays as it is.
void append_paragraph(std::string& out, std::string_view text, std::size_t indent, std::string_view first_line = {},
                      std::size_t width = terminal_columns);

}  // namespace report

#endif
