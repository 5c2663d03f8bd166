// New line breaks for a field body whose octets stay as they are. Internal to the core.
#ifndef MSGID_CORE_LAYOUT_H
#define MSGID_CORE_LAYOUT_H

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "msgid/msg_id.h"

namespace msgid {

/// The body without its folds, except those inside "<...>" and after a "<" that is never closed: a fold there may be
/// what a relay left of a line it cut, and on one line nobody could tell.
std::string unfold_between_ids(std::span<const Token> tokens);

/// Where a line may be broken.
enum class BreakAt {
  white_space,             ///< only where white space is, outside of ids, comments and quoted-strings
  white_space_or_touching  ///< between neighbors that touch as well (`<a>,<b>`), which adds one space
};

/// The body with each line over `line_length` octets broken so that its parts fit `fold_at`, as far as there are places
/// to break it. Other lines stay as they are. Nothing is broken directly after the colon, before white space at the end
/// of the body, or inside "<...>": the next relay would take that for a line cut. What comes before a new line break is
/// never white space, and what comes after it is the white space that was there. `tokens` are those of `body`.
std::string refold(std::size_t name_octets, std::string_view body, std::span<const Token> tokens, BreakAt where,
                   std::size_t line_length, std::size_t fold_at);

/// How far the lines of "name:body" are over `line_length`, in octets, all lines together.
std::size_t octets_over(std::size_t name_octets, std::string_view body, std::size_t line_length) noexcept;

}  // namespace msgid

#endif
