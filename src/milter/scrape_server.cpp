#include "milter/scrape_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

namespace milter {

namespace {

using std::chrono::steady_clock;

/// Of connections that wait. One that finds no room there tries again after a second.
constexpr int backlog = 1024;

int listen_at(const config::Endpoint& where) {
  sockaddr_storage address = {};
  socklen_t size = 0;
  if (where.is_ipv6) {
    auto& in6 = reinterpret_cast<sockaddr_in6&>(address);
    in6.sin6_family = AF_INET6;
    in6.sin6_port = htons(static_cast<in_port_t>(where.port));
    ::inet_pton(AF_INET6, where.host.c_str(), &in6.sin6_addr);
    size = sizeof(in6);
  } else {
    auto& in = reinterpret_cast<sockaddr_in&>(address);
    in.sin_family = AF_INET;
    in.sin_port = htons(static_cast<in_port_t>(where.port));
    ::inet_pton(AF_INET, where.host.c_str(), &in.sin_addr);
    size = sizeof(in);
  }
  const int fd = ::socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) throw std::system_error(errno, std::generic_category());
  const int on = 1;
  // A restart does not wait for connections of the process before.
  if (::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
      ::bind(fd, reinterpret_cast<const sockaddr*>(&address), size) != 0 || ::listen(fd, backlog) != 0) {
    const int error = errno;
    ::close(fd);
    throw std::system_error(error, std::generic_category());
  }
  return fd;
}

std::string answer(std::string_view status, std::string_view type, std::string_view body, bool has_body) {
  std::string text = "HTTP/1.1 ";
  text += status;
  if (status.starts_with("405")) text += "\r\nAllow: GET, HEAD";
  text += "\r\nContent-Type: ";
  text += type;
  text += "\r\nContent-Length: ";
  text += std::to_string(body.size());
  text += "\r\nConnection: close\r\n\r\n";
  if (has_body) text += body;
  return text;
}

std::string refusal(std::string_view status, bool has_body = true) {
  std::string body(status);
  body += '\n';
  return answer(status, "text/plain", body, has_body);
}

/// Without the empty lines that a client may send first (RFC 9112, section 2.2).
std::string_view without_empty_lines(std::string_view text) {
  while (text.starts_with('\n') || text.starts_with("\r\n")) text.remove_prefix(text.front() == '\n' ? 1 : 2);
  return text;
}

/// The request line and the fields that `received` begins with, up to the end of the last of them; nothing where the
/// empty line after them has not come yet.
std::optional<std::string_view> request_head(std::string_view received) {
  const std::string_view text = without_empty_lines(received);
  for (std::size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n', end + 1)) {
    const std::string_view rest = text.substr(end + 1);
    if (rest.starts_with('\n') || rest.starts_with("\r\n")) return text.substr(0, end);
  }
  return std::nullopt;
}

/// The path and the query of a request-target; of one in another form, nothing that is served. Nothing where it is an
/// "http" URI without a host, which is to be refused (RFC 9110, section 4.2.1).
std::optional<std::string_view> path_and_query(std::string_view target) {
  constexpr std::string_view scheme = "http://";
  const bool is_absolute =
      target.size() >= scheme.size() && ::strncasecmp(target.data(), scheme.data(), scheme.size()) == 0;
  if (!is_absolute) return target;
  target.remove_prefix(scheme.size());
  const std::size_t end = std::min(target.find_first_of("/?"), target.size());
  if (end == 0) return std::nullopt;
  return target.substr(end);
}

/// A connection that was accepted. It reads a request, then sends the answer, then waits for the other side to close,
/// for a close() before that can cost it the end of the answer.
class Client {
 public:
  explicit Client(int fd) : fd_(fd), begin_(steady_clock::now()) {}
  ~Client() {
    if (fd_ >= 0) ::close(fd_);
  }
  Client(Client&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)),
        begin_(other.begin_),
        in_(std::move(other.in_)),
        out_(std::move(other.out_)),
        sent_(other.sent_) {}
  Client& operator=(Client&& other) noexcept {
    std::swap(fd_, other.fd_);
    begin_ = other.begin_;
    in_ = std::move(other.in_);
    out_ = std::move(other.out_);
    sent_ = other.sent_;
    return *this;
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  steady_clock::time_point end() const { return begin_ + std::chrono::seconds(scrape_seconds); }
  /// When it has to make room for another.
  steady_clock::time_point end_of_patience() const { return begin_ + scrape_patience; }
  pollfd wanted() const { return {fd_, static_cast<short>(is_sending() ? POLLOUT : POLLIN), 0}; }

  /// Something can be read or sent. False: the connection is to be closed.
  bool go_on(const ScrapeServer::Text& text) {
    if (!is_sending() && !receive(text)) return false;
    return !is_sending() || send();
  }

 private:
  bool is_sending() const { return sent_ < out_.size(); }

  bool receive(const ScrapeServer::Text& text) {
    std::array<char, 2048> block;
    const ssize_t got = ::recv(fd_, block.data(), block.size(), 0);
    if (got <= 0) return got < 0 && (errno == EAGAIN || errno == EINTR);
    if (!out_.empty()) return true;  // the answer has gone, what still comes is of no interest
    in_.append(block.data(), static_cast<std::size_t>(got));
    if (const auto head = request_head(in_)) out_ = http_answer(*head, text);
    if (out_.empty() && in_.size() > max_request_octets) out_ = refusal("431 Request Header Fields Too Large");
    return true;
  }

  bool send() {
    const ssize_t sent = ::send(fd_, out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN || errno == EINTR;
    sent_ += static_cast<std::size_t>(sent);
    return is_sending() || ::shutdown(fd_, SHUT_WR) == 0;
  }

  int fd_;
  steady_clock::time_point begin_;
  std::string in_;
  std::string out_;
  std::size_t sent_ = 0;
};

/// All connections, and the listener that more come from.
class Scrapers {
 public:
  Scrapers(int listener, int stop, const ScrapeServer::Text& text) : listener_(listener), stop_(stop), text_(text) {
    clients_.reserve(max_scrapers);
    polled_.reserve(max_scrapers + 2);
  }

  /// Waits, and does what can be done; false if it is to stop.
  bool go_on() {
    const steady_clock::time_point before = steady_clock::now();
    const bool may_accept = before >= may_accept_from();
    polled_ = {{stop_, POLLIN, 0}, {may_accept ? listener_ : -1, POLLIN, 0}};
    for (const Client& client : clients_) polled_.push_back(client.wanted());
    ::poll(polled_.data(), polled_.size(), milliseconds_left(before));
    if (polled_[0].revents != 0) return false;
    const steady_clock::time_point now = steady_clock::now();
    for (std::size_t i = clients_.size(); i-- > 0;) {
      const bool is_ready = polled_[i + 2].revents != 0;
      if (clients_[i].end() <= now || (is_ready && !stays(clients_[i]))) {
        clients_.erase(clients_.begin() + static_cast<std::ptrdiff_t>(i));
      }
    }
    if (polled_[1].revents != 0) {
      if (clients_.size() == max_scrapers) clients_.erase(clients_.begin());  // the oldest
      accept();
    }
    return true;
  }

 private:
  bool stays(Client& client) noexcept {
    try {
      return client.go_on(text_);
    } catch (const std::exception&) {
      return false;  // no memory: it may ask again
    }
  }

  steady_clock::time_point may_accept_from() const {
    if (clients_.size() < max_scrapers) return accept_again_;
    return std::max(accept_again_, clients_.front().end_of_patience());
  }

  void accept() {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) clients_.emplace_back(fd);
    // Out of descriptors the listener stays readable: it is left alone for a while.
    if (fd < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
      accept_again_ = steady_clock::now() + std::chrono::seconds(1);
    }
  }

  int milliseconds_left(steady_clock::time_point now) const {
    std::chrono::milliseconds least = std::chrono::hours(1);
    const auto consider = [&](steady_clock::time_point end) {
      least = std::min(least, std::chrono::ceil<std::chrono::milliseconds>(end - now));
    };
    for (const Client& client : clients_) consider(client.end());
    if (may_accept_from() > now) consider(may_accept_from());
    return static_cast<int>(std::max<std::chrono::milliseconds::rep>(least.count(), 0));
  }

  const int listener_;
  const int stop_;
  const ScrapeServer::Text& text_;
  std::vector<Client> clients_;  ///< the oldest first
  std::vector<pollfd> polled_;
  steady_clock::time_point accept_again_;
};

}  // namespace

