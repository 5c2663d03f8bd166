#include "report/audit_trail.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <new>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace report {

namespace {

/// Attempts to open the file, for each line that is logged about it.
constexpr int retries_per_line = 6;

std::string text_of(int error) {
  return std::generic_category().message(error);
}

std::string host_name() {
  std::array<char, 256> name{};  // HOST_NAME_MAX is 64 on Linux
  return ::gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : std::string();
}

std::int64_t system_time() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

struct Opened {
  int file;
  bool is_torn;
};

/// O_NONBLOCK, so that a FIFO is not waited for. Read access shows whether the file ends within a line: a service that
/// was killed, or a full disk, may have left one.
Opened open_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0640);
  if (file < 0) throw std::runtime_error(errno == ENXIO ? "not a regular file" : text_of(errno));
  struct stat status = {};
  const int error = ::fstat(file, &status) == 0 ? 0 : errno;
  if (error != 0 || !S_ISREG(status.st_mode)) {
    ::close(file);
    throw std::runtime_error(error != 0 ? text_of(error) : "not a regular file");
  }
  char last = '\n';
  const bool is_torn = status.st_size > 0 && ::pread(file, &last, 1, status.st_size - 1) == 1 && last != '\n';
  return {file, is_torn};
}

}  // namespace

AuditTrail::AuditTrail(std::string path, const Log& log, std::size_t most, std::chrono::milliseconds interval,
                       Clock clock)
    : path_(std::move(path)),
      log_(log),
      interval_(interval),
      clock_(clock ? std::move(clock) : Clock(system_time)),
      host_(host_name()),
      records_(most),
      since_(clock_()) {}

AuditTrail::~AuditTrail() {
  is_to_end_ = true;
  records_.wake();
  if (thread_.joinable()) thread_.join();
  if (file_ >= 0) ::close(file_);
}

