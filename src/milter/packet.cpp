#include "milter/packet.h"

#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>

namespace milter::packet {

namespace {

std::uint32_t number_at(std::string_view octets, std::size_t at) {
  const auto octet = [&](std::size_t i) { return std::uint32_t{static_cast<unsigned char>(octets[at + i])}; };
  return octet(0) << 24U | octet(1) << 16U | octet(2) << 8U | octet(3);
}

/// The bit that says that a command is not answered; 0: it always is.
unsigned long no_reply_bit(char command) {
  switch (command) {
    case SMFIC_CONNECT:
      return SMFIP_NR_CONN;
    case SMFIC_HELO:
      return SMFIP_NR_HELO;
    case SMFIC_MAIL:
      return SMFIP_NR_MAIL;
    case SMFIC_RCPT:
      return SMFIP_NR_RCPT;
    case SMFIC_DATA:
      return SMFIP_NR_DATA;
    case SMFIC_HEADER:
      return SMFIP_NR_HDR;
    case SMFIC_EOH:
      return SMFIP_NR_EOH;
    case SMFIC_BODY:
      return SMFIP_NR_BODY;
    case SMFIC_UNKNOWN:
      return SMFIP_NR_UNKN;
    default:
      // The end of a message, the negotiation, what ends something, and what nobody knows.
      return 0;
  }
}

}  // namespace

bool wants_answer(char command, unsigned long protocol) {
  return command != SMFIC_MACRO && (protocol & no_reply_bit(command)) == 0;
}

// libmilter 8.17.1 keeps a length less one in 32 bits with a sign, and takes what is not over 0 for a command alone.
Scanned scan(std::string_view octets, std::size_t begin, unsigned long protocol) {
  std::size_t end = begin;
  while (octets.size() - end > length_octets) {
    const std::uint32_t length = number_at(octets, end);
    const bool is_command_alone = length <= 1 || length > 0x80000000U;
    const std::size_t size = is_command_alone ? 1 : length;
    if (size > max_octets) return {true, octets.size()};
    if (octets.size() - end - length_octets < size) break;
    const char command = octets[end + length_octets];
    end += length_octets + size;
    if (wants_answer(command, protocol)) return {true, end};
  }
  return {false, end};
}

unsigned long negotiated(std::string_view packet, unsigned long before) {
  constexpr std::size_t protocol_at = length_octets + 1 + 2 * 4;
  if (packet.size() < protocol_at + 4 || packet[length_octets] != SMFIC_OPTNEG) return before;
  return number_at(packet, protocol_at);
}

}  // namespace milter::packet
