#include "milter/transport.h"

// libmilter 8.17.1 polls and reads twice for each packet, and Postfix 3.7.11 sends two packets a field. Debian's build
// (8.17.1.9-2+deb12u2, with _FFR_WORKERS_POOL) hands sessions about in a pool of threads whose controller polls all of
// them at each event. So a message of 22 fields costs 250 to 280 system calls and 130 to 205 us of CPU before a filter
// has done anything, 350 us at the pace of real SMTP, 2150 us beside 2000 idle sessions; busy sessions wait for
// seconds. With what is below it is 3 calls a message in a long session, and a sixth of the CPU; the page
// packaging/doc/figures.md has the figures beside others', and tests/bench/run measures them.
//
// What rests on libmilter's sources (8.17.1, 2026-11-22; 8.18.1 and 8.18.2 differ from it in preprocessor words and
// white space only), and not on its manual or on the milter protocol:
// - for a connection the listener asks for a thread (listener.c), or a pool wakes one of its own that is idle, with
//   pthread_cond_signal() (worker.c). The pool made those threads before, with a null argument; what they run takes the
//   first session that is ready, and returns when there is none and two others are idle;
// - the listener looks at the family of an accepted address, and at nothing else of it (listener.c);
// - a session asks with one descriptor whether it can read or write, reads by read(), and writes a packet by one
//   writev() (comm.c); between two packets it is where a session can wait for long;
// - a pool's own thread ends a session, and closes its descriptor, with the lock of the pool (worker.c);
// - how a length is read, and how long a packet may be (comm.c): packet.h;
// - macros without a value make smfi_getsymval() read beyond a list (smfi.c): packet.h.

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/select.h>
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

// What libmilter calls. The names are for the linker alone: the C library's headers define some of these inline
// (_FORTIFY_SOURCE), and declare others with words of their own. The _chk forms are for a library that was built with
// _FORTIFY_SOURCE, where the compiler knew the size of the buffer.
#define TAKES(name) __asm__(#name) __attribute__((visibility("default"), used))
extern "C" {
int taken_accept(int, sockaddr*, socklen_t*) TAKES(accept);
int taken_bind(int, const sockaddr*, socklen_t) TAKES(bind);
int taken_close(int) TAKES(close);
int taken_listen(int, int) TAKES(listen);
int taken_poll(pollfd*, nfds_t, int) TAKES(poll);
int taken_poll_chk(pollfd*, nfds_t, int, size_t) TAKES(__poll_chk);
int taken_pthread_cond_signal(pthread_cond_t*) TAKES(pthread_cond_signal);
int taken_pthread_create(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*) TAKES(pthread_create);
int taken_pthread_detach(pthread_t) TAKES(pthread_detach);
ssize_t taken_read(int, void*, size_t) TAKES(read);
ssize_t taken_read_chk(int, void*, size_t, size_t) TAKES(__read_chk);
int taken_select(int, fd_set*, fd_set*, fd_set*, void*) TAKES(select);
int taken_select64(int, fd_set*, fd_set*, fd_set*, void*) TAKES(__select64);  // 32 bits, with times of 64
ssize_t taken_write(int, const void*, size_t) TAKES(write);
ssize_t taken_writev(int, const iovec*, int) TAKES(writev);
}

namespace next {

/// The next definition of a function after ours: the C library's, or a sanitizer's.
template <typename Function>
class Call;
template <typename Result, typename... Arguments>
class Call<Result(Arguments...)> {
 public:
  /// `version`: where glibc has an older version of the function too, which dlsym() finds before glibc 2.36.
  constexpr explicit Call(const char* name, const char* version = nullptr) : name_(name), version_(version) {}

  Result operator()(Arguments... arguments) const {
    Function* function = function_.load(std::memory_order_relaxed);
    if (function == nullptr) {
      void* found = version_ == nullptr ? nullptr : ::dlvsym(RTLD_NEXT, name_, version_);
      if (found == nullptr) found = ::dlsym(RTLD_NEXT, name_);
      function = reinterpret_cast<Function*>(found);
      function_.store(function, std::memory_order_relaxed);
    }
    return function(arguments...);
  }

