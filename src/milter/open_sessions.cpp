#include "milter/open_sessions.h"

#include <algorithm>
#include <ctime>

namespace milter {

namespace {

/// Of the steady clock as of the last tick of the kernel: a quarter of the price of an exact one, for every field.
std::chrono::nanoseconds::rep coarse_now() noexcept {
  timespec now = {};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return std::chrono::nanoseconds(std::chrono::seconds(now.tv_sec)).count() + now.tv_nsec;
}

}  // namespace

OpenSessions::Entry::Entry(OpenSessions& all, const config::Settings* settings) : all_(all), settings_(settings) {
  const std::lock_guard lock(all_.mutex_);
  position_ = all_.entries_.insert(all_.entries_.end(), this);
}

OpenSessions::Entry::~Entry() {
  const std::lock_guard lock(all_.mutex_);
  all_.entries_.erase(position_);
}

void OpenSessions::Entry::begin_callback() noexcept {
  callback_began_.store(coarse_now(), std::memory_order_relaxed);
}

std::size_t OpenSessions::count() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

std::size_t OpenSessions::count_not_under(const config::Settings* settings) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(std::count_if(entries_.begin(), entries_.end(),
                                                [=](const Entry* entry) { return entry->settings_ != settings; }));
}

std::chrono::nanoseconds OpenSessions::longest_callback() const {
  const auto now = coarse_now();
  auto longest = decltype(now){0};
  const std::lock_guard lock(mutex_);
  for (const Entry* const entry : entries_) {
    const auto began = entry->callback_began_.load(std::memory_order_relaxed);
    if (began != 0) longest = std::max(longest, now - began);
  }
  return std::chrono::nanoseconds(longest);
}

}  // namespace milter
