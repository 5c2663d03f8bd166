// libmilter's C callbacks: the only place that knows mfapi.h's callback interface. Each unpacks its arguments, makes
// one call of the session, and turns an exception into a log line.
#ifndef MSGID_MILTER_ADAPTER_H
#define MSGID_MILTER_ADAPTER_H

#include <memory>
#include <mutex>
#include <utility>

#include "config/settings.h"
#include "milter/asked_fields.h"
#include "milter/counters.h"
#include "milter/open_sessions.h"
#include "milter/overload.h"
#include "report/audit_trail.h"
#include "report/log.h"

namespace milter {

/// What new sessions begin with, and where the open ones are counted. Sessions can outlive smfi_main(), so it must live
/// as long as the process.
class Service {
 public:
  Service(std::shared_ptr<const config::Settings> settings, const report::Log& to, Counters& count_in)
      : log(to), counters(count_in), asked_fields(*settings), settings_(std::move(settings)) {}

  std::shared_ptr<const config::Settings> settings() const {
    const std::lock_guard lock(mutex_);
    return settings_;
  }
  /// For the sessions that begin from now on; those that are open keep what they began with.
  void replace(std::shared_ptr<const config::Settings> settings) {
    asked_fields.add(*settings);
    const std::lock_guard lock(mutex_);
    settings_.swap(settings);
  }

  const report::Log& log;
  Counters& counters;
  bool is_unix = true;          ///< every MTA comes by a UNIX socket; not to be changed once there are sessions
  Overload* refused = nullptr;  ///< set where sessions over max-sessions are refused here, and not by the transport
  report::AuditTrail* trail = nullptr;  ///< null without audit-log; not to be changed once there are sessions
  OpenSessions sessions;
  AskedFields asked_fields;  ///< of all settings so far

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const config::Settings> settings_;
};

/// Registers the callbacks with libmilter. libmilter hands a callback nothing of ours before the first one of a
/// session, so `service` is remembered. False if libmilter refuses.
bool register_callbacks(Service& service);

}  // namespace milter

#endif