 private:
  using Function = Result(Arguments...);
  const char* name_;
  const char* version_;
  mutable std::atomic<Function*> function_ = nullptr;
};

// Looked up at the first call, which can come from a library before main().
constinit const Call<int(int, sockaddr*, socklen_t*)> accept("accept");
constinit const Call<int(int, const sockaddr*, socklen_t)> bind("bind");
constinit const Call<int(int)> close("close");
constinit const Call<int(int, int)> listen("listen");
constinit const Call<int(pollfd*, nfds_t, int)> poll("poll");
constinit const Call<int(pthread_cond_t*)> pthread_cond_signal("pthread_cond_signal", "GLIBC_2.3.2");
constinit const Call<int(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*)> pthread_create("pthread_create");
constinit const Call<int(pthread_t)> pthread_detach("pthread_detach");
constinit const Call<ssize_t(int, void*, size_t)> read("read");
using Select = Call<int(int, fd_set*, fd_set*, fd_set*, void*)>;
constinit const Select select("select");
constinit const Select select64("__select64");
constinit const Call<ssize_t(int, const void*, size_t)> write("write");
constinit const Call<ssize_t(int, const iovec*, int)> writev("writev");

}  // namespace next

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
  /// There must be one.
  std::unique_ptr<Channel> take(int fd) {
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
  std::atomic<bool> has_listened = false;

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
std::atomic<State*> the_state = nullptr;

/// The calling thread is the one in which libmilter accepts.
thread_local bool is_listening = false;

/// What the threads of libmilter's pool run, if it has one: in the thread that made them, which accepts later.
thread_local void* (*pool_routine)(void*) = nullptr;
/// By which the pool wakes them, once it has.
thread_local const pthread_cond_t* pool_condition = nullptr;

/// How long libmilter waits for a connection before it looks whether it is to stop.
constexpr milliseconds listening_time{5000};

/// For a stop, those who have connected are served. At a TCP port there is no end of them.
constexpr milliseconds last_accepts{100};

/// How long nothing is accepted when there are no descriptors. Ten tries a second cost nothing.
constexpr milliseconds pause_time{100};

/// A connection that failed is gone, and the next one is accepted at once. After this many in a row each pauses all the
/// same: the kernel may keep the connection (EPERM by a security module), and accepting would take a processor.
constexpr unsigned most_failed_in_a_row = 16;

}  // namespace

bool is_on() {
  return the_state != nullptr;
}

