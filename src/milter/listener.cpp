#include "milter/listener.h"

#include <fcntl.h>
#include <grp.h>
#include <libmilter/mfapi.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pwd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

namespace milter {

namespace {

/// libmilter's own default is 20; a burst of smtpd processes would be refused.
constexpr int backlog = 1024;

std::string system_error(const std::string& what) {
  return what + ": " + std::strerror(errno);
}

/// Whether somebody accepts connections on this UNIX socket.
bool is_live(const std::string& path) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) throw ListenError("socket", system_error("socket"));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  const int result = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  // A full backlog (EAGAIN) has an owner too.
  const bool live = result == 0 || errno == EAGAIN;
  ::close(fd);
  return live;
}

/// Makes way for a UNIX socket, where that is safe.
void remove_stale(const std::string& path) {
  struct stat status = {};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return;
    throw ListenError("socket", system_error(path));
  }
  if (!S_ISSOCK(status.st_mode)) throw ListenError("socket", path + ": there is a file that is not a socket");
  if (is_live(path)) throw ListenError("socket", path + ": another process serves this socket");
  if (::unlink(path.c_str()) != 0) throw ListenError("socket", system_error(path));
}

gid_t group_id(const std::string& name) {
  const group* const entry = ::getgrnam(name.c_str());
  if (entry == nullptr) throw ListenError("socket-group", "no such group: " + name);
  return entry->gr_gid;
}

const passwd& user_entry(const std::string& name) {
  const passwd* const entry = ::getpwnam(name.c_str());
  if (entry == nullptr) throw ListenError("user", "no such user: " + name);
  return *entry;
}

/// The socket belongs to the user that serves it. The mode comes last: until then only the owner can connect.
void set_access(const config::Settings& settings) {
  const std::string& path = settings.socket.path;
  const uid_t no_change = static_cast<uid_t>(-1);
  const uid_t owner = settings.user.empty() ? no_change : user_entry(settings.user).pw_uid;
  if (!settings.socket_group.empty() || owner != no_change) {
    const gid_t group = settings.socket_group.empty() ? static_cast<gid_t>(-1) : group_id(settings.socket_group);
    if (::chown(path.c_str(), owner, group) != 0) {
      throw ListenError(settings.socket_group.empty() ? "user" : "socket-group", system_error(path));
    }
  }
  if (::chmod(path.c_str(), settings.socket_mode) != 0) throw ListenError("socket-mode", system_error(path));
}

/// TCP_NODELAY on the listener, from which accepted sockets inherit it (Linux). libmilter writes the edit and the final
/// answer as two small packets; without this the second waits 40 ms for a delayed acknowledgement. libmilter keeps the
/// descriptor to itself, so all of ours are looked at.
void set_no_delay() {
  rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const int end = static_cast<int>(std::min<rlim_t>(limit.rlim_cur, 1024));
  for (int fd = 0; fd < end; ++fd) {
    int is_listener = 0;
    socklen_t size = sizeof(is_listener);
    if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listener, &size) != 0 || is_listener == 0) continue;
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));  // fails on a UNIX socket, which needs none
  }
}

/// The usual soft limit is 1024. At the limit libmilter 8.17.1 spins on accept() and leaves new sessions without an
/// answer.
void raise_descriptor_limit() {
  rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

void open_listener(const config::Settings& settings) {
  const config::Endpoint& socket = settings.socket;
  raise_descriptor_limit();
  if (socket.is_unix) remove_stale(socket.path);
  std::string connection = socket.for_libmilter();
  if (smfi_setconn(connection.data()) != MI_SUCCESS || smfi_setbacklog(backlog) != MI_SUCCESS ||
      smfi_settimeout(static_cast<int>(settings.timeout.count())) != MI_SUCCESS) {
    throw ListenError("socket", "libmilter does not take " + connection);
  }
  const mode_t mask = ::umask(0177);
  errno = 0;
  // true: libmilter is to remove the socket when it ends.
  const int result = smfi_opensocket(true);
  const std::string reason = system_error("cannot listen on " + connection);
  ::umask(mask);
  if (result != MI_SUCCESS) throw ListenError("socket", reason);
  if (socket.is_unix) {
    set_access(settings);
  } else {
    set_no_delay();
  }
}

void drop_privileges(const config::Settings& settings) {
  if (settings.user.empty()) return;
  const passwd& entry = user_entry(settings.user);
  if (::geteuid() == entry.pw_uid && ::geteuid() != 0) return;
  if (::initgroups(settings.user.c_str(), entry.pw_gid) != 0 || ::setgid(entry.pw_gid) != 0 ||
      ::setuid(entry.pw_uid) != 0) {
    throw ListenError("user", system_error("cannot become " + settings.user));
  }
}

}  // namespace milter
