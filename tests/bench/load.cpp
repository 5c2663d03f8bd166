#include "load.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <functional>
#include <memory>
#include <queue>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

#include "sample.h"
#include "tests/eml.h"
#include "tests/wire.h"

namespace load {

namespace {

namespace bit = fake_mta::bit;
namespace code = fake_mta::code;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;
using wire::packet;

constexpr std::size_t stream_octets = 4096;           // VSTREAM_BUFSIZE of Postfix
constexpr std::chrono::milliseconds real_pause{3};    // of a client, before each SMTP command
constexpr std::chrono::microseconds least_pause{50};  // so that what are two writes of Postfix are never one
constexpr std::chrono::seconds patience{30};
constexpr int different_messages = 100;

std::string strings(std::initializer_list<std::string_view> texts) {
  std::string data;
  for (const std::string_view text : texts) data.append(text).push_back('\0');
  return data;
}

/// What Postfix's two streams to a filter write: smtpd's up to DATA, cleanup's behind it.
class Stream {
 public:
  explicit Stream(std::uint32_t protocol) : protocol_(protocol) {}

  void command() { ++commands_; }

  /// Macros go out even before a step that was asked away.
  void step(char command, std::uint32_t no_bit, std::uint32_t nr_bit, std::string_view macros, std::string_view data) {
    put(packet(code::macro, command + std::string(macros)));
    if ((protocol_ & no_bit) != 0) return;
    put(packet(command, data));
    if ((protocol_ & nr_bit) == 0) write(buffer_.size(), true);
  }
  /// smtpd sends one after each message, at the next occasion.
  void abort() { put(packet(code::abort, {})); }
  void flush() { write(buffer_.size(), false); }
  Script take() { return std::move(script_); }

 private:
  void put(const std::string& octets) {
    buffer_ += octets;
    while (buffer_.size() >= stream_octets) write(stream_octets, false);
  }
  void write(std::size_t octets, bool wants_answer) {
    if (octets == 0) return;
    script_.push_back({buffer_.substr(0, octets), std::exchange(commands_, 0), wants_answer});
    buffer_.erase(0, octets);
  }

