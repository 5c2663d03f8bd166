// The service manager that a daemon tells of its state.
#ifndef MANAGER_H
#define MANAGER_H

#include <poll.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>

#include "daemon.h"

/// The service manager's end, and what it puts into the environment of what starts while it lives.
class Manager {
 public:
  explicit Manager(std::chrono::milliseconds watchdog = std::chrono::milliseconds(0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = directory_ / "notify";
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    socket_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const passwd* const nobody = getpwnam("nobody");
    if (bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        (geteuid() == 0 && chown(path.c_str(), nobody->pw_uid, nobody->pw_gid) != 0)) {
      throw std::runtime_error("no notify socket");
    }
    setenv("NOTIFY_SOCKET", path.c_str(), 1);
    if (watchdog.count() > 0) setenv("WATCHDOG_USEC", std::to_string(watchdog.count() * 1000).c_str(), 1);
  }
  ~Manager() {
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    close(socket_);
  }
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  /// The next message; empty if none comes in time.
  std::string next(std::chrono::milliseconds limit = fake_mta::patience) {
    pollfd entry = {socket_, POLLIN, 0};
    if (poll(&entry, 1, static_cast<int>(limit.count())) != 1) return {};
    std::array<char, 4096> text{};
    const ssize_t size = recv(socket_, text.data(), text.size(), 0);
    return {text.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
  }

  /// The next one that begins with `beginning`; empty if none comes in time.
  std::string next_with(std::string_view beginning, std::chrono::milliseconds limit = fake_mta::patience) {
    for (const auto end = std::chrono::steady_clock::now() + limit; std::chrono::steady_clock::now() < end;) {
      const std::string text =
          next(std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()));
      if (text.starts_with(beginning)) return text;
    }
    return {};
  }

 private:
  fake_mta::SocketDirectory directory_;
  int socket_ = -1;
};

#endif
