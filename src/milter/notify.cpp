#include "milter/notify.h"

#include <systemd/sd-daemon.h>

#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace milter::notify {

namespace {

// That the manager does not hear it is its own trouble.
void say(const std::string& state) {
  static_cast<void>(::sd_notify(0, state.c_str()));
}

}  // namespace

std::vector<HandedSocket> handed_sockets() {
  char** names = nullptr;
  const int count = ::sd_listen_fds_with_names(1, &names);
  std::vector<HandedSocket> sockets;
  for (int i = 0; i < count; ++i) {
    sockets.push_back({SD_LISTEN_FDS_START + i, names[i]});
    std::free(names[i]);
  }
  std::free(names);
  return sockets;
}

void ready(const std::string& status) {
  say("READY=1\nSTATUS=" + status);
}

void reloading() {
  timespec now = {};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const auto time = std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
  // The time is for Type=notify-reload of systemd 253.
  say("RELOADING=1\nMONOTONIC_USEC=" +
      std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(time).count()));
}

void stopping(const std::string& status, std::chrono::seconds patience) {
  const std::chrono::microseconds microseconds = patience;
  say("STOPPING=1\nEXTEND_TIMEOUT_USEC=" + std::to_string(microseconds.count()) + "\nSTATUS=" + status);
}

void status(const std::string& status) {
  say("STATUS=" + status);
}

std::optional<std::chrono::microseconds> watchdog() {
  std::uint64_t microseconds = 0;
  if (::sd_watchdog_enabled(0, &microseconds) <= 0 || microseconds == 0) return std::nullopt;
  return std::chrono::microseconds(microseconds);
}

void alive() {
  say("WATCHDOG=1");
}

}  // namespace milter::notify
