// The milter protocol's packets, as far as reading ahead needs them.
#ifndef MSGID_MILTER_PACKET_H
#define MSGID_MILTER_PACKET_H

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace milter::packet {

inline constexpr std::size_t length_octets = 4;

/// libmilter 8.17.1 ends the session over a longer one (mfdef.h, MILTER_MAX_DATA_SIZE): command and data, in octets.
inline constexpr std::size_t max_octets = 65535 + 1;

/// Whether the MTA waits for an answer to this command (SMFIC_), where these SMFIP_ bits were negotiated (mfdef.h).
/// Macros are never answered. What is not known here is taken to be.
bool wants_answer(char command, unsigned long protocol);

/// Whether the filter wants to see fields of that name. Must not throw.
using AsksFor = std::function<bool(std::string_view name)>;

struct Scanned {
  bool is_due = false;        ///< libmilter is to see what there is up to `end`
  bool is_malformed = false;  ///< libmilter must not see what is behind it
  std::size_t end = 0;        ///< of the packets that were looked at; the next scan goes on there
};

/// Looks at the packets of one session, and takes those away that no libmilter needs:
///
/// - macros for a field. Rule: macros belong to the command that they name and to the callback for it, and the callback
///   for fields asks for none. Only the log line of a callback that fails could miss the queue id, which comes with
///   other commands too. Postfix 3.7.11 sends them before each field, nearly half of all packets.
/// - a field that nobody asks for, where no answer to fields was agreed on, after another field. Rule: a header has any
///   number of fields, so a message with one less is legal too, and with SMFIP_NR_HDR nobody waits for an answer.
///   Nothing may follow this field that may not follow the one before it. Macros may be between them.
///
///   packet = length command data                 ; length: 4 octets, most significant first, of command and data
///   macros = %x44 step *( name %x00 value %x00 ) ; "D", and the command that they are for
///   field = %x4C name %x00 body %x00             ; "L"
class Scanner {
 public:
  /// Without `asks_for` all fields are asked for. It must outlive the scanner.
  explicit Scanner(const AsksFor& asks_for) : asks_for_(asks_for) {}
  explicit Scanner(AsksFor&&) = delete;

  /// Looks at whole packets from `begin` on, up to the first that wants an answer, and that one with them. One that is
  /// too long ends the session, and is due with all that is behind it. So are those before a packet of macros in which
  /// a value is missing: smfi_getsymval() of libmilter 8.17.1 reads beyond its list then, and may crash.
  /// What is taken away is gone from `octets`.
  Scanned scan(std::string& octets, std::size_t begin);

  /// What libmilter has written. Its answer to SMFIC_OPTNEG has the SMFIP_ bits that were agreed on.
  ///
  ///   answer = length %x4F version actions protocol *OCTET    ; "O", then numbers of 4 octets
  void answered(std::string_view packet);

 private:
  bool takes_away(std::string_view packet);

  const AsksFor& asks_for_;
  unsigned long protocol_ = 0;
  bool is_behind_field_ = false;
};

}  // namespace milter::packet

#endif
