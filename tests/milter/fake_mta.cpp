#include "fake_mta.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>

#include "tests/wire.h"

namespace fake_mta {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t buffer_octets = 4096;         // VSTREAM_BUFSIZE of Postfix
constexpr std::size_t body_chunk_octets = 65535;    // MILTER_CHUNK_SIZE
constexpr std::uint32_t longest_packet = 1u << 20;  // a change-header packet has at most 65535 octets
constexpr int most_modifications = 100000;
constexpr std::uint32_t first_version_with_unknown = 3;
constexpr std::uint32_t first_version_with_data = 4;

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

std::uint32_t number(std::string_view octets) {
  std::uint32_t value = 0;
  for (const char octet : octets.substr(0, 4)) value = value << 8 | static_cast<unsigned char>(octet);
  return value;
}

void append_string(std::string& data, std::string_view text) {
  data.append(text).push_back('\0');
}

int remaining(steady_clock::time_point end) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - steady_clock::now());
  return static_cast<int>(std::max(left.count(), std::chrono::milliseconds::rep{0}));
}

Modification read_modification(const Packet& packet) {
  if (packet.code != code::change_header) return {packet.code, 0, {}, packet.data};
  // uint32 instance, name NUL, body NUL
  const std::string_view data = packet.data;
  const std::size_t name_end = data.find('\0', 4);
  if (data.size() < 6 || name_end == data.npos || data.find('\0', name_end + 1) != data.size() - 1)
    throw ProtocolError("malformed change-header packet");
  return {packet.code, static_cast<int>(number(data)), std::string(data.substr(4, name_end - 4)),
          std::string(data.substr(name_end + 1, data.size() - name_end - 2))};
}

}  // namespace

Changed apply(const msgid::FieldList& fields, std::span<const Modification> modifications, bool leading_space) {
  Changed changed;
  changed.fields = fields;
  for (const Modification& modification : modifications) {
    if (modification.code != code::change_header) {
      ++changed.other;
      continue;
    }
    int seen = 0;
    const int wanted = std::max(modification.instance, 1);  // Postfix and Sendmail take 0 as 1
    const auto field = std::find_if(changed.fields.begin(), changed.fields.end(), [&](const msgid::Field& candidate) {
      return msgid::same_name(candidate.name, modification.name) && ++seen == wanted;
    });
    const std::string body = (leading_space ? "" : " ") + modification.body;
    if (modification.body.empty()) {
      if (field != changed.fields.end()) changed.fields.erase(field);
      ++changed.deleted;
    } else if (field == changed.fields.end()) {
      changed.fields.push_back({modification.name, body, seen + 1});
      ++changed.appended;
    } else {
      field->name = modification.name;
      field->body = body;
    }
  }
  return changed;
}

Session::Session(const std::string& address, std::chrono::milliseconds deadline) : deadline_(deadline) {
  macros_[code::connect] = {{"j", "mx.example.com"}, {"{daemon_name}", "mx.example.com"}, {"v", "Postfix 3.7.11"}};
  macros_[code::mail] = {
      {"{mail_addr}", "sender@example.com"}, {"{mail_host}", "example.com"}, {"{mail_mailer}", "smtp"}};
  macros_[code::rcpt] = {
      {"{rcpt_addr}", "rcpt@example.com"}, {"{rcpt_host}", "example.com"}, {"{rcpt_mailer}", "smtp"}};
  const std::string_view view = address;
  if (view.starts_with("unix:"))
    connect_unix(address.substr(5));
  else if (view.starts_with("inet:"))
    connect_tcp(address.substr(5), AF_INET);
  else if (view.starts_with("inet6:"))
    connect_tcp(address.substr(6), AF_INET6);
  else
    throw std::invalid_argument("no such kind of address: " + address);
}

Session::Session(Session&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      deadline_(other.deadline_),
      terms_(other.terms_),
      macros_(std::move(other.macros_)),
      write_size_(std::move(other.write_size_)),
      body_(std::move(other.body_)),
      out_(std::move(other.out_)),
      in_(std::move(other.in_)),
      in_at_(other.in_at_) {}

Session::~Session() {
  hang_up();
}

void Session::connect_unix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) throw std::invalid_argument("path too long: " + path);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd_ < 0) fail("socket");
  timeval wait{};  // a full backlog makes connect() wait
  wait.tv_sec = std::max<time_t>(1, static_cast<time_t>(deadline_.count() / 1000));
  setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
  if (connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const int error = errno;
    hang_up();
    errno = error;
    fail("connect to " + path);
  }
}

void Session::connect_tcp(const std::string& port_at_host, int family) {
  const std::size_t at = port_at_host.find('@');
  if (at == port_at_host.npos) throw std::invalid_argument("no port@host: " + port_at_host);
  addrinfo hints{};
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (getaddrinfo(port_at_host.substr(at + 1).c_str(), port_at_host.substr(0, at).c_str(), &hints, &found) != 0)
    throw std::invalid_argument("not an address: " + port_at_host);
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> address(found, freeaddrinfo);
  fd_ = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd_ < 0) fail("socket");
  if (connect(fd_, address->ai_addr, address->ai_addrlen) != 0) {
    const int error = errno;
    hang_up();
    errno = error;
    fail("connect to " + port_at_host);
  }
}

