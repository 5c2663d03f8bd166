// Opening the socket that the MTA connects to, and giving up root once it is there.
#ifndef MSGID_MILTER_LISTENER_H
#define MSGID_MILTER_LISTENER_H

#include <sysexits.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "config/settings.h"
#include "milter/notify.h"
#include "milter/transport.h"

namespace milter {

/// Why the service cannot listen, the option concerned, and the exit status.
struct ListenError : std::runtime_error {
  ListenError(std::string which, const std::string& reason, int exit_status = EX_CONFIG)
      : std::runtime_error(reason), option(std::move(which)), status(exit_status) {}
  std::string option;
  int status;
};

/// Device and inode: which file a path leads to.
using FileIdentity = std::pair<std::uint64_t, std::uint64_t>;

/// The listening socket. libmilter makes it, accepts from it, and keeps the descriptor to itself; it is found here.
class Listener {
 public:
  /// Opens the socket through libmilter. After this connections are accepted by the kernel and wait for smfi_main().
  /// A UNIX socket nobody listens on is replaced; a live one, and a file that is no socket, is an error. It is made by
  /// the user that is to serve it, with its mode and group from the first moment, so that user must be able to write to
  /// its directory. TCP sockets get TCP_NODELAY.
  ///
  /// Where systemd has handed sockets over, those are served, and none is opened; what the settings say of a socket has
  /// no effect. With transport = off libmilter is alone, and serves one of them where it knows the address "fd:N" (a
  /// patch of Debian and Fedora). Throws ListenError.
  Listener(const config::Settings& settings, const std::vector<notify::HandedSocket>& handed_over,
           const transport::Terms& terms);

  /// Where it listens, as libmilter writes that.
  const std::vector<std::string>& endpoints() const { return endpoints_; }
  /// Whether every MTA comes by a UNIX socket.
  bool is_unix() const { return is_unix_; }

  /// For the connections to come. No effect without the transport.
  void limit_sessions(std::size_t max_sessions);

  /// From now on connections are refused, and a UNIX socket is gone, unless the path leads to another file by now; who
  /// has connected before is served, and libmilter, which knows no such state, goes on with its open sessions. For
  /// good. systemd's sockets are left alone: a client that connects there waits for the next process. Without the
  /// transport, at the limit of descriptors, a TCP port cannot be closed, and goes on to accept.
  void cease_to_accept();

  /// How many connections are open, those that have not negotiated yet with them. Nothing where that is not known,
  /// without the transport.
  std::optional<std::size_t> connections() const;

 private:
  int descriptor_ = -1;               ///< libmilter's
  std::string path_;                  ///< of a UNIX socket of our own
  std::optional<FileIdentity> made_;  ///< and which file that is
  std::vector<std::string> endpoints_;
  bool is_unix_ = true;
  bool is_handed_over_;  ///< it is systemd's
};

/// Becomes `settings.user`, with that user's groups, for good. Where none is set, or the process is that user, nothing
/// changes. Throws ListenError, also if the real, the effective and the saved id of the user or of the group differ
/// after that.
void drop_privileges(const config::Settings& settings);

}  // namespace milter

#endif
