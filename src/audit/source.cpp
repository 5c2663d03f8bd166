#include "audit/source.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "audit/message.h"

namespace audit {

namespace {

/// Read at once: fits a second level cache, so that what looks at the octets next finds them there.
constexpr std::size_t block_octets = 256U << 10U;

/// To tell whether a "From " line separates, no more behind its beginning is looked at, and no more before it.
constexpr std::size_t look_ahead = 4096;
constexpr std::size_t look_behind = 16;

/// Whether a time of day, 9:59 or 09:59, is in the line.
bool has_time(std::string_view line) noexcept {
  const auto is_digit = [&](std::size_t i) { return i < line.size() && line[i] >= '0' && line[i] <= '9'; };
  for (std::size_t colon = line.find(':'); colon != std::string_view::npos; colon = line.find(':', colon + 1)) {
    if (colon > 0 && is_digit(colon - 1) && is_digit(colon + 1) && is_digit(colon + 2)) return true;
  }
  return false;
}

/// Whether `text`, which begins with "From ", begins with a from-line. What is behind look_ahead is not looked at.
bool begins_mbox_message(std::string_view text) noexcept {
  text = text.substr(0, look_ahead);
  FieldPlace field;
  return has_time(text.substr(0, text.find('\n'))) || HeaderReader(text).next(field);
}

/// Whether the line that begins at `begin` stands behind an empty one.
bool is_behind_empty_line(std::string_view text, std::size_t begin) noexcept {
  if (begin < 2 || text[begin - 1] != '\n') return false;
  std::size_t at = begin - 2;
  while (at > 0 && text[at] == '\r' && begin - at < look_behind) --at;
  return text[at] == '\n';
}

/// The next from-line at or behind `from`, which is not 0; npos if there is none. In that case `from` becomes where to
/// go on once there is more text.
std::size_t find_separator(std::string_view text, std::size_t& from, bool is_all) noexcept {
  static constexpr std::string_view word = "From ";
  // memchr for the "F" takes a third of the time of memmem for the word (glibc 2.36, text as people write it).
  for (std::size_t at = text.find(word[0], from); at != std::string_view::npos; at = text.find(word[0], at + 1)) {
    const bool is_near_end = !is_all && text.size() - at < look_ahead;
    if (is_near_end) {
      from = at;
      return std::string_view::npos;
    }
    if (text[at - 1] == '\n' && text.substr(at, word.size()) == word && is_behind_empty_line(text, at) &&
        begins_mbox_message(text.substr(at))) {
      return at;
    }
  }
  from = text.size();
  return std::string_view::npos;
}

}  // namespace

std::string place_of(const std::string& file, const Message& message) {
  return message.number == 0 ? file : file + ": message " + std::to_string(message.number);
}

std::size_t second_message(std::string_view mbox) noexcept {
  std::size_t from = 1;
  return find_separator(mbox, from, true);
}

/// The file that is open, and what of it was read but not handed out.
struct Source::Inside {
  Inside(std::vector<std::string> arguments, const TroubleSink& trouble_sink, Oversize what)
      : inputs(std::move(arguments), trouble_sink), trouble(trouble_sink), oversize(what) {}
  ~Inside() { close(); }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;

  bool open();
  void close();
  void fill(Block& block, std::size_t size);
  bool take_form(std::string_view beginning);
  void take_single(Block& block);
  void take_mbox(Block& block);
  void take_rest(Block& block);
  void add(Block& block, std::size_t begin, std::size_t end, bool is_cut);
  void carry(const Block& block, std::size_t begin) { carried.assign(block.buffer, begin, used - begin); }
  std::string_view read_so_far(const Block& block) const { return std::string_view(block.buffer).substr(0, used); }

  Inputs inputs;
  TroubleSink trouble;
  Oversize oversize;

  int descriptor = -1;
  std::string name;
  std::uint64_t size = 0;  ///< 0 where nobody knows
  std::uint64_t octets_read = 0;
  bool is_at_end = false;
  bool has_failed = false;  ///< in which case the last message is not whole, and not handed out
  bool is_new = true;       ///< nothing was looked at yet
  bool is_mbox = false;
  bool is_in_rest = false;  ///< of a message that was cut
  std::size_t number = 0;
  std::string carried;   ///< begins the next block
  std::size_t used = 0;  ///< of the current block's buffer
};

bool Source::Inside::open() {
  descriptor = inputs.open_next(name);
  if (descriptor < 0) return false;
  struct stat status = {};
  size = ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) ? static_cast<std::uint64_t>(status.st_size) : 0;
  octets_read = 0;
  is_at_end = has_failed = is_mbox = is_in_rest = false;
  is_new = true;
  number = 0;
  carried.clear();
  return true;
}

void Source::Inside::close() {
  if (descriptor >= 0) ::close(descriptor);
  descriptor = -1;
}

