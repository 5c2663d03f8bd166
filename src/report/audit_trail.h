// The file that audit records are appended to, and the totals of what has passed.
//
// Many threads append at once; each record is one write(2). A record that cannot be written costs one line in the log,
// never an exception, never mail. Half a record, on a disk that fills up, spoils only itself: the next one begins a new
// line.
#ifndef MSGID_REPORT_AUDIT_TRAIL_H
#define MSGID_REPORT_AUDIT_TRAIL_H

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "report/audit_record.h"
#include "report/log.h"

namespace report {

/// How many findings, by the names of rule and action, which must live as long as the process.
using FindingCounts = std::map<std::pair<std::string_view, std::string_view>, std::uint64_t>;

class AuditTrail {
 public:
  /// Seconds since 1970.
  using Clock = std::function<std::int64_t()>;

  /// Opens the file at `path` for appending, or makes it with mode 0640. It must be a regular file: a FIFO could hold
  /// mail up. Throws std::runtime_error with the reason. `log` must outlive the trail.
  AuditTrail(std::string path, const Log& log, std::chrono::milliseconds interval = std::chrono::minutes(1),
             Clock clock = {});
  ~AuditTrail();
  AuditTrail(const AuditTrail&) = delete;
  AuditTrail& operator=(const AuditTrail&) = delete;

  /// Begins a thread that writes totals after each interval in which messages have passed, and opens the file again
  /// when asked to.
  void start();

  /// The file at the path is to be opened again, for logrotate. Does not wait for it.
  void reopen();

  /// Ends the thread and writes the last totals, even of no messages. Sessions that still run may go on to append.
  void stop();

  /// A message without findings has passed.
  void clean() noexcept;
  /// A message has passed without having been decided upon.
  void unread() noexcept;
  /// A message out of scope has passed, and was not inspected.
  void exempt() noexcept;
  /// A message with findings has passed: appends its record, with time and host filled in. `counts` has all its
  /// findings.
  void affected(AuditRecord record, FindingCounts counts) noexcept;

 private:
  struct Passed {
    std::uint64_t clean = 0;
    std::uint64_t affected = 0;
    std::uint64_t unread = 0;
    std::uint64_t exempt = 0;
    FindingCounts findings;

    std::uint64_t messages() const { return clean + affected + unread + exempt; }
    void add(Passed other) noexcept;  // allocates nothing
  };

  void run() noexcept;
  void open_again() noexcept;
  void write_totals(bool even_of_nothing) noexcept;
  void append(std::string_view queue_id, const std::string& line);

  const std::string path_;
  const Log& log_;
  const std::chrono::milliseconds interval_;
  const Clock clock_;
  const std::string host_;

  std::mutex file_mutex_;
  int file_ = -1;
  bool is_torn_ = false;  ///< the file ends within a line

  std::mutex passed_mutex_;  // not the file's: a slow disk must not hold clean mail up
  Passed passed_;            ///< since the last totals

  std::int64_t since_;  // of the thread, and of stop() after it
  std::mutex thread_mutex_;
  std::condition_variable wake_;
  bool is_stopping_ = false;
  bool is_to_reopen_ = false;
  std::thread thread_;
};

}  // namespace report

#endif
