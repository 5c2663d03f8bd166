// What an administrator can set, after it was read and checked. Where the values come from is options.h's business.
#ifndef MSGID_CONFIG_SETTINGS_H
#define MSGID_CONFIG_SETTINGS_H

#include <sysexits.h>

#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <string>

#include "config/scope.h"
#include "msgid/inspect.h"

namespace config {

enum class Mode { rewrite, log_only };
enum class LogTarget { syslog, standard_error };

/// Where the MTA connects to. Both spellings that people use are read: libmilter's (`unix:/path`, `local:/path`,
/// `inet:port@host`, `inet6:port@host`, `inet:port`) and Postfix's (`inet:host:port`, `inet:[address]:port`).
struct Endpoint {
  bool is_unix = false;
  std::string path;      ///< of a UNIX socket: absolute, at most 107 octets
  std::string host;      ///< of a TCP socket: a name or an address, without brackets; empty: every interface
  int port = 0;          ///< of a TCP socket: 1..65535
  bool is_ipv6 = false;  ///< `inet6`, or an IPv6 address as the host

  bool is_set() const { return is_unix || port != 0; }
  std::string for_libmilter() const;  ///< "unix:/path", "inet:port@host", "inet6:port@[address]"
  std::string host_and_port() const;  ///< of a TCP socket with a host: "127.0.0.1:9891", "[::1]:9891"
};

/// Reads an endpoint; throws std::invalid_argument with the reason.
Endpoint parse_endpoint(const std::string& text);

/// Where metrics are read: an address and a port, no host name. `9891` and `:9891` are 127.0.0.1. Throws
/// std::invalid_argument with the reason.
Endpoint parse_metrics_address(const std::string& text);

/// Where the service listens if nothing else is said: in msgid-milter/ below Postfix's queue directory where that is
/// there, so that a chrooted smtpd reaches it, else in /run/msgid-milter/. Looked for below `root`.
Endpoint default_endpoint(const std::string& root);

struct Settings {
  Endpoint socket;
  unsigned socket_mode = 0660;             ///< of a UNIX socket
  std::string socket_group;                ///< of a UNIX socket; empty: the process's own
  std::string group;                       ///< to become with it; empty: the user's own
  std::string user;                        ///< to become once the socket is there; empty: stay
  std::chrono::seconds timeout{3600};      ///< how long a silent session is kept
  std::size_t max_sessions = 8000;         ///< open at a time; a connection beyond them is closed at once
  bool transport = true;                   ///< our own socket calls under libmilter; off: libmilter alone
  std::chrono::seconds drain_timeout{10};  ///< how long open sessions are served once the service is to stop
  Mode mode = Mode::rewrite;
  LogTarget log = LogTarget::syslog;
  std::size_t log_buffer = 4194304;  ///< octets of log lines, and as many of audit records, that may wait
  std::string audit_log;             ///< the file of the audit trail, absolute; empty: none
  bool audit_recipients = false;     ///< the recipients' domains are written there
  Endpoint metrics;                  ///< where they are served: an address and a port; not set: nowhere
  Scope scope;
  msgid::Policy policy;
};

/// Trouble before the service runs. what() is one line of printable ASCII for the administrator:
/// "file:line: option: reason" or "command line: option: reason".
struct StartupError : std::runtime_error {
  explicit StartupError(const std::string& line, int exit_status = EX_CONFIG)
      : std::runtime_error(line), status(exit_status) {}
  int status;  ///< to exit with, see status_for()
};

/// Returns the exit status for a start that failed with this errno:
/// - EX_CONFIG (78): the configuration or the host must be changed first, so a retry is useless;
/// - EX_TEMPFAIL (75): an address is in use or does not exist yet, or a name service is away;
/// - EX_OSERR (71): the system lacks descriptors, memory, threads or disk space.
int status_for(int error) noexcept;

}  // namespace config

#endif
