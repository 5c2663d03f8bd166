// One connection from an MTA, as libmilter's calls see it.
#ifndef MSGID_MILTER_CHANNEL_H
#define MSGID_MILTER_CHANNEL_H

#include <sys/types.h>
#include <sys/uio.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "milter/packet.h"

namespace milter {

/// What comes is read ahead, and libmilter sees it once a packet is there that wants an answer; what goes out leaves in
/// one write when the session waits for the MTA again, or ends. Which packets want an answer follows from what
/// libmilter itself answered to the negotiation. While the session waits and nothing has come, there is no buffer.
///
/// Packets that libmilter would make nothing of are left out (packet.h).
///
/// One thread at a time. An error, a timeout, and memory that is refused are the end of what comes.
class Channel {
 public:
  /// `descriptor`: a blocking socket; it is not closed here. `timeout`: how long the MTA may be silent, or not take
  /// what is sent; the socket's SO_RCVTIMEO is set to it. `asks_for`: whether the filter wants to see fields of a name;
  /// without it, all. It must outlive the channel.
  Channel(int descriptor, std::chrono::seconds timeout, const packet::AsksFor& asks_for) noexcept;
  Channel(int descriptor, std::chrono::seconds timeout, packet::AsksFor&& asks_for) = delete;

  /// Returns once read() has something to give, if only the end.
  void wait() noexcept;

  /// read(2): as many octets as there are, `size` at most; 0 at the end.
  std::size_t read(char* to, std::size_t size) noexcept;

  /// writev(2) of one whole packet: all of it, or -1 and errno. Waits for nothing.
  ssize_t write(std::span<const iovec> parts) noexcept;

  enum class Wait : std::uint8_t { no, yes };
  /// What was written leaves now; as much as the MTA takes at once, or all.
  void flush(Wait wait) noexcept;

 private:
  bool is_shown() const { return begin_ < shown_; }
  void read_ahead();
  void receive();
  void look();
  bool can_send() const;
  void send(Wait wait) noexcept;

  const int fd_;
  const std::chrono::seconds timeout_;
  std::string in_;  ///< what has come and is not all read; libmilter sees [begin_, shown_)
  std::size_t begin_ = 0;
  std::size_t shown_ = 0;
  std::size_t scanned_ = 0;  ///< the end of the packets that were looked at
  packet::Scanner scanner_;
  std::string out_;
  std::size_t left_ = 0;    ///< of it, by the MTA that did not take more in the middle of an answer
  bool has_ended_ = false;  ///< nothing comes any more
  bool is_broken_ = false;  ///< nothing goes out any more
};

}  // namespace milter

#endif
