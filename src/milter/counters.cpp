#include "milter/counters.h"

#include <algorithm>
#include <utility>

namespace milter {

std::string_view name_of(MessageOutcome outcome) noexcept {
  switch (outcome) {
    case MessageOutcome::affected:
      return "affected";
    case MessageOutcome::unread:
      return "unread";
    case MessageOutcome::exempt:
      return "exempt";
    case MessageOutcome::clean:
      break;
  }
  return "clean";
}

void Counters::reload_taken() noexcept {
  add(reloads_taken_);
  was_last_reload_taken_.store(true, std::memory_order_relaxed);
}

void Counters::reload_refused() noexcept {
  add(reloads_refused_);
  was_last_reload_taken_.store(false, std::memory_order_relaxed);
}

void Counters::callback_time(std::chrono::nanoseconds time) noexcept {
  const auto* const bound = std::lower_bound(callback_time_bounds.begin(), callback_time_bounds.end(), time);
  add(callback_times_[static_cast<std::size_t>(bound - callback_time_bounds.begin())]);
  add(callback_sum_, static_cast<Number>(std::max<std::chrono::nanoseconds::rep>(time.count(), 0)));
}

void SessionMeter::message_ended() noexcept {
  if (counters_.has_timing()) counters_.callback_time(std::exchange(time_, {}));
}

}  // namespace milter
