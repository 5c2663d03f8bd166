// Packets of the milter protocol, for the tests and benchmarks that play an MTA.
#ifndef MSGID_TESTS_WIRE_H
#define MSGID_TESTS_WIRE_H

#include <cstdint>
#include <string>
#include <string_view>

namespace wire {

/// uint32, as all numbers of the protocol.
inline std::string number(std::uint32_t value) {
  return {static_cast<char>(value >> 24U), static_cast<char>(value >> 16U), static_cast<char>(value >> 8U),
          static_cast<char>(value)};
}

/// One whose length need not be what it says.
inline std::string packet_of_length(std::uint32_t length, char code, std::string_view data) {
  return number(length).append(1, code).append(data);
}

/// uint32 length, which counts the code; code; data.
inline std::string packet(char code, std::string_view data = {}) {
  return packet_of_length(static_cast<std::uint32_t>(1 + data.size()), code, data);
}

}  // namespace wire

#endif
