#include "milter/overload.h"

#include <exception>

namespace milter {

void Overload::happened(transport::Shortage shortage, Clock::time_point now) noexcept {
  const std::lock_guard lock(mutex_);
  switch (shortage) {
    case transport::Shortage::sessions:
      counters_.refused_connection();
      over_limit_.happened();
      break;
    case transport::Shortage::threads:
      counters_.refused_connection();
      without_thread_.happened();
      break;
    case transport::Shortage::descriptors:
      counters_.accept_pause();
      paused_.happened();
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
