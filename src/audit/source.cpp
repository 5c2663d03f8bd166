#include "audit/source.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <utility>

#include "audit/file_form.h"
#include "audit/message.h"

namespace audit {

namespace {

/// Read at once: fits a second level cache, so that what looks at the octets next finds them there.
constexpr std::size_t block_octets = 256U << 10U;

}  // namespace

std::string place_of(const std::string& file, const Message& message) {
  return message.number == 0 ? file : file + ": message " + std::to_string(message.number);
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
  bool take_form(Block& block);
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
  bool has_cr_line_ends = false;
  std::size_t lead = 0;     ///< octets that belong to no message, and were not handed out
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
  is_at_end = has_failed = is_mbox = has_cr_line_ends = is_in_rest = false;
  is_new = true;
  lead = 0;
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
    if (got <= 0) break;
    const auto count = static_cast<std::size_t>(got);
    if (has_cr_line_ends) exchange_cr_and_lf(std::span(block.buffer).subspan(used, count));
    used += count;
    octets_read += count;
  }
}

/// Looks at the first octets: .eml, mbox, or nothing of that kind (false).
bool Source::Inside::take_form(Block& block) {
  is_new = false;
  if (has_failed) return false;
  const auto refuse = [this](const std::string& reason) {
    trouble(name, "not a mail: " + reason);
    return false;
  };
  std::string_view beginning = read_so_far(block);
  if (beginning.empty()) return refuse("empty");
  if (const std::string advice = advice_on(beginning); !advice.empty()) return refuse(advice);
  has_cr_line_ends = audit::has_cr_line_ends(beginning);
  if (has_cr_line_ends) exchange_cr_and_lf(std::span(block.buffer).first(used));
  lead = lead_octets(beginning);
  beginning.remove_prefix(lead);
  FieldPlace field;
  is_mbox = beginning.starts_with("From ");
  const bool is_mail = is_mbox ? begins_mbox_message(beginning) : HeaderReader(beginning).next(field);
  return is_mail || refuse("the first line is no header field");
}

void Source::Inside::add(Block& block, std::size_t begin, std::size_t end, bool is_cut) {
  const std::string_view text = std::string_view(block.buffer).substr(begin, end - begin);
  std::size_t before = std::exchange(lead, 0);
  if (is_mbox) {
    before = std::min(text.find('\n', before), text.size() - 1) + 1;
    ++number;
  }
  block.messages.push_back({text.substr(0, before), text.substr(before), number, is_cut});
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
    std::size_t length = 0;
    while ((length = find_next_message(text.substr(begin + lead), from, is_at_end)) != std::string_view::npos) {
      const std::size_t end = begin + lead + length;
      add(block, begin, end, false);
      begin = end;
      from = 1;
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
  std::size_t end = is_mbox ? find_from_line(text, from, is_at_end) : std::string_view::npos;
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
    const bool is_mail = !in.is_new || in.take_form(block);
    block.has_cr_line_ends = in.has_cr_line_ends;
    if (!is_mail) {
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