/// Reads until the block has `wanted` octets or the input ends.
void Source::Inside::fill(Block& block, std::size_t wanted) {
  if (block.buffer.size() < wanted) block.buffer.resize(wanted);
  while (used < wanted && !is_at_end) {
    const ssize_t got = ::read(descriptor, block.buffer.data() + used, wanted - used);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      trouble(name, system_error_text(errno));
      has_failed = true;
    }
    is_at_end = got <= 0;
    if (got > 0) used += static_cast<std::size_t>(got);
    if (got > 0) octets_read += static_cast<std::uint64_t>(got);
  }
}

/// Looks at the first octets: .eml, mbox, or nothing of that kind (false).
bool Source::Inside::take_form(std::string_view beginning) {
  is_new = false;
  if (has_failed) return false;
  FieldPlace field;
  is_mbox = beginning.starts_with("From ");
  const bool is_mail = is_mbox ? begins_mbox_message(beginning) : HeaderReader(beginning).next(field);
  if (beginning.empty()) {
    trouble(name, "not a mail: empty");
  } else if (!is_mail) {
    trouble(name, "not a mail: the first line is no header field");
  }
  return is_mail;
}

void Source::Inside::add(Block& block, std::size_t begin, std::size_t end, bool is_cut) {
  const std::string_view text = std::string_view(block.buffer).substr(begin, end - begin);
  const std::size_t line = is_mbox ? std::min(text.find('\n'), text.size() - 1) + 1 : 0;
  if (is_mbox) ++number;
  block.messages.push_back({text.substr(0, line), text.substr(line), number, is_cut});
}

void Source::Inside::take_single(Block& block) {
  while (!is_at_end && used < max_message_octets) {
    fill(block, std::min(max_message_octets, std::max(2 * used, block_octets)));
  }
  // One octet more tells whether there is more.
  if (!is_at_end) fill(block, used + 1);
  if (has_failed) return;
  add(block, 0, used, !is_at_end);
  is_in_rest = !is_at_end;
}

void Source::Inside::take_mbox(Block& block) {
  std::size_t begin = 0;  // of the first message that was not handed out
  std::size_t from = 1;
  for (;;) {
    const std::string_view text = read_so_far(block);
    for (std::size_t end; (end = find_separator(text, from, is_at_end)) != std::string_view::npos; from = end + 1) {
      add(block, begin, end, false);
      begin = end;
    }
    if (is_at_end) {
      if (!has_failed && begin < used) add(block, begin, used, false);
      carried.clear();
      return;
    }
    if (!block.messages.empty()) break;
    if (used >= max_message_octets) {
      const std::size_t cut = used - look_ahead - look_behind;
      add(block, begin, cut, true);
      is_in_rest = true;
      begin = cut;
      break;
    }
    fill(block, std::min(max_message_octets, 2 * used));
  }
  carry(block, begin);
}

/// What follows a message that was cut, up to the next from-line.
void Source::Inside::take_rest(Block& block) {
  const std::string_view text = read_so_far(block);
  std::size_t from = look_behind;
  std::size_t end = is_mbox ? find_separator(text, from, is_at_end) : std::string_view::npos;
  is_in_rest = end == std::string_view::npos && !is_at_end;
  if (end == std::string_view::npos)
    end = is_at_end || !is_mbox ? used : used - std::min(used, look_ahead + look_behind);
  if (oversize == Oversize::pass_on) block.rest = text.substr(0, end);
  carry(block, end);
}

Source::Source(std::vector<std::string> arguments, const TroubleSink& trouble, Oversize oversize)
    : inside_(std::make_unique<Inside>(std::move(arguments), trouble, oversize)) {}

Source::~Source() = default;

bool Source::next(Block& block) {
  block.messages.clear();
  block.rest = {};
  Inside& in = *inside_;
  while (block.messages.empty() && block.rest.empty()) {
    const bool is_done = in.is_at_end && in.carried.empty();
    if (in.descriptor >= 0 && is_done) in.close();
    if (in.descriptor < 0 && !in.open()) return false;
    block.file = in.name;
    in.used = in.carried.size();
    if (block.buffer.size() < in.used) block.buffer.resize(in.used);
    std::copy(in.carried.begin(), in.carried.end(), block.buffer.begin());
    in.fill(block, std::min(max_message_octets, std::max(block_octets, 2 * in.used)));
    if (in.is_new && !in.take_form(in.read_so_far(block))) {
      in.close();
    } else if (in.is_in_rest) {
      if (in.is_mbox || in.oversize == Oversize::pass_on) {
        in.take_rest(block);
      } else {
        in.close();
      }
    } else if (in.is_mbox) {
      in.take_mbox(block);
    } else {
      in.take_single(block);
    }
  }
  return true;
}

double Source::progress() const {
  const Inside& in = *inside_;
  if (in.descriptor >= 0 && in.size == 0) return -1;
  const double of_current = in.descriptor < 0 ? 1 : static_cast<double>(in.octets_read) / static_cast<double>(in.size);
  return in.inputs.progress(std::min(of_current, 1.0));
}

}  // namespace audit
