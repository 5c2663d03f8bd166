#include "milter/transport.h"

// libmilter 8.17.1 polls and reads twice for each packet, and Postfix 3.7.11 sends two packets a field. Debian's build
// (8.17.1.9-2+deb12u2, with _FFR_WORKERS_POOL) hands sessions about in a pool of threads whose controller polls all of
// them at each event. So a message of 22 fields costs 250 to 280 system calls and 130 to 205 us of CPU before a filter
// has done anything, 350 us at the pace of real SMTP, 2150 us beside 2000 idle sessions; busy sessions wait for
// seconds. With what is below it is 3 calls a message in a long session, and a sixth of the CPU; the page
// packaging/doc/figures.md has the figures beside others', and tests/bench/run measures them.
//
// packet.h takes packets away that libmilter would make nothing of, nearly all fields among them. That is the other
// thing to be read again for a new libmilter: in engine.c st_macros() does nothing for a field, and a field behind a
// field changes nothing but by its callback.
//
// Read against libmilter of sendmail 8.17.1 (comm.c, engine.c, listener.c, worker.c), 2026-11-22. 8.18.1 and 8.18.2
// differ from it in preprocessor words and white space only. cmake/StaticLibmilter.cmake takes no other. One without
// the pool makes a thread for each session itself, and calls neither mi_start_session() nor mi_pool_controller_init().
// The rest holds for it, but not that a thread that cannot be made is like max-sessions: its listener sleeps for
// seconds then, and ends after 16 in a row.

#include <fcntl.h>
#include <libmilter/mfapi.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <new>
#include <optional>
#include <system_error>
#include <utility>

#include "milter/channel.h"
#include "milter/session_threads.h"

// What libmilter calls, and what it would have called. The _chk forms are those of a library built with
// _FORTIFY_SOURCE, where the compiler knew the size of the buffer.
extern "C" {
int __real_bind(int, const sockaddr*, socklen_t);
int __real_listen(int, int);
int __real_close(int);
int __real_poll(pollfd*, nfds_t, int);
ssize_t __real_read(int, void*, size_t);
ssize_t __real_writev(int, const iovec*, int);
int __wrap_accept(int, sockaddr*, socklen_t*);
int __wrap_bind(int, const sockaddr*, socklen_t);
int __wrap_close(int);
int __wrap_listen(int, int);
int __wrap_poll(pollfd*, nfds_t, int);
int __wrap___poll_chk(pollfd*, nfds_t, int, size_t);
ssize_t __wrap_read(int, void*, size_t);
ssize_t __wrap___read_chk(int, void*, size_t, size_t);
ssize_t __wrap_writev(int, const iovec*, int);
int __wrap_mi_start_session(SMFICTX*);
int __wrap_mi_pool_controller_init(void);
// libmilter's own, not in mfapi.h.
void mi_clr_ctx(SMFICTX*);
}

namespace milter::transport {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// The channels by descriptor. A descriptor that is none of ours has none.
class Channels {
 public:
  Channels() {
    rlimit limit = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
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
    if (at(fd) == nullptr) return nullptr;
    return std::unique_ptr<Channel>(slots_[static_cast<std::size_t>(fd)].exchange(nullptr, std::memory_order_acq_rel));
  }

 private:
  std::size_t size_ = 0;
  std::atomic<Channel*>* slots_ = nullptr;
};

struct State {
  State(const Terms& wanted, const std::vector<int>& sockets)
      : terms(wanted), max_sessions(wanted.max_sessions), handed_over(sockets) {}

  const Terms terms;
  std::atomic<std::size_t> max_sessions;
  std::atomic<std::size_t> sessions = 0;
  Channels channels;
  SessionThreads threads;

  std::atomic<int> listener = -1;  ///< as libmilter knows it

  // Of libmilter's listening thread, once that is there.
  const std::vector<int> handed_over;  ///< systemd's sockets
  sa_family_t family = AF_UNIX;        ///< that libmilter expects of an address
  std::vector<pollfd> polled;          ///< what is served, and `wake` as the last
  std::size_t turn = 0;                ///< of the socket that is asked first
  unsigned failed_in_a_row = 0;        ///< connections that failed before they were accepted
  steady_clock::time_point accept_until = steady_clock::time_point::max();

  int wake = ::eventfd(0, EFD_CLOEXEC);  ///< readable: accepting is to cease
  std::atomic<bool> is_to_cease = false;
  std::atomic<bool> has_ceased = false;
};

/// Null until prepare(). Never freed: sessions are served until the process ends.
State* state = nullptr;

/// For a stop, those who have connected are served. At a TCP port there is no end of them.
constexpr milliseconds last_accepts{100};

/// How long nothing is accepted when there are no descriptors. Ten tries a second cost nothing.
constexpr milliseconds pause_time{100};

/// A connection that failed is gone, and the next one is accepted at once. After this many in a row each pauses all the
/// same: the kernel may keep the connection (EPERM by a security module), and accepting would take a processor.
constexpr unsigned most_failed_in_a_row = 16;

}  // namespace

