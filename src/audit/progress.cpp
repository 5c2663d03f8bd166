#include "audit/progress.h"

#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <string>

namespace audit {

namespace {

constexpr std::chrono::milliseconds patience(1000);
constexpr std::chrono::milliseconds interval(100);
constexpr std::size_t bar_width = 30;

}  // namespace

Progress::Progress() : is_wanted_(::isatty(STDERR_FILENO) == 1), next_(Clock::now() + patience) {}

void Progress::show(double share, std::size_t messages) {
  if (!is_wanted_ || Clock::now() < next_) return;
  next_ = Clock::now() + interval;
  is_shown_ = true;
  std::string line = "\r";
  if (share >= 0) {
    const double done = std::clamp(share, 0.0, 1.0);
    const auto filled = static_cast<std::size_t>(done * static_cast<double>(bar_width));
    line += '[' + std::string(filled, '#') + std::string(bar_width - filled, ' ') + "] ";
    line += std::to_string(static_cast<int>(done * 100)) + " %, ";
  }
  line += std::to_string(messages) + " messages\x1b[K";  // and the rest of the line is cleared
  std::cerr << line << std::flush;
}

void Progress::clear() {
  if (is_shown_) std::cerr << "\r\x1b[K" << std::flush;
  is_shown_ = false;
}

}  // namespace audit
