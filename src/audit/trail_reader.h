// The lines of an audit trail: a plain file, a gzip file (RFC 1952, known by its content; of several members, as they
// are where files were appended), or standard input. Memory is bounded by the longest line taken, and time by the
// octets of the file: what gzip data may expand to is limited.
#ifndef MSGID_AUDIT_TRAIL_READER_H
#define MSGID_AUDIT_TRAIL_READER_H

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace audit {

class TrailReader {
 public:
  /// A file in which no line ends for so long is no trail.
  static constexpr std::size_t max_skipped_octets = std::size_t{64} << 20U;
  /// What comes out of gzip data is at most this many times what has gone in; a trail compresses 15 to 30 times, and
  /// deflate can 1032 times (zlib 1.2.13, "Maximum Compression Factor" of its technical details).
  static constexpr std::size_t max_expansion = 200;
  /// Except that this many octets may come out of any file: a short trail of one sender's long fields reaches 500.
  static constexpr std::size_t always_expanded_octets = std::size_t{64} << 20U;

  enum class Event : std::uint8_t {
    line,      ///< line() is the next one
    too_long,  ///< a line over report::max_audit_line_octets was passed over
    broken,    ///< nothing more can be read: reason(). A line that had begun is lost
    end,
  };

  /// "-" is standard input. Throws Trouble, "FILE: No such file or directory".
  explicit TrailReader(const std::string& path);
  ~TrailReader();

  TrailReader(const TrailReader&) = delete;
  TrailReader& operator=(const TrailReader&) = delete;

  /// Not to be called again after `broken` and `end`. The last line need not have an end.
  Event next();

  /// Without its LF or CR LF. Valid until next().
  std::string_view line() const { return line_; }

  /// Of the line that next() gave or broke in, from 1.
  std::uint64_t number() const { return number_; }

  const std::string& reason() const { return reason_; }

  /// Device and inode: the same for a file that is named twice.
  std::pair<std::uint64_t, std::uint64_t> identity() const { return identity_; }

 private:
  struct Inflation;

  void detect();
  bool read_more();
  bool fill();
  bool inflate_more();
  bool next_member();

  int descriptor_ = -1;
  std::pair<std::uint64_t, std::uint64_t> identity_;
  std::string buffer_;                    ///< of what is read, as it stands in the file
  std::string_view input_;                ///< of it, what is not used yet
  std::unique_ptr<Inflation> inflation_;  ///< of a gzip file only
  std::string_view text_;                 ///< what is not handed out yet: of the input, or inflated
  std::string line_;
  std::uint64_t number_ = 0;
  std::string reason_;
};

}  // namespace audit

#endif
