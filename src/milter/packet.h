// The milter protocol's packets, as far as reading ahead needs them.
#ifndef MSGID_MILTER_PACKET_H
#define MSGID_MILTER_PACKET_H

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace milter::packet {

inline constexpr std::size_t length_octets = 4;

/// libmilter 8.17.1 ends the session over a longer one (mfdef.h, MILTER_MAX_DATA_SIZE): command and data, in octets.
inline constexpr std::size_t max_octets = 65535 + 1;

/// Whether the MTA waits for an answer to this command (SMFIC_), where these SMFIP_ bits were negotiated (mfdef.h).
/// Macros are never answered. What is not known here is taken to be.
bool wants_answer(char command, unsigned long protocol);

/// How many octets the packet has that they begin with, as libmilter reads it; 0: it is not whole, or too long.
///
///   packet = length command data     ; length: 4 octets, most significant first, of command and data
std::size_t size_of_first(std::string_view octets);

/// Whether libmilter 8.17.1 does anything with a packet. Of macros for a header field it does nothing, in any state
/// (st_macros() in engine.c), and Postfix 3.7.11 sends them before each field: nearly half of all packets.
bool has_effect(std::string_view packet);

struct Scanned {
  bool is_due = false;        ///< libmilter is to see what there is up to `end`
  bool is_malformed = false;  ///< libmilter must not see what is behind it
  std::size_t end = 0;        ///< of the packets that were looked at; the next scan goes on there
};

/// Looks at whole packets from `begin` on, up to the first that wants an answer, and that one with them. One that is
/// too long ends the session, and is due with all that is behind it. So are those before a packet of macros in which a
/// value is missing: smfi_getsymval() of libmilter 8.17.1 reads beyond its list then, and may crash.
///
///   macros = %x44 step *( name %x00 value %x00 )    ; "D", and the command that they are for
Scanned scan(std::string_view octets, std::size_t begin, unsigned long protocol);

/// The SMFIP_ bits in libmilter's answer to SMFIC_OPTNEG, or `before` where the packet is another one.
///
///   answer = length %x4F version actions protocol *OCTET    ; "O", then numbers of 4 octets
unsigned long negotiated(std::string_view packet, unsigned long before);

}  // namespace milter::packet

#endif
