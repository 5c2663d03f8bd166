#include "report/audit_trail.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace report {

namespace {

using std::chrono::steady_clock;

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

AuditTrail::AuditTrail(std::string path, const Log& log, std::chrono::milliseconds interval, Clock clock)
    : path_(std::move(path)),
      log_(log),
      interval_(interval),
      clock_(clock ? std::move(clock) : Clock(system_time)),
      host_(host_name()),
      since_(clock_()) {
  const Opened opened = open_file(path_);
  file_ = opened.file;
  is_torn_ = opened.is_torn;
}

AuditTrail::~AuditTrail() {
  if (thread_.joinable()) stop();
  ::close(file_);
}

void AuditTrail::start() {
  thread_ = std::thread([this] { run(); });
}

void AuditTrail::stop() {
  if (thread_.joinable()) {
    {
      const std::lock_guard lock(thread_mutex_);
      is_stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }
  write_totals(true);
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
    append(record.queue_id, to_json_line(record));
  } catch (const std::exception&) {
    // No memory, not even for a line. Mail passes.
  }
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
  {
    const std::lock_guard lock(thread_mutex_);
    is_to_reopen_ = true;
  }
  wake_.notify_one();
}

void AuditTrail::run() noexcept {
  steady_clock::time_point end = steady_clock::now() + interval_;
  for (;;) {
    std::unique_lock lock(thread_mutex_);
    wake_.wait_until(lock, end, [this] { return is_stopping_ || is_to_reopen_; });
    // What was asked for before the end is done before it.
    if (std::exchange(is_to_reopen_, false)) {
      lock.unlock();
      open_again();
      continue;
    }
    if (is_stopping_) return;
    lock.unlock();
    if (steady_clock::now() < end) continue;
    write_totals(false);
    end = steady_clock::now() + interval_;
  }
}

/// The new file first: where it cannot be opened, the old one goes on.
void AuditTrail::open_again() noexcept {
  try {
    try {
      const Opened opened = open_file(path_);
      int old_file = -1;
      {
        const std::lock_guard lock(file_mutex_);
        old_file = std::exchange(file_, opened.file);
        is_torn_ = opened.is_torn;
      }
      ::close(old_file);
      log_.audit_log_reopened(path_);
    } catch (const std::runtime_error& error) {
      log_.audit_log_not_reopened(path_, error.what());
    }
  } catch (const std::exception&) {
    // No memory, not even for a line.
  }
}

void AuditTrail::write_totals(bool even_of_nothing) noexcept {
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
    append({}, to_json_line(totals));
    since_ = now;
  } catch (const std::exception&) {
    // Not written: they are counted on.
    const std::lock_guard lock(passed_mutex_);
    passed_.add(std::move(passed));
  }
}

/// One write. Throws where it failed, after the line in the log.
void AuditTrail::append(std::string_view queue_id, const std::string& line) {
  std::string reason;
  {
    const std::lock_guard lock(file_mutex_);
    const std::string record = is_torn_ ? "\n" + line : line;
    const ssize_t written = ::write(file_, record.data(), record.size());
    const auto missing = static_cast<ssize_t>(record.size()) - written;
    // Without its line end it is a whole record all the same, which the next line will end.
    if (written > 0 && missing <= 1) {
      is_torn_ = missing == 1;
      return;
    }
    reason = written < 0 ? text_of(errno) : "only a part of it was written";
    // A part that is the LF alone ends the torn line.
    if (written > 0) is_torn_ = record[static_cast<std::size_t>(written) - 1] != '\n';
  }
  log_.audit_record_lost(queue_id, reason);
  throw std::runtime_error(reason);
}

}  // namespace report
