// What the long runs share (soak, strange_mta): a daemon with an audit log and metrics, and a table that compares its
// numbers with what was sent.
#ifndef FAKE_MTA_LOAD_H
#define FAKE_MTA_LOAD_H

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon.h"
#include "scrape.h"

namespace load {

using fake_mta::Samples;

/// Prints a row of the table; returns whether the two numbers are equal.
bool row(const std::string& what, double is, double should_be);

/// Counts lines by kind: the first pair whose second part is in the line names the kind, "other" is the rest. Prints
/// the first five of these.
std::map<std::string, std::uint64_t> count_lines(
    const std::vector<std::string>& lines, const std::vector<std::pair<std::string_view, std::string_view>>& kinds);

enum class Family { unix_socket, tcp };

/// The daemon, with a configuration file, an audit log, its log on standard error, and metrics at a port of 127.0.0.1.
class LoadedDaemon {
 public:
  /// Starts it with this configuration. Prints its log and returns false where it does not serve.
  bool start(const std::string& configuration, Family family = Family::unix_socket);

  const std::string& address() const { return address_; }
  std::string audit_log() const { return directory_ / "trail"; }
  const std::string& directory() const { return directory_.path(); }
  fake_mta::Daemon& daemon() { return *daemon_; }
  Samples scrape() const { return fake_mta::scrape(metrics_port_); }

 private:
  const fake_mta::SocketDirectory directory_;
  std::string address_;
  int metrics_port_ = 0;
  std::optional<fake_mta::Daemon> daemon_;
};

}  // namespace load

#endif
