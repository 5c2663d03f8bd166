// A program under test: started, waited for, measured and stopped. Everything is bounded in time, and only the process
// that was started here is ever signalled.
#ifndef FAKE_MTA_DAEMON_H
#define FAKE_MTA_DAEMON_H

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fake_mta {

inline constexpr std::chrono::seconds patience{30};  ///< for what takes milliseconds on a quiet machine

/// A new directory under TMPDIR, removed with what is in it.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(TemporaryDirectory&& other) noexcept;
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(TemporaryDirectory&&) = delete;

  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// One that the user nobody may make sockets in: the daemon runs as nobody where the tests run as root.
class SocketDirectory : public TemporaryDirectory {
 public:
  SocketDirectory();
};

/// A port on 127.0.0.1 that was free a moment ago. Somebody else may take it: see Daemon::ready().
int free_port();

class Daemon {
 public:
  /// Starts the program. `descriptors`: the soft limit of open files it starts with; 0: ours. `errors`: its standard
  /// error, where that is not to be read here.
  Daemon(const std::string& program, const std::vector<std::string>& arguments, unsigned long descriptors = 0,
         int errors = -1);
  ~Daemon();
  Daemon(Daemon&& other) noexcept;
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;
  Daemon& operator=(Daemon&&) = delete;

  /// Waits until a line on standard error has "serving " in it, or the program has ended: false.
  bool ready();

  /// Waits for a line on standard error that has `part` in it; empty if none comes.
  std::string wait_for_line(std::string_view part, std::chrono::milliseconds limit = patience);

  /// Whole lines on standard error so far.
  std::vector<std::string> lines() const;
  std::string output() const;  ///< standard output so far
  std::string errors() const;  ///< standard error so far

  /// Waits for the end. The exit status, or 128 + the signal that ended it; none if it goes on running.
  std::optional<int> wait(std::chrono::milliseconds limit = patience);

  void terminate();  ///< SIGTERM; waits for nothing
  int stop();        ///< terminate() and wait(), then kill(). The exit status as above.
  void kill();       ///< SIGKILL, as the destructor does
  bool running();

  pid_t pid() const { return pid_; }
  long peak_memory_kib() const;          ///< VmHWM; of a running program only
  std::chrono::nanoseconds cpu() const;  ///< of all its threads, past and present; of a running program only

 private:
  pid_t pid_ = -1;
  int output_ = -1;  // files, not pipes: a program that writes much never waits for us
  int errors_ = -1;
  std::optional<int> status_;
};

}  // namespace fake_mta

#endif
