#include <algorithm>
#include <array>

#include "msgid/reason.h"

namespace msgid {

namespace {

constexpr std::array<ReasonRow, reason_count> table = {{
    {Reason::none, "", ""},
    {Reason::charset, "charset", "the charset of an encoded-word is not a superset of ASCII, or has no name"},
    {Reason::encoding, "encoding", "the encoding of an encoded-word is neither Q nor B"},
    {Reason::broken_escape, "broken-escape", "an encoded-word in Q has a \"=\" without two hexadecimal digits"},
    {Reason::broken_base64, "broken-base64", "an encoded-word in B is not valid base64"},
    {Reason::malformed_word, "malformed-word", "an encoded-word begins and does not end, or has illegal octets"},
    {Reason::inside_msg_id, "inside-msg-id", "an encoded-word is inside the angle brackets of an id"},
    {Reason::control_character, "control-character", "the encoded-words decode to a control character"},
    {Reason::non_ascii, "non-ascii", "the encoded-words decode to octets over 127"},
    {Reason::space_in_msgid, "space-in-msgid", "there is white space inside an id"},
    {Reason::empty, "empty", "the field is empty, or holds an empty pair of brackets"},
    {Reason::no_msg_id, "no-msg-id", "there is no id where one belongs"},
    {Reason::empty_side, "empty-side", "nothing comes before or after the \"@\" of an id"},
    {Reason::unbalanced_brackets, "unbalanced-brackets", "an angle bracket has no partner"},
    {Reason::text_left_over, "text-left-over", "there is text beside or glued to an id, such as another field"},
    {Reason::more_than_one_msg_id, "more-than-one-msg-id",
     "there are several ids where one belongs: in a field of one id, or inside one pair of brackets"},
    {Reason::escaped, "escaped", "the id is escaped for HTML, a URL, JSON or a program's source"},
    {Reason::quoted, "quoted", "the id or encoded-word is in quotation marks"},
    {Reason::no_at, "no-at", "an id has no \"@\""},
    {Reason::two_at, "two-at", "an id has more than one \"@\""},
    {Reason::bad_character, "bad-character", "an id has a character that RFC 5322 does not allow there"},
    {Reason::bad_dots, "bad-dots", "a dot is at the beginning or end of a side of an id, or beside another dot"},
    {Reason::uncertain, "uncertain", "white space inside an id may be part of it, or part two ids"},
    {Reason::legal_space, "legal-space",
     "the white space is in a quoted-string, comment or \"[...]\" of the id, where RFC 5322 allows it"},
    {Reason::encoded_word, "encoded-word", "the field has encoded-words that were not decoded"},
    {Reason::signature, "signed", "the edit would break a signature, and \"signed = keep\" is set"},
    {Reason::no_fold_point, "no-fold-point", "the line has no place to fold that would make it shorter"},
    {Reason::no_shorter_name, "no-shorter-name", "no id that fits msgid-length can take its place"},
    {Reason::cannot_be_shorter, "cannot-be-shorter", "the first id and the last two are too long together"},
    {Reason::unreadable, "unreadable", "something that is no id would be dropped with the ids"},
    {Reason::unrenderable, "unrenderable", "the new field body would not be safe, or would not read as intended"},
    {Reason::more_follow, "more-follow", "there are more findings of this rule than are listed"},
    {Reason::in_part, "in-part", "the field is in a MIME part, which the filter does not see"},
}};

static_assert(std::all_of(table.begin(), table.end(), [](const ReasonRow& row) {
  return &row - table.data() == static_cast<std::ptrdiff_t>(row.reason);
}));

}  // namespace

std::span<const ReasonRow, reason_count> reasons() noexcept {
  return table;
}

std::string_view name_of(Reason reason) noexcept {
  return table[static_cast<std::size_t>(reason)].name;
}

std::string_view sentence_of(std::string_view name) noexcept {
  const auto* const row =
      std::find_if(table.begin(), table.end(), [name](const ReasonRow& candidate) { return candidate.name == name; });
  return row == table.end() ? std::string_view() : row->sentence;
}

}  // namespace msgid
