#include "milter/listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <libmilter/mfapi.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pwd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "milter/transport.h"

namespace milter {

namespace {

/// libmilter's own default is 20; a burst of smtpd processes would be refused.
constexpr int backlog = 1024;

/// Throws a ListenError for a system call that failed with errno.
[[noreturn]] void refuse(const std::string& option, const std::string& what) {
  const int error = errno;
  throw ListenError(option, what + ": " + std::strerror(error), config::status_for(error));
}

/// Throws unless the path is free, or a UNIX socket that has nobody behind it any more; says which. Only a refusal
/// shows that: a full backlog, another type of socket, and a socket that we may not connect to have an owner.
bool is_stale(const std::string& path) {
  struct stat status = {};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return false;
    refuse("socket", path);
  }
  if (!S_ISSOCK(status.st_mode)) throw ListenError("socket", path + ": there is a file that is not a socket");
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) refuse("socket", "socket");
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  const int result = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  const int error = result == 0 ? 0 : errno;
  ::close(fd);
  if (error == ECONNREFUSED) return true;
  const bool is_served = error == 0 || error == EAGAIN;  // or the previous process, which is still stopping
  throw ListenError("socket", path + ": " + (is_served ? "another process serves this socket" : std::strerror(error)),
                    is_served ? EX_TEMPFAIL : config::status_for(error));
}

/// For a name that existed when the configuration was read (config/options.cpp).
[[noreturn]] void refuse_name(const std::string& option, const std::string& what, const std::string& name) {
  if (errno == 0) errno = ENOENT;
  refuse(option, "cannot look up the " + what + " " + name);
}

gid_t group_id(const std::string& option, const std::string& name) {
  errno = 0;
  const group* const entry = ::getgrnam(name.c_str());
  if (entry == nullptr) refuse_name(option, "group", name);
  return entry->gr_gid;
}

/// The one that the service is to have.
gid_t service_group(const config::Settings& settings, const passwd& user) {
  return settings.group.empty() ? user.pw_gid : group_id("group", settings.group);
}

const passwd& user_entry(const std::string& name) {
  errno = 0;
  const passwd* const entry = ::getpwnam(name.c_str());
  if (entry == nullptr) refuse_name("user", "user", name);
  return *entry;
}

/// While it lives, the process makes files as the user and group that are to own the socket. Nothing is changed by path
/// as root: the directory belongs to that user, who could have put a link there in between.
class AsSocketOwner {
 public:
  explicit AsSocketOwner(const config::Settings& settings) : is_root_(::geteuid() == 0) {
    if (!is_root_) return;
    const passwd& user = user_entry(settings.user);
    const gid_t own_group = service_group(settings, user);
    const gid_t group = settings.socket_group.empty() ? own_group : group_id("socket-group", settings.socket_group);
    if (::initgroups(settings.user.c_str(), own_group) != 0 || ::setegid(group) != 0 || ::seteuid(user.pw_uid) != 0) {
      refuse("user", "cannot become " + settings.user);
    }
  }
  ~AsSocketOwner() {
    if (is_root_) static_cast<void>(!::seteuid(0));  // an exception, which ends the start whether this works or not
  }
  AsSocketOwner(const AsSocketOwner&) = delete;
  AsSocketOwner& operator=(const AsSocketOwner&) = delete;

  /// Becomes root again, so that all ids can be given up. Throws ListenError.
  void end() {
    if (is_root_ && ::seteuid(0) != 0) refuse("user", "cannot become root again");
    is_root_ = false;
  }

 private:
  bool is_root_;
};

/// The group of a socket that is already there with its owner and mode.
void set_group(const config::Settings& settings) {
  if (settings.socket_group.empty()) return;
  const std::string& path = settings.socket.path;
  const gid_t group = group_id("socket-group", settings.socket_group);
  struct stat status = {};
  if (::lstat(path.c_str(), &status) == 0 && status.st_gid == group) return;
  // Not made as root, or in a set-gid directory of another group. As a user this works for the user's own groups.
  if (::lchown(path.c_str(), static_cast<uid_t>(-1), group) != 0) refuse("socket-group", path);
}

/// The sockets of this process that listen.
std::vector<int> listening_sockets() {
  std::vector<int> found;
  rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return found;
  // A service that starts has few descriptors, and the kernel hands out the lowest.
  const int end = static_cast<int>(std::min<rlim_t>(limit.rlim_cur, 1024));
  for (int fd = 0; fd < end; ++fd) {
    int is_listener = 0;
    socklen_t size = sizeof(is_listener);
    if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listener, &size) == 0 && is_listener != 0) found.push_back(fd);
  }
  return found;
}

