// libmilter's C callbacks: the only place that knows mfapi.h's callback interface. Each unpacks its arguments, makes
// one call of the session, and turns an exception into a log line.
#ifndef MSGID_MILTER_ADAPTER_H
#define MSGID_MILTER_ADAPTER_H

#include <memory>

#include "config/settings.h"
#include "report/audit_trail.h"
#include "report/log.h"

namespace milter {

/// What new sessions begin with.
struct Service {
  std::shared_ptr<const config::Settings> settings;
  const report::Log* log = nullptr;
  report::AuditTrail* trail = nullptr;  ///< null without audit-log

  bool wants_recipients() const { return trail != nullptr && settings->audit_recipients; }
};

/// Registers the callbacks with libmilter. libmilter hands a callback nothing of ours before the first one of a
/// session, so `service` is remembered; it must live as long as the process, for sessions can outlive smfi_main(), and
/// must not change once smfi_main() runs. False if libmilter refuses.
bool register_callbacks(const Service& service);

}  // namespace milter

#endif
