#include "audit/message.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>
#include <vector>

namespace audit {

namespace {

bool is_blank(char c) noexcept {
  return c == ' ' || c == '\t';
}

/// The octets of a field name (RFC 5322 3.6.8): 33-57 and 59-126. A table, for half of the time of reading a header
/// goes into its names.
constexpr std::array<bool, 256> is_name_octet = [] {
  std::array<bool, 256> table = {};
  for (std::size_t c = 33; c <= 126; ++c) table[c] = c != ':';
  return table;
}();

/// Behind the line that begins at `begin`.
std::size_t line_end(std::string_view text, std::size_t begin) noexcept {
  const std::size_t lf = text.find('\n', begin);
  return lf == std::string_view::npos ? text.size() : lf + 1;
}

/// A line without its end, which is LF or CRLF, or CR CR LF as some software leaves it: Postfix's SMTP server takes all
/// of the CRs away too (3.7.11).
std::string_view without_line_end(std::string_view line) noexcept {
  if (!line.empty() && line.back() == '\n') line.remove_suffix(1);
  while (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

}  // namespace

bool is_from_line(std::string_view line) noexcept {
  while (!line.empty() && line.front() == '>') line.remove_prefix(1);
  return line.starts_with("From ");
}

HeaderReader::HeaderReader(std::string_view message) noexcept : message_(message) {
  if (is_from_line(message)) offset_ = line_end(message, 0);
}

bool HeaderReader::next(FieldPlace& field) noexcept {
  const std::size_t size = message_.size();
  std::size_t name_end = offset_;
  while (name_end < size && is_name_octet[static_cast<unsigned char>(message_[name_end])]) ++name_end;
  std::size_t colon = name_end;
  while (colon < size && is_blank(message_[colon])) ++colon;
  if (name_end == offset_ || colon == size || message_[colon] != ':') return false;

  std::size_t end = line_end(message_, colon);
  while (end < size && is_blank(message_[end])) end = line_end(message_, end);
  field.name = message_.substr(offset_, name_end - offset_);
  field.body = without_line_end(message_.substr(colon + 1, end - colon - 1));
  offset_ = end;
  return true;
}

std::size_t HeaderReader::body_offset() const noexcept {
  const std::size_t end = line_end(message_, offset_);
  const bool is_empty_line = without_line_end(message_.substr(offset_, end - offset_)).empty();
  return is_empty_line ? end : offset_;
}

std::size_t body_offset(std::string_view message) noexcept {
  HeaderReader reader(message);
  for (FieldPlace field; reader.next(field);) {
  }
  return reader.body_offset();
}

std::string as_shown(std::string_view body) {
  std::string out;
  out.reserve(body.size());
  while (!body.empty()) {
    const std::size_t end = line_end(body, 0);
    const bool has_lf = body[end - 1] == '\n';
    const std::string_view line = body.substr(0, has_lf ? end - 1 : end);
    out += without_line_end(line.substr(0, line.find('\0')));
    if (has_lf) out += '\n';
    body.remove_prefix(end);
  }
  return out;
}

std::string_view shown(std::string_view body, std::string& memory) {
  const auto has = [body](char c) { return body.find(c) != std::string_view::npos; };
  if (!has('\r') && !has('\0')) return body;
  memory = as_shown(body);
  return memory;
}

namespace {

/// Counts fields by their names. No hash table: whoever writes the header could choose names that make it slow.
class Instances {
 public:
  int next_of(std::string_view name) {
    std::string key(name);
    for (char& c : key) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return ++counts_[std::move(key)];
  }

 private:
  std::map<std::string, int> counts_;
};

/// The last line end of the text; LF if it has none.
std::string_view last_line_end(std::string_view text) noexcept {
  const std::size_t lf = text.rfind('\n');
  if (lf == std::string_view::npos) return "\n";
  std::size_t begin = lf;
  while (begin > 0 && text[begin - 1] == '\r') --begin;
  return text.substr(begin, lf + 1 - begin);
}

}  // namespace

msgid::FieldList header_of(std::string_view message) {
  msgid::FieldList fields;
  Instances instances;
  HeaderReader reader(message);
  for (FieldPlace field; reader.next(field);) {
    fields.push_back({std::string(field.name), as_shown(field.body), instances.next_of(field.name)});
  }
  return fields;
}

void MsgIdCheck::field(const FieldPlace& field) {
  if (kept_.wants(field.name)) kept_.add(field.name, shown(field.body, memory_));
}

HeaderVerdict MsgIdCheck::end_of_header() {
  HeaderVerdict decided;
  decided.is_over_size = kept_.is_over_size();
  decided.lacks_signatures = kept_.lacks_signatures();
  if (!decided.is_over_size) decided.verdict = msgid::inspect(kept_.fields(), policy_);
  kept_.clear();
  return decided;
}

HeaderVerdict verdict_of(std::string_view message, const msgid::Policy& policy) {
  MsgIdCheck check(policy);
  HeaderReader reader(message);
  for (FieldPlace field; reader.next(field);) check.field(field);
  return check.end_of_header();
}

std::string with_edits(std::string_view message, std::span<const msgid::Edit> edits) {
  std::string out;
  std::size_t copied = 0;
  Instances instances;
  HeaderReader reader(message);
  for (FieldPlace field; !edits.empty() && reader.next(field);) {
    const msgid::Edit& edit = edits.front();
    if (instances.next_of(field.name) != edit.instance || !msgid::same_name(field.name, edit.field)) continue;
    const std::size_t body = static_cast<std::size_t>(field.body.data() - message.data());
    out += message.substr(copied, body - copied);
    // The field's own line end; where the message ends with the field, the line end before it.
    const std::string_view line_end = last_line_end(message.substr(0, reader.offset()));
    for (const char c : edit.new_body) out += c == '\n' ? line_end : std::string_view(&c, 1);
    copied = body + field.body.size();
    edits = edits.subspan(1);
  }
  out += message.substr(copied);
  return out;
}

}  // namespace audit
