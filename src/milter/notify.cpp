#include "milter/notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <string_view>

namespace milter::notify {

namespace {

/// As sd_notify(3) does it, but that waits where the manager does not read. False where it could not be told.
bool say(const std::string& state) {
  const char* const path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr) return true;
  const std::string_view name = path;
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if ((!name.starts_with('/') && !name.starts_with('@')) || name.size() >= sizeof address.sun_path) {
    return ::sd_notify(0, state.c_str()) > 0;
  }
  name.copy(address.sun_path, name.size());
  if (name.starts_with('@')) address.sun_path[0] = '\0';
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return false;
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  const ssize_t sent =
      ::sendto(fd, state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address), size);
  ::close(fd);
  return sent == static_cast<ssize_t>(state.size());
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

bool ready(const std::string& status) {
  return say("READY=1\nSTATUS=" + status);
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

bool status(const std::string& status) {
  return say("STATUS=" + status);
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
