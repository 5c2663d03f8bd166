// With _FORTIFY_SOURCE, <syslog.h> itself defines syslog().
#undef _FORTIFY_SOURCE

#include "milter/libmilter_lines.h"

#include <syslog.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <new>
#include <string_view>

namespace {

std::atomic<const report::Log*> log_of_service = nullptr;

/// Restores errno, which libmilter reads after it has logged.
class KeepErrno {
 public:
  KeepErrno() : before_(errno) {}
  ~KeepErrno() { errno = before_; }
  KeepErrno(const KeepErrno&) = delete;
  KeepErrno& operator=(const KeepErrno&) = delete;

 private:
  int before_;
};

report::Severity severity_of(int priority) {
  const int level = LOG_PRI(priority);
  return level <= LOG_ERR       ? report::Severity::error
         : level == LOG_WARNING ? report::Severity::warning
                                : report::Severity::info;
}

void take(int priority, const char* format, va_list arguments) noexcept {
  const KeepErrno keep;
  const report::Log* const log = log_of_service;
  if (log == nullptr) return ::vsyslog(priority, format, arguments);
  // on_negotiate() refuses a session over max-sessions, and there is a line about it, once a minute.
  if (std::strstr(format, "xxfi_negotiate returned") != nullptr) return;
  std::array<char, 1024> line{};
  const int size = std::vsnprintf(line.data(), line.size(), format, arguments);  // with %m, as syslog has it
  if (size <= 0) return;
  try {
    log->libmilter_line(severity_of(priority),
                        {line.data(), std::min(static_cast<std::size_t>(size), line.size() - 1)});
  } catch (const std::bad_alloc&) {
    return;
  }
}

}  // namespace

/// Replaces the C library's syslog() for every caller in this process. Libraries built with _FORTIFY_SOURCE call
/// __syslog_chk() instead.
extern "C" {
void syslog(int priority, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  take(priority, format, arguments);
  va_end(arguments);
}

void __syslog_chk(int priority, int flag, const char* format, ...);
void __syslog_chk(int priority, int, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  take(priority, format, arguments);
  va_end(arguments);
}
}

namespace milter {

void take_libmilter_lines(const report::Log& log) noexcept {
  log_of_service = &log;
}

}  // namespace milter
