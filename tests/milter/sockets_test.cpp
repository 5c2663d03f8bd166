// Sockets that the service manager made and hands over (sd_listen_fds(3)).
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "service.h"

namespace {

using fake_mta::Daemon;
using fake_mta::Session;
using fake_mta::SocketDirectory;

constexpr int manager_backlog = 20;

/// The manager's sockets. They live longer than the services they are handed to.
class Sockets {
 public:
  ~Sockets() {
    for (const int socket : sockets_) close(socket);
  }

  void add_unix() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = directory_ / ("s" + std::to_string(sockets_.size()));
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    add(reinterpret_cast<const sockaddr*>(&address), sizeof address);
    addresses_.push_back("unix:" + path);
  }
  void add_tcp() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    const int socket = add(reinterpret_cast<const sockaddr*>(&address), size);
    getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
    addresses_.push_back("inet:" + std::to_string(ntohs(address.sin_port)) + "@127.0.0.1");
  }
  /// One that nobody listens on.
  void add_useless() {
    sockets_.push_back(make(AF_UNIX));
    addresses_.emplace_back();
  }
  const std::string& address(std::size_t i) const { return addresses_[i]; }

  /// Starts the service as systemd would: they are its descriptors from 3 on, and it has its own process id.
  Daemon start(const std::vector<std::string>& options = {}) const {
    std::string script = "LISTEN_PID=$$ LISTEN_FDS=" + std::to_string(sockets_.size()) + " LISTEN_FDNAMES=";
    std::string redirections;
    for (std::size_t i = 0; i < sockets_.size(); ++i) {
      script += (i == 0 ? "name" : ":name") + std::to_string(i);
      redirections += ' ' + std::to_string(3 + i) + "<&" + std::to_string(sockets_[i]);
    }
    script += " exec \"$0\" \"$@\"" + redirections;
    std::vector<std::string> all = {"-c", script, program()};
    for (std::string& argument : arguments(options)) all.push_back(std::move(argument));
    all.push_back("--socket=unix:" + (directory_ / "not-made"));
    return {"/bin/bash", all};  // dash knows descriptors up to 9 only
  }
  std::string not_made() const { return directory_ / "not-made"; }

 private:
  int add(const sockaddr* address, socklen_t size) {
    const int made = make(address->sa_family);
    if (bind(made, address, size) != 0 || listen(made, manager_backlog) != 0) throw std::runtime_error("no socket");
    sockets_.push_back(made);
    return made;
  }

  /// Not close-on-exec, and not one of the numbers from 3 on.
  static int make(int family) {
    const int low = socket(family, SOCK_STREAM, 0);
    const int made = fcntl(low, F_DUPFD, 100);
    close(low);
    return made;
  }

  SocketDirectory directory_;
  std::vector<int> sockets_;
  std::vector<std::string> addresses_;
};

/// One message; true if it was repaired.
bool is_served(const std::string& address) {
  Session mta(address);
  mta.negotiate();
  mta.connect_info("mail.example.com", "192.0.2.1");
  mta.helo("mail.example.com");
  const bool repaired = mta.send(reported_message()).modifications == reported_edit();
  mta.quit();
  return repaired;
}

TEST(Sockets, ThoseOfTheManagerAreServedAndNoOther) {
  SKIP_WITHOUT_TRANSPORT();
  Sockets sockets;
  sockets.add_unix();
  sockets.add_tcp();
  sockets.add_unix();
  Daemon daemon = sockets.start();
  ASSERT_TRUE(daemon.ready()) << daemon.errors();
  const std::string serving = daemon.wait_for_line("serving ");
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NE(serving.find(sockets.address(i)), std::string::npos) << serving;
    EXPECT_TRUE(is_served(sockets.address(i))) << i;
  }
  EXPECT_TRUE(serving.ends_with(" systemd=name0,name1,name2")) << serving;
  EXPECT_NE(access(sockets.not_made().c_str(), F_OK), 0);
  EXPECT_EQ(daemon.stop(), 0);
  EXPECT_EQ(access(sockets.address(0).substr(5).c_str(), F_OK), 0) << "the socket is the manager's";
}

// Who connects while one process drains, and before the next is there, is served by that one.
TEST(Sockets, ARestartRefusesNobody) {
  SKIP_WITHOUT_TRANSPORT();
  Sockets sockets;
  sockets.add_unix();
  auto first = std::make_unique<Daemon>(sockets.start());
  ASSERT_TRUE(first->ready()) << first->errors();
  Session open(sockets.address(0));
  open.negotiate();
  open.connect_info("mail.example.com", "192.0.2.1");
  open.helo("mail.example.com");
  first->terminate();
  ASSERT_NE(first->wait_for_line("stopping "), "") << first->errors();
  Session waiting(sockets.address(0));
  EXPECT_EQ(open.send(reported_message()).modifications, reported_edit());
  open.quit();
  EXPECT_EQ(first->wait(), 0);
  EXPECT_NE(first->errors().find("stopped cut-sessions=0"), std::string::npos) << first->errors();
  Daemon second = sockets.start();
  ASSERT_TRUE(second.ready()) << second.errors();
  waiting.negotiate();
  waiting.connect_info("mail.example.com", "192.0.2.1");
  waiting.helo("mail.example.com");
  EXPECT_EQ(waiting.send(reported_message()).modifications, reported_edit());
  waiting.quit();
  EXPECT_EQ(second.stop(), 0);
}

