// What reading any value needs. The inside of config.
#ifndef MSGID_CONFIG_VALUE_H
#define MSGID_CONFIG_VALUE_H

#include <charconv>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace config {

/// A value that could not be checked because a system call failed. `error` is errno, or 0.
struct SystemRefusal : std::invalid_argument {
  SystemRefusal(const std::string& reason, int number) : std::invalid_argument(reason), error(number) {}
  int error;
};

[[noreturn]] inline void refuse(const std::string& reason) {
  throw std::invalid_argument(reason);
}

/// A number of digits and nothing else.
inline std::optional<std::size_t> whole_number(std::string_view text, int base = 10) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace config

#endif
