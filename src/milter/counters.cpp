#include "milter/counters.h"

#include <algorithm>
#include <utility>

namespace milter {

namespace {

constexpr int generation_shift = 32;
constexpr std::uint64_t sessions_mask = 0xffffffff;

std::uint32_t generation_in(std::uint64_t word) {
  return static_cast<std::uint32_t>(word >> generation_shift);
}

}  // namespace

std::string_view name_of(MessageOutcome outcome) noexcept {
  switch (outcome) {
    case MessageOutcome::affected:
      return "affected";
    case MessageOutcome::unread:
      return "unread";
    case MessageOutcome::clean:
      break;
  }
  return "clean";
}

std::uint32_t Counters::begin_session() noexcept {
  add(sessions_);
  add(open_sessions_);
  return generation_in(generation_.fetch_add(1, std::memory_order_relaxed));
}

void Counters::end_session(std::uint32_t generation) noexcept {
  open_sessions_.fetch_sub(1, std::memory_order_relaxed);
  Number word = read(generation_);
  while (generation_in(word) == generation &&
         !generation_.compare_exchange_weak(word, word - 1, std::memory_order_relaxed)) {
  }
}

void Counters::reload_taken() noexcept {
  Number word = read(generation_);
  while (!generation_.compare_exchange_weak(word, (Number{generation_in(word)} + 1) << generation_shift,
                                            std::memory_order_relaxed)) {
  }
  add(reloads_taken_);
  was_last_reload_taken_.store(true, std::memory_order_relaxed);
}

void Counters::reload_refused() noexcept {
  add(reloads_refused_);
  was_last_reload_taken_.store(false, std::memory_order_relaxed);
}

Counters::Number Counters::old_sessions() const noexcept {
  const Number current = read(generation_) & sessions_mask;
  const Number open = read(open_sessions_);
  return open - std::min(open, current);  // a session may have ended between the two
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
