// Something that may happen often, on its way to the log: the first time at once, and then one line a minute.
#ifndef MSGID_REPORT_ONCE_A_MINUTE_H
#define MSGID_REPORT_ONCE_A_MINUTE_H

#include <chrono>
#include <cstddef>
#include <optional>
#include <utility>

namespace report {

/// Not for several threads at a time.
class OnceAMinute {
 public:
  using Clock = std::chrono::steady_clock;

  void happened(std::size_t times = 1) { count_ += times; }

  /// How often it has happened since the last line, for the line that is due; 0 where none is.
  std::size_t take(Clock::time_point now) {
    if (count_ == 0 || (logged_ && now - *logged_ < std::chrono::minutes(1))) return 0;
    logged_ = now;
    return std::exchange(count_, 0);
  }

 private:
  std::size_t count_ = 0;
  std::optional<Clock::time_point> logged_;
};

}  // namespace report

#endif
