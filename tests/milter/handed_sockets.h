// Sockets as a service manager makes them and hands them over (sd_listen_fds(3)).
#ifndef HANDED_SOCKETS_H
#define HANDED_SOCKETS_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "service.h"

/// The manager's sockets. They live longer than the services they are handed to.
class HandedSockets {
 public:
  static constexpr int backlog = 20;

  HandedSockets() = default;
  HandedSockets(const HandedSockets&) = delete;
  HandedSockets& operator=(const HandedSockets&) = delete;
  ~HandedSockets() {
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

  /// Starts the service as systemd would: they are its descriptors from 3 on, and it has its own process id. `before`:
  /// what the shell does first.
  fake_mta::Daemon start(const std::vector<std::string>& options = {}, const std::string& before = {}) const {
    std::string script = before + "LISTEN_PID=$$ LISTEN_FDS=" + std::to_string(sockets_.size()) + " LISTEN_FDNAMES=";
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
    if (bind(made, address, size) != 0 || listen(made, backlog) != 0) throw std::runtime_error("no socket");
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

  fake_mta::SocketDirectory directory_;
  std::vector<int> sockets_;
  std::vector<std::string> addresses_;
};

#endif
