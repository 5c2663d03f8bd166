// What libmilter logs itself, taken to the log of the service.
//
// libmilter calls syslog(3), which waits for syslogd with a lock held; a session in it, and all others that have
// something to say after it, would wait as long. So syslog() is defined in libmilter_lines.cpp, in the executable, and
// libmilter's calls of it come to ours. Measured with libmilter 8.17.1 on Debian 12, 2026-11-30;
// tests/milter/log_test has a daemon whose log nobody reads.
#ifndef MSGID_MILTER_LIBMILTER_LINES_H
#define MSGID_MILTER_LIBMILTER_LINES_H

#include "report/log.h"

namespace milter {

/// From now on libmilter's lines go there; before, to syslog. `log` must live as long as the process.
void take_libmilter_lines(const report::Log& log) noexcept;

}  // namespace milter

#endif
