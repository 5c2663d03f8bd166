#include "report/log_writer.h"

#include <poll.h>
#include <pthread.h>
#include <syslog.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <optional>
#include <utility>

namespace report {

namespace {

/// Calls vsyslog(), because syslog() in this program puts the line back into the queue (milter/libmilter_lines.h).
[[gnu::format(printf, 2, 3)]] void send_to_syslog(int priority, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  ::vsyslog(priority, format, arguments);
  va_end(arguments);
}

bool write_whole(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      pollfd entry = {descriptor, POLLOUT, 0};
      ::poll(&entry, 1, -1);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

}  // namespace

LogOutput to_syslog(const char* name) {
  ::openlog(name, LOG_PID, LOG_MAIL);
  return [](Severity severity, std::string_view line) {
    const int priority = severity == Severity::info ? LOG_INFO : severity == Severity::warning ? LOG_WARNING : LOG_ERR;
    send_to_syslog(priority, "%.*s", static_cast<int>(line.size()), line.data());
    return true;
  };
}

LogOutput to_standard_error(const char* name) {
  return [prefix = std::string(name) + ": ", text = std::string()](Severity, std::string_view line) mutable {
    try {
      text = prefix;
      text += line;
      text += '\n';
    } catch (const std::bad_alloc&) {
      return false;
    }
    return write_whole(STDERR_FILENO, text);
  };
}

LogWriter::LogWriter(LogOutput output, std::size_t most, std::function<void()> dropped, Clock::duration interval)
    : output_(std::move(output)), on_drop_(std::move(dropped)), interval_(interval), lines_(most), thread_([this] {
        run();
      }) {
  ::pthread_setname_np(thread_.native_handle(), "log");  // for ps -T
}

LogWriter::~LogWriter() {
  is_to_end_ = true;
  lines_.wake();
  thread_.join();
}

void LogWriter::write(Severity severity, std::string_view line) noexcept {
  try {
    if (lines_.push({severity, std::string(line)}, line.size())) return;
  } catch (const std::bad_alloc&) {
    // Dropped as well.
  }
  drop();
}

void LogWriter::drop() noexcept {
  ++dropped_;
  if (on_drop_) on_drop_();
}

void LogWriter::run() noexcept {
  for (;;) {
    while (const std::optional<Line> line = lines_.take()) {
      if (!output_(line->severity, line->text)) drop();
      if (lines_.size() == 1 || Clock::now() - told_ > interval_) say_dropped();
      lines_.done();
    }
    if (is_to_end_) return;
    lines_.wait(Clock::now() + interval_);
    if (Clock::now() - told_ > interval_) say_dropped();
  }
}

void LogWriter::say_dropped() noexcept {
  if (dropped_ == 0) return;
  told_ = Clock::now();
  const std::size_t count = dropped_.exchange(0);
  try {
    const std::string line = "log lines were lost because they could not be written: count=" + std::to_string(count);
    if (output_(Severity::warning, line)) return;
  } catch (const std::bad_alloc&) {
    // Try again later.
  }
  dropped_ += count;
}

}  // namespace report
