// The filters that are compared: each a program on a UNIX socket of its own, and a driver for it.
#ifndef BENCH_PEERS_H
#define BENCH_PEERS_H

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "daemon.h"
#include "load.h"

class Peer {
 public:
  using Arguments = std::vector<std::string>;

  /// Started, and serving. In `arguments`, "SOCKET" and "DIRECTORY" stand for the peer's own.
  Peer(std::string name, const std::string& program, const Arguments& arguments, bool edits, int errors = -1);

  const std::string& name() const { return name_; }
  bool edits() const { return edits_; }
  const std::string& address() const { return address_; }
  const load::Driver& driver() const { return *driver_; }
  const fake_mta::Daemon& daemon() const { return daemon_; }
  /// Of the program and those it has started.
  std::chrono::nanoseconds cpu() const;

 private:
  std::string name_;
  bool edits_;
  fake_mta::SocketDirectory directory_;
  std::string address_ = "unix:" + (directory_ / "s");
  fake_mta::Daemon daemon_;
  std::unique_ptr<load::Driver> driver_;
};

namespace peers {

inline constexpr const char* our_name = "msgid-milter";
inline constexpr const char* libmilter_name = "no-op libmilter";
inline constexpr const char* epoll_name = "no-op epoll loop";
inline constexpr const char* pymilter_name = "pymilter";
inline constexpr const char* rspamd_name = "rspamd";

/// Logs to standard error, which is /dev/null.
std::unique_ptr<Peer> ours();
std::unique_ptr<Peer> ours_with_trail();
std::unique_ptr<Peer> noop_libmilter();
std::unique_ptr<Peer> noop_epoll();

/// On the libmilter in that directory, whose name is added to theirs.
std::unique_ptr<Peer> ours_on(const std::filesystem::path& libmilter);
std::unique_ptr<Peer> noop_libmilter_on(const std::filesystem::path& libmilter);

// None where what they need is not installed or takes root.
std::unique_ptr<Peer> ours_with_syslog();  ///< to a socket of our own, which is read; not the machine's
std::unique_ptr<Peer> pymilter();
std::unique_ptr<Peer> rspamd();

}  // namespace peers

#endif