  std::uint32_t protocol_;
  std::string buffer_;
  int commands_ = 0;
  Script script_;
};

}  // namespace

Script script(const fake_mta::Terms& terms, const fake_mta::Message& message, bool is_first_of_session) {
  Stream to(terms.protocol);
  const std::string host = "mail-db8eur05on2104.outbound.example.net";
  const std::string queue_id = strings({"i", message.queue_id});
  if (is_first_of_session) {
    std::string client = strings({host});
    client += std::string("4\x63\x34", 3) + strings({"192.0.2.104"});
    to.step(code::connect, bit::no_connect, bit::nr_connect,
            strings({"j", "mx.example.org", "{daemon_name}", "mx.example.org", "{daemon_addr}", "192.0.2.1", "v",
                     "Postfix 3.7.11", "_", host + " [192.0.2.104]"}),
            client);
    to.command();
    to.step(code::helo, bit::no_helo, bit::nr_helo, {}, strings({host}));
  } else {
    to.abort();
  }
  to.command();
  to.step(code::mail, bit::no_mail, bit::nr_mail,
          strings({"{mail_addr}", "sender@example.com", "{mail_host}", "[127.0.0.1]", "{mail_mailer}", "smtp"}),
          strings({message.sender}));
  for (const std::string& recipient : message.recipients) {
    to.command();
    to.step(
        code::rcpt, bit::no_rcpt, bit::nr_rcpt,
        queue_id + strings({"{rcpt_addr}", "rcpt@example.com", "{rcpt_host}", "[127.0.0.1]", "{rcpt_mailer}", "smtp"}),
        strings({recipient}));
  }
  to.command();
  to.step(code::data, bit::no_data, bit::nr_data, queue_id, {});
  to.flush();  // smtpd hands the connection to cleanup
  to.command();
  for (const msgid::Field& field : message.fields) {
    const bool cut = (terms.protocol & bit::leading_space) == 0 && field.body.starts_with(' ');
    to.step(code::header, bit::no_header, bit::nr_header, queue_id,
            strings({field.name, std::string_view(field.body).substr(cut ? 1 : 0)}));
  }
  to.step(code::end_of_header, bit::no_eoh, bit::nr_eoh, queue_id, {});
  if ((terms.protocol & bit::no_body) == 0) to.step(code::body, bit::no_body, bit::nr_body, queue_id, message.body);
  to.step(code::end_of_message, 0, 0, queue_id, {});
  return to.take();
}

namespace {

fake_mta::Message message(int n, bool affected) {
  fake_mta::Message message;
  message.queue_id = "4cVq2S" + std::to_string(1000 + n);
  message.fields = eml::header_of(affected ? sample::affected_header(n) : sample::clean_header(n));
  for (int line = 0; line < 30; ++line)
    message.body += "A line of text as mail has it, seventy octets long, more or less.\r\n";
  return message;
}

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

int connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  const timeval wait = {patience.count(), 0};  // writes and a full backlog; reads are made when something is there
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fail("connect to " + path);
  return fd;
}

void write_to(int fd, const std::string& octets) {
  for (std::size_t sent = 0; sent < octets.size();) {
    const ssize_t count = ::send(fd, octets.data() + sent, octets.size() - sent, MSG_NOSIGNAL);
    if (count <= 0) fail("write to the filter");
    sent += static_cast<std::size_t>(count);
  }
}

struct Connection {
  int fd = -1;
  const Script* script = nullptr;  // none: negotiating
  std::size_t piece = 0;
  int left = 0;  // messages of this session
  std::string in;
  steady_clock::time_point began;  // of this message, later by the pauses
  steady_clock::time_point paused;
  bool was_edited = false;
};

/// One run of one load.
class Run {
 public:
  Run(const std::string& path, const Load& load, std::function<const Driver::Scripts&(int)> scripts)
      : path_(path), load_(load), scripts_(std::move(scripts)), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    measured_.latencies.reserve(static_cast<std::size_t>(load.messages));
  }
  ~Run() {
    for (const auto& connection : connections_)
      if (connection->fd >= 0) ::close(connection->fd);
    ::close(epoll_);
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  Measured run() {
    const auto begin = steady_clock::now();
    if (load_.a_second == 0)
      for (int i = 0; i < load_.connections; ++i) open(new_connection());
    while (measured_.latencies.size() < static_cast<std::size_t>(load_.messages)) {
      begin_due_sessions(begin);
      begin_due_pieces();
      wait();
    }
    measured_.seconds = std::chrono::duration<double>(steady_clock::now() - begin).count();
    return std::move(measured_);
  }

 private:
  using Due = std::pair<steady_clock::time_point, Connection*>;

  Connection& new_connection() { return *connections_.emplace_back(std::make_unique<Connection>()); }

  // A session's messages are taken from those that are to be sent when it is opened.
  void open(Connection& connection) {
    connection.left = std::min(load_.messages_a_session, load_.messages - taken_);
    if (connection.left == 0) return;
    taken_ += connection.left;
    connection.fd = connect_to(path_);
    connection.script = nullptr;
    epoll_event event{EPOLLIN, {.ptr = &connection}};
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.fd, &event) != 0) fail("epoll_ctl");
    const fake_mta::Terms offer;
    std::string data;
    for (const std::uint32_t number : {offer.version, offer.actions, offer.protocol})
      for (const int shift : {24, 16, 8, 0}) data.push_back(static_cast<char>(number >> shift));
    write_to(connection.fd, packet(code::negotiate, data));
  }

  void begin_due_sessions(steady_clock::time_point begin) {
    if (load_.a_second == 0) return;
    while (taken_ < load_.messages && session_time(begin) <= steady_clock::now()) {
      if (unused_.empty()) unused_.push_back(&new_connection());
      Connection& connection = *unused_.back();
      unused_.pop_back();
      open(connection);
    }
    next_session_ = taken_ < load_.messages ? session_time(begin) : steady_clock::time_point::max();
  }
  steady_clock::time_point session_time(steady_clock::time_point begin) const {
    return begin + nanoseconds(std::int64_t{1000000000} * taken_ / load_.a_second);
  }

  void begin_due_pieces() {
    const auto now = steady_clock::now();
    while (!due_.empty() && due_.top().first <= now) {
      Connection& connection = *due_.top().second;
      due_.pop();
      connection.began += steady_clock::now() - connection.paused;
      send_pieces(connection, true);
    }
  }

  void begin_message(Connection& connection, bool is_first) {
    const Driver::Scripts& scripts = scripts_(messages_++);
    connection.script = is_first ? &scripts.first : &scripts.later;
    connection.piece = 0;
    connection.was_edited = false;
    connection.began = steady_clock::now();
    send_pieces(connection, false);
  }

  nanoseconds pause_before(const Piece& piece) const {
    if (load_.a_second == 0) return least_pause;
    return real_pause * piece.commands;
  }

  /// Up to the next that wants an answer. `is_due`: the first has waited for its time.
  void send_pieces(Connection& connection, bool is_due) {
    while (connection.piece < connection.script->size()) {
      const Piece& piece = (*connection.script)[connection.piece];
      if (piece.commands != 0 && !is_due) {
        connection.paused = steady_clock::now();
        due_.emplace(connection.paused + pause_before(piece), &connection);
        return;
      }
      is_due = false;
      ++connection.piece;
      write_to(connection.fd, piece.octets);
      if (piece.wants_answer) return;
    }
  }

  void wait() {
    std::array<epoll_event, 64> events;
    auto until = next_session_;
    if (!due_.empty()) until = std::min(until, due_.top().first);
    const auto now = steady_clock::now();
    const auto pause = std::clamp<nanoseconds>(until == steady_clock::time_point::max() ? patience : until - now,
                                               nanoseconds(0), patience);
    const timespec timeout = {static_cast<time_t>(pause.count() / 1000000000), pause.count() % 1000000000};
    const int count = ::epoll_pwait2(epoll_, events.data(), events.size(), &timeout, nullptr);
    if (count < 0 && errno != EINTR) fail("epoll_pwait2");
    if (count == 0 && pause == patience) throw std::runtime_error("no answer");
    for (int i = 0; i < count; ++i) receive(*static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr));
  }

  void receive(Connection& connection) {
    std::array<char, 16384> octets;
    const ssize_t count = ::recv(connection.fd, octets.data(), octets.size(), MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) throw std::runtime_error("the filter hung up");
    connection.in.append(octets.data(), static_cast<std::size_t>(count));
    while (connection.in.size() >= 5) {
      std::size_t size = 0;
      for (int i = 0; i < 4; ++i)
        size = size << 8 | static_cast<unsigned char>(connection.in[static_cast<std::size_t>(i)]);
      if (connection.in.size() < 4 + size) return;
      const char answer = connection.in[4];
      connection.in.erase(0, 4 + size);
      take(connection, answer);
    }
  }

  void take(Connection& connection, char answer) {
    if (answer == code::progress) return;
    if (std::string_view("+-2behimql").find(answer) != std::string_view::npos) {
      connection.was_edited = true;
      return;
    }
    if (connection.script == nullptr) {
      if (answer != code::negotiate) throw std::runtime_error("no negotiation");
      begin_message(connection, true);
      return;
    }
    if (answer != code::go_on && answer != code::accept)
      throw std::runtime_error(std::string("the filter answers '") + answer + "'");
    if (connection.piece < connection.script->size()) {
      send_pieces(connection, false);
      return;
    }
    end_message(connection);
  }

  void end_message(Connection& connection) {
    measured_.latencies.push_back(steady_clock::now() - connection.began);
    measured_.edited += connection.was_edited ? 1 : 0;
    if (--connection.left > 0) {
      begin_message(connection, false);
      return;
    }
    write_to(connection.fd, packet(code::abort, {}) + packet(code::abort, {}) + packet(code::quit, {}));
    ::close(std::exchange(connection.fd, -1));
    if (load_.a_second != 0)
      unused_.push_back(&connection);
    else
      open(connection);
  }

  const std::string& path_;
  const Load& load_;
  const std::function<const Driver::Scripts&(int)> scripts_;
  const int epoll_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<Connection*> unused_;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
  steady_clock::time_point next_session_ = steady_clock::time_point::max();
  int taken_ = 0;
  int messages_ = 0;
  Measured measured_;
};

}  // namespace

IdleSessions::IdleSessions(const std::string& address, int count) {
  for (int n = 0; n < count; ++n) {
    sessions_.emplace_back(address);
    sessions_.back().negotiate();
    sessions_.back().connect_info("mail.example.net", "192.0.2.104");
    sessions_.back().helo("mail.example.net");
    sessions_.back().send(message(n % different_messages, false));
  }
}

IdleSessions::~IdleSessions() = default;

Driver::Driver(std::string address) : address_(std::move(address)) {
  terms_ = fake_mta::Session(address_).negotiate();
  for (int n = 0; n < different_messages; ++n) {
    clean_.push_back({script(terms_, message(n, false), true), script(terms_, message(n, false), false)});
    affected_.push_back({script(terms_, message(n, true), true), script(terms_, message(n, true), false)});
  }
}

Measured Driver::drive(const Load& load) const {
  const auto scripts = [&](int n) -> const Scripts& {
    const auto mixed = static_cast<std::size_t>(n * 37 % different_messages);
    return (static_cast<int>(mixed) < load.affected_percent ? affected_ : clean_)[mixed];
  };
  return Run(address_.substr(5), load, scripts).run();
}

}  // namespace load
