// The life of the service once its socket is there: serve, reload, stop.
#ifndef MSGID_MILTER_LIFE_H
#define MSGID_MILTER_LIFE_H

#include <chrono>
#include <cstddef>
#include <functional>
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

  /// `read_again` gives the configuration as it is now, for a reload; what it throws refuses the reload.
  Life(config::Loaded started, Parts parts, std::function<config::Loaded()> read_again);

  /// Runs libmilter in a thread of its own, and here:
  /// - SIGHUP reloads, and has the audit trail opened again;
  /// - SIGUSR1 has the audit trail opened again, and does nothing else;
  /// - SIGTERM and SIGINT stop: no connection is accepted from then on, and sessions are served until the MTA closes
  ///   them or drain-timeout is over. A second one cuts them at once;
  /// - the service manager is told what there is to tell, and that the service is alive while no callback hangs for
  ///   more than half of what it grants.
  /// Gives the number of sessions that were still open when it ended, or nothing if libmilter gave up. libmilter's
  /// threads are still there afterwards, for nothing ends them but the end of the process.
  std::optional<std::size_t> run();

 private:
  using Clock = std::chrono::steady_clock;

  bool wait(Clock::time_point until);
  std::optional<std::size_t> drain();
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
