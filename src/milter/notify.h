// What the service tells the service manager that started it (sd_notify(3)). Without one, nothing.
#ifndef MSGID_MILTER_NOTIFY_H
#define MSGID_MILTER_NOTIFY_H

#include <chrono>
#include <optional>
#include <string>

namespace milter::notify {

void ready(const std::string& status);
void reloading();
/// It will take up to so long, which may be longer than the manager would wait by itself.
void stopping(const std::string& status, std::chrono::seconds patience);
void status(const std::string& status);

/// Within this time of the last one it wants to hear alive(), or it restarts the service. Nothing: it does not.
std::optional<std::chrono::microseconds> watchdog();
void alive();

}  // namespace milter::notify

#endif