Terms Session::negotiate(const Terms& offer) {
  put(code::negotiate, wire::number(offer.version) + wire::number(offer.actions) + wire::number(offer.protocol));
  const Packet answer = read_packet();
  if (answer.code != code::negotiate || answer.data.size() < 12)
    throw ProtocolError(std::string("the negotiation was answered with '") + answer.code + "'");
  const std::string_view data = answer.data;
  terms_ = {number(data), number(data.substr(4)), number(data.substr(8))};
  return terms_;
}

Session::Reply Session::connect_info(const std::string& host, const std::string& ip_address, std::uint16_t port) {
  std::string data;
  append_string(data, host);
  data.push_back(ip_address.find(':') == ip_address.npos ? '4' : '6');
  data.push_back(static_cast<char>(port >> 8));
  data.push_back(static_cast<char>(port));
  // "IPv6:" in front is what Sendmail and Postfix write.
  append_string(data, (ip_address.find(':') == ip_address.npos ? "" : "IPv6:") + ip_address);
  return step(code::connect, data, bit::no_connect, bit::nr_connect);
}

Session::Reply Session::connect_info_unknown(const std::string& host) {
  std::string data;
  append_string(data, host);
  data.push_back('U');
  return step(code::connect, data, bit::no_connect, bit::nr_connect);
}

Session::Reply Session::helo(const std::string& name) {
  std::string data;
  append_string(data, name);
  return step(code::helo, data, bit::no_helo, bit::nr_helo);
}

Session::Reply Session::mail(const std::string& sender) {
  std::string data;
  append_string(data, sender);
  return step(code::mail, data, bit::no_mail, bit::nr_mail);
}

Session::Reply Session::rcpt(const std::string& recipient) {
  std::string data;
  append_string(data, recipient);
  return step(code::rcpt, data, bit::no_rcpt, bit::nr_rcpt);
}

Session::Reply Session::data() {
  const bool is_step = terms_.version >= first_version_with_data;
  const Reply reply = is_step ? step(code::data, {}, bit::no_data, bit::nr_data) : Reply();
  flush_some();
  return reply;
}

Session::Reply Session::header(const std::string& name, const std::string& body) {
  const bool cut = (terms_.protocol & bit::leading_space) == 0 && body.starts_with(' ');
  std::string data;
  append_string(data, name);
  append_string(data, std::string_view(body).substr(cut ? 1 : 0));
  return step(code::header, data, bit::no_header, bit::nr_header);
}

Session::Reply Session::end_of_header() {
  return step(code::end_of_header, {}, bit::no_eoh, bit::nr_eoh);
}

void Session::body(std::string_view octets) {
  if ((terms_.protocol & bit::no_body) != 0) return;
  body_.append(octets);
  while (body_.size() >= body_chunk_octets) {
    step(code::body, std::string_view(body_).substr(0, body_chunk_octets), bit::no_body, bit::nr_body);
    body_.erase(0, body_chunk_octets);
  }
}

Session::Reply Session::body_chunk(std::string_view octets) {
  return step(code::body, octets, bit::no_body, bit::nr_body);
}

Session::Reply Session::unknown(const std::string& command) {
  if (terms_.version < first_version_with_unknown) return {};
  std::string data;
  append_string(data, command);
  return step(code::unknown, data, bit::no_unknown, bit::nr_unknown);
}

Outcome Session::end_of_message() {
  put_macros(code::end_of_message);
  put(code::end_of_message, std::exchange(body_, {}));
  Outcome outcome;
  for (int packets = 0; packets < most_modifications; ++packets) {
    const Packet packet = read_packet();
    if (packet.code == code::progress) continue;
    if (std::string_view("+-2behimql").find(packet.code) != std::string_view::npos) {
      outcome.modifications.push_back(read_modification(packet));
      continue;
    }
    outcome.verdict = packet.code;
    return outcome;
  }
  throw ProtocolError("no end of modifications");
}

void Session::abort() {
  body_.clear();
  put(code::abort, {});
  flush_some();
}

void Session::quit() {
  put(code::quit, {});
  flush();
}

void Session::quit_new_connection() {
  put(code::quit_new_connection, {});
  flush_some();
}

void Session::begin(const Message& message) {
  set_queue_id("");
  mail(message.sender);
  for (const std::string& recipient : message.recipients) rcpt(recipient);
  set_queue_id(message.queue_id);
  data();
  for (const msgid::Field& field : message.fields) header(field.name, field.body);
  end_of_header();
  body(message.body);
}

Outcome Session::send(const Message& message) {
  begin(message);
  return end_of_message();
}

