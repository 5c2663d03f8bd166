// What the service and the service manager that started it tell each other (sd_notify(3), sd_listen_fds(3)). Without
// one, nothing.
#ifndef MSGID_MILTER_NOTIFY_H
#define MSGID_MILTER_NOTIFY_H

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace milter::notify {

/// A socket that the manager made, and opened before the service was there.
struct HandedSocket {
  int descriptor = -1;
  std::string name;  ///< FileDescriptorName= of the .socket unit, or that unit's own
};

/// Those of this start (LISTEN_FDS, LISTEN_FDNAMES). To be asked once: what is started from here is to inherit none.
std::vector<HandedSocket> handed_sockets();

// None of these waits for the manager. The first two return false if it could not be told, because it does not read.
bool ready(const std::string& status);
bool status(const std::string& status);
void reloading();
/// It will take up to so long, which may be longer than the manager would wait by itself.
void stopping(const std::string& status, std::chrono::seconds patience);

/// Within this time of the last one it wants to hear alive(), or it restarts the service. Nothing: it does not.
std::optional<std::chrono::microseconds> watchdog();
void alive();

}  // namespace milter::notify

#endif
