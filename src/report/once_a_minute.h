// Limits log lines about a frequent event: the first is logged at once, then one a minute.
#ifndef MSGID_REPORT_ONCE_A_MINUTE_H
#define MSGID_REPORT_ONCE_A_MINUTE_H

#include <chrono>
#include <cstddef>
#include <optional>
#include <utility>

namespace report {

/// Not thread-safe.
class OnceAMinute {
 public:
  using Clock = std::chrono::steady_clock;

  void happened(std::size_t times = 1) { count_ += times; }

  /// Returns how often the event happened since the last line if a line is due, otherwise 0.
  std::size_t take(Clock::time_point now) {
    if (count_ == 0 || (logged_ && now - *logged_ < std::chrono::minutes(1))) return 0;
    logged_ = now;
    return std::exchange(count_, 0);
  }

  /// Returns how often the event happened since the last line, whether a line is due or not.
  std::size_t take_all() { return std::exchange(count_, 0); }

 private:
  std::size_t count_ = 0;
  std::optional<Clock::time_point> logged_;
};

}  // namespace report

#endif