/// -1 where there is none.
int listener_made_since(const std::vector<int>& before) {
  for (const int fd : listening_sockets()) {
    if (std::find(before.begin(), before.end(), fd) == before.end()) return fd;
  }
  return -1;
}

/// On the listener, from which accepted sockets inherit it (Linux). libmilter writes the edit and the final answer as
/// two small packets; without this the second waits 40 ms for a delayed acknowledgement. It fails for a UNIX socket,
/// which needs none.
void set_no_delay(int listener) {
  const int on = 1;
  ::setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/// A connection waits to be accepted.
bool has_waiting(int listener) {
  pollfd entry = {listener, POLLIN, 0};
  return ::poll(&entry, 1, 0) == 1;
}

constexpr int accept_patience = 100;  // ms

struct SocketAddress {
  sockaddr_storage storage = {};
  socklen_t size = sizeof(storage);
};

bool get_address(int fd, SocketAddress& address) {
  return ::getsockname(fd, reinterpret_cast<sockaddr*>(&address.storage), &address.size) == 0;
}

/// The path that the MTA has: systemd's socket may be named through a link (msgid-milter.socket).
std::string without_links(const std::filesystem::path& path) {
  std::error_code error;
  const std::filesystem::path directory = std::filesystem::canonical(path.parent_path(), error);
  return error ? path : directory / path.filename();
}

/// As libmilter would write it.
std::string text_of(const SocketAddress& address) {
  config::Endpoint endpoint;
  std::array<char, INET6_ADDRSTRLEN> host{};
  if (address.storage.ss_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(address.storage);
    ::inet_ntop(AF_INET, &in.sin_addr, host.data(), host.size());
    endpoint.port = ntohs(in.sin_port);
  } else if (address.storage.ss_family == AF_INET6) {
    const auto& in6 = reinterpret_cast<const sockaddr_in6&>(address.storage);
    ::inet_ntop(AF_INET6, &in6.sin6_addr, host.data(), host.size());
    endpoint.port = ntohs(in6.sin6_port);
    endpoint.is_ipv6 = true;
  } else {
    const auto& un = reinterpret_cast<const sockaddr_un&>(address.storage);
    endpoint.is_unix = true;
    endpoint.path = un.sun_path[0] == '\0' ? std::string("@") + &un.sun_path[1] : without_links(un.sun_path);
  }
  endpoint.host = host.data();
  return endpoint.for_libmilter();
}

/// Where a socket of systemd's listens. Throws ListenError if it does not.
SocketAddress address_of(const notify::HandedSocket& socket) {
  int type = 0;
  int is_listener = 0;
  socklen_t size = sizeof type;
  SocketAddress address;
  if (::getsockopt(socket.descriptor, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM &&
      ::getsockopt(socket.descriptor, SOL_SOCKET, SO_ACCEPTCONN, &is_listener, &size) == 0 && is_listener != 0 &&
      get_address(socket.descriptor, address)) {
    const sa_family_t family = address.storage.ss_family;
    if (family == AF_UNIX || family == AF_INET || family == AF_INET6) return address;
  }
  throw ListenError("socket", "systemd hands over " + socket.name + ", which is no stream socket that listens");
}

/// Where nobody connects to: Linux makes up the name of a UNIX socket, and the port on loopback.
SocketAddress nowhere(sa_family_t family) {
  SocketAddress address;
  address.storage.ss_family = family;
  address.size = sizeof(sa_family_t);
  if (family == AF_INET) {
    reinterpret_cast<sockaddr_in&>(address.storage).sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.size = sizeof(sockaddr_in);
  } else if (family == AF_INET6) {
    reinterpret_cast<sockaddr_in6&>(address.storage).sin6_addr = in6addr_loopback;
    address.size = sizeof(sockaddr_in6);
  }
  return address;
}

/// -1 where there is none to be had.
int silent_listener(sa_family_t family) {
  const int fd = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  const SocketAddress address = nowhere(family);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.size) == 0 && ::listen(fd, 1) == 0) {
    return fd;
  }
  ::close(fd);
  return -1;
}

/// Connects there, and leaves it at that; false where nobody listens.
bool knock(const SocketAddress& address) {
  const int fd = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return false;
  int error = ::connect(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.size) == 0 ? 0 : errno;
  if (error == EINPROGRESS) {
    constexpr int patience = 20;  // ms; on loopback it is microseconds
    pollfd entry = {fd, POLLOUT, 0};
    socklen_t size = sizeof(error);
    if (::poll(&entry, 1, patience) == 1) ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  }
  ::close(fd);
  return error != ECONNREFUSED && error != ENOENT;
}

