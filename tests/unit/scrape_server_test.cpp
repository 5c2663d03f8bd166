#include "milter/scrape_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace {

std::string status_of(std::string_view request) {
  const std::string answer = milter::http_answer(request, [] { return std::string("text"); });
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 ")) << answer;
  EXPECT_NE(answer.find("\r\nConnection: close\r\n\r\n"), answer.npos) << answer;
  return answer.substr(9, 3);
}

TEST(ScrapeServer, OnlyMetricsAreServed) {
  const std::pair<const char*, const char*> cases[] = {
      {"GET /metrics HTTP/1.1", "200"},
      {"GET /metrics HTTP/1.1\r\nHost: x", "200"},
      {"GET /metrics HTTP/1.0", "200"},
      {"GET /metrics?name=x HTTP/1.1", "200"},
      {"HEAD /metrics HTTP/1.1", "200"},
      {"POST /metrics HTTP/1.1", "405"},
      {"get /metrics HTTP/1.1", "405"},
      {"GET / HTTP/1.1", "404"},
      {"GET /metricsx HTTP/1.1", "404"},
      {"GET /metrics/ HTTP/1.1", "404"},
      {"GET //metrics HTTP/1.1", "404"},
      // The absolute form (RFC 9112, section 3.2.2; RFC 9110, section 4.2).
      {"GET http://x/metrics HTTP/1.1", "200"},
      {"GET HTTP://x:9891/metrics?name=x HTTP/1.1", "200"},
      {"HEAD http://[::1]:9891/metrics HTTP/1.1", "200"},
      {"POST http://x/metrics HTTP/1.1", "405"},
      {"GET http://x HTTP/1.1", "404"},
      {"GET http://x?/metrics HTTP/1.1", "404"},
      {"GET http://metrics HTTP/1.1", "404"},
      {"GET http://x/y/metrics HTTP/1.1", "404"},
      {"GET http:///metrics HTTP/1.1", "400"},
      {"GET http://?/metrics HTTP/1.1", "400"},
      {"GET https://x/metrics HTTP/1.1", "404"},
      {"GET http:/metrics HTTP/1.1", "404"},
      {"GET /../../etc/passwd HTTP/1.1", "404"},
      {"GET  /metrics HTTP/1.1", "404"},
      {"GET /metrics", "400"},
      {"GET /metrics HTTP/2.0", "400"},
      {"GET /metrics HTTP/1.1x", "400"},
      {"GET /metrics HTTP/1.", "400"},
      {"GET /metrics\r\nX: y HTTP/1.1", "400"},
      {"GET /metrics\nX: y HTTP/1.1", "400"},
      {"GET /metrics HTTP/1.1\nHost: x", "200"},
      {"GET HTTP/1.1", "400"},
      {"", "400"},
      {" ", "400"},
      {"  ", "400"},
      {"\r\n", "400"},
  };
  for (const auto& [request, status] : cases) EXPECT_EQ(status_of(request), status) << request;
}

TEST(ScrapeServer, HeadHasTheLengthWithoutTheBody) {
  const auto text = [] { return std::string("four"); };
  const std::string get = milter::http_answer("GET /metrics HTTP/1.1", text);
  const std::string head = milter::http_answer("HEAD /metrics HTTP/1.1", text);
  EXPECT_NE(get.find("\r\nContent-Length: 4\r\n"), get.npos) << get;
  EXPECT_EQ(head + "four", get);
  const std::string get_other = milter::http_answer("GET / HTTP/1.1", text);
  EXPECT_EQ(milter::http_answer("HEAD / HTTP/1.1", text) + "404 Not Found\n", get_other);
}

// RFC 9110, section 15.5.6.
TEST(ScrapeServer, ARefusedMethodIsToldTheOthers) {
  const std::string answer = milter::http_answer("POST /metrics HTTP/1.1", [] { return std::string(); });
  EXPECT_NE(answer.find("\r\nAllow: GET, HEAD\r\n"), answer.npos) << answer;
}

TEST(ScrapeServer, NothingOfARequestComesBack) {
  const std::string answer = milter::http_answer("GET /<script> HTTP/1.1\r\nX: <script>", [] { return std::string(); });
  EXPECT_EQ(answer.find("script"), answer.npos) << answer;
}

TEST(ScrapeServer, TextIsAskedForOnlyWhereItIsWanted) {
  int asked = 0;
  const auto text = [&] {
    ++asked;
    return std::string();
  };
  milter::http_answer("GET / HTTP/1.1", text);
  milter::http_answer("POST /metrics HTTP/1.1", text);
  EXPECT_EQ(asked, 0);
  milter::http_answer("GET /metrics HTTP/1.1", text);
  EXPECT_EQ(asked, 1);
}

