// A lossless scanner over the bodies of msg-id fields, and what is to be known about one msg-id.
//
//   message-id  = "Message-ID:" msg-id CRLF                        ; RFC 5322 3.6.4
//   in-reply-to = "In-Reply-To:" 1*msg-id CRLF
//   references  = "References:" 1*msg-id CRLF
//   msg-id      = [CFWS] "<" id-left "@" id-right ">" [CFWS]
//   id-left     = dot-atom-text / obs-id-left                      ; obs-id-left = local-part
//   id-right    = dot-atom-text / no-fold-literal / obs-id-right   ; obs-id-right = domain
//   obs-in-reply-to, obs-references = *(phrase / msg-id)           ; RFC 5322 4.5.4
//
// Real ids keep to none of this: "<GUID>", "<[hex====@microsoft.com]>", "<a@b@c>". So a msg-id here is
// anything between "<" and ">" (see scan()), and stricter questions are asked of it one by one.
#ifndef MSGID_MSG_ID_H
#define MSGID_MSG_ID_H

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace msgid {

enum class TokenKind : std::uint8_t {
  white_space,    ///< SP, TAB and LF, as many as stand together
  comma,          ///< ","
  comment,        ///< "(...)", nested, closed
  quoted_string,  ///< "\"...\"", closed, outside of an id
  encoded_word,   ///< outside of ids, comments and quoted-strings
  msg_id,         ///< "<...>", and more than white space between
  unterminated,   ///< "<" with no ">" before the next "<" outside of encoded-words or the end; no white space behind it
  text,           ///< anything else, up to white space or the beginning of one of the above
};

/// A piece of the body. `text` is a view of what was scanned, or of a text a rule has made.
struct Token {
  TokenKind kind;
  std::string_view text;
};

/// Whether the token is "<...>", or a "<" that is never closed with what follows it.
constexpr bool is_in_brackets(const Token& token) noexcept {
  return token.kind == TokenKind::msg_id || token.kind == TokenKind::unterminated;
}

/// Cuts a body into tokens and puts them into `tokens` (cleared first, its memory kept). Lossless: their
/// texts put together are the body. Total, and linear in the body's length.
///
/// An id ends at the first ">" if no white space, quote, parenthesis, backslash or "<" comes before it; else where
/// the grammar above ends it (a ">" in a quoted-string or comment is part of the id); else at the first ">" if no "<"
/// comes before it. The grammar has no say where it would swallow a whole `<id>` that is_clean_bare_id(): two stray
/// quotes or parentheses in two ids do that to all ids between them. A parenthesis or quote that is never closed is
/// text.
void scan(std::string_view body, std::vector<Token>& tokens);

/// What the white space inside one id's brackets means.
enum class InnerSpace : std::uint8_t {
  none,
  quoted,     ///< only inside a quoted-string, a comment or "[...]", where it may be: never touched
  certain,    ///< beside "<", ">", "@" or ".", or a fold of exactly one SP inside an atom (what Postfix's line
              ///< cutting leaves, 3.7.11): it was not part of the id. A fold is certain only if the id without its
              ///< certain white space is_clean_bare_id()
  uncertain,  ///< anything else, such as white space after "!" (Sendmail's line cutting leaves a fold there, 8.17.1),
              ///< in what may_be_several() ids, or where an encoded-word may begin
};
InnerSpace inner_space(std::string_view id);

/// The id without its certain white space; unchanged unless inner_space() is certain.
std::string without_certain_space(std::string_view id);

/// Whether two "@" of the id have white space, a comma, a semicolon, a quote, a parenthesis or a bracket between them.
/// Such an "id" may be a list of ids that lost its brackets (`<a@b c@d>`, `<a@b;c@d>`), so it must not be replaced,
/// joined or cut.
bool may_be_several(std::string_view id) noexcept;

/// Whether two or more of the pieces between white space, commas, semicolons, quotes, parentheses and brackets of the
/// id are is_clean_bare_id(): a list of ids in one pair of brackets.
bool is_several(std::string_view id) noexcept;

/// The id without any white space: the octets its name is made of, so that an id that Postfix has cut at its line limit
/// keeps its name. (One that Sendmail has cut does not: nobody knows whether its "!" belongs to it.)
std::string without_space(std::string_view id);

/// Whether `text` is one `dot-atom-text "@" (dot-atom-text / no-fold-literal)`, without brackets or white space.
bool is_clean_bare_id(std::string_view text) noexcept;

/// Whether `text` is dot-atom-text: 1*atext *("." 1*atext).
bool is_dot_atom(std::string_view text) noexcept;

/// Limits for msgid-length, in octets, the brackets included. 979 is the longest id that fits a line of 998 octets in
/// all fields listed by default: "Resent-Message-ID: " has 19.
inline constexpr std::size_t min_msgid_octets = 45;
inline constexpr std::size_t max_msgid_octets = 979;

/// The domain of a shortened id that has none of its own. Reserved by RFC 2606, so never anybody's.
inline constexpr std::string_view fallback_domain = "msgid-milter.invalid";

/// `<U@D>` for `id`, which has its brackets; the same for the same id in every field, message, host and year.
///
/// U: the RFC 9562 version 5 UUID of without_space(id) in the namespace 4d011192-96f2-5ce6-9eea-f9121f361b37 (itself
/// the version 5 UUID of "msgid-milter.invalid" in the DNS namespace). D: `domain` where given, else the id's own
/// id-right (behind its last "@") where that is a dot-atom and the result has at most `limit` octets, else
/// fallback_domain. Nothing where the result would be over `limit` all the same.
std::optional<std::string> shorten(std::string_view id, std::string_view domain, std::size_t limit);

}  // namespace msgid

#endif
