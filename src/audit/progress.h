// A bar on standard error for work that takes long, where that is a terminal.
#ifndef MSGID_AUDIT_PROGRESS_H
#define MSGID_AUDIT_PROGRESS_H

#include <chrono>
#include <cstddef>

namespace audit {

class Progress {
 public:
  Progress();
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Draws the bar, if a second has passed since the beginning and a tenth of one since the last time. `share`: of the
  /// work done, 0 to 1; less than 0 where nobody knows.
  void show(double share, std::size_t messages);

  /// Takes it away: before anything else is written to a terminal.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;

  bool is_wanted_;
  bool is_shown_ = false;
  Clock::time_point next_;
};

}  // namespace audit

#endif
