#include "audit/mbox.h"

#include <algorithm>

#include "audit/message.h"
#include "msgid/field.h"

namespace audit {

namespace {

constexpr std::size_t npos = std::string_view::npos;
constexpr std::string_view from_word = "From ";

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

bool is_number(std::string_view word) noexcept {
  return !word.empty() && std::all_of(word.begin(), word.end(), is_digit);
}

/// Whether a time of day, 9:59 or 09:59, is in the line.
bool has_time(std::string_view line) noexcept {
  const auto has_digit = [&](std::size_t i) { return i < line.size() && is_digit(line[i]); };
  for (std::size_t colon = line.find(':'); colon != npos; colon = line.find(':', colon + 1)) {
    if (colon > 0 && has_digit(colon - 1) && has_digit(colon + 1) && has_digit(colon + 2)) return true;
  }
  return false;
}

std::string_view first_line(std::string_view text) noexcept {
  return text.substr(0, text.find('\n'));
}

/// Takes the first word away from `rest`; an empty one at the end.
std::string_view take_word(std::string_view& rest) noexcept {
  static constexpr std::string_view blanks = " \t\r\n";
  rest.remove_prefix(std::min(rest.find_first_not_of(blanks), rest.size()));
  const std::string_view word = rest.substr(0, rest.find_first_of(blanks));
  rest.remove_prefix(word.size());
  return word;
}

/// time = 1*2DIGIT 1*( ":" 2DIGIT )
bool is_time(std::string_view word) noexcept {
  const std::size_t hour = word.find(':');
  if (hour > 2 || !is_number(word.substr(0, hour))) return false;
  word.remove_prefix(hour);
  while (word.size() > 2 && word[0] == ':' && is_number(word.substr(1, 2))) word.remove_prefix(3);
  return word.empty();
}

/// `names` are words of three letters, each with a blank after it.
bool is_one_of(std::string_view word, std::string_view names) noexcept {
  return word.size() == 3 && names.find(word) % 4 == 0 && names.find(word) != npos;
}

bool is_date(std::string_view rest) noexcept {
  if (!is_one_of(take_word(rest), "Mon Tue Wed Thu Fri Sat Sun ")) return false;
  if (!is_one_of(take_word(rest), "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec ")) return false;
  const std::string_view day = take_word(rest);
  if (!is_number(day) || day.size() > 2 || !is_time(take_word(rest))) return false;
  std::string_view year = take_word(rest);
  if (!is_number(year) || year.size() != 4) year = take_word(rest);  // that was the zone
  if (!is_number(year) || year.size() != 4) return false;
  take_word(rest);
  return take_word(rest).empty();
}

/// The date may follow any word but "From": some writers put a name with blanks in the place of the address.
bool is_complete(std::string_view line) noexcept {
  take_word(line);
  while (!take_word(line).empty()) {
    if (is_date(line)) return true;
  }
  return false;
}

bool is_after_empty_line(std::string_view text, std::size_t begin) noexcept {
  if (begin < 2 || text[begin - 1] != '\n') return false;
  std::size_t at = begin - 2;
  while (at > 0 && text[at] == '\r' && begin - at < look_behind) --at;
  return text[at] == '\n';
}

bool is_followed_by_field(std::string_view from_line) noexcept {
  FieldPlace field;
  return HeaderReader(from_line).next(field);
}

/// Whether a message begins at `at`, where a line begins that begins with "From ".
bool begins_message(std::string_view text, std::size_t at) noexcept {
  const std::string_view rest = text.substr(at, look_ahead);
  if (is_after_empty_line(text, at)) return begins_mbox_message(rest);
  return is_complete(first_line(rest)) && is_followed_by_field(rest);
}

/// What the header of a message says of where it ends.
struct Declared {
  bool is_known = false;   ///< the end of the header is in the text
  std::size_t end = npos;  ///< npos: it says nothing that can be used
};

/// The octets of a body; npos if they are no number, or more than are wanted.
std::size_t length_in(std::string_view body) noexcept {
  std::string_view rest = body;
  const std::string_view digits = take_word(rest);
  std::size_t length = 0;
  for (const char c : digits) {
    if (!is_digit(c) || length > max_declared_octets) return npos;
    length = 10 * length + static_cast<std::size_t>(c - '0');
  }
  return digits.empty() || !take_word(rest).empty() ? npos : length;
}

constexpr std::string_view length_name = "Content-Length";

/// False only if the header ends in the text and has no such field. Nearly all headers are spared the reader, for
/// half of its time.
bool may_have_length(std::string_view text) noexcept {
  for (std::size_t lf = text.find('\n'); lf != npos && lf + 1 < text.size(); lf = text.find('\n', lf + 1)) {
    switch (text[lf + 1]) {
      case '\n':
      case '\r':
        return false;
      case 'F':
        if (text.substr(lf + 1, from_word.size()) == from_word) return false;
        break;
      case 'C':
      case 'c':
        if (msgid::same_name(text.substr(lf + 1, length_name.size()), length_name)) return true;
        break;
      default:
        break;
    }
  }
  return true;
}

Declared declared_end(std::string_view text, bool is_all) noexcept {
  if (!may_have_length(text)) return {true, npos};
  Declared declared;
  HeaderReader reader(text);
  std::size_t length = npos;
  std::size_t count = 0;
  for (FieldPlace field; reader.next(field);) {
    if (field.name.size() != length_name.size() || !msgid::same_name(field.name, length_name)) continue;
    length = length_in(field.body);
    ++count;
  }
  // Only of a whole line it can be said that it is no field.
  declared.is_known = is_all || text.find('\n', reader.offset()) != npos;
  if (declared.is_known && count == 1 && length != npos) declared.end = reader.body_offset() + length;
  if (declared.end > max_declared_octets) declared.end = npos;
  return declared;
}

/// Whether a message can end at `end`: a from-line is there, or nothing more.
bool is_end(std::string_view text, std::size_t end, bool is_all) noexcept {
  if (end >= text.size()) return end == text.size() && is_all;
  return text[end - 1] == '\n' && text.substr(end).starts_with(from_word) && begins_mbox_message(text.substr(end));
}

/// Where the message ends whose header says that it ends at `end`; npos if it does not end there.
std::size_t confirmed_end(std::string_view text, std::size_t end, bool is_all) noexcept {
  if (end > text.size()) return npos;
  if (is_end(text, end, is_all)) return end;
  const std::string_view rest = text.substr(end);
  const std::size_t next_line = end + (rest.starts_with("\r\n") ? 2 : 1);
  const bool is_at_line_end = rest.starts_with("\r\n") || rest.starts_with('\n');
  return is_at_line_end && is_end(text, next_line, is_all) ? next_line : npos;
}

}  // namespace

bool begins_mbox_message(std::string_view text) noexcept {
  text = text.substr(0, look_ahead);
  return text.starts_with(from_word) && (has_time(first_line(text)) || is_followed_by_field(text));
}

std::size_t find_from_line(std::string_view text, std::size_t& from, bool is_all) noexcept {
  // memchr for the "F" takes a third of the time of memmem for the word (glibc 2.36, text as people write it).
  for (std::size_t at = text.find(from_word[0], from); at != npos; at = text.find(from_word[0], at + 1)) {
    const bool is_near_end = !is_all && text.size() - at < look_ahead;
    if (is_near_end) {
      from = at;
      return npos;
    }
    if (text[at - 1] == '\n' && text.substr(at, from_word.size()) == from_word && begins_message(text, at)) return at;
  }
  from = text.size();
  return npos;
}

std::size_t find_next_message(std::string_view text, std::size_t& from, bool is_all) noexcept {
  const Declared declared = declared_end(text, is_all);
  if (!declared.is_known) return npos;
  if (declared.end != npos) {
    const std::size_t needed = declared.end + 2 + look_ahead;  // a line end and a from-line
    if (!is_all && text.size() < needed) return npos;
    const std::size_t end = confirmed_end(text, declared.end, is_all);
    if (end != npos) return end == text.size() ? npos : end;
  }
  return find_from_line(text, from, is_all);
}

std::size_t second_message(std::string_view mbox) noexcept {
  std::size_t from = 1;
  return find_next_message(mbox, from, true);
}

}  // namespace audit
