#include "report/json_writer.h"

#include "report/printable.h"

namespace report {

void JsonWriter::separate() {
  if (!is_first_) text_ += ',';
  is_first_ = false;
}

void JsonWriter::open(char bracket) {
  separate();
  text_ += bracket;
  is_first_ = true;
}

void JsonWriter::close(char bracket) {
  text_ += bracket;
  is_first_ = false;
}

void JsonWriter::key(std::string_view name) {
  value(name);
  text_ += ':';
  is_first_ = true;
}

void JsonWriter::value(std::uint64_t number) {
  separate();
  text_ += std::to_string(number);
}

//   escaped = "\u" 4HEXDIG    ; a UTF-16 code unit
void JsonWriter::escape(std::uint32_t unit) {
  static constexpr std::string_view hex = "0123456789abcdef";
  text_ += "\\u";
  for (const unsigned shift : {12U, 8U, 4U, 0U}) text_ += hex[unit >> shift & 15U];
}

void JsonWriter::value(std::string_view text) {
  separate();
  text_ += '"';
  while (!text.empty()) {
    std::uint32_t character = 0;
    const std::size_t length = read_character(text, character);
    if (length == 0) character = 0xFFFD;
    text.remove_prefix(length == 0 ? 1 : length);
    if (character == '"' || character == '\\') {
      text_ += '\\';
      text_ += static_cast<char>(character);
    } else if (character >= ' ' && character <= '~') {
      text_ += static_cast<char>(character);
    } else if (character == '\n' || character == '\t') {
      text_ += character == '\n' ? "\\n" : "\\t";
    } else if (character <= 0xFFFF) {
      escape(character);
    } else {
      escape(0xD800 + ((character - 0x10000) >> 10U));
      escape(0xDC00 + ((character - 0x10000) & 0x3FFU));
    }
  }
  text_ += '"';
}

}  // namespace report