std::string http_answer(std::string_view request, const std::function<std::string()>& text) {
  std::string_view line = request.substr(0, request.find('\n'));
  if (line.ends_with('\r')) line.remove_suffix(1);
  constexpr std::string_view version = " HTTP/1.";
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == last || line.find('\r') != std::string_view::npos || line.size() != last + version.size() + 1 ||
      !line.substr(last).starts_with(version) || line.back() < '0' || line.back() > '9') {
    return refusal("400 Bad Request");
  }
  const std::string_view method = line.substr(0, first);
  const std::optional<std::string_view> target = path_and_query(line.substr(first + 1, last - first - 1));
  if (!target) return refusal("400 Bad Request", method != "HEAD");
  if (target->substr(0, target->find('?')) != "/metrics") return refusal("404 Not Found", method != "HEAD");
  if (method != "GET" && method != "HEAD") return refusal("405 Method Not Allowed");
  return answer("200 OK", "text/plain; version=0.0.4; charset=utf-8", text(), method == "GET");
}

ScrapeServer::ScrapeServer(const config::Endpoint& where, Text text)
    : text_(std::move(text)), listener_(listen_at(where)), stop_(::eventfd(0, EFD_CLOEXEC)) {
  // Signals belong to other threads.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    if (stop_ < 0) throw std::system_error(errno, std::generic_category());
    begin_thread();
  } catch (const std::exception&) {
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    ::close(listener_);
    if (stop_ >= 0) ::close(stop_);
    throw;
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void ScrapeServer::begin_thread() {
  try {
    thread_ = std::thread([this] { serve(); });
  } catch (const std::system_error& error) {
    throw std::system_error(error.code(), "cannot start a thread");
  }
}

ScrapeServer::~ScrapeServer() {
  ::eventfd_write(stop_, 1);
  thread_.join();
  ::close(stop_);
  ::close(listener_);
}

void ScrapeServer::serve() noexcept {
  try {
    Scrapers scrapers(listener_, stop_, text_);
    while (scrapers.go_on()) {
    }
  } catch (const std::exception&) {
    // No memory for the two lists at the start. Mail passes; nobody is answered.
  }
}

}  // namespace milter
