// A message header as the filter sees it: an ordered list of fields, never a map.
//
// Words are those of RFC 5322: a field has a name and a body; the body may be folded.
#ifndef MSGID_FIELD_H
#define MSGID_FIELD_H

#include <string>
#include <string_view>
#include <vector>

namespace msgid {

/// One header field.
///
/// `name` keeps the sender's spelling and has no colon.
/// `body` is everything after the colon, the leading space included. A fold is LF followed by the
/// white space that was there; there is no CR before it. Other octets are as received: nothing is
/// decoded, and nothing is assumed about them.
/// `instance` counts the fields of that name from 1, top down, ignoring case: the number that
/// smfi_chgheader() takes.
struct Field {
  std::string name;
  std::string body;
  int instance = 1;
};

using FieldList = std::vector<Field>;

namespace detail {
/// Of two texts of the same length.
bool same_letters(std::string_view a, std::string_view b) noexcept;
}  // namespace detail

/// Whether two field names are the same: ASCII letters are equal in either case (RFC 5322 1.2.2).
// Most differ in their length, and every field of every message is asked for its name.
inline bool same_name(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && detail::same_letters(a, b);
}

/// The text with its ASCII letters in lower case.
std::string lower(std::string_view text);

/// Whether the octets can be a field name: 1 or more of 33-57 and 59-126 (RFC 5322 3.6.8).
bool is_field_name(std::string_view name) noexcept;

}  // namespace msgid

#endif