void Session::do_not_delay() {
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void Session::set_write_size(WriteSize size) {
  write_size_ = std::move(size);
}

void Session::set_macros(char step, Macros macros) {
  macros_[step] = std::move(macros);
}

void Session::set_queue_id(const std::string& queue_id) {
  for (const char step : {code::data, code::header, code::end_of_header, code::body, code::end_of_message}) {
    Macros& macros = macros_[step];
    std::erase_if(macros, [](const auto& macro) { return macro.first == "i"; });
    if (!queue_id.empty()) macros.insert(macros.begin(), {"i", queue_id});
  }
}

Session::Reply Session::step(char code, std::string_view data, std::uint32_t no_bit, std::uint32_t nr_bit) {
  put_macros(code);
  if ((terms_.protocol & no_bit) != 0) return {};
  put(code, data);
  if ((terms_.protocol & nr_bit) != 0) return {};
  return read_reply();
}

void Session::put_macros(char step) {
  std::string data(1, step);
  for (const auto& [name, value] : macros_[step]) {
    append_string(data, name);
    append_string(data, value);
  }
  put(code::macro, data);
}

void Session::put(char code, std::string_view data) {
  out_.append(wire::packet(code, data));
  if (write_size_ || out_.size() >= buffer_octets) flush_some();
}

void Session::flush() {
  while (write_size_ && !out_.empty()) write_out(std::clamp<std::size_t>(write_size_(out_.size()), 1, out_.size()));
  write_out(out_.size());
}

// Where no answer is waited for.
void Session::flush_some() {
  if (!write_size_) return flush();
  while (!out_.empty()) {
    const std::size_t octets = write_size_(out_.size());
    if (octets == 0) return;
    write_out(std::min(octets, out_.size()));
  }
}

void Session::send_raw(std::string_view octets) {
  out_.append(octets);
  flush();
}

void Session::write_out(std::size_t octets) {
  const auto end = steady_clock::now() + deadline_;
  std::size_t sent = 0;
  while (sent < octets) {
    const ssize_t n = ::send(fd_, out_.data() + sent, octets - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0) {
      sent += static_cast<std::size_t>(n);
      continue;
    }
    if (errno != EAGAIN && errno != EINTR)
      throw ProtocolError(std::string("write to the filter: ") + std::strerror(errno));
    pollfd event{fd_, POLLOUT, 0};
    if (poll(&event, 1, remaining(end)) == 0) throw ProtocolError("the filter does not read");
  }
  out_.erase(0, octets);
}

void Session::send_packet(char code, std::string_view data) {
  put(code, data);
  flush();
}

void Session::send_packet_of_length(std::uint32_t length, char code, std::string_view data) {
  send_raw(wire::packet_of_length(length, code, data));
}

// Reads what is there; false at end of file. At least one octet is waited for.
bool Session::fill(steady_clock::time_point end) {
  for (;;) {
    std::array<char, 16384> buffer;
    const ssize_t n = recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n > 0) {
      in_.erase(0, in_at_);
      in_at_ = 0;
      in_.append(buffer.data(), static_cast<std::size_t>(n));
      return true;
    }
    if (n == 0 || errno == ECONNRESET) return false;
    if (errno != EAGAIN && errno != EINTR) fail("read from the filter");
    pollfd event{fd_, POLLIN, 0};
    if (poll(&event, 1, remaining(end)) == 0) throw ProtocolError("no answer within the deadline");
  }
}

Packet Session::read_packet() {
  flush();
  const auto end = steady_clock::now() + deadline_;
  const auto wait_for = [&](std::size_t octets) {
    while (in_.size() - in_at_ < octets)
      if (!fill(end)) throw ProtocolError("the filter hung up");
  };
  wait_for(4);
  const std::uint32_t length = number(std::string_view(in_).substr(in_at_));
  if (length < 1 || length > longest_packet)
    throw ProtocolError("a packet of " + std::to_string(length) + " octets from the filter");
  wait_for(4 + std::size_t{length});
  Packet packet{in_[in_at_ + 4], in_.substr(in_at_ + 5, length - 1)};
  in_at_ += 4 + std::size_t{length};
  return packet;
}

char Session::read_reply() {
  for (;;) {
    const Packet packet = read_packet();
    if (packet.code != code::progress) return packet.code;
  }
}

std::string Session::rest() {
  const auto end = steady_clock::now() + deadline_;
  while (fill(end)) {
  }
  in_.erase(0, in_at_);
  in_at_ = 0;
  return std::exchange(in_, {});
}

std::string Session::exchange(std::string_view octets) {
  out_.append(octets);
  const auto end = steady_clock::now() + deadline_;
  for (std::size_t sent = 0; sent < out_.size();) {
    const ssize_t n = ::send(fd_, out_.data() + sent, out_.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0) {
      sent += static_cast<std::size_t>(n);
      continue;
    }
    if (errno != EAGAIN && errno != EINTR) break;
    pollfd event{fd_, POLLOUT | POLLIN, 0};
    if (poll(&event, 1, remaining(end)) == 0) throw ProtocolError("the filter does not read");
    if ((event.revents & (POLLIN | POLLHUP)) != 0 && !fill(end)) break;
  }
  out_.clear();
  half_close();
  return rest();
}

void Session::half_close() {
  shutdown(fd_, SHUT_WR);
}

void Session::reset() {
  const linger at_once{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  hang_up();
}

void Session::hang_up() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

}  // namespace fake_mta
