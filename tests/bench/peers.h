// The filters that are compared: each a program on a UNIX socket of its own, and a driver for it.
#ifndef BENCH_PEERS_H
#define BENCH_PEERS_H

#include <chrono>
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

/// `log`: where the daemon writes, in --log's spelling; its standard error goes to /dev/null.
std::unique_ptr<Peer> ours(const std::string& log = "stderr", const Peer::Arguments& more = {});
std::unique_ptr<Peer> noop_libmilter();
std::unique_ptr<Peer> noop_epoll();
/// None where the program is not installed.
std::unique_ptr<Peer> pymilter();
std::unique_ptr<Peer> rspamd();

}  // namespace peers

#endif
