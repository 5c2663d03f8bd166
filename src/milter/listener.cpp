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

/// Throws unless the path is free, or a UNIX socket that has nobody behind it any more; says which. Only a refusal
/// shows that: a full backlog, another type of socket, and a socket that we may not connect to have an owner.
bool is_stale(const std::string& path) {
  struct stat status = {};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return false;
    throw ListenError("socket", system_error(path));
  }
  if (!S_ISSOCK(status.st_mode)) throw ListenError("socket", path + ": there is a file that is not a socket");
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) throw ListenError("socket", system_error("socket"));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  const int result = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  const int error = result == 0 ? 0 : errno;
  ::close(fd);
  if (error == ECONNREFUSED) return true;
  const std::string why = error == 0 || error == EAGAIN ? "another process serves this socket" : std::strerror(error);
  throw ListenError("socket", path + ": " + why);
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

/// While it lives, the process makes files as the user and group that are to own the socket. Nothing is changed by path
/// as root: the directory belongs to that user, who could have put a link there in between.
class AsSocketOwner {
 public:
  explicit AsSocketOwner(const config::Settings& settings) : is_root_(::geteuid() == 0) {
    if (!is_root_) return;
    const passwd& user = user_entry(settings.user);
    const gid_t group = settings.socket_group.empty() ? user.pw_gid : group_id(settings.socket_group);
    if (::initgroups(settings.user.c_str(), user.pw_gid) != 0 || ::setegid(group) != 0 || ::seteuid(user.pw_uid) != 0) {
      throw ListenError("user", system_error("cannot become " + settings.user));
    }
  }
  ~AsSocketOwner() {
    if (is_root_) static_cast<void>(!::seteuid(0));
  }
  AsSocketOwner(const AsSocketOwner&) = delete;
  AsSocketOwner& operator=(const AsSocketOwner&) = delete;

 private:
  bool is_root_;
};

/// The group of a socket that is already there with its owner and mode.
void set_group(const config::Settings& settings) {
  if (settings.socket_group.empty()) return;
  const std::string& path = settings.socket.path;
  const gid_t group = group_id(settings.socket_group);
  struct stat status = {};
  if (::lstat(path.c_str(), &status) == 0 && status.st_gid == group) return;
  // Not made as root, or in a set-gid directory of another group. As a user this works for the user's own groups.
  if (::lchown(path.c_str(), static_cast<uid_t>(-1), group) != 0) throw ListenError("socket-group", system_error(path));
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

void open_socket(const std::string& connection) {
  errno = 0;
  // true: libmilter removes a UNIX socket when it ends.
  if (smfi_opensocket(true) == MI_SUCCESS) return;
  const std::string what = "cannot listen on " + connection;
  throw ListenError("socket", errno != 0 ? system_error(what) : what + ": libmilter logs the reason");
}

void open_unix_socket(const config::Settings& settings, const std::string& connection) {
  const std::string& path = settings.socket.path;
  const bool has_stale = is_stale(path);
  const AsSocketOwner as_owner(settings);
  if (has_stale && ::unlink(path.c_str()) != 0) throw ListenError("socket", system_error(path));
  const mode_t mask = ::umask(~static_cast<mode_t>(settings.socket_mode) & 0777);
  try {
    open_socket(connection);
  } catch (const ListenError& error) {
    throw ListenError(error.option, std::string(error.what()) + " (the user must be able to write to the directory)");
  }
  ::umask(mask);
  set_group(settings);
}

}  // namespace

void open_listener(const config::Settings& settings) {
  raise_descriptor_limit();
  std::string connection = settings.socket.for_libmilter();
  if (smfi_setconn(connection.data()) != MI_SUCCESS || smfi_setbacklog(backlog) != MI_SUCCESS ||
      smfi_settimeout(static_cast<int>(settings.timeout.count())) != MI_SUCCESS) {
    throw ListenError("socket", "libmilter does not take " + connection);
  }
  if (settings.socket.is_unix) {
    open_unix_socket(settings, connection);
  } else {
    open_socket(connection);
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
