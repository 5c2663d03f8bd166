#include "audit/trail_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cerrno>
#include <new>

#include "audit/file_form.h"
#include "audit/inputs.h"
#include "audit/subcommand.h"
#include "report/audit_record.h"

namespace audit {

namespace {

constexpr std::size_t buffer_octets = std::size_t{64} << 10U;

}  // namespace

struct TrailReader::Inflation {
  Inflation() {
    constexpr int gzip_only = 16;
    if (inflateInit2(&stream, MAX_WBITS + gzip_only) != Z_OK) throw std::bad_alloc();
  }
  ~Inflation() { inflateEnd(&stream); }
  Inflation(const Inflation&) = delete;
  Inflation& operator=(const Inflation&) = delete;

  z_stream stream = {};
  std::string output = std::string(buffer_octets, '\0');
  bool is_between_members = false;
  std::uint64_t octets_in = 0;  ///< of all members; zlib's own counts begin again with each
  std::uint64_t octets_out = 0;
};

TrailReader::TrailReader(const std::string& path) : buffer_(buffer_octets, '\0') {
  const bool is_standard_input = path == "-";
  descriptor_ = is_standard_input ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  struct stat status = {};
  if (descriptor_ < 0 || ::fstat(descriptor_, &status) != 0) throw Trouble(path + ": " + system_error_text(errno));
  identity_ = {status.st_dev, status.st_ino};
  try {
    detect();
    if (!reason_.empty() && input_.empty()) throw Trouble(path + ": " + reason_);
    if (const Compression* const other = compression_of(input_); other != nullptr && inflation_ == nullptr) {
      throw Trouble(path + ": " + std::string(other->name) + " is not read here: " + std::string(other->program) +
                    " FILE | msgid-audit report -");
    }
  } catch (...) {
    if (!is_standard_input) ::close(descriptor_);
    throw;
  }
}

TrailReader::~TrailReader() {
  if (descriptor_ != STDIN_FILENO) ::close(descriptor_);
}

/// Reads as many octets as tell a format. A pipe may give them one by one.
void TrailReader::detect() {
  constexpr std::size_t longest_magic = 6;
  std::string head;
  while (head.size() < longest_magic && read_more()) head += input_;
  buffer_.replace(0, head.size(), head);
  input_ = std::string_view(buffer_).substr(0, head.size());
  if (input_.starts_with(gzip_magic)) inflation_ = std::make_unique<Inflation>();
}

/// False at the end, and on an error, which is then in reason_.
bool TrailReader::read_more() {
  ssize_t size = 0;
  do {
    size = ::read(descriptor_, buffer_.data(), buffer_octets);
  } while (size < 0 && errno == EINTR);
  if (size < 0) reason_ = system_error_text(errno);
  input_ = std::string_view(buffer_).substr(0, size > 0 ? static_cast<std::size_t>(size) : 0);
  return size > 0;
}

bool TrailReader::fill() {
  if (!reason_.empty()) return false;
  if (inflation_) return inflate_more();
  if (input_.empty() && !read_more()) return false;
  text_ = input_;
  input_ = {};
  return true;
}

/// Whether another member of the gzip file begins here. Zeros behind the last are a tape's or a block's padding, which
/// gzip(1) passes over too.
bool TrailReader::next_member() {
  if (input_.empty() && !read_more()) return false;
  if (input_.front() == '\0') return false;
  if (input_.front() != gzip_magic.front()) {
    reason_ = "something else behind the gzip data";
    return false;
  }
  inflateReset(&inflation_->stream);
  inflation_->is_between_members = false;
  return true;
}

bool TrailReader::inflate_more() {
  z_stream& stream = inflation_->stream;
  std::string& output = inflation_->output;
  while (true) {
    if (inflation_->is_between_members && !next_member()) return false;
    if (input_.empty() && !read_more()) {
      if (reason_.empty()) reason_ = "the gzip data ends too early";
      return false;
    }
    // zlib does not write to next_in; its type lacks the const (1.2.13).
    stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(input_.data()));
    stream.avail_in = static_cast<uInt>(input_.size());
    stream.next_out = reinterpret_cast<Bytef*>(output.data());
    stream.avail_out = static_cast<uInt>(output.size());
    const int result = inflate(&stream, Z_NO_FLUSH);
    inflation_->octets_in += input_.size() - stream.avail_in;
    inflation_->octets_out += output.size() - stream.avail_out;
    input_.remove_prefix(input_.size() - stream.avail_in);
    if (result == Z_MEM_ERROR) throw std::bad_alloc();
    inflation_->is_between_members = result == Z_STREAM_END;
    // What came out before the damage counts.
    text_ = std::string_view(output).substr(0, output.size() - stream.avail_out);
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
      reason_ = "the gzip data is damaged";
      return !text_.empty();
    }
    if (inflation_->octets_out > always_expanded_octets &&
        inflation_->octets_out / max_expansion > inflation_->octets_in) {
      reason_ = "it expands over " + std::to_string(max_expansion) +
                " times; if it is a trail: zcat FILE | msgid-audit report -";
      return !text_.empty();
    }
    if (!text_.empty()) return true;
  }
}

TrailReader::Event TrailReader::next() {
  line_.clear();
  ++number_;
  std::size_t size = 0;
  bool has_end = false;
  while (!has_end && (!text_.empty() || fill())) {
    const std::size_t end = text_.find('\n');
    has_end = end != std::string_view::npos;
    const std::string_view piece = text_.substr(0, end);
    text_.remove_prefix(piece.size() + (has_end ? 1 : 0));
    size += piece.size();
    if (size <= report::max_audit_line_octets) line_ += piece;
    if (size > max_skipped_octets) {
      reason_ = "no audit trail: a line over 64 MiB";
      return Event::broken;
    }
  }
  if (!has_end && !reason_.empty()) return Event::broken;
  if (!has_end && size == 0) return Event::end;
  if (size > report::max_audit_line_octets) return Event::too_long;
  if (line_.ends_with('\r')) line_.pop_back();
  return Event::line;
}

}  // namespace audit
