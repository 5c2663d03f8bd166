#include "milter/signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <system_error>

/// In the place of the C library's. For libmilter's thread it waits for ever; for anybody else it is what it was.
extern "C" int sigwait(const sigset_t* signals, int* signal) {
  // libmilter's thread has all signals blocked: nothing wakes it.
  while (sigismember(signals, SIGHUP) == 1 && sigismember(signals, SIGTERM) == 1) ::pause();
  const int result = ::sigwaitinfo(signals, nullptr);
  if (result < 0) return errno;
  *signal = result;
  return 0;
}

namespace milter {

Signals::Signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGHUP, SIGUSR1, SIGTERM, SIGINT}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  descriptor_ = ::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  if (descriptor_ < 0) throw std::system_error(errno, std::generic_category(), "signalfd");
}

Signals::~Signals() {
  ::close(descriptor_);
}

std::optional<int> Signals::next() {
  signalfd_siginfo info = {};
  if (::read(descriptor_, &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return std::nullopt;
  return static_cast<int>(info.ssi_signo);
}

}  // namespace milter