/// Of each TCP connection that the process has open, whether TCP_NODELAY is set; nothing where we may not look.
std::optional<std::vector<bool>> no_delay_of_connections(pid_t pid) {
  const int process = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  std::vector<bool> found;
  for (int fd = 0; fd < 64; ++fd) {
    const int copy = static_cast<int>(syscall(SYS_pidfd_getfd, process, fd, 0));
    if (copy < 0 && (errno == EPERM || errno == ENOSYS)) return std::nullopt;
    int family = 0;
    int is_listener = 0;
    int on = 0;
    socklen_t size = sizeof(int);
    if (copy >= 0 && getsockopt(copy, SOL_SOCKET, SO_DOMAIN, &family, &size) == 0 && family == AF_INET &&
        getsockopt(copy, SOL_SOCKET, SO_ACCEPTCONN, &is_listener, &size) == 0 && is_listener == 0 &&
        getsockopt(copy, IPPROTO_TCP, TCP_NODELAY, &on, &size) == 0) {
      found.push_back(on != 0);
    }
    if (copy >= 0) close(copy);
  }
  close(process);
  return found;
}

// Both ways to link libmilter: the one sets it on the listener, and so does the other.
TEST(Sockets, TcpConnectionsDoNotDelay) {
  Service service({}, Service::Family::tcp);
  Session mta = service.session();
  const auto found = no_delay_of_connections(service.daemon().pid());
  if (!found) GTEST_SKIP() << "pidfd_getfd(2) is not allowed here";
  EXPECT_EQ(*found, std::vector<bool>{true});
}

TEST(Sockets, TcpConnectionsToAHandedSocketDoNotDelay) {
  SKIP_WITHOUT_TRANSPORT();
  Sockets sockets;
  sockets.add_tcp();
  Daemon daemon = sockets.start();
  ASSERT_TRUE(daemon.ready()) << daemon.errors();
  Session mta(sockets.address(0));
  mta.negotiate();
  const auto found = no_delay_of_connections(daemon.pid());
  if (!found) GTEST_SKIP() << "pidfd_getfd(2) is not allowed here";
  EXPECT_EQ(*found, std::vector<bool>{true});
}

// So many wait during a restart.
TEST(Sockets, TheBacklogStaysTheManagers) {
  SKIP_WITHOUT_TRANSPORT();
  Sockets sockets;
  sockets.add_unix();
  Daemon daemon = sockets.start();
  ASSERT_TRUE(daemon.ready()) << daemon.errors();
  // Nobody accepts while it is stopped. Linux takes one more than the backlog.
  kill(daemon.pid(), SIGSTOP);
  ASSERT_EQ(waitpid(daemon.pid(), nullptr, WUNTRACED), daemon.pid()) << "all its threads have stopped";
  int connected = 0;
  std::vector<int> clients;
  for (; connected <= 2 * manager_backlog; ++connected) {
    clients.push_back(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    sockets.address(0).copy(address.sun_path, sizeof address.sun_path - 1, 5);
    if (connect(clients.back(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) break;
  }
  EXPECT_EQ(connected, manager_backlog + 1);
  for (const int client : clients) close(client);
  kill(daemon.pid(), SIGCONT);
  EXPECT_EQ(daemon.stop(), 0);
}

TEST(Sockets, WhatIsNoListenerIsRefused) {
  SKIP_WITHOUT_TRANSPORT();
  Sockets sockets;
  sockets.add_unix();
  sockets.add_useless();
  Daemon daemon = sockets.start();
  EXPECT_EQ(daemon.wait(), 78);
  EXPECT_NE(daemon.errors().find("socket: systemd hands over name1, which is no stream socket that listens"),
            std::string::npos)
      << daemon.errors();
}

TEST(Sockets, WithoutTheTransportTheyAreRefused) {
  if (has_transport()) GTEST_SKIP() << "this program has the transport";
  Sockets sockets;
  sockets.add_unix();
  Daemon daemon = sockets.start();
  EXPECT_EQ(daemon.wait(), 78);
  EXPECT_NE(daemon.errors().find("this build cannot serve systemd's sockets"), std::string::npos) << daemon.errors();
}

}  // namespace
