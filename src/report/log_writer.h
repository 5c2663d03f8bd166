// The thread that writes the log, so that no message waits for it.
#ifndef MSGID_REPORT_LOG_WRITER_H
#define MSGID_REPORT_LOG_WRITER_H

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

#include "report/bounded_queue.h"
#include "report/log.h"

namespace report {

/// Writes one line, without its line end, and may block. Returns false if the line was not written. Only one thread
/// calls it; it must not throw.
using LogOutput = std::function<bool(Severity, std::string_view line)>;

/// To syslog, facility mail. `name` must live as long as the process. syslog(3) does not report what became of a line,
/// so each line counts as written.
LogOutput to_syslog(const char* name);

/// To standard error, "name: line". Blocks while the reader is slow. SIGPIPE must be ignored.
LogOutput to_standard_error(const char* name);

/// Writes lines in the order in which they arrive. If the output is slow they wait, up to a bound; lines beyond that
/// are dropped. One line reports how many, when the output has caught up or after a minute.
class LogWriter {
 public:
  using Clock = std::chrono::steady_clock;

  /// Begins the thread. `most`: octets of lines that may wait. `dropped` is called for each line that is lost, by the
  /// thread that loses it; must not throw. `interval`: the longest time until a line reports that, while lines are
  /// taken. Throws std::system_error.
  LogWriter(LogOutput output, std::size_t most, std::function<void()> dropped = {},
            Clock::duration interval = std::chrono::minutes(1));
  /// Waits for the output, for as long as that takes.
  ~LogWriter();
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  /// Takes a line; waits for nothing.
  void write(Severity severity, std::string_view line) noexcept;

  /// Waits until all lines are written; false if some are left at `until`.
  bool flush(Clock::time_point until) { return lines_.drain(until); }

  /// How many lines wait.
  std::size_t size() const { return lines_.size(); }

 private:
  struct Line {
    Severity severity;
    std::string text;
  };

  void run() noexcept;
  void drop() noexcept;
  void say_dropped() noexcept;

  const LogOutput output_;
  const std::function<void()> on_drop_;
  const Clock::duration interval_;
  BoundedQueue<Line> lines_;
  std::atomic<std::size_t> dropped_ = 0;  ///< that no line has told of
  std::atomic<bool> is_to_end_ = false;
  Clock::time_point told_ = Clock::now();  ///< of the thread: when it last told of them
  std::thread thread_;
};

}  // namespace report

#endif
