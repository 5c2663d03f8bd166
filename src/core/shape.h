// Whether the tokens of a field are what a field of msg-ids may hold. Internal to the core.
#ifndef MSGID_CORE_SHAPE_H
#define MSGID_CORE_SHAPE_H

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/inspection.h"
#include "msgid/msg_id.h"
#include "msgid/reason.h"

namespace msgid {

/// inside_msg_id where an encoded-word begins inside the brackets of an id, closed or not; else malformed_word where
/// one begins inside a comment or quoted-string and ends after it; else none. To a reader that decodes first, what
/// follows its beginning is part of the word. `tokens` are those of `body`.
Reason misplaced_word(std::string_view body, std::span<const Token> tokens);

/// Whether an encoded-word begins outside of ids that has no end before the next white space: one with a space in it,
/// or one that a line limit has cut; or one with a "?" in its text, so that readers differ about where it ends. What
/// follows its beginning must not be taken for plain ids.
bool has_broken_word(std::span<const Token> tokens);

/// What is wrong with the field, the most telling fault first, or Reason::none. Not wrong in a list: a phrase of
/// several words, a comment, and any white space and commas between ids. Not wrong anywhere: an id of odd characters,
/// without
/// "@" or with two. A text of control characters only is left to the rule of that name, and white space inside an id to
/// space-in-msgid where that rule is on.
Reason fault_of(std::span<const Token> tokens, const ListedField& listed, const Policy& policy);

/// What is in the way of strict syntax, dot-atom-text "@" (dot-atom-text / no-fold-literal), in one id with its
/// brackets: no_at, two_at, bad_character, bad_dots or none. An empty side is fault_of()'s, so it is none here.
Reason strict_fault_of(std::string_view id) noexcept;

/// The tokens with exactly one pair of brackets around each clean id, where some have none, one bracket or too many.
/// Nothing where all have one pair, where anything in the field but ids, comments, commas and white space would be left
/// over (what has no brackets may be an address in a phrase), and where a list ends within an id.
std::optional<std::vector<Token>> with_brackets(Inspection& field);

}  // namespace msgid

#endif
