// Where the messages of an mbox begin and end. Pure; linear in the text.
//
//   mbox      = *( from-line message [empty-line] )          ; after RFC 4155; line ends are LF or CRLF
//   from-line = "From " *VCHAR-or-blank line-end
//   complete  = "From " 1*( word blank ) date line-end       ; a from-line with the sender's address and the date
//   date      = day-name month 1*2DIGIT time [zone] 4DIGIT [zone]    ; asctime(3); the zone is in either place
//
// A later from-line begins a message
// - after an empty line, if it has a time of day or if a header field follows: so text such as "From here on" splits
//   no message;
// - without an empty line, if it is complete and a header field follows.
//
// In mboxcl and mboxcl2 from-lines in a body are no different, and the length of the body is in a Content-Length field.
// It decides where it leads to a from-line as above, or to the end of the text, exactly or with one line end more (some
// writers count the empty line). Else it is wrong, as it is after many an edit, and is not used. Neither is it used
// where a header has several, or where it leads further than max_declared_octets.
#ifndef MSGID_AUDIT_MBOX_H
#define MSGID_AUDIT_MBOX_H

#include <cstddef>
#include <string_view>

namespace audit {

/// A longer message is handed out only up to this many octets.
inline constexpr std::size_t max_message_octets = 64U << 20U;

/// Maximum distance from the beginning of a message to where its Content-Length leads. Half of what is held of a
/// message in memory: a reader that waits for the octets there and finds that they are no from-line has kept at most as
/// much as it reads next, so lies cost no more than twice the time.
inline constexpr std::size_t max_declared_octets = max_message_octets / 2;

/// To tell whether a from-line begins a message, at most this many octets from its beginning on are read, and at most
/// look_behind before it.
inline constexpr std::size_t look_ahead = 4096;
inline constexpr std::size_t look_behind = 16;

/// Whether `text` begins with a from-line that begins a message at the beginning of a file or after an empty line.
bool begins_mbox_message(std::string_view text) noexcept;

/// The next from-line at or after `from` that begins a message; `from` is not 0. npos if there is none. Unless
/// `is_all`, text follows that is not here yet; `from` then becomes where to continue with it.
std::size_t find_from_line(std::string_view text, std::size_t& from, bool is_all) noexcept;

/// `text` begins with a from-line: where the next message begins. npos if there is none or, unless `is_all`, if that
/// takes more text. `from` is 1 for a new message, and is kept for the same one with more text.
std::size_t find_next_message(std::string_view text, std::size_t& from, bool is_all) noexcept;

/// Where the second message of a whole mbox begins; npos if there is only one.
std::size_t second_message(std::string_view mbox) noexcept;

}  // namespace audit

#endif