/// The usual soft limit is 1024. At the limit libmilter 8.17.1 alone spins on accept() and leaves new sessions without
/// an answer. `most`: that it can use; it gives up after 16 connections in a row with a higher number.
void raise_descriptor_limit(rlim_t most) {
  rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = std::min(limit.rlim_max, most);
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// Returns why the name cannot be looked up, or "" if it can. libmilter reports this only in its log.
std::string look_up(const config::Endpoint& endpoint) {
  if (endpoint.host.empty()) return {};
  addrinfo hints = {};
  hints.ai_family = endpoint.is_ipv6 ? AF_INET6 : AF_INET;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(endpoint.host.c_str(), nullptr, &hints, &found);
  if (error == 0) ::freeaddrinfo(found);
  return error == 0 ? "" : error == EAI_SYSTEM ? std::strerror(errno) : ::gai_strerror(error);
}

/// `removes`: libmilter removes a UNIX socket of that name before it makes one.
void open_socket(const config::Endpoint& endpoint, const std::string& connection, bool removes) {
  errno = 0;
  if (smfi_opensocket(removes) == MI_SUCCESS) return;
  const int error = errno;
  const std::string what = "cannot listen on " + connection;
  // A name server may be away, or not be there yet. Where the system lacks something, that is the reason for both.
  const bool is_shortage = config::status_for(error) == EX_OSERR && error != EAGAIN;  // the resolver leaves EAGAIN
  if (const std::string reason = is_shortage ? "" : look_up(endpoint); !reason.empty()) {
    throw ListenError("socket", what + ": cannot look up the host name: " + reason, EX_TEMPFAIL);
  }
  if (error == 0) throw ListenError("socket", what + ": libmilter logs the reason", EX_OSERR);
  const bool is_forbidden = endpoint.is_unix && (error == EACCES || error == EPERM);
  throw ListenError(
      "socket",
      what + ": " + std::strerror(error) + (is_forbidden ? " (the user must be able to write to the directory)" : ""),
      config::status_for(error));
}

FileIdentity identity_of(const struct stat& status) {
  return {status.st_dev, status.st_ino};
}

/// Returns the identity of the socket that it has made; nothing where somebody has already taken it away.
std::optional<FileIdentity> open_unix_socket(const config::Settings& settings, const std::string& connection) {
  const std::string& path = settings.socket.path;
  const bool has_stale = is_stale(path);
  AsSocketOwner as_owner(settings);
  if (has_stale && ::unlink(path.c_str()) != 0) refuse("socket", path);
  const mode_t mask = ::umask(~static_cast<mode_t>(settings.socket_mode) & 0777);
  open_socket(settings.socket, connection, true);
  ::umask(mask);
  struct stat status = {};
  const bool is_there = ::lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode);
  set_group(settings);
  as_owner.end();
  return is_there ? std::optional(identity_of(status)) : std::nullopt;
}

/// Removes the file if it still is that one. The number of a socket is not given to another file while the socket
/// listens. Another process can put its socket there between the two calls; the kernel has no call that does both.
void unlink_if_same(const std::string& path, const FileIdentity& identity) {
  struct stat status = {};
  if (::lstat(path.c_str(), &status) == 0 && identity_of(status) == identity) ::unlink(path.c_str());
}

}  // namespace

Listener::Listener(const config::Settings& settings, const std::vector<notify::HandedSocket>& handed_over,
                   const transport::Terms& terms)
    : is_handed_over_(!handed_over.empty()) {
  raise_descriptor_limit(settings.transport ? RLIM_INFINITY : static_cast<rlim_t>(terms.descriptors));
  std::vector<int> handed;
  for (const notify::HandedSocket& socket : handed_over) {
    const SocketAddress address = address_of(socket);
    is_unix_ = is_unix_ && address.storage.ss_family == AF_UNIX;
    endpoints_.push_back(text_of(address));
    handed.push_back(socket.descriptor);
  }
  if (handed.size() > 1 && !settings.transport) {
    throw ListenError("socket", "systemd hands over several sockets, and without the transport only one can be served");
  }
  const bool is_to_be_found = !settings.transport && handed.empty();
  const std::vector<int> before = is_to_be_found ? listening_sockets() : std::vector<int>();
  // With the transport, libmilter makes nothing of a UNIX socket's name where there are sockets of systemd.
  std::string connection = handed.empty()       ? settings.socket.for_libmilter()
                           : settings.transport ? "unix:/systemd"
                                                : "fd:" + std::to_string(handed.front());
  if (settings.transport) transport::prepare(terms, handed);
  if (smfi_setconn(connection.data()) != MI_SUCCESS || smfi_setbacklog(backlog) != MI_SUCCESS ||
      smfi_settimeout(static_cast<int>(settings.timeout.count())) != MI_SUCCESS) {
    throw ListenError("socket", "libmilter rejects the address " + connection, EX_OSERR);
  }
  if (!handed.empty() && !settings.transport) {
    if (smfi_opensocket(false) != MI_SUCCESS)
      throw ListenError("socket", "without the transport this libmilter cannot serve a socket of systemd");
  } else if (!handed.empty()) {
    open_socket(settings.socket, connection, false);
  } else if (settings.socket.is_unix) {
    made_ = open_unix_socket(settings, connection);
    path_ = settings.socket.path;
  } else {
    open_socket(settings.socket, connection, false);
    is_unix_ = false;
  }
  if (handed.empty()) endpoints_ = {connection};
  descriptor_ = settings.transport ? transport::begin() : is_to_be_found ? listener_made_since(before) : handed.front();
  if (descriptor_ < 0 && settings.transport)
    throw ListenError("transport", "libmilter's calls do not come to this program; set transport = off");
  if (descriptor_ < 0) throw ListenError("socket", "cannot find the socket that libmilter opened", EX_OSERR);
  set_no_delay(descriptor_);
  for (const int socket : handed) set_no_delay(socket);
}

