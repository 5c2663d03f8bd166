#include <poll.h>
#include <sysexits.h>
#include <unistd.h>

#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"
#include "milter/run.h"

namespace {

/// Writes the reason to standard error, but waits at most a second for a reader, so that the exit cannot hang.
int failed(std::string_view reason, int status) noexcept {
  try {
    std::string line = "msgid-milter: ";
    line += reason.substr(0, 2048);  // a pipe that poll() finds ready has room for 4096 octets
    line += '\n';
    pollfd entry = {STDERR_FILENO, POLLOUT, 0};
    if (::poll(&entry, 1, 1000) == 1) static_cast<void>(!::write(STDERR_FILENO, line.data(), line.size()));
  } catch (const std::bad_alloc&) {
    // The status says enough.
  }
  return status;
}

}  // namespace

// Only errors that prevent a start arrive here. Those that are not the configuration's fault may be gone when the
// service manager tries again.
int main(int argc, char** argv) {
  try {
    return milter::run(std::vector<std::string>(argv + 1, argv + argc));
  } catch (const config::StartupError& error) {
    return failed(error.what(), error.status);
  } catch (const std::bad_alloc&) {
    return failed("out of memory", EX_OSERR);
  } catch (const std::exception& error) {
    return failed(error.what(), EX_OSERR);
  }
}
