// Folding and unfolding of field bodies (RFC 5322 2.2.3) and the lengths that go with it.
//
//   FWS = ([*WSP CRLF] 1*WSP) / obs-FWS       ; here the CRLF is a bare LF, see field.h
//
// All lengths are octets, without the line end.
#ifndef MSGID_FOLD_H
#define MSGID_FOLD_H

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace msgid {

/// RFC 5322 2.1.1: no line of a message may be longer than this.
inline constexpr std::size_t max_line_octets = 998;

/// The body without its folds: every LF that stands before SP or TAB is deleted, that white space stays.
std::string unfold(std::string_view body);

/// The longest physical line of "name:body".
std::size_t longest_line(std::size_t name_octets, std::string_view body) noexcept;

/// A body made of `units` (msg-ids, comments, phrases) with one space before each. On one line where
/// the whole field fits `fold_at`; else a unit that would pass `fold_at` goes to the next line, after
/// LF and one space. Never folded before the first unit: some readers lose such a Message-ID. A unit
/// longer than a line gets a line of its own and passes `fold_at`. White space inside a unit stays,
/// save that a run of it with a fold or a TAB in it becomes one space.
std::string fold(std::size_t name_octets, std::span<const std::string_view> units, std::size_t fold_at);

/// Whether a body may be handed to an MTA: printable ASCII and TAB, LF only before SP or TAB, and no line of
/// "name:body" over 998 octets. No CR, no NUL, so no field can be injected through it.
bool is_safe_body(std::size_t name_octets, std::string_view body) noexcept;

}  // namespace msgid

#endif