void AuditTrail::start() {
  thread_ = std::thread([this] { run(); });
  ::pthread_setname_np(thread_.native_handle(), "audit-log");  // for ps -T
  const Steady::time_point end = Steady::now() + std::chrono::seconds(1);
  while (!has_tried_ && Steady::now() < end) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

bool AuditTrail::stop(Steady::time_point until) {
  is_to_end_ = true;
  records_.wake();
  while (!has_ended_ && Steady::now() < until) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  if (has_ended_ && thread_.joinable()) thread_.join();
  return has_ended_;
}

void AuditTrail::tell_all() {
  told_.happened(without_room_.exchange(0) + records_.size());
  if (const std::size_t lost = told_.take_all()) log_.audit_records_lost(lost);
}

void AuditTrail::tell(Steady::time_point now) {
  told_.happened(without_room_.exchange(0));
  if (const std::size_t lost = told_.take(now)) log_.audit_records_lost(lost);
}

void AuditTrail::clean() noexcept {
  const std::lock_guard lock(passed_mutex_);
  ++passed_.clean;
}

void AuditTrail::unread() noexcept {
  const std::lock_guard lock(passed_mutex_);
  ++passed_.unread;
}

void AuditTrail::exempt() noexcept {
  const std::lock_guard lock(passed_mutex_);
  ++passed_.exempt;
}

void AuditTrail::affected(AuditRecord record, FindingCounts counts) noexcept {
  {
    const std::lock_guard lock(passed_mutex_);
    passed_.add({.affected = 1, .findings = std::move(counts)});
  }
  try {
    record.time = rfc3339(clock_());
    record.host = host_;
    Record made{record.queue_id, to_json_line(record)};
    const std::size_t octets = made.queue_id.size() + made.line.size();
    if (records_.push(std::move(made), octets)) return;
  } catch (const std::bad_alloc&) {
    // Lost as well. Mail passes.
  }
  lose();
}

void AuditTrail::Passed::add(Passed other) noexcept {
  clean += other.clean;
  affected += other.affected;
  unread += other.unread;
  exempt += other.exempt;
  for (auto& [names, number] : findings) {
    if (const auto found = other.findings.find(names); found != other.findings.end()) number += found->second;
  }
  findings.merge(other.findings);  // those that are not there yet
}

void AuditTrail::reopen() {
  is_to_reopen_ = true;
  records_.wake();
}

void AuditTrail::run() noexcept {
  const auto retry_interval = std::max(interval_ / retries_per_line, std::chrono::milliseconds(1));
  Steady::time_point totals_due = Steady::now() + interval_;
  open(true);
  has_tried_ = true;
  Steady::time_point next_try = Steady::now() + retry_interval;
  for (;;) {
    records_.wait(wants_file_ ? std::min(next_try, totals_due) : totals_due, file_ >= 0);
    // What was asked for before the end is done before it.
    const bool is_to_end = is_to_end_;
    const bool is_asked = is_to_reopen_.exchange(false);
    write_waiting();
    if (is_asked || (wants_file_ && (is_to_end || Steady::now() >= next_try))) {
      open(is_asked);
      next_try = Steady::now() + retry_interval;
    }
    if (is_to_end) break;
    if (Steady::now() < totals_due) continue;
    write_totals(false);
    if (is_unlinked()) {
      wants_file_ = true;
      next_try = Steady::now();
    }
    totals_due = Steady::now() + interval_;
  }
  write_waiting();
  write_totals(true);
  records_.close();
  // What came since, or could not be written because there was no file to the end.
  for (; records_.take(); records_.done()) lose();
  has_ended_ = true;
}

/// Opens the new file before it closes the old one, so that the old file stays in use if the new one cannot be opened.
/// An attempt that nobody asked for logs its failure only once per interval.
void AuditTrail::open(bool is_asked) noexcept {
  const bool has_old_file = file_ >= 0;
  wants_file_ = true;
  try {
    try {
      const Opened opened = open_file(path_);
      if (has_old_file) ::close(file_);
      file_ = opened.file;
      is_torn_ = opened.is_torn;
      wants_file_ = false;
      const bool was_refused = std::exchange(was_refused_, false);
      if (has_old_file || was_refused) log_.audit_log_opened(path_);
    } catch (const std::runtime_error& error) {
      const Steady::time_point now = Steady::now();
      if (!is_asked && was_refused_ && now - said_ < interval_) return;
      said_ = now;
      was_refused_ = true;
      log_.audit_log_not_opened(path_, error.what(), has_old_file);
    }
  } catch (const std::bad_alloc&) {
    // No memory, not even for a line.
  }
}

/// The file was removed, so nobody can read what is written to it.
bool AuditTrail::is_unlinked() const noexcept {
  struct stat status = {};
  return file_ >= 0 && ::fstat(file_, &status) == 0 && status.st_nlink == 0;
}

/// Writes the records that wait now; does nothing while the file is not open.
void AuditTrail::write_waiting() noexcept {
  for (std::size_t count = file_ >= 0 ? records_.size() : 0; count > 0; --count) {
    if (const std::optional<Record> record = records_.take()) append(record->queue_id, record->line);
    records_.done();
  }
}

/// Counts a record that was not written, for a line later.
void AuditTrail::lose() noexcept {
  ++without_room_;
  log_.audit_record_without_room();
}

void AuditTrail::write_totals(bool even_of_nothing) noexcept {
  if (file_ < 0) return;  // the counts are kept for the next totals
  Passed passed;
  {
    const std::lock_guard lock(passed_mutex_);
    if (passed_.messages() == 0 && !even_of_nothing) {
      since_ = clock_();
      return;
    }
    std::swap(passed, passed_);
  }
  try {
    AuditTotals totals;
    const std::int64_t now = clock_();
    totals.time = rfc3339(now);
    totals.since = rfc3339(since_);
    totals.host = host_;
    totals.messages = passed.messages();
    totals.clean = passed.clean;
    totals.affected = passed.affected;
    totals.unread = passed.unread;
    totals.exempt = passed.exempt;
    for (const auto& [names, number] : passed.findings) {
      totals.findings[std::string(names.first)][std::string(names.second)] = number;
    }
    if (append({}, to_json_line(totals))) {
      since_ = now;
      return;
    }
  } catch (const std::bad_alloc&) {
    // Not written either.
  }
  // They are added to the next totals.
  const std::lock_guard lock(passed_mutex_);
  passed_.add(std::move(passed));
}

/// One write, after one that ends a torn line. False where it failed; then the log has a line.
bool AuditTrail::append(std::string_view queue_id, std::string_view line) noexcept {
  // A record without its line end is still whole; the next record ends the line.
  if (is_torn_) is_torn_ = ::write(file_, "\n", 1) != 1;
  const ssize_t written = is_torn_ ? -1 : ::write(file_, line.data(), line.size());
  const int error = errno;
  const auto size = static_cast<ssize_t>(line.size());
  if (written > 0) is_torn_ = written < size;
  if (written >= size - 1) return true;
  try {
    log_.audit_record_lost(queue_id, written < 0 ? text_of(error) : "only a part of it was written");
  } catch (const std::bad_alloc&) {
    // No memory for a line; it is counted.
  }
  return false;
}

}  // namespace report
