// Writing JSON (RFC 8259), on one line and in printable ASCII.
//
// Not by nlohmann-json, which reads it: to free an object version 3.11.2 allocates, so that without memory it ends the
// process.
#ifndef MSGID_REPORT_JSON_WRITER_H
#define MSGID_REPORT_JSON_WRITER_H

#include <cstdint>
#include <string>
#include <string_view>

namespace report {

/// Appends to a text; brackets and keys are the caller's to get right, commas come by themselves.
class JsonWriter {
 public:
  void open(char bracket);
  void close(char bracket);
  void key(std::string_view name);

  void value(std::uint64_t number);
  /// Every character outside printable ASCII is written as \uXXXX, an octet that is not UTF-8 as U+FFFD.
  void value(std::string_view text);

  template <class Value>
  void member(std::string_view name, const Value& content) {
    key(name);
    value(content);
  }

  const std::string& text() const { return text_; }

 private:
  void separate();
  void escape(std::uint32_t unit);

  std::string text_;
  bool is_first_ = true;  ///< nothing stands before what comes next that a comma would belong behind
};

}  // namespace report

#endif
