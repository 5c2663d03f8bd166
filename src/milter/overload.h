// Connections that are not served, on their way to the log and the counters.
#ifndef MSGID_MILTER_OVERLOAD_H
#define MSGID_MILTER_OVERLOAD_H

#include <chrono>
#include <mutex>

#include "milter/counters.h"
#include "milter/transport.h"
#include "report/log.h"
#include "report/once_a_minute.h"

namespace milter {

/// Counts each, and logs the first at once and then one line a minute with the number since.
class Overload {
 public:
  using Clock = std::chrono::steady_clock;

  Overload(const report::Log& log, Counters& counters) : log_(log), counters_(counters) {}

  void happened(transport::Shortage shortage, Clock::time_point now = Clock::now()) noexcept;
  /// Logs what has waited for a minute. To be called now and then.
  void tell(Clock::time_point now = Clock::now()) noexcept;

 private:
  void log_what_is_due(Clock::time_point now);

  const report::Log& log_;
  Counters& counters_;
  std::mutex mutex_;
  report::OnceAMinute over_limit_;
  report::OnceAMinute without_thread_;
  report::OnceAMinute paused_;
};

}  // namespace milter

#endif
