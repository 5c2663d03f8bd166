#include "report/paragraph.h"

#include <algorithm>

namespace report {

namespace {

/// UTF-8 characters. (Wide ones count as one: a line is then longer than it should be, and no harm is done.)
std::size_t columns(std::string_view text) {
  const auto begins_character = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; };
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), begins_character));
}

}  // namespace

void append_paragraph(std::string& out, std::string_view text, std::size_t indent, std::string_view first_line,
                      std::size_t width) {
  const std::string margin(indent, ' ');
  out += first_line.empty() ? std::string_view(margin) : first_line;
  std::size_t column = first_line.empty() ? indent : columns(first_line);
  bool is_line_empty = true;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = std::min(text.find_first_not_of(' ', at), text.size());
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    const std::string_view word = text.substr(begin, end - begin);
    const std::size_t spaces = is_line_empty ? 0 : begin - at;
    at = end;
    if (word.empty()) break;
    if (!is_line_empty && column + spaces + columns(word) > width) {
      out += '\n';
      out += margin;
      column = indent;
    } else {
      out.append(spaces, ' ');
      column += spaces;
    }
    out += word;
    column += columns(word);
    is_line_empty = false;
  }
  out += '\n';
}

}  // namespace report
