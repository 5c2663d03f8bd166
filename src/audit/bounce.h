// A bounce: what it says, and the header of the message it is about, out of whatever an administrator has in hand.
//
// That is a report of RFC 3464 in multipart/report, Exchange's own report in HTML and text, a bounce forwarded as an
// attachment, or a text pasted into a file: with "> " before its lines, wrapped, indented, as HTML, or only the one
// line that counts. Reading is tolerant and total; what cannot be made sense of is left out.
#ifndef MSGID_AUDIT_BOUNCE_H
#define MSGID_AUDIT_BOUNCE_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace audit {

/// Of the text, and of the original header, so much is kept.
inline constexpr std::size_t max_bounce_text_octets = 1U << 20U;

/// Where the original header was found.
enum class HeaderOrigin : std::uint8_t {
  none,
  message,  ///< a message/rfc822 part
  headers,  ///< a text/rfc822-headers part
  text,     ///< among the text, as behind Exchange's "Original message headers:"
};

struct Bounce {
  std::string text;    ///< what there is to read, without the original message: decoded, no tags, no quote marks
  std::string header;  ///< the original header, as HeaderReader takes it
  HeaderOrigin origin = HeaderOrigin::none;
  bool is_report = false;     ///< there is a multipart/report
  bool is_message = false;    ///< the input is a message, not a pasted text
  bool is_rewrapped = false;  ///< lines of the header had lost their indentation: what looks like a fold may be none
  bool is_cut = false;        ///< text or header are longer than what is kept
};

Bounce read_bounce(std::string_view input);

}  // namespace audit

#endif
