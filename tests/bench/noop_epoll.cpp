// A milter that does nothing in a loop of its own, as the other yardstick: what the protocol costs at the least. One
// thread, buffered; it asks for the same steps as msgid-milter and answers what is to be answered with "continue".
//
//   noop_epoll unix:/path

#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "fake_mta.h"

namespace {

namespace bit = fake_mta::bit;
namespace code = fake_mta::code;

// What msgid-milter asks for; bench_milter fails where that is no longer so.
constexpr std::uint32_t protocol = bit::no_helo | bit::no_rcpt | bit::no_body | bit::no_eoh | bit::no_unknown |
                                   bit::no_data | bit::nr_connect | bit::nr_mail | bit::nr_header | bit::leading_space;

struct Connection {
  int fd;
  std::string in;
};

std::uint32_t number_at(const char* octets) {
  std::uint32_t number = 0;
  for (int i = 0; i < 4; ++i) number = number << 8 | static_cast<unsigned char>(octets[i]);
  return number;
}

std::string negotiated() {
  std::string packet("\0\0\0\x0dO", 5);
  for (const std::uint32_t number : {std::uint32_t{6}, fake_mta::action::change_header, protocol})
    for (const int shift : {24, 16, 8, 0}) packet.push_back(static_cast<char>(number >> shift));
  return packet;
}

/// False: the session has ended.
bool serve(Connection& connection) {
  static const std::string terms = negotiated();
  static const std::string go_on(
      "\0\0\0\x01"
      "c",
      5);
  std::array<char, 16384> octets;
  const ssize_t count = ::recv(connection.fd, octets.data(), octets.size(), 0);
  if (count <= 0) return false;
  connection.in.append(octets.data(), static_cast<std::size_t>(count));
  std::size_t begin = 0;
  while (connection.in.size() - begin >= 5) {
    const std::size_t size = 4 + std::size_t{number_at(connection.in.data() + begin)};
    if (connection.in.size() - begin < size) break;
    const char command = connection.in[begin + 4];
    if (command == code::quit) return false;
    const std::string* const answer = command == code::negotiate        ? &terms
                                      : command == code::end_of_message ? &go_on
                                                                        : nullptr;
    if (answer != nullptr && ::send(connection.fd, answer->data(), answer->size(), MSG_NOSIGNAL) <= 0) return false;
    begin += size;
  }
  connection.in.erase(0, begin);
  if (connection.in.empty()) connection.in.shrink_to_fit();  // an idle session has no buffer
  return true;
}

int listen_on(std::string_view path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || ::listen(fd, 1000) != 0)
    return -1;
  return fd;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 || !std::string_view(argv[1]).starts_with("unix:")) return 64;
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  const int listener = listen_on(argv[1] + 5);
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{EPOLLIN, {.ptr = nullptr}};
  if (listener < 0 || epoll < 0 || ::epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) != 0) return 78;
  std::fprintf(stderr, "noop: serving %s\n", argv[1]);
  for (;;) {
    std::array<epoll_event, 64> events;
    const int count = ::epoll_wait(epoll, events.data(), events.size(), -1);
    for (int i = 0; i < count; ++i) {
      auto* const connection = static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr);
      if (connection != nullptr) {
        if (serve(*connection)) continue;
        ::close(connection->fd);
        delete connection;
        continue;
      }
      const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) continue;
      event = {EPOLLIN, {.ptr = new Connection{fd, {}}}};
      if (::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) return 71;
    }
  }
}
