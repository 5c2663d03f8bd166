// Metrics of the daemon, read over HTTP while it works.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>

#include "service.h"

namespace {

namespace fs = std::filesystem;
using fake_mta::Daemon;
using fake_mta::SocketDirectory;

/// A connection to a port of this machine; closed when it goes.
class Connection {
 public:
  explicit Connection(int port, const std::string& address = "127.0.0.1") {
    const bool is_ipv6 = address.find(':') != address.npos;
    sockaddr_in6 in6 = {};
    sockaddr_in in = {};
    in6.sin6_family = AF_INET6;
    in.sin_family = AF_INET;
    in6.sin6_port = in.sin_port = htons(static_cast<in_port_t>(port));
    inet_pton(AF_INET, address.c_str(), &in.sin_addr);
    inet_pton(AF_INET6, address.c_str(), &in6.sin6_addr);
    fd_ = socket(is_ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    is_open_ = (is_ipv6 ? connect(fd_, reinterpret_cast<const sockaddr*>(&in6), sizeof in6)
                        : connect(fd_, reinterpret_cast<const sockaddr*>(&in), sizeof in)) == 0;
  }
  ~Connection() { close(fd_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  bool is_open() const { return is_open_; }
  bool send(std::string_view text) const {
    return ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
  }
  /// All until the other side closes.
  std::string rest() const {
    std::string text;
    std::array<char, 4096> block;
    for (;;) {
      pollfd polled = {fd_, POLLIN, 0};
      if (poll(&polled, 1, 30'000) != 1) return text + "(and then nothing for 30 s)";
      const ssize_t got = recv(fd_, block.data(), block.size(), 0);
      if (got <= 0) return text;
      text.append(block.data(), static_cast<std::size_t>(got));
    }
  }

 private:
  int fd_ = -1;
  bool is_open_ = false;
};

using Samples = std::map<std::string, double>;

std::string scrape(int port, const std::string& address = "127.0.0.1") {
  const Connection client(port, address);
  EXPECT_TRUE(client.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  const std::string answer = client.rest();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
  const std::size_t end = answer.find("\r\n\r\n");
  const std::string body = end == answer.npos ? "" : answer.substr(end + 4);
  EXPECT_NE(answer.find("\r\nContent-Length: " + std::to_string(body.size()) + "\r\n"), answer.npos) << answer;
  return body;
}

/// Each sample without the prefix, with its labels. What is no line of the format fails the test.
Samples parse(const std::string& text) {
  Samples samples;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# HELP msgid_milter_") || line.starts_with("# TYPE msgid_milter_")) continue;
    const std::size_t space = line.rfind(' ');
    char* end = nullptr;
    const double value = std::strtod(line.c_str() + space + 1, &end);
    EXPECT_TRUE(line.starts_with("msgid_milter_") && space != line.npos && *end == '\0') << line;
    EXPECT_TRUE(samples.emplace(line.substr(13, space - 13), value).second) << line;
  }
  EXPECT_GT(samples.size(), 50u);
  return samples;
}

/// The daemon with its metrics on a port of its own.
class Metered {
 public:
  explicit Metered(std::vector<std::string> options = {}, const std::string& address = "") {
    constexpr int attempts = 5;  // somebody may take the port between our look and the daemon's
    for (int attempt = 1;; ++attempt) {
      port = fake_mta::free_port();
      options.push_back("--metrics=" + address + std::to_string(port));
      try {
        service.emplace(options);
        return;
      } catch (const std::runtime_error& error) {
        if (attempt == attempts || std::string(error.what()).find("in use") == std::string::npos) throw;
      }
      options.pop_back();
    }
  }

  Samples samples() const { return parse(scrape(port)); }

  int port = 0;
  std::optional<Service> service;
};

fake_mta::Message oversized_message() {
  return message("References: <" + std::string(5000, 'a') + "@example.com>\n");
}

fake_mta::Message signed_message() {
  return message("DKIM-Signature: v=1; a=rsa-sha256; d=example.com; h=message-id; b=x\nMessage-ID:" +
                 std::string(encoded_body) + "\n");
}

constexpr int rounds = 12;

/// A session that sends each kind of message `rounds` times, one of each aborted.
void send_all_kinds(Service& service) {
  fake_mta::Session mta = service.session();
  for (int i = 0; i < rounds; ++i) {
    mta.send(clean_message());
    mta.send(reported_message());
    mta.send(signed_message());
    mta.send(oversized_message());
    mta.send(message("Message-ID: <a@example.com>\nMessage-ID: <b@example.com>\n"));  // duplicate-field
  }
  mta.begin(reported_message());
  mta.abort();
  quit(mta);
}

bool never_falls(const std::string& name) {
  return name.find("_total") != name.npos || name.find("_bucket{") != name.npos || name.ends_with("_count") ||
         name.ends_with("_sum");
}

double sum_of(const Samples& samples, const std::string& beginning) {
  double sum = 0;
  for (const auto& [name, value] : samples)
    if (name.starts_with(beginning)) sum += value;
  return sum;
}

/// Waits until all sessions that began have ended: libmilter calls xxfi_close after it has closed the connection.
Samples at_rest(const Metered& metered) {
  Samples samples = metered.samples();
  const auto end = std::chrono::steady_clock::now() + fake_mta::patience;
  while (samples.at("open_sessions") != 0 && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    samples = metered.samples();
  }
  return samples;
}

TEST(Metrics, ReloadsAndTheSessionsFromBeforeThem) {
  Metered metered;
  fake_mta::Session old = metered.service->session();
  kill(metered.service->daemon().pid(), SIGHUP);
  ASSERT_NE(metered.service->daemon().wait_for_line("reloaded "), "");
  const fake_mta::Session next = metered.service->session();
  Samples samples = metered.samples();
  EXPECT_EQ(samples["reloads_total{result=\"taken\"}"], 1);
  EXPECT_EQ(samples["reloads_total{result=\"refused\"}"], 0);
  EXPECT_EQ(samples["open_sessions"], 2);
  EXPECT_EQ(samples["old_sessions"], 1);
  quit(old);
}

TEST(Metrics, EqualWhatWasSentAndNeverFall) {
  constexpr int sessions = 4;
  const Metered metered({"--header-size=4096"});
  std::atomic<int> at_work = sessions;
  std::vector<std::thread> threads;
  for (int i = 0; i < sessions; ++i) {
    threads.emplace_back([&] {
      EXPECT_NO_THROW(send_all_kinds(*const_cast<Metered&>(metered).service));
      --at_work;
    });
  }
  Samples before = metered.samples();
  do {
    const Samples now = metered.samples();
    ASSERT_EQ(now.size(), before.size());
    for (const auto& [name, value] : before) {
      if (never_falls(name)) {
        EXPECT_GE(now.at(name), value) << name;
      }
    }
    EXPECT_LE(now.at("open_sessions"), sessions);
    EXPECT_EQ(now.at("callback_duration_seconds_count"), now.at("callback_duration_seconds_bucket{le=\"+Inf\"}"));
    before = now;
  } while (at_work > 0);
  for (std::thread& thread : threads) thread.join();

  constexpr double each = sessions * rounds;
  const Samples samples = at_rest(metered);
  const std::map<std::string, double> expected = {
      {R"(messages_total{outcome="clean"})", each},
      {R"(messages_total{outcome="affected"})", 3 * each},
      {R"(messages_total{outcome="unread"})", each},
      {R"(findings_total{rule="encoded-word",action="rewritten"})", 2 * each},
      {R"(findings_total{rule="duplicate-field",action="reported"})", each},
      {R"(signature_breaking_edits_total{action="rewritten"})", each},
      {R"(failures_total{cause="header-size"})", each},
      {"sessions_total", sessions},
      {"open_sessions", 0},
      {"old_sessions", 0},
      {"callback_duration_seconds_count", 5 * each},
  };
  for (const auto& [name, value] : expected) EXPECT_EQ(samples.at(name), value) << name;
  EXPECT_EQ(sum_of(samples, "findings_total"), 3 * each);
  EXPECT_EQ(sum_of(samples, "signature_breaking_edits_total"), each);
  EXPECT_EQ(sum_of(samples, "failures_total"), each);
  EXPECT_GT(samples.at("callback_duration_seconds_sum"), 0);
}

TEST(Metrics, OfLogOnlyAndOfAnMtaThatTakesNoEdits) {
  {
    Metered metered({"--mode=log-only"});
    fake_mta::Session mta = metered.service->session();
    mta.send(signed_message());
    const Samples samples = metered.samples();
    EXPECT_EQ(samples.at(R"(findings_total{rule="encoded-word",action="would-rewrite"})"), 1);
    EXPECT_EQ(samples.at(R"(signature_breaking_edits_total{action="would-rewrite"})"), 1);
    EXPECT_EQ(samples.at("open_sessions"), 1);
    EXPECT_EQ(sum_of(samples, "failures_total"), 0);
  }
  Metered metered;
  fake_mta::Terms offer;
  offer.actions &= ~fake_mta::action::change_header;
  fake_mta::Session mta = metered.service->session(offer);
  mta.send(reported_message());
  const Samples samples = metered.samples();
  EXPECT_EQ(samples.at(R"(failures_total{cause="cannot-change-fields"})"), 1);
  EXPECT_EQ(samples.at(R"(findings_total{rule="encoded-word",action="would-rewrite"})"), 1);
}

// /proc/net/tcp: "sl local_address rem_address st ...", the address in hexadecimal, st 0A: listening.
std::vector<std::string> listening_addresses(int port, const std::string& file = "/proc/net/tcp") {
  std::array<char, 8> hex{};
  std::snprintf(hex.data(), hex.size(), ":%04X", static_cast<unsigned>(port));
  std::vector<std::string> addresses;
  std::ifstream table(file);
  for (std::string line; std::getline(table, line);) {
    std::istringstream words(line);
    std::string slot, local, remote, state;
    words >> slot >> local >> remote >> state;
    if (state == "0A" && local.ends_with(hex.data())) addresses.push_back(local.substr(0, local.find(':')));
  }
  return addresses;
}

TEST(Metrics, AreOnLoopbackUnlessToldOtherwise) {
  {
    const Metered metered;
    EXPECT_EQ(listening_addresses(metered.port), std::vector<std::string>{"0100007F"});
    EXPECT_EQ(listening_addresses(metered.port, "/proc/net/tcp6"), std::vector<std::string>{});
  }
  const Metered metered({}, "0.0.0.0:");
  EXPECT_EQ(listening_addresses(metered.port), std::vector<std::string>{"00000000"});
}

TEST(Metrics, AreServedOverIpv6) {
  if (std::ifstream("/proc/net/if_inet6").peek() == std::ifstream::traits_type::eof()) GTEST_SKIP() << "no IPv6 here";
  const Metered metered({}, "[::1]:");
  parse(scrape(metered.port, "::1"));
}

int sockets_of(pid_t pid) {
  int sockets = 0;
  for (const auto& entry : fs::directory_iterator("/proc/" + std::to_string(pid) + "/fd")) {
    std::error_code gone;
    sockets += fs::read_symlink(entry.path(), gone).string().starts_with("socket:");
  }
  return sockets;
}

TEST(Metrics, OpenNoPortByDefault) {
  Service without;
  Metered with;
  // Of both: the milter socket, and that of syslog where it is connected.
  EXPECT_EQ(sockets_of(with.service->daemon().pid()), sockets_of(without.daemon().pid()) + 1);
}

TEST(Metrics, APortInUseIsAStartUpError) {
  const Metered first;
  const SocketDirectory directory;
  const std::string port = std::to_string(first.port);
  Daemon second(program(), arguments({"--socket=unix:" + (directory / "s"), "--metrics=" + port}));
  EXPECT_EQ(second.wait(), 75);
  EXPECT_EQ(second.errors(), "msgid-milter: command line: metrics: 127.0.0.1:" + port + ": Address already in use\n");
  first.samples();
}

TEST(Metrics, HostileClientsHurtNobody) {
  Metered metered;
  fake_mta::Session mta = metered.service->session();
  std::vector<std::unique_ptr<Connection>> silent;
  for (int i = 0; i < 20; ++i) silent.push_back(std::make_unique<Connection>(metered.port));
  EXPECT_EQ(mta.send(reported_message()).modifications, reported_edit());
  EXPECT_LE(sockets_of(metered.service->daemon().pid()), 16 + 4);  // those served, two listeners, syslog, the session
  // Those that say nothing are hung up on, then it is their turn who ask.
  for (const auto& one : silent) EXPECT_EQ(one->rest(), "");
  silent.clear();
  metered.samples();

  const Connection endless(metered.port);
  EXPECT_TRUE(endless.send("GET /metrics HTTP/1.1\r\nX: " + std::string(20'000, 'x')));
  EXPECT_TRUE(endless.rest().starts_with("HTTP/1.1 431 "));
  const Connection rude(metered.port);
  EXPECT_TRUE(rude.send(std::string("\0\xff\r\n\r\n", 6)));
  EXPECT_TRUE(rude.rest().starts_with("HTTP/1.1 400 "));
  for (int i = 0; i < 20; ++i) {
    const Connection gone(metered.port);
    EXPECT_TRUE(gone.send("GET /metrics HTTP/1.1\r\n\r\n"));  // and does not read it
  }
  EXPECT_EQ(mta.send(reported_message()).modifications, reported_edit());
  EXPECT_EQ(metered.samples().at(R"(messages_total{outcome="affected"})"), 2);
}

// A client in the middle of its request does not hold the end up.
TEST(Metrics, StopWithClientsConnected) {
  Metered metered;
  const Connection client(metered.port);
  EXPECT_TRUE(client.send("GET /met"));
  metered.samples();
  EXPECT_EQ(metered.service->log(), std::vector<std::string>{});
  EXPECT_EQ(client.rest(), "");
  EXPECT_FALSE(Connection(metered.port).is_open());
}

TEST(Metrics, PromtoolFindsNothingToSay) {
  if (std::system("command -v promtool >/dev/null") != 0) GTEST_SKIP() << "promtool is not installed";
  Metered metered;
  fake_mta::Session mta = metered.service->session();
  mta.send(reported_message());
  const SocketDirectory directory;
  const std::string file = directory / "metrics";
  std::ofstream(file) << scrape(metered.port);
  EXPECT_EQ(std::system(("promtool check metrics <" + file + " >" + file + ".out 2>&1").c_str()), 0);
  std::stringstream said;
  said << std::ifstream(file + ".out").rdbuf();
  EXPECT_EQ(said.str(), "");
}

}  // namespace
