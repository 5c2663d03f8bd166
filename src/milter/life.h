// The life of the service once its socket is there: serve, reload, stop.
#ifndef MSGID_MILTER_LIFE_H
#define MSGID_MILTER_LIFE_H

#include <chrono>
#include <cstddef>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "config/options.h"
#include "milter/adapter.h"
#include "milter/listener.h"
#include "milter/overload.h"
#include "milter/signals.h"
#include "report/audit_trail.h"
#include "report/log.h"

namespace milter {

class Life {
 public:
  struct Parts {
    Service& service;
    Listener& listener;
    Signals& signals;
    Overload& overload;
  };

  /// `read_again` gives the configuration as it is now, for a reload; what it throws refuses the reload. Creates
  /// libmilter's thread, which waits for run(), so that a shortage of resources shows up here. Throws
  /// std::system_error.
  Life(config::Loaded started, Parts parts, std::function<config::Loaded()> read_again);

  using Clock = std::chrono::steady_clock;

  struct End {
    std::optional<std::size_t> open_sessions;  ///< still open at the end; empty if libmilter gave up
    Clock::time_point latest;                  ///< end of drain-timeout
  };

  /// Runs libmilter in its thread, and here:
  /// - SIGHUP reloads, and has the audit trail opened again;
  /// - SIGUSR1 has the audit trail opened again, and does nothing else;
  /// - SIGTERM and SIGINT stop: no connection is accepted from then on, and sessions are served until the MTA closes
  ///   them or drain-timeout is over. A second one cuts them at once;
  /// - the service manager is told what there is to tell, and that the service is alive while no callback hangs for
  ///   more than half of what it grants.
  /// libmilter's threads still exist afterwards, because only the end of the process ends them.
  End run();

 private:
  bool wait(Clock::time_point until);
  End drain();
  void reload();
  void reopen_trail();
  void tell_manager();
  void say_ready() noexcept;
  std::string status() const;

  const config::Loaded loaded_at_start_;
  std::shared_ptr<const config::Settings> settings_;
  std::vector<config::ReadFile> files_;  ///< that they were read from
  Parts parts_;
  std::function<config::Loaded()> read_again_;
  std::promise<void> is_to_begin_;  ///< set when libmilter may start
  int libmilter_ended_;  ///< a descriptor that is readable then; never closed, for its thread is there to the end
  std::optional<std::chrono::microseconds> watchdog_;
  std::chrono::milliseconds interval_;  ///< between two looks at what the manager is to be told
  Clock::time_point tell_again_;
  bool is_hanging_ = false;
  bool is_ready_told_ = false;  ///< the manager waits to hear that the start, or a reload, is over
  std::string told_status_;
};

}  // namespace milter

#endif
