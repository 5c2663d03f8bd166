#include "audit/doomed.h"

#include <unistd.h>

#include <array>
#include <climits>
#include <stdexcept>
#include <utility>

namespace audit {

namespace {

constexpr std::array ending_signals = {SIGHUP, SIGINT, SIGTERM};

/// A handler has nothing but globals. Empty: free.
std::array<std::array<char, PATH_MAX>, 3> doomed_paths;

void remove_and_end(int signal) {
  for (const auto& path : doomed_paths) {
    if (path[0] != '\0') ::unlink(path.data());
  }
  // SA_RESETHAND has put the default action back; the signal comes once this returns.
  ::raise(signal);
}

/// A signal that is ignored (nohup) stays so.
void catch_signals() {
  struct sigaction catching = {};
  catching.sa_handler = remove_and_end;
  catching.sa_flags = static_cast<int>(SA_RESETHAND);
  for (const int signal : ending_signals) {
    struct sigaction now = {};
    ::sigaction(signal, nullptr, &now);
    if (now.sa_handler != SIG_IGN) ::sigaction(signal, &catching, nullptr);
  }
}

}  // namespace

HeldSignals::HeldSignals() noexcept : before_() {
  sigset_t held;
  ::sigemptyset(&held);
  for (const int signal : ending_signals) ::sigaddset(&held, signal);
  ::sigprocmask(SIG_BLOCK, &held, &before_);
}

HeldSignals::~HeldSignals() {
  ::sigprocmask(SIG_SETMASK, &before_, nullptr);
}

Doomed::Doomed(const std::string& path) : place_(0) {
  const HeldSignals held;
  while (place_ < doomed_paths.size() && doomed_paths[place_][0] != '\0') ++place_;
  if (place_ == doomed_paths.size()) throw std::logic_error("too many files are doomed");
  std::array<char, PATH_MAX>& place = doomed_paths[place_];
  place[path.copy(place.data(), place.size() - 1)] = '\0';
  catch_signals();
}

Doomed::Doomed(Doomed&& other) noexcept : place_(std::exchange(other.place_, none)) {}

Doomed& Doomed::operator=(Doomed&& other) noexcept {
  std::swap(place_, other.place_);
  return *this;
}

void Doomed::spare() noexcept {
  if (place_ == none) return;
  const HeldSignals held;
  doomed_paths[std::exchange(place_, none)][0] = '\0';
}

}  // namespace audit