sockaddr_in loopback(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<in_port_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), size), 0);
  EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  ::close(fd);
  return ntohs(address.sin_port);
}

/// A server of "text" at a port of its own.
struct Server {
  int port = free_port();
  milter::ScrapeServer server{[this] {
                                config::Endpoint where;
                                where.host = "127.0.0.1";
                                where.port = port;
                                return where;
                              }(),
                              [] { return std::string("text"); }};
};

int connected(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port);
  EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  return fd;
}

/// The status that the server answers the octets with, which come in such pieces; "" for none within a second.
std::string answered(int port, std::string_view octets, std::size_t piece = SIZE_MAX) {
  const int fd = connected(port);
  for (; !octets.empty(); octets.remove_prefix(std::min(piece, octets.size()))) {
    const std::string_view part = octets.substr(0, piece);
    EXPECT_EQ(::send(fd, part.data(), part.size(), MSG_NOSIGNAL), static_cast<ssize_t>(part.size()));
  }
  std::string answer(2000, '\0');
  pollfd polled = {fd, POLLIN, 0};
  const ssize_t got = ::poll(&polled, 1, 1000) == 1 ? ::recv(fd, answer.data(), answer.size(), 0) : 0;
  answer.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  ::close(fd);
  return answer.size() > 12 ? answer.substr(9, 3) : answer;
}

// RFC 9112, section 2.2: a server should pass over an empty line before the request line, and may take a single LF for
// the end of a line.
TEST(ScrapeServer, LinesEndInLfTooAndEmptyOnesMayComeFirst) {
  const Server server;
  const std::pair<const char*, const char*> cases[] = {
      {"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "200"},
      {"GET /metrics HTTP/1.1\nHost: x\n\n", "200"},
      {"GET /metrics HTTP/1.1\r\nHost: x\n\r\n", "200"},
      {"GET /metrics HTTP/1.1\nHost: x\r\n\n", "200"},
      {"GET /metrics HTTP/1.0\n\n", "200"},
      {"GET / HTTP/1.0\n\n", "404"},
      {"\r\nGET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "200"},
      {"\nGET /metrics HTTP/1.1\nHost: x\n\n", "200"},
      {"\r\n\r\n\nGET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "200"},
      {"\r\nnonsense\r\n\r\n", "400"},
      {"\r\rGET /metrics HTTP/1.1\r\n\r\n", "400"},
  };
  for (const auto& [octets, status] : cases) {
    EXPECT_EQ(answered(server.port, octets), status) << octets;
    EXPECT_EQ(answered(server.port, octets, 1), status) << octets << " octet by octet";
  }
  EXPECT_EQ(answered(server.port, std::string(9000, '\n')), "431");
}

/// Clients that connect, say nothing, and connect again when they are hung up on.
class SlowClients {
 public:
  SlowClients(int port, std::size_t number) : port_(port), clients_(number), thread_([this] { work(); }) {}
  ~SlowClients() {
    stops_ = true;
    thread_.join();
  }
  SlowClients(const SlowClients&) = delete;
  SlowClients& operator=(const SlowClients&) = delete;

 private:
  void work() {
    for (pollfd& client : clients_) connect_again(client);
    while (!stops_) {
      ::poll(clients_.data(), clients_.size(), 10);
      for (pollfd& client : clients_) {
        if (client.revents != 0) connect_again(client);
      }
    }
    for (const pollfd& client : clients_) ::close(client.fd);
  }

  void connect_again(pollfd& client) const {
    if (client.fd > 0) ::close(client.fd);
    client = {::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), POLLIN, 0};
    const sockaddr_in address = loopback(port_);
    ::connect(client.fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    ::send(client.fd, "GET", 3, MSG_NOSIGNAL);
  }

  int port_;
  std::vector<pollfd> clients_;
  std::atomic<bool> stops_ = false;
  std::thread thread_;
};

// It took ten seconds and more. Half of five scrapes must be answered in time, for this host may be busy.
TEST(ScrapeServer, SlowClientsThatReconnectHoldUpNobody) {
  const Server server;
  const SlowClients clients(server.port, 40);
  std::this_thread::sleep_for(std::chrono::milliseconds(300));  // they have all come
  int in_time = 0;
  for (int i = 0; i < 5; ++i) in_time += answered(server.port, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n") == "200";
  EXPECT_GE(in_time, 3);
}

}  // namespace