bool is_linked() {
  return true;
}

void prepare(const Terms& terms, const std::vector<int>& sockets) {
  state = new State(terms, sockets);
  if (state->wake < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

int begin() {
  if (state->listener < 0) return -1;
  std::vector<int> served = state->handed_over;
  if (served.empty()) {
    served = {state->listener};
    sockaddr_storage address = {};
    socklen_t size = sizeof address;
    ::getsockname(state->listener, reinterpret_cast<sockaddr*>(&address), &size);
    state->family = address.ss_family;
  }
  for (const int descriptor : served) {
    // A connection can be gone between poll() and accept(); that must not block the others.
    ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) | O_NONBLOCK);
    state->polled.push_back({descriptor, POLLIN, 0});
  }
  state->polled.push_back({state->wake, POLLIN, 0});
  return state->listener;
}

void limit_sessions(std::size_t max_sessions) {
  state->max_sessions = max_sessions;
}

void cease_to_accept() {
  state->is_to_cease = true;
  ::eventfd_write(state->wake, 1);
  // libmilter's thread does it, between two connections, once it gets a processor.
  constexpr std::chrono::seconds patience{5};
  const steady_clock::time_point end = steady_clock::now() + patience;
  while (!state->has_ceased && steady_clock::now() < end) ::usleep(1000);
}

std::size_t connections() {
  return state->sessions;
}

namespace {

// A listener that is closed makes libmilter end all sessions. So its thread stays here, with nothing to come.
[[noreturn]] void stay() {
  // The number can be another file's from now on.
  const int listener = state->listener.exchange(-1);
  if (state->handed_over.empty()) __real_close(listener);
  state->has_ceased = true;
  for (;;) ::pause();
}

/// How many sockets have a connection to accept, once one has or the time is over; -1 and errno.
int poll_sockets(int timeout) {
  std::vector<pollfd>& polled = state->polled;
  if (state->is_to_cease) {
    // Who waits in a socket of our own is served before its end.
    const steady_clock::time_point now = steady_clock::now();
    state->accept_until = std::min(state->accept_until, now + last_accepts);
    if (!state->handed_over.empty() || now >= state->accept_until) stay();
    timeout = 0;
  }
  const int count = __real_poll(polled.data(), polled.size(), timeout);
  if (count <= 0) return count;
  const int ready = count - (polled.back().revents != 0 ? 1 : 0);
  if (state->is_to_cease && ready == 0) stay();
  return ready;
}

/// The next socket in turn that has a connection, so that none waits for another that is busy.
int next_ready() {
  const std::size_t count = state->polled.size() - 1;
  for (std::size_t i = 0; i < count; ++i) {
    const pollfd& socket = state->polled[(state->turn + i) % count];
    if (socket.revents == 0) continue;
    state->turn = (state->turn + i + 1) % count;
    return socket.fd;
  }
  return state->polled.front().fd;
}

bool is_shortage(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/// Whether an error is one connection's and not the socket's (accept(2)). libmilter would end after 16 of these in a
/// row, but for ECONNABORTED.
bool is_of_connection(int error) {
  constexpr std::array errors = {ECONNABORTED, EPERM,    EPROTO,      ENOPROTOOPT, EHOSTDOWN, EHOSTUNREACH,
                                 ENONET,       ENETDOWN, ENETUNREACH, EOPNOTSUPP,  ETIMEDOUT, EIO};
  return std::find(errors.begin(), errors.end(), error) != errors.end();
}

/// libmilter's next step is to allocate a few hundred octets in this thread. After 16 failures in a row it ends.
bool has_memory() {
  void* volatile const probe = std::malloc(4096);
  std::free(probe);
  return probe != nullptr;
}

/// What was accepted begins as ours; or why it is to be closed.
std::optional<Shortage> adopt(int fd) {
  if (state->sessions >= state->max_sessions) return Shortage::sessions;
  auto channel = std::unique_ptr<Channel>(new (std::nothrow) Channel(fd, state->terms.timeout, state->terms.asks_for));
  if (channel == nullptr || !has_memory() || !state->channels.put(fd, std::move(channel))) return Shortage::threads;
  ++state->sessions;
  return std::nullopt;
}

void tell(Shortage shortage) {
  if (state->terms.on_shortage) state->terms.on_shortage(shortage);
}

/// Nothing is accepted for a while, but for a stop.
void pause_accepting() {
  pollfd wake = {state->wake, POLLIN, 0};
  __real_poll(&wake, 1, static_cast<int>(pause_time.count()));
}

/// -1 and errno as of accept(2): libmilter goes on over EAGAIN, at once.
int accept_next() {
  const int fd = ::accept4(next_ready(), nullptr, nullptr, SOCK_CLOEXEC);
  if (fd >= 0) {
    state->failed_in_a_row = 0;
    const std::optional<Shortage> shortage = adopt(fd);
    if (!shortage) return fd;
    __real_close(fd);
    tell(*shortage);
    errno = EAGAIN;
    return -1;
  }
  const int error = errno;
  if (is_of_connection(error)) {
    tell(Shortage::connection);
    if (++state->failed_in_a_row >= most_failed_in_a_row && !state->is_to_cease) pause_accepting();
    errno = EAGAIN;
    return -1;
  }
  if (is_shortage(error) && !state->is_to_cease) {
    tell(Shortage::descriptors);
    pause_accepting();
  }
  errno = is_shortage(error) ? EAGAIN : error;
  return -1;
}

Channel* channel_at(int fd) {
  return state == nullptr ? nullptr : state->channels.at(fd);
}

}  // namespace

}  // namespace milter::transport