void prepare(const Terms& terms, const std::vector<int>& sockets) {
  State* const state = new State(terms, sockets);
  if (state->wake < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  the_state = state;
}

int begin() {
  State* const state = the_state;
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
  the_state.load()->max_sessions = max_sessions;
}

void cease_to_accept() {
  State* const state = the_state;
  state->is_to_cease = true;
  ::eventfd_write(state->wake, 1);
  // libmilter's thread does it, between two connections, once it gets a processor.
  constexpr std::chrono::seconds patience{5};
  const steady_clock::time_point end = steady_clock::now() + patience;
  while (!state->has_ceased && steady_clock::now() < end) ::usleep(1000);
}

std::size_t connections() {
  return the_state.load()->sessions;
}

namespace {

// A listener that is closed makes libmilter end all sessions. So its thread stays here, with nothing to come.
[[noreturn]] void stay(State& state) {
  // The number can be another file's from now on.
  const int listener = state.listener.exchange(-1);
  if (state.handed_over.empty()) next::close(listener);
  state.has_ceased = true;
  for (;;) ::pause();
}

/// How many sockets have a connection to accept, once one has or the time is over; -1 and errno.
int poll_sockets(State& state, int timeout) {
  is_listening = true;
  std::vector<pollfd>& polled = state.polled;
  if (state.is_to_cease) {
    // Who waits in a socket of our own is served before its end.
    const steady_clock::time_point now = steady_clock::now();
    state.accept_until = std::min(state.accept_until, now + last_accepts);
    if (!state.handed_over.empty() || now >= state.accept_until) stay(state);
    timeout = 0;
  }
  const int count = next::poll(polled.data(), polled.size(), timeout);
  if (count <= 0) return count;
  const int ready = count - (polled.back().revents != 0 ? 1 : 0);
  if (state.is_to_cease && ready == 0) stay(state);
  return ready;
}

/// The next socket in turn that has a connection, so that none waits for another that is busy.
int next_ready(State& state) {
  const std::size_t count = state.polled.size() - 1;
  for (std::size_t i = 0; i < count; ++i) {
    const pollfd& socket = state.polled[(state.turn + i) % count];
    if (socket.revents == 0) continue;
    state.turn = (state.turn + i + 1) % count;
    return socket.fd;
  }
  return state.polled.front().fd;
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
std::optional<Shortage> adopt(State& state, int fd) {
  if (state.sessions >= state.max_sessions || fd >= state.terms.descriptors) return Shortage::sessions;
  if (!state.threads.reserve()) return Shortage::threads;
  auto channel = std::unique_ptr<Channel>(new (std::nothrow) Channel(fd, state.terms.timeout, state.terms.asks_for));
  if (channel == nullptr || !has_memory() || !state.channels.put(fd, std::move(channel))) return Shortage::threads;
  ++state.sessions;
  return std::nullopt;
}

void tell(const State& state, Shortage shortage) {
  if (state.terms.on_shortage) state.terms.on_shortage(shortage);
}

/// Nothing is accepted for a while, but for a stop.
void pause_accepting(const State& state) {
  pollfd wake = {state.wake, POLLIN, 0};
  next::poll(&wake, 1, static_cast<int>(pause_time.count()));
}

/// -1 and errno as of accept(2): libmilter goes on over EAGAIN, at once.
int accept_next(State& state) {
  const int fd = ::accept4(next_ready(state), nullptr, nullptr, SOCK_CLOEXEC);
  if (fd >= 0) {
    state.failed_in_a_row = 0;
    const std::optional<Shortage> shortage = adopt(state, fd);
    if (!shortage) return fd;
    next::close(fd);
    tell(state, *shortage);
    errno = EAGAIN;
    return -1;
  }
  const int error = errno;
  if (is_of_connection(error)) {
    tell(state, Shortage::connection);
    if (++state.failed_in_a_row >= most_failed_in_a_row && !state.is_to_cease) pause_accepting(state);
    errno = EAGAIN;
    return -1;
  }
  if (is_shortage(error) && !state.is_to_cease) {
    tell(state, Shortage::descriptors);
    pause_accepting(state);
  }
  errno = is_shortage(error) ? EAGAIN : error;
  return -1;
}

Channel* channel_at(int fd) {
  const State* const state = the_state;
  return state == nullptr ? nullptr : state->channels.at(fd);
}

/// Whether the object is one of libmilter's own, and not of a library that it calls.
bool is_of_libmilter(const void* object) {
  Dl_info its = {};
  Dl_info libmilter = {};
  return ::dladdr(object, &its) != 0 && ::dladdr(::dlsym(RTLD_DEFAULT, "smfi_main"), &libmilter) != 0 &&
         its.dli_fbase == libmilter.dli_fbase;
}

/// Whether libmilter's pool wakes a thread for the connection that it was given.
bool wakes_pool(const pthread_cond_t* condition) {
  if (!is_listening || pool_routine == nullptr) return false;
  if (pool_condition == nullptr && is_of_libmilter(condition)) pool_condition = condition;
  return condition == pool_condition;
}

bool is_listener(const State* state, int fd) {
  return state != nullptr && fd >= 0 && fd == state->listener;
}

bool is_in(const fd_set* set, int fd) {
  return set != nullptr && FD_ISSET(fd, set);
}

/// select(2), which libmilter calls with one descriptor, the highest.
int select_one(const next::Select& next, int count, fd_set* readable, fd_set* writable, fd_set* broken, void* time) {
  State* const state = the_state;
  const int fd = count - 1;
  const bool is_asked = fd >= 0 && fd < FD_SETSIZE && (is_in(readable, fd) || is_in(writable, fd));
  int ready = 1;
  if (is_asked && is_listener(state, fd)) {
    ready = poll_sockets(*state, static_cast<int>(listening_time.count()));
    if (ready <= 0) FD_CLR(fd, readable);
  } else if (Channel* const channel = is_asked ? channel_at(fd) : nullptr) {
    if (readable != nullptr) channel->wait();
  } else {
    return next(count, readable, writable, broken, time);
  }
  if (broken != nullptr) FD_CLR(fd, broken);
  return std::min(ready, 1);
}

}  // namespace

}  // namespace milter::transport

using milter::Channel;
using milter::transport::channel_at;
using milter::transport::is_listener;
using milter::transport::State;
using milter::transport::the_state;

// listener.c expects a connection, or -1 with an error that it knows, and the family of its own address in `address`;
// it looks at nothing else there.
int taken_accept(int listener, sockaddr* address, socklen_t* size) {
  State* const state = the_state;
  if (!is_listener(state, listener)) return next::accept(listener, address, size);
  address->sa_family = state->family;
  return milter::transport::accept_next(*state);
}

// listener.c calls this for its one socket, after prepare(). Where systemd has handed sockets over, one of them takes
// the descriptor. Else libmilter may look up a host name first, and modules of the C library that do so bind sockets
// too.
int taken_bind(int fd, const sockaddr* address, socklen_t size) {
  State* const state = the_state;
  if (state == nullptr || state->handed_over.empty() || state->has_listened) return next::bind(fd, address, size);
  return ::dup3(state->handed_over.front(), fd, O_CLOEXEC) == fd ? 0 : -1;
}

// listener.c calls this next, and is the first to call it after prepare(). systemd's socket has its backlog already.
int taken_listen(int fd, int backlog) {
  State* const state = the_state;
  if (state == nullptr || state->has_listened) return next::listen(fd, backlog);
  const int result = state->handed_over.empty() ? next::listen(fd, backlog) : 0;
  if (result == 0) {
    state->listener = fd;
    state->has_listened = true;
  }
  return result;
}

// A session ends, or the listener gives a connection up. A pool has its lock at that moment, so nothing waits for the
// MTA here: what it was told before it has taken already, since the session has waited for it again.
int taken_close(int fd) {
  if (channel_at(fd) != nullptr) {
    State* const state = the_state;
    state->channels.take(fd)->flush(Channel::Wait::no);
    --state->sessions;
  }
  return next::close(fd);
}

// comm.c and engine.c ask with one descriptor whether a session's can be read or written, listener.c whether its own
// has a connection. 0 would be a timeout, after which a session ends: Channel says that by its end.
int taken_poll(pollfd* polled, nfds_t count, int timeout) {
  State* const state = the_state;
  if (count != 1 || state == nullptr) return next::poll(polled, count, timeout);
  if (is_listener(state, polled->fd)) {
    const int ready = milter::transport::poll_sockets(*state, timeout);
    polled->revents = ready > 0 ? POLLIN : 0;
    return std::min(ready, 1);
  }
  Channel* const channel = channel_at(polled->fd);
  if (channel == nullptr) return next::poll(polled, count, timeout);
  polled->revents = polled->events & static_cast<short>(POLLIN | POLLOUT);
  if ((polled->events & POLLIN) != 0) channel->wait();
  return 1;
}

int taken_poll_chk(pollfd* polled, nfds_t count, int timeout, size_t room) {
  if (room / sizeof *polled < count) std::abort();
  return taken_poll(polled, count, timeout);
}

int taken_select(int count, fd_set* readable, fd_set* writable, fd_set* broken, void* time) {
  return milter::transport::select_one(next::select, count, readable, writable, broken, time);
}

int taken_select64(int count, fd_set* readable, fd_set* writable, fd_set* broken, void* time) {
  return milter::transport::select_one(next::select64, count, readable, writable, broken, time);
}

// listener.c asks for a thread for the connection that it was given. A pool does so only if none of its own threads is
// idle, and makes two of those before the first connection.
int taken_pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*routine)(void*), void* argument) {
  if (milter::transport::is_listening && attributes == nullptr)
    return the_state.load()->threads.begin(thread, routine, argument);
  if (attributes == nullptr && argument == nullptr) milter::transport::pool_routine = routine;
  return next::pthread_create(thread, attributes, routine, argument);
}

