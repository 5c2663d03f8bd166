// Sockets that the service manager made and hands over (sd_listen_fds(3)).
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

#include "handed_sockets.h"
#include "service.h"

namespace {

using fake_mta::Daemon;
using fake_mta::Session;

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
  HandedSockets sockets;
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
  HandedSockets sockets;
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

// With the transport and without: both set it on the listener.
TEST(Sockets, TcpConnectionsDoNotDelay) {
  Service service({}, Service::Family::tcp);
  Session mta = service.session();
  const auto found = no_delay_of_connections(service.daemon().pid());
  if (!found) GTEST_SKIP() << "pidfd_getfd(2) is not allowed here";
  EXPECT_EQ(*found, std::vector<bool>{true});
}

TEST(Sockets, TcpConnectionsToAHandedSocketDoNotDelay) {
  HandedSockets sockets;
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
  SKIP_WITHOUT_TRANSPORT();  // libmilter calls listen() with its own
  HandedSockets sockets;
  sockets.add_unix();
  Daemon daemon = sockets.start();
  ASSERT_TRUE(daemon.ready()) << daemon.errors();
  // Nobody accepts while it is stopped. Linux takes one more than the backlog.
  kill(daemon.pid(), SIGSTOP);
  ASSERT_EQ(waitpid(daemon.pid(), nullptr, WUNTRACED), daemon.pid()) << "all its threads have stopped";
  int connected = 0;
  std::vector<int> clients;
  for (; connected <= 2 * HandedSockets::backlog; ++connected) {
    clients.push_back(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    sockets.address(0).copy(address.sun_path, sizeof address.sun_path - 1, 5);
    if (connect(clients.back(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) break;
  }
  EXPECT_EQ(connected, HandedSockets::backlog + 1);
  for (const int client : clients) close(client);
  kill(daemon.pid(), SIGCONT);
  EXPECT_EQ(daemon.stop(), 0);
}

TEST(Sockets, WhatIsNoListenerIsRefused) {
  HandedSockets sockets;
  sockets.add_unix();
  sockets.add_useless();
  Daemon daemon = sockets.start();
  EXPECT_EQ(daemon.wait(), 78);
  EXPECT_NE(daemon.errors().find("socket: systemd hands over name1, which is no stream socket that listens"),
            std::string::npos)
      << daemon.errors();
}

TEST(Sockets, WithoutTheTransportOneIsServedAndNotSeveral) {
  HandedSockets sockets;
  sockets.add_unix();
  Daemon one = sockets.start({"--transport=off"});
  ASSERT_TRUE(one.ready()) << one.errors();
  EXPECT_TRUE(one.wait_for_line("serving ").ends_with(" transport=off systemd=name0")) << one.errors();
  EXPECT_TRUE(is_served(sockets.address(0)));
  EXPECT_EQ(one.stop(), 0);
  EXPECT_EQ(access(sockets.address(0).substr(5).c_str(), F_OK), 0) << "the socket is the manager's";
  sockets.add_unix();
  Daemon two = sockets.start({"--transport=off"});
  EXPECT_EQ(two.wait(), 78);
  EXPECT_NE(two.errors().find("without the transport only one can be served"), std::string::npos) << two.errors();
}

}  // namespace