using milter::Channel;
using milter::transport::channel_at;
using milter::transport::state;

// listener.c expects a connection, or -1 with an error that it knows, and the family of its own address in `address`;
// it looks at nothing else there.
int __wrap_accept(int listener, sockaddr* address, socklen_t* size) {
  if (state == nullptr || listener != state->listener) return ::accept4(listener, address, size, 0);
  address->sa_family = state->family;
  return milter::transport::accept_next();
}

// listener.c calls this for its one socket, after prepare() and before all others. Where there are others to be served,
// one of them takes its descriptor.
int __wrap_bind(int fd, const sockaddr* address, socklen_t size) {
  if (state == nullptr || state->listener >= 0) return __real_bind(fd, address, size);
  const int result = state->handed_over.empty()                                ? __real_bind(fd, address, size)
                     : ::dup3(state->handed_over.front(), fd, O_CLOEXEC) == fd ? 0
                                                                               : -1;
  if (result == 0) state->listener = fd;
  return result;
}

// listener.c calls this next. systemd's socket has its backlog already.
int __wrap_listen(int fd, int backlog) {
  const bool is_handed_over = state != nullptr && fd == state->listener && !state->handed_over.empty();
  return is_handed_over ? 0 : __real_listen(fd, backlog);
}

// mi_clr_ctx() calls this at the end of a session, and the listener where it gives a connection up.
int __wrap_close(int fd) {
  if (state != nullptr) {
    if (const std::unique_ptr<Channel> channel = state->channels.take(fd)) {
      channel->flush();
      --state->sessions;
    }
  }
  return __real_close(fd);
}

// comm.c and engine.c ask with one descriptor whether a session's can be read or written, listener.c whether its own
// has a connection. 0 would be a timeout, after which a session ends: Channel says that by its end.
int __wrap_poll(pollfd* polled, nfds_t count, int timeout) {
  if (count != 1 || state == nullptr) return __real_poll(polled, count, timeout);
  if (polled->fd == state->listener) {
    const int ready = milter::transport::poll_sockets(timeout);
    polled->revents = ready > 0 ? POLLIN : 0;
    return std::min(ready, 1);
  }
  Channel* const channel = channel_at(polled->fd);
  if (channel == nullptr) return __real_poll(polled, count, timeout);
  polled->revents = polled->events & static_cast<short>(POLLIN | POLLOUT);
  if ((polled->events & POLLIN) != 0) channel->wait();
  return 1;
}

int __wrap___poll_chk(pollfd* polled, nfds_t count, int timeout, size_t room) {
  if (room / sizeof *polled < count) std::abort();
  return __wrap_poll(polled, count, timeout);
}

// comm.c expects read(2) of a stream: any number of octets up to `size`, 0 at its end.
ssize_t __wrap_read(int fd, void* to, size_t size) {
  Channel* const channel = channel_at(fd);
  return channel == nullptr ? __real_read(fd, to, size)
                            : static_cast<ssize_t>(channel->read(static_cast<char*>(to), size));
}

ssize_t __wrap___read_chk(int fd, void* to, size_t size, size_t room) {
  if (size > room) std::abort();
  return __wrap_read(fd, to, size);
}

// comm.c calls this once for each packet.
ssize_t __wrap_writev(int fd, const iovec* parts, int count) {
  Channel* const channel = channel_at(fd);
  return channel == nullptr ? __real_writev(fd, parts, count)
                            : channel->write({parts, static_cast<std::size_t>(count)});
}

// listener.c hands a session over. An error would make it sleep for seconds, and end after 16 in a row; the connection
// is closed instead, as one over max-sessions is.
int __wrap_mi_start_session(SMFICTX* context) {
  if (state->threads.serve(context)) return MI_SUCCESS;
  mi_clr_ctx(context);
  milter::transport::tell(milter::transport::Shortage::threads);
  return MI_SUCCESS;
}

// listener.c has the pool made at its start. There is none.
int __wrap_mi_pool_controller_init(void) {
  return MI_SUCCESS;
}
