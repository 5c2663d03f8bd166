#include "milter/transport.h"

#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <vector>

// What libmilter calls, and what it would have called.
extern "C" {
int __real_accept(int, sockaddr*, socklen_t*);
int __real_close(int);
int __real_poll(pollfd*, nfds_t, int);
ssize_t __real_read(int, void*, size_t);
ssize_t __real_writev(int, const iovec*, int);
int __wrap_accept(int, sockaddr*, socklen_t*);
int __wrap_close(int);
int __wrap_poll(pollfd*, nfds_t, int);
ssize_t __wrap_read(int, void*, size_t);
ssize_t __wrap_writev(int, const iovec*, int);
int __wrap_mi_start_session(SMFICTX*);
int __wrap_mi_pool_controller_init(void);
// libmilter's own, not in mfapi.h (engine.c of 8.17.1).
int mi_engine(SMFICTX*);
void mi_clr_ctx(SMFICTX*);
}

namespace milter::transport {

namespace {

/// More than this is shown to libmilter whether it wants an answer or not, and more is not kept of what goes out.
constexpr std::size_t max_octets = 256 * 1024;
constexpr std::size_t block_octets = 16 * 1024;
constexpr std::size_t length_octets = 4;
/// libmilter refuses what is longer (mfdef.h, MILTER_MAX_DATA_SIZE).
constexpr std::size_t max_packet_octets = 65535 + 1;

std::uint32_t number_at(const char* octets) {
  std::array<unsigned char, length_octets> bytes{};
  std::memcpy(bytes.data(), octets, bytes.size());
  return std::uint32_t{bytes[0]} << 24U | std::uint32_t{bytes[1]} << 16U | std::uint32_t{bytes[2]} << 8U | bytes[3];
}

/// One connection. Its calls come from the one thread that serves its session; made and unmade by the listener's and
/// that one.
class Channel {
 public:
  explicit Channel(int fd) : fd_(fd) {}

  /// Returns once there is something to be read, if only the end.
  void wait() {
    if (has_octets() || has_ended_) return;
    send_all();
    Scanned scanned;
    while (!has_ended_ && !scanned.is_to_be_shown && in_.size() < max_octets) {
      receive();
      scanned = scan(in_, scanned.octets, protocol_);
    }
  }

  ssize_t read(void* to, std::size_t size) {
    if (!has_octets()) wait();
    const std::size_t count = std::min(size, in_.size() - begin_);
    std::memcpy(to, in_.data() + begin_, count);
    begin_ += count;
    if (begin_ == in_.size()) {
      in_ = {};  // an idle session has no buffer
      begin_ = 0;
    }
    return static_cast<ssize_t>(count);
  }

  ssize_t write(const iovec* parts, int count) {
    const std::size_t before = out_.size();
    for (int i = 0; i < count; ++i) out_.append(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
    const std::size_t written = out_.size() - before;
    learn(std::string_view(out_).substr(before));
    if (out_.size() > max_octets) send_all();
    if (has_ended_) {
      errno = EPIPE;
      return -1;
    }
    return static_cast<ssize_t>(written);
  }

  void send_all() {
    std::size_t sent = 0;
    while (sent < out_.size() && !has_ended_) {
      const ssize_t count = ::send(fd_, out_.data() + sent, out_.size() - sent, MSG_NOSIGNAL);
      if (count > 0) sent += static_cast<std::size_t>(count);
      if (count <= 0 && errno != EINTR) has_ended_ = true;
    }
    out_ = {};
  }

 private:
  bool has_octets() const { return begin_ < in_.size(); }

  // Blocks for at most the session's timeout (SO_RCVTIMEO), which ends it like a connection that is closed.
  void receive() {
    const std::size_t size = in_.size();
    in_.resize(size + block_octets);
    const ssize_t count = ::recv(fd_, in_.data() + size, block_octets, 0);
    const int error = count < 0 ? errno : 0;
    in_.resize(size + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count == 0 || (error != 0 && error != EINTR)) has_ended_ = true;
  }

  /// The answer to SMFIC_OPTNEG says which steps are not answered: version, actions, protocol, each of four octets.
  void learn(std::string_view packet) {
    constexpr std::size_t protocol_at = length_octets + 1 + 8;
    if (packet.size() < protocol_at + 4 || packet[length_octets] != SMFIC_OPTNEG) return;
    protocol_ = number_at(packet.data() + protocol_at);
  }

  const int fd_;
  std::vector<char> in_;
  std::size_t begin_ = 0;
  std::string out_;
  unsigned long protocol_ = 0;
  bool has_ended_ = false;
};

/// The channels by descriptor. A descriptor that is none of ours has none.
class Channels {
 public:
  Channels() {
    rlimit limit = {};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    size_ = static_cast<std::size_t>(std::min<rlim_t>(limit.rlim_max, 1U << 20U));
    // Zero pages until they are used.
    slots_ = static_cast<std::atomic<Channel*>*>(std::calloc(size_, sizeof(std::atomic<Channel*>)));
    if (slots_ == nullptr) throw std::bad_alloc();
  }

