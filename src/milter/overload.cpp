#include "milter/overload.h"

#include <exception>
#include <utility>

namespace milter {

std::size_t Overload::Line::take(Clock::time_point now) {
  constexpr std::chrono::minutes interval{1};
  if (count == 0 || (logged && now - *logged < interval)) return 0;
  logged = now;
  return std::exchange(count, 0);
}

void Overload::happened(transport::Shortage shortage, Clock::time_point now) noexcept {
  const std::lock_guard lock(mutex_);
  switch (shortage) {
    case transport::Shortage::sessions:
      counters_.refused_connection();
      ++over_limit_.count;
      break;
    case transport::Shortage::threads:
      counters_.refused_connection();
      ++without_thread_.count;
      break;
    case transport::Shortage::descriptors:
      counters_.accept_pause();
      ++paused_.count;
      break;
    case transport::Shortage::connection:
      counters_.failed_accept();  // the network's fault or the peer's, so there is no line
      break;
  }
  log_what_is_due(now);
}

void Overload::tell(Clock::time_point now) noexcept {
  const std::lock_guard lock(mutex_);
  log_what_is_due(now);
}

void Overload::log_what_is_due(Clock::time_point now) {
  try {
    if (const std::size_t count = over_limit_.take(now)) log_.connections_over_limit(count);
    if (const std::size_t count = without_thread_.take(now)) log_.connections_without_thread(count);
    if (paused_.take(now) > 0) log_.accept_paused();
  } catch (const std::exception&) {
    // No memory for a line. They are counted.
  }
}

}  // namespace milter
