#include "milter/packet.h"

#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>

#include <algorithm>

namespace milter::packet {

namespace {

std::uint32_t number_at(std::string_view octets, std::size_t at) {
  const auto octet = [&](std::size_t i) { return std::uint32_t{static_cast<unsigned char>(octets[at + i])}; };
  return octet(0) << 24U | octet(1) << 16U | octet(2) << 8U | octet(3);
}

/// Of a packet of macros. What is behind the last NUL libmilter leaves out.
bool is_without_value(std::string_view packet) {
  constexpr std::size_t macros_at = length_octets + 2;
  return packet[length_octets] == SMFIC_MACRO && packet.size() > macros_at &&
         std::count(packet.begin() + macros_at, packet.end(), '\0') % 2 != 0;
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

/// A length with the sign is none.
bool is_too_long(std::uint32_t length) {
  return length > max_octets && length <= 0x80000000U;
}

}  // namespace

bool wants_answer(char command, unsigned long protocol) {
  return command != SMFIC_MACRO && (protocol & no_reply_bit(command)) == 0;
}

// libmilter 8.17.1 keeps a length less one in 32 bits with a sign, and takes what is not over 0 for a command alone.
std::size_t size_of_first(std::string_view octets) {
  if (octets.size() <= length_octets) return 0;
  const std::uint32_t length = number_at(octets, 0);
  if (is_too_long(length)) return 0;
  const bool is_command_alone = length <= 1 || length > max_octets;
  const std::size_t size = length_octets + (is_command_alone ? 1 : length);
  return size > octets.size() ? 0 : size;
}

bool has_effect(std::string_view packet) {
  return packet.size() <= length_octets + 1 || packet[length_octets] != SMFIC_MACRO ||
         packet[length_octets + 1] != SMFIC_HEADER;
}

Scanned scan(std::string_view octets, std::size_t begin, unsigned long protocol) {
  std::size_t end = begin;
  while (const std::size_t size = size_of_first(octets.substr(end))) {
    const std::string_view packet = octets.substr(end, size);
    if (has_effect(packet) && is_without_value(packet)) return {.is_due = true, .is_malformed = true, .end = end};
    end += size;
    if (wants_answer(packet[length_octets], protocol)) return {.is_due = true, .end = end};
  }
  if (octets.size() - end > length_octets && is_too_long(number_at(octets, end))) {
    return {.is_due = true, .end = octets.size()};
  }
  return {.end = end};
}

unsigned long negotiated(std::string_view packet, unsigned long before) {
  constexpr std::size_t protocol_at = length_octets + 1 + 2 * 4;
  if (packet.size() < protocol_at + 4 || packet[length_octets] != SMFIC_OPTNEG) return before;
  return number_at(packet, protocol_at);
}

}  // namespace milter::packet