void Listener::limit_sessions(std::size_t max_sessions) {
  if (transport::is_on()) transport::limit_sessions(max_sessions);
}

// Without the transport: another socket takes the descriptor's place, one that listens where nobody connects to. A
// listener that is closed or shut down makes libmilter 8.17.1 end, and all sessions with it. At this moment it is
// probably in poll(2) for the old socket, which keeps that one alive for up to five seconds. A connection wakes it;
// poll(2) then looks at what the descriptor is now, and returns because a connection of ours waits there too.
void Listener::cease_to_accept() {
  if (made_) unlink_if_same(path_, *made_);
  if (transport::is_on()) {
    transport::cease_to_accept();
    return;
  }
  SocketAddress old;
  const bool is_known = get_address(descriptor_, old);
  // Those who have connected are served. At a TCP port there is no end of them, so not for long.
  for (int i = 0; !is_handed_over_ && i < accept_patience && has_waiting(descriptor_); ++i) ::usleep(1000);
  const int silent = is_known ? silent_listener(old.storage.ss_family) : -1;
  if (silent < 0) return;
  ::dup2(silent, descriptor_);
  ::close(silent);
  SocketAddress now;
  if (get_address(descriptor_, now)) knock(now);
  // Nobody knocks at systemd's, where the next process would find it. The next client wakes poll(2), and waits there.
  const int knocks = is_handed_over_ ? 0 : 500;
  for (int i = 0; i < knocks && knock(old); ++i) ::usleep(1000);
}

std::optional<std::size_t> Listener::connections() const {
  if (!transport::is_on()) return std::nullopt;
  return transport::connections();
}

namespace {

void check_ids(const std::string& kind, const std::array<std::uint32_t, 3>& ids, std::uint32_t wanted) {
  if (std::all_of(ids.begin(), ids.end(), [wanted](std::uint32_t id) { return id == wanted; })) return;
  throw ListenError("user",
                    "the real, effective and saved " + kind + " ids are " + std::to_string(ids[0]) + ", " +
                        std::to_string(ids[1]) + " and " + std::to_string(ids[2]) + "; all must be " +
                        std::to_string(wanted),
                    EX_OSERR);
}

/// Throws ListenError unless the process has this user and this group and no way back to others.
void check_ids(uid_t user, gid_t group) {
  std::array<std::uint32_t, 3> users{};
  std::array<std::uint32_t, 3> groups{};
  if (::getresuid(&users[0], &users[1], &users[2]) != 0 || ::getresgid(&groups[0], &groups[1], &groups[2]) != 0) {
    refuse("user", "cannot read the ids of the process");
  }
  check_ids("user", users, user);
  check_ids("group", groups, group);
}

}  // namespace

void drop_privileges(const config::Settings& settings) {
  if (settings.user.empty()) return check_ids(::geteuid(), ::getegid());
  const passwd& entry = user_entry(settings.user);
  const gid_t group = service_group(settings, entry);
  if (::geteuid() == entry.pw_uid && ::geteuid() != 0) {
    if (settings.group.empty() || group == ::getegid()) return check_ids(entry.pw_uid, ::getegid());
    throw ListenError("group", "only a start as root can take it; a unit has it as Group=");
  }
  if (::initgroups(settings.user.c_str(), group) != 0 || ::setgid(group) != 0 || ::setuid(entry.pw_uid) != 0) {
    refuse("user", "cannot become " + settings.user);
  }
  check_ids(entry.pw_uid, group);
}

}  // namespace milter
