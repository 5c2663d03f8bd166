#include "load.h"

#include <unistd.h>

#include <cstdio>
#include <fstream>

namespace load {

bool row(const std::string& what, double is, double should_be) {
  std::printf("%-62s %12.0f %12.0f  %s\n", what.c_str(), is, should_be, is == should_be ? "" : "WRONG");
  return is == should_be;
}

std::map<std::string, std::uint64_t> count_lines(
    const std::vector<std::string>& lines, const std::vector<std::pair<std::string_view, std::string_view>>& kinds) {
  std::map<std::string, std::uint64_t> counts;
  for (const std::string& line : lines) {
    std::string_view kind = "other";
    for (std::size_t i = kinds.size(); i-- > 0;)
      if (line.find(kinds[i].second) != line.npos) kind = kinds[i].first;
    if (++counts[std::string(kind)] <= 5 && kind == "other") std::printf("%s\n", line.c_str());
  }
  return counts;
}

bool LoadedDaemon::start(const std::string& configuration, Family family) {
  std::ofstream(directory_ / "conf") << configuration;
  constexpr int attempts = 5;  // another process may take a port between our look and the daemon's
  for (int attempt = 0; attempt < attempts; ++attempt) {
    metrics_port_ = fake_mta::free_port();
    address_ = family == Family::tcp ? "inet:" + std::to_string(fake_mta::free_port()) + "@127.0.0.1"
                                     : "unix:" + (directory_ / "s");
    std::vector<std::string> options = {"--log=stderr", "--config=" + (directory_ / "conf"), "--socket=" + address_,
                                        "--audit-log=" + audit_log(), "--metrics=" + std::to_string(metrics_port_)};
    if (geteuid() == 0) options.emplace_back("--user=nobody");
    daemon_.emplace(MSGID_MILTER, options);
    if (daemon_->ready()) return true;
  }
  std::fprintf(stderr, "%s", daemon_->errors().c_str());
  return false;
}

}  // namespace load
