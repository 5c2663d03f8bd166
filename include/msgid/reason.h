// The reasons a finding can give: why a field is broken, or why it was left as it is. One table for the log, the audit
// log, the report and the manual.
#ifndef MSGID_REASON_H
#define MSGID_REASON_H

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace msgid {

/// reasons() has a row for each, at this index.
enum class Reason : std::uint8_t {
  none,  ///< the rule's name says it all
  // Encoded-words that are not decoded.
  charset,
  encoding,
  broken_escape,
  broken_base64,
  malformed_word,
  inside_msg_id,
  // What they decode to.
  control_character,
  non_ascii,
  space_in_msgid,
  // The shape of a field.
  empty,
  no_msg_id,
  empty_side,
  unbalanced_brackets,
  text_left_over,
  more_than_one_msg_id,
  escaped,
  quoted,
  // What Gmail and others refuse in an id.
  no_at,
  two_at,
  bad_character,
  bad_dots,
  // Why there is no edit.
  uncertain,
  legal_space,
  encoded_word,
  signature,
  no_fold_point,
  no_shorter_name,
  cannot_be_shorter,
  unreadable,
  unrenderable,
  more_follow,
  in_part,
};
inline constexpr std::size_t reason_count = static_cast<std::size_t>(Reason::in_part) + 1;

struct ReasonRow {
  Reason reason;
  std::string_view name;      ///< as in logs: "charset"; empty for `none`
  std::string_view sentence;  ///< what it means, without a full stop
};

std::span<const ReasonRow, reason_count> reasons() noexcept;
std::string_view name_of(Reason reason) noexcept;

/// The sentence for a name, or empty: some findings give evidence from the message instead, such as a charset's name.
std::string_view sentence_of(std::string_view name) noexcept;

}  // namespace msgid

#endif
