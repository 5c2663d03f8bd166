// The MIME parts of a message, where they stand.
//
//   multipart-body := [preamble CRLF] dash-boundary transport-padding CRLF body-part
//                     *(CRLF dash-boundary transport-padding CRLF body-part)
//                     CRLF dash-boundary "--" transport-padding [CRLF epilogue]      ; RFC 2046 5.1.1
//   dash-boundary  := "--" boundary
//
// mimetic reads each Content-Type and follows the nesting. What it is shown is not the message but, of each header, its
// first Content-Type on one line: its own reader takes quadratic time for long fields, keeps a copy of everything, and
// recurses as deep as a message likes (0.9.8). Where a header and a body end is found here, on views.
#ifndef MSGID_AUDIT_PARTS_H
#define MSGID_AUDIT_PARTS_H

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace audit {

/// A message in another has a part of its own, behind the message/rfc822 part that it is the content of.
struct Part {
  std::string number;       ///< as IMAP numbers them (RFC 3501 6.4.5): "2.1". Of the message itself empty; a message in
                            ///< another has the number of the part that it is the content of
  std::string_view header;  ///< its fields, see HeaderReader
  std::string_view body;    ///< its octets as they stand; empty where it is made of other parts
  std::size_t parent = 0;   ///< index of the part that this one is in; of the message itself 0
  bool is_multipart = false;
};

/// Limits for what is walked: Exchange stops at 250 parts and 30 messages in each other.
inline constexpr std::size_t max_parts = 10000;
inline constexpr std::size_t max_part_depth = 64;

/// The message itself first, then its parts in the order of their headers.
struct PartList {
  std::vector<Part> parts;
  bool is_complete = true;  ///< false: there are more, or deeper ones, and these are left out
};
PartList parts_of(std::string_view message);

/// Of a Content-Type's body the type, as written: "text/plain", without parameters, and a comment behind it.
std::string_view content_type(std::string_view body) noexcept;

/// Whether what has this type holds a message, which is a part of its own: also message/global (RFC 6532), as Postfix
/// 3.7.11 names it in bounces of mail with SMTPUTF8.
bool is_message_type(std::string_view type) noexcept;

}  // namespace audit

#endif
