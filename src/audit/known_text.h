// The texts of bounces and logs that have to do with a message's header, and what is known of each.
#ifndef MSGID_AUDIT_KNOWN_TEXT_H
#define MSGID_AUDIT_KNOWN_TEXT_H

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "msgid/inspect.h"

namespace audit {

/// Which findings in the original header may be the reason of a text.
enum class Reason : std::uint8_t {
  message_id,   ///< a Message-ID that does not survive being copied
  long_field,   ///< a field over a limit of the conversion
  header_size,  ///< the header as a whole
  charset,      ///< a charset name that Windows does not know
  raw_octets,   ///< octets over 127 in a field
  long_line,    ///< a line over 998 octets
  not_there,    ///< a Message-ID that is missing or unreadable
  unknown,      ///< none: the header is not the reason, or nobody knows
};

struct KnownText {
  std::string_view text;                  ///< the words, as they are usually written
  std::array<std::string_view, 3> parts;  ///< what must stand in the text: lower case, without white space
  std::string_view status;                ///< an enhanced status code that must be there too, or empty
  std::uint8_t family;                    ///< of one family, only the first that fits is taken: they say the same
  Reason reason;
  std::string_view meaning;  ///< in plain words
  std::string_view source;   ///< how that is known
  std::string_view help;     ///< whether this filter is of help
};

std::span<const KnownText> known_texts() noexcept;

/// Those that stand in a text: in any case, wrapped anywhere, with white space or octets over 127 between the letters.
std::vector<const KnownText*> recognise(std::string_view text);

/// Whether a finding may be what the text complains of.
bool explains(const msgid::Finding& finding, Reason reason) noexcept;

/// The first enhanced status code (RFC 3463) of a failure, "5.1.1"; empty where there is none.
///
///   status-code = ("4" / "5") "." DIGIT "." 1*3DIGIT    ; RFC 3463 2; the subjects are 0 to 7
///
/// A version number has the same form, so a reply code, "Status:", "dsn=" or "#" must stand before it.
std::string_view find_status(std::string_view text) noexcept;

/// What its subject is, in plain words: "the address of the recipient".
std::string_view status_subject(std::string_view status) noexcept;

/// What stands behind `before` up to the first of `ends`, as the charset's name in "Character set name (cp-850) is";
/// any case, a blank in `before` for any white space. Empty where it is not there or is over 100 octets.
std::string_view text_behind(std::string_view text, std::string_view before, std::string_view ends) noexcept;

}  // namespace audit

#endif
