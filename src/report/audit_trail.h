// The file that audit records are appended to, and the totals of what has passed.
//
// Many threads hand over records. One thread opens the file and writes each record with one write(2), so a full or
// hanging disk never delays mail. A record that cannot be written or does not fit the queue is lost, counted and
// logged. A record that was only half written spoils only itself: the next one begins a new line. While the file cannot
// be opened, records wait.
#ifndef MSGID_REPORT_AUDIT_TRAIL_H
#define MSGID_REPORT_AUDIT_TRAIL_H

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "report/audit_record.h"
#include "report/bounded_queue.h"
#include "report/log.h"
#include "report/once_a_minute.h"

namespace report {

/// How many findings, by the names of rule and action, which must live as long as the process.
using FindingCounts = std::map<std::pair<std::string_view, std::string_view>, std::uint64_t>;

class AuditTrail {
 public:
  /// Seconds since 1970.
  using Clock = std::function<std::int64_t()>;
  using Steady = std::chrono::steady_clock;

  /// The file at `path` is opened for appending, or made with mode 0640. It must be a regular file: a FIFO could hold
  /// the thread up. `log` must outlive the trail. `most`: octets of records that may wait to be written. `interval`:
  /// between totals, and between lines about a file that cannot be opened.
  AuditTrail(std::string path, const Log& log, std::size_t most,
             std::chrono::milliseconds interval = std::chrono::minutes(1), Clock clock = {});
  /// Waits for the thread, for as long as that takes.
  ~AuditTrail();
  AuditTrail(const AuditTrail&) = delete;
  AuditTrail& operator=(const AuditTrail&) = delete;

  /// Begins the thread, which opens the file, tries again where it cannot, and writes totals after each interval in
  /// which messages have passed. Waits for the first try, but not for more than a second. Throws std::system_error.
  void start();

  /// Asks the thread to open the file at the path again, for logrotate. Records handed over before go to the old file.
  /// Returns at once.
  void reopen();

  /// Logs how many records are lost that the log has not reported, if any are and the last such line is a minute ago.
  /// To be called now and then, by one thread.
  void tell(Steady::time_point now = Steady::now());

  /// Waits until all records handed over are written; false if some are left at `until`.
  bool flush(Steady::time_point until) { return records_.drain(until); }

  /// How many records wait.
  std::size_t size() const { return records_.size(); }

  /// Writes the waiting records and the last totals, even if they count no message, and ends the thread. Returns false
  /// if the thread still runs at `until`; may be called again then. Records handed over later are lost.
  bool stop(Steady::time_point until);

  /// Logs how many records are lost that the log has not reported, those that still wait among them. After stop().
  void tell_all();

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

  struct Record {
    std::string queue_id;
    std::string line;
  };

  void run() noexcept;
  void open(bool is_asked) noexcept;
  void write_waiting() noexcept;
  void write_totals(bool even_of_nothing) noexcept;
  bool append(std::string_view queue_id, std::string_view line) noexcept;
  void lose() noexcept;
  bool is_unlinked() const noexcept;

  const std::string path_;
  const Log& log_;
  const std::chrono::milliseconds interval_;
  const Clock clock_;
  const std::string host_;

  BoundedQueue<Record> records_;
  std::atomic<std::size_t> without_room_ = 0;  ///< records that no line has told of
  OnceAMinute told_;                           ///< of them; of the thread that calls tell()

  std::mutex passed_mutex_;
  Passed passed_;  ///< since the last totals

  std::atomic<bool> has_tried_ = false;  ///< to open the file
  std::atomic<bool> is_to_reopen_ = false;
  std::atomic<bool> is_to_end_ = false;
  std::atomic<bool> has_ended_ = false;

  // Of the thread.
  int file_ = -1;
  bool is_torn_ = false;      ///< the file ends within a line
  bool wants_file_ = true;    ///< it is to be opened, or opened again
  bool was_refused_ = false;  ///< the last attempt to open the file failed
  Steady::time_point said_;   ///< time of the last line about that
  std::int64_t since_;

  std::thread thread_;
};

}  // namespace report

#endif