// worker.c wakes a thread that is idle, and counts it as idle until it runs: two connections could be left to one
// thread, and the second would wait until the first ends. So each gets a thread of ours, and those of the pool stay
// idle.
int taken_pthread_cond_signal(pthread_cond_t* condition) {
  if (!milter::transport::wakes_pool(condition)) return next::pthread_cond_signal(condition);
  pthread_t thread = {};
  return the_state.load()->threads.begin(&thread, milter::transport::pool_routine, nullptr);
}

// handler.c and worker.c call this at the beginning of a thread.
int taken_pthread_detach(pthread_t thread) {
  const bool is_detached = milter::SessionThreads::is_one() && ::pthread_equal(thread, ::pthread_self()) != 0;
  return is_detached ? 0 : next::pthread_detach(thread);
}

// comm.c expects read(2) of a stream: any number of octets up to `size`, 0 at its end.
ssize_t taken_read(int fd, void* to, size_t size) {
  Channel* const channel = channel_at(fd);
  return channel == nullptr ? next::read(fd, to, size)
                            : static_cast<ssize_t>(channel->read(static_cast<char*>(to), size));
}

ssize_t taken_read_chk(int fd, void* to, size_t size, size_t room) {
  if (size > room) std::abort();
  return taken_read(fd, to, size);
}

ssize_t taken_write(int fd, const void* octets, size_t size) {
  Channel* const channel = channel_at(fd);
  if (channel == nullptr) return next::write(fd, octets, size);
  const iovec all = {const_cast<void*>(octets), size};
  return channel->write({&all, 1});
}

// comm.c calls this once for each packet.
ssize_t taken_writev(int fd, const iovec* parts, int count) {
  Channel* const channel = channel_at(fd);
  return channel == nullptr ? next::writev(fd, parts, count) : channel->write({parts, static_cast<std::size_t>(count)});
}
