// Passes libmilter's own log lines to the service's log.
//
// libmilter calls syslog(3), which waits for syslogd while it holds a lock. That would block the session, and then
// every other session that logs. So libmilter_lines.cpp defines syslog() in the executable, and libmilter's calls reach
// that function. Measured with libmilter 8.17.1 on Debian 12, 2026-11-30; tests/milter/stalled_test.cpp runs the daemon
// with a log that nobody reads.
#ifndef MSGID_MILTER_LIBMILTER_LINES_H
#define MSGID_MILTER_LIBMILTER_LINES_H

#include "report/log.h"

namespace milter {

/// Sends libmilter's lines to `log` from now on; until then they go to syslog. `log` must live as long as the process.
void take_libmilter_lines(const report::Log& log) noexcept;

}  // namespace milter

#endif