  Channel* at(int fd) const {
    const auto index = static_cast<std::size_t>(fd);
    return index < size_ ? slots_[index].load(std::memory_order_acquire) : nullptr;
  }
  bool put(int fd, std::unique_ptr<Channel> channel) {
    const auto index = static_cast<std::size_t>(fd);
    if (index >= size_) return false;
    slots_[index].store(channel.release(), std::memory_order_release);
    return true;
  }
  std::unique_ptr<Channel> take(int fd) {
    const auto index = static_cast<std::size_t>(fd);
    return std::unique_ptr<Channel>(index < size_ ? slots_[index].exchange(nullptr, std::memory_order_acq_rel)
                                                  : nullptr);
  }

 private:
  std::size_t size_ = 0;
  std::atomic<Channel*>* slots_ = nullptr;
};

/// The threads that serve sessions, one at a time each.
class Servers {
 public:
  /// False where no thread is to be had.
  bool serve(SMFICTX* context) {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(context);
    if (waiting_.size() <= idle_) {
      wake_.notify_one();
      return true;
    }
    if (begin_thread()) return true;
    waiting_.pop_back();
    return false;
  }

 private:
  // Measured: a callback with 50 findings needs 40 KiB; the rest is for whatever a log library does.
  static constexpr std::size_t stack_octets = 512 * 1024;
  static constexpr std::chrono::seconds idle_time{30};

  bool begin_thread() {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, stack_octets);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_t thread;
    const int error = pthread_create(&thread, &attributes, &Servers::run, this);
    pthread_attr_destroy(&attributes);
    return error == 0;
  }

