// The signals that an administrator and a service manager send, taken one at a time by the thread that asks for them.
//
// libmilter waits for SIGHUP, SIGTERM and SIGINT in a thread of its own, and ends the service at each of them. Here it
// never gets one: sigwait() is defined in signals.cpp, in the executable, so libmilter's call of it comes to ours,
// which does not return. Measured with libmilter 8.17.1 on Debian 12, 2026-11-22; tests/milter/life_test sends
// thousands.
#ifndef MSGID_MILTER_SIGNALS_H
#define MSGID_MILTER_SIGNALS_H

#include <optional>

namespace milter {

class Signals {
 public:
  /// Blocks SIGHUP, SIGUSR1, SIGTERM and SIGINT in this thread and in those that it begins from now on. One that comes
  /// while the service starts waits. Throws std::system_error.
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  /// Readable (poll(2)) while a signal waits.
  int descriptor() const { return descriptor_; }

  /// The next one that waits. Several of a kind that have come since are one.
  std::optional<int> next();

 private:
  int descriptor_;
};

}  // namespace milter

#endif
