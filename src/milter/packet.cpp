#include "milter/packet.h"

#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>

#include <algorithm>
#include <cstring>
#include <utility>

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

/// How many octets the packet has that they begin with, as libmilter 8.17.1 reads it; 0: it is not whole, or too long.
/// libmilter keeps a length less one in 32 bits with a sign, and takes what is not over 0 for a command alone.
std::size_t size_of_first(std::string_view octets) {
  if (octets.size() <= length_octets) return 0;
  const std::uint32_t length = number_at(octets, 0);
  if (is_too_long(length)) return 0;
  const bool is_command_alone = length <= 1 || length > max_octets;
  const std::size_t size = length_octets + (is_command_alone ? 1 : length);
  return size > octets.size() ? 0 : size;
}

/// Of the field in a packet that libmilter takes for one. Else empty.
std::string_view field_name(std::string_view packet) {
  const std::string_view data = packet.substr(length_octets + 1);
  const std::size_t end = data.find('\0');
  const bool is_whole = end != std::string_view::npos && end + 1 < data.size() && data.back() == '\0';
  return is_whole ? data.substr(0, end) : std::string_view();
}

}  // namespace

bool wants_answer(char command, unsigned long protocol) {
  return command != SMFIC_MACRO && (protocol & no_reply_bit(command)) == 0;
}

bool Scanner::takes_away(std::string_view packet) {
  const char command = packet[length_octets];
  if (command == SMFIC_MACRO) return packet.size() > length_octets + 1 && packet[length_octets + 1] == SMFIC_HEADER;
  const bool was_behind_field = std::exchange(is_behind_field_, command == SMFIC_HEADER);
  if (!is_behind_field_ || !was_behind_field || !asks_for_ || wants_answer(command, protocol_)) return false;
  const std::string_view name = field_name(packet);
  return !name.empty() && !asks_for_(name);
}

Scanned Scanner::scan(std::string& octets, std::size_t begin) {
  Scanned scanned = {.end = begin};
  std::size_t next = begin;  // what is between the end and here is left out
  while (const std::size_t size = size_of_first(std::string_view(octets).substr(next))) {
    const std::string_view packet = std::string_view(octets).substr(next, size);
    if (!takes_away(packet)) {
      scanned.is_malformed = is_without_value(packet);
      scanned.is_due = scanned.is_malformed || wants_answer(packet[length_octets], protocol_);
      if (scanned.is_malformed) break;
      if (scanned.end != next) std::memmove(octets.data() + scanned.end, packet.data(), size);
      scanned.end += size;
    }
    next += size;
    if (scanned.is_due) break;
  }
  octets.erase(scanned.end, next - scanned.end);
  if (!scanned.is_due && octets.size() - scanned.end > length_octets && is_too_long(number_at(octets, scanned.end))) {
    return {.is_due = true, .end = octets.size()};
  }
  return scanned;
}

void Scanner::answered(std::string_view packet) {
  constexpr std::size_t protocol_at = length_octets + 1 + 2 * 4;
  if (packet.size() < protocol_at + 4 || packet[length_octets] != SMFIC_OPTNEG) return;
  protocol_ = number_at(packet, protocol_at);
}

}  // namespace milter::packet
