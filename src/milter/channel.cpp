#include "milter/channel.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <new>
#include <string_view>
#include <utility>

#include "milter/packet.h"

namespace milter {

namespace {

/// Postfix 3.7 writes 4096 octets at a time, and the header of a message is one or two of these.
constexpr std::size_t block_octets = 8 * 1024;

/// More would be a third page of stack for each session that waits.
constexpr std::size_t first_octets = 2 * 1024;

/// More is shown to libmilter whether it wants an answer or not, and of more that goes out the MTA gets at once what it
/// takes. There is always a whole packet in it.
constexpr std::size_t kept_octets = 256 * 1024;
static_assert(kept_octets > packet::length_octets + packet::max_octets);

/// A buffer that became larger is not kept.
constexpr std::size_t max_shared_octets = 64 * 1024;

/// Buffers that sessions share. Each would otherwise leave a hole of its own in the heap, between what libmilter keeps
/// of one session and of the next: 9 KiB a session, measured with 3000 idle ones.
class Buffers {
 public:
  std::string take() {
    const std::lock_guard lock(mutex_);
    if (count_ == 0) return {};
    return std::move(kept_[--count_]);
  }
  void give(std::string buffer) noexcept {
    if (buffer.capacity() < block_octets || buffer.capacity() > max_shared_octets) return;
    buffer.clear();
    const std::lock_guard lock(mutex_);
    if (count_ < kept_.size()) kept_[count_++] = std::move(buffer);
  }

 private:
  std::mutex mutex_;
  std::array<std::string, 64> kept_;
  std::size_t count_ = 0;
};

// Never freed: sessions are served until the process ends.
Buffers& buffers = *new Buffers;

}  // namespace

Channel::Channel(int descriptor, std::chrono::seconds timeout, const packet::AsksFor& asks_for) noexcept
    : fd_(descriptor), timeout_(timeout), scanner_(asks_for) {
  const timeval time = {static_cast<time_t>(timeout.count()), 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
}

void Channel::wait() noexcept {
  if (is_shown()) return;
  flush(Wait::yes);
  if (is_broken_) {
    // Nobody takes an answer to what else is there.
    has_ended_ = true;
    begin_ = shown_ = scanned_ = in_.size();
  }
  try {
    read_ahead();
  } catch (const std::bad_alloc&) {
    has_ended_ = true;
  }
}

void Channel::read_ahead() {
  look();
  while (!is_shown() && !has_ended_) {
    receive();
    look();
  }
}

// It waits with a block on the stack, and what a session holds meanwhile (the client, say) has a small buffer of its
// own. Where more is there, it goes into a large one, which the session has until all is read.
void Channel::receive() {
  char block[first_octets];  // NOLINT(*-avoid-c-arrays): not to be initialized
  const ssize_t count = ::recv(fd_, block, sizeof block, 0);
  if (count == 0 || (count < 0 && errno != EINTR)) has_ended_ = true;
  if (count <= 0) return;
  const bool has_more = count == sizeof block;
  if (has_more && in_.capacity() < block_octets) {
    std::string large = buffers.take();
    large.append(in_);
    in_.swap(large);
  }
  in_.append(block, static_cast<std::size_t>(count));
  if (!has_more) return;
  const std::size_t size = in_.size();
  in_.resize(size + block_octets);
  const ssize_t more = ::recv(fd_, in_.data() + size, block_octets, MSG_DONTWAIT);
  in_.resize(size + static_cast<std::size_t>(std::max<ssize_t>(more, 0)));
}

void Channel::look() {
  // What is read is let go. The rest is small, a block or a packet: nothing is received behind one that is due.
  if (begin_ == in_.size()) {
    buffers.give(std::exchange(in_, {}));
  } else if (in_.capacity() > max_shared_octets && begin_ > in_.size() / 2) {
    std::string(in_, begin_).swap(in_);
  } else {
    in_.erase(0, begin_);
  }
  scanned_ -= begin_;
  begin_ = shown_ = 0;
  const packet::Scanned scanned = scanner_.scan(in_, scanned_);
  scanned_ = scanned.end;
  if (scanned.is_malformed) {
    in_.erase(scanned.end);
    has_ended_ = true;
  }
  // At the end what is there is all there will be, and libmilter finds out what is wrong with it.
  if (has_ended_ && !scanned.is_due) scanned_ = in_.size();
  if (scanned.is_due || has_ended_ || in_.size() > kept_octets) shown_ = scanned_;
}

std::size_t Channel::read(char* to, std::size_t size) noexcept {
  wait();
  const std::size_t count = std::min(size, shown_ - begin_);
  std::memcpy(to, in_.data() + begin_, count);
  begin_ += count;
  return count;
}

ssize_t Channel::write(std::span<const iovec> parts) noexcept {
  const std::size_t before = out_.size();
  try {
    for (const iovec& part : parts) out_.append(static_cast<const char*>(part.iov_base), part.iov_len);
  } catch (const std::bad_alloc&) {
    is_broken_ = true;
  }
  const std::size_t written = out_.size() - before;
  scanner_.answered(std::string_view(out_).substr(before));
  // In a callback nobody waits for the MTA: the service would be taken for one that hangs.
  if (out_.size() > left_ + kept_octets) {
    send(Wait::no);
    left_ = out_.size();
  }
  if (!is_broken_) return static_cast<ssize_t>(written);
  errno = EPIPE;
  return -1;
}

// The answer nearly always fits, so its timeout is no socket option, which would be a system call a session. Not
// poll(), which is for libmilter and comes back here.
bool Channel::can_send() const {
  pollfd entry = {fd_, POLLOUT, 0};
  const timespec time = {static_cast<time_t>(timeout_.count()), 0};
  return ::ppoll(&entry, 1, &time, nullptr) > 0;
}

void Channel::flush(Wait wait) noexcept {
  send(wait);
  left_ = 0;
}

void Channel::send(Wait wait) noexcept {
  std::size_t sent = 0;
  while (sent < out_.size() && !is_broken_) {
    const ssize_t count = ::send(fd_, out_.data() + sent, out_.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count > 0) sent += static_cast<std::size_t>(count);
    if (count < 0 && errno == EAGAIN && wait == Wait::no) break;
    if (count < 0 && errno != EINTR && (errno != EAGAIN || !can_send())) is_broken_ = true;
  }
  if (sent < out_.size() && !is_broken_) {
    out_.erase(0, sent);
  } else {
    std::string().swap(out_);  // "= {}" would keep the memory
  }
}

}  // namespace milter