  static void* run(void* self) {
    static_cast<Servers*>(self)->work();
    return nullptr;
  }

  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      if (waiting_.empty()) {
        ++idle_;
        wake_.wait_for(lock, idle_time, [this] { return !waiting_.empty(); });
        --idle_;
        if (waiting_.empty()) return;
      }
      SMFICTX* const context = waiting_.front();
      waiting_.pop_front();
      lock.unlock();
      // 1 is MI_CONTINUE: nothing more to be read, which wait() lets happen never.
      while (mi_engine(context) == 1) continue;
      mi_clr_ctx(context);
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<SMFICTX*> waiting_;
  std::size_t idle_ = 0;
};

// Never freed: sessions are served until the process ends.
struct State {
  Channels channels;
  Servers servers;
  std::atomic<int> listener = -1;
  std::atomic<bool> has_ceased = false;
  std::atomic<bool> is_closed = false;
  int ceased = ::eventfd(0, EFD_CLOEXEC);
  Limits limits;
  std::atomic<std::size_t> open = 0;
  std::atomic<std::uint64_t> refused = 0;
};
State& state = *new State;

}  // namespace

bool is_linked() {
  return true;
}

void begin(int listener, Limits limits) {
  state.limits = limits;
  state.listener = listener;
}

std::uint64_t refused_connections() {
  return state.refused;
}

bool wants_answer(char command, unsigned long protocol) {
  switch (command) {
    case SMFIC_MACRO:
      return false;
    case SMFIC_CONNECT:
      return (protocol & SMFIP_NR_CONN) == 0;
    case SMFIC_HELO:
      return (protocol & SMFIP_NR_HELO) == 0;
    case SMFIC_MAIL:
      return (protocol & SMFIP_NR_MAIL) == 0;
    case SMFIC_RCPT:
      return (protocol & SMFIP_NR_RCPT) == 0;
    case SMFIC_DATA:
      return (protocol & SMFIP_NR_DATA) == 0;
    case SMFIC_HEADER:
      return (protocol & SMFIP_NR_HDR) == 0;
    case SMFIC_EOH:
      return (protocol & SMFIP_NR_EOH) == 0;
    case SMFIC_BODY:
      return (protocol & SMFIP_NR_BODY) == 0;
    case SMFIC_UNKNOWN:
      return (protocol & SMFIP_NR_UNKN) == 0;
    default:
      // The end of a message, the negotiation, what ends something, and what nobody knows.
      return true;
  }
}

Scanned scan(std::span<const char> octets, std::size_t begin, unsigned long protocol) {
  Scanned scanned = {false, begin};
  while (octets.size() - scanned.octets > length_octets) {
    const char* const packet = octets.data() + scanned.octets;
    const std::size_t size = number_at(packet);
    if (size == 0 || size > max_packet_octets) return {true, scanned.octets};
    if (octets.size() - scanned.octets - length_octets < size) break;
    if (wants_answer(packet[length_octets], protocol)) return {true, scanned.octets};
    scanned.octets += length_octets + size;
  }
  return scanned;
}

void cease_to_accept() {
  state.has_ceased = true;
  ::eventfd_write(state.ceased, 1);
  // libmilter's thread does it, between two connections.
  constexpr int patience = 500;  // ms
  for (int i = 0; i < patience && !state.is_closed; ++i) ::usleep(1000);
}

namespace {

// A listener that is closed makes libmilter end all sessions. So its thread stays here, with nothing to come.
[[noreturn]] void stay(int listener) {
  __real_close(listener);
  state.is_closed = true;
  for (;;) ::pause();
}

int poll_listener(pollfd* listener, int timeout) {
  std::array<pollfd, 2> polled = {*listener, {state.ceased, POLLIN, 0}};
  const bool is_ending = state.has_ceased;
  const int count = __real_poll(polled.data(), is_ending ? 1 : 2, is_ending ? 0 : timeout);
  listener->revents = polled[0].revents;
  // Who waits is served before the end.
  if (state.has_ceased && polled[0].revents == 0) stay(listener->fd);
  return count < 0 ? count : polled[0].revents != 0 ? 1 : 0;
}

/// What is accepted begins as ours. False: it is to be closed.
bool adopt(int fd) {
  if (state.open >= state.limits.sessions) return false;
  const timeval timeout = {static_cast<time_t>(state.limits.timeout.count()), 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // fails on a UNIX socket, which needs none
  try {
    if (!state.channels.put(fd, std::make_unique<Channel>(fd))) return false;
  } catch (const std::bad_alloc&) {
    return false;
  }
  ++state.open;
  return true;
}

void refuse(int fd) {
  ++state.refused;
  __real_close(fd);
}

}  // namespace

}  // namespace milter::transport

using milter::transport::Channel;
using milter::transport::state;

int __wrap_accept(int listener, sockaddr* address, socklen_t* size) {
  const int fd = __real_accept(listener, address, size);
  if (fd < 0 || milter::transport::adopt(fd)) return fd;
  milter::transport::refuse(fd);
  errno = EAGAIN;  // libmilter goes on
  return -1;
}

int __wrap_close(int fd) {
  if (const std::unique_ptr<Channel> channel = state.channels.take(fd)) {
    channel->send_all();
    --state.open;
  }
  return __real_close(fd);
}

int __wrap_poll(pollfd* polled, nfds_t count, int timeout) {
  if (count != 1) return __real_poll(polled, count, timeout);
  if (polled->fd == state.listener) return milter::transport::poll_listener(polled, timeout);
  Channel* const channel = state.channels.at(polled->fd);
  if (channel == nullptr) return __real_poll(polled, count, timeout);
  polled->revents = polled->events & static_cast<short>(POLLIN | POLLOUT);
  if ((polled->events & POLLIN) != 0) channel->wait();
  return 1;
}

ssize_t __wrap_read(int fd, void* to, size_t size) {
  Channel* const channel = state.channels.at(fd);
  return channel == nullptr ? __real_read(fd, to, size) : channel->read(to, size);
}

ssize_t __wrap_writev(int fd, const iovec* parts, int count) {
  Channel* const channel = state.channels.at(fd);
  return channel == nullptr ? __real_writev(fd, parts, count) : channel->write(parts, count);
}

int __wrap_mi_start_session(SMFICTX* context) {
  if (state.servers.serve(context)) return MI_SUCCESS;
  // libmilter would give up after a few of these. The connection is closed instead, as one over max-sessions.
  ++state.refused;
  mi_clr_ctx(context);
  return MI_SUCCESS;
}

int __wrap_mi_pool_controller_init(void) {
  return MI_SUCCESS;  // there is no pool
}
