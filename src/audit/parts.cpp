#include "audit/parts.h"

// mimetic 0.9.8 uses uint32_t without it, and libstdc++ 13 does not bring it along any more.
// clang-format off
#include <cstdint>
#include <mimetic/mimetic.h>
// clang-format on

#include <algorithm>
#include <exception>
#include <iterator>

#include "audit/message.h"
#include "msgid/field.h"

namespace audit {

namespace {

constexpr std::size_t npos = std::string_view::npos;

/// Of a Content-Type, unfolded, no more is shown to mimetic. A boundary has at most 70 octets.
constexpr std::size_t max_content_type_octets = 4096;

struct TooManyParts : std::exception {};

class Walk;

/// The iterator that mimetic's parser reads through: an input iterator, so that it looks for boundaries line by line.
class Cursor {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = char;

  Cursor() = default;  ///< the end
  explicit Cursor(Walk& walk) : walk_(&walk) {}

  char operator*() const;
  Cursor& operator++();
  bool operator==(const Cursor& end) const;
  bool operator!=(const Cursor& end) const { return !(*this == end); }

 private:
  Walk* walk_ = nullptr;
};

/// Behind the line that begins at `begin`.
std::size_t line_end(std::string_view text, std::size_t begin) {
  const std::size_t lf = text.find('\n', begin);
  return lf == npos ? text.size() : lf + 1;
}

/// A line without its end and the white space before that.
std::string_view trimmed_right(std::string_view line) {
  const std::size_t last = line.find_last_not_of(" \t\r\n");
  return line.substr(0, last == npos ? 0 : last + 1);
}

/// Behind the empty line that begins at `begin`; `begin` where there is none.
std::size_t behind_empty_line(std::string_view text, std::size_t begin) {
  const std::size_t lf = std::min(text.find_first_not_of('\r', begin), text.size());
  return lf < text.size() && text[lf] == '\n' ? lf + 1 : begin;
}

/// mimetic's parser: of loadHeader() it is given the octets by Cursor, for bodies it calls copy_until_boundary().
class Walk : public mimetic::IteratorParser<Cursor> {
 public:
  Walk(std::string_view message, mimetic::MimeEntity& root, std::vector<Part>& parts)
      : mimetic::IteratorParser<Cursor>(root), message_(message), parts_(parts) {}

  void run() { mimetic::IteratorParser<Cursor>::run(Cursor(*this), Cursor()); }

  // What Cursor asks for.
  bool is_at_end();
  char octet();
  void advance() { ++shown_at_; }

 private:
  struct Level {
    std::size_t part;
    std::size_t children = 0;
    bool is_digest = false;
  };

  void open_part();
  std::string next_number();
  void copy_until_boundary(mimetic::ParsingElem what) override;
  bool match_delimiter(std::size_t line);

  const std::string_view message_;
  std::vector<Part>& parts_;
  std::vector<Level> open_;  ///< the part under way and those it is in, the message itself first
  std::size_t at_ = 0;       ///< behind what was read of the message
  std::string shown_;        ///< of the header under way
  std::size_t shown_at_ = 0;
  BoundaryType matched_ = NoBoundary;
  std::size_t levels_to_leave_ = 0;
};

char Cursor::operator*() const {
  return walk_->octet();
}

Cursor& Cursor::operator++() {
  walk_->advance();
  return *this;
}

bool Cursor::operator==(const Cursor& end) const {
  return (walk_ == nullptr || walk_->is_at_end()) == (end.walk_ == nullptr || end.walk_->is_at_end());
}

/// mimetic asks this before it looks at m_lastBoundary, once for each multipart. Where the boundary of an outer one
/// ended an inner one that was not closed, mimetic would leave both ("FIXME", 0.9.8): the outer is told of its boundary
/// here.
bool Walk::is_at_end() {
  if (levels_to_leave_ > 0 && --levels_to_leave_ == 0) m_lastBoundary = matched_;
  return shown_at_ == shown_.size() && at_ == message_.size();
}

char Walk::octet() {
  if (shown_at_ == shown_.size()) open_part();
  return shown_[shown_at_];
}

/// Of a part of the innermost one under way.
std::string Walk::next_number() {
  const Part& parent = parts_[open_.back().part];
  std::string number = parent.number;
  if (!parent.is_multipart) return number.empty() ? "1" : number;
  if (!number.empty()) number += '.';
  return number += std::to_string(++open_.back().children);
}

/// Reads the header that begins at at_.
void Walk::open_part() {
  const std::size_t depth = m_entityStack.size();
  if (parts_.size() == max_parts || depth > max_part_depth) throw TooManyParts();
  open_.resize(depth - 1);
  Part part;
  if (depth > 1) {
    part.parent = open_.back().part;
    part.number = next_number();
  }
  const std::string_view rest = message_.substr(at_);
  HeaderReader reader(rest);
  std::size_t end = reader.offset();
  bool has_type = false;
  shown_.clear();
  for (FieldPlace field; reader.next(field); end = reader.offset()) {
    // A boundary may have a colon in it.
    if (field.name.starts_with("--") && match_delimiter(at_ + end)) break;
    if (has_type || !msgid::same_name(field.name, "Content-Type")) continue;
    has_type = true;
    shown_ = "Content-Type:";
    for (const char c : field.body.substr(0, max_content_type_octets)) shown_ += c < ' ' || c > '~' ? ' ' : c;
    // mimetic 0.9.8 knows no other, and not with a blank behind it.
    if (is_message_type(content_type(field.body))) shown_ = "Content-Type: message/rfc822";
  }
  // RFC 2046 5.1.5: what a digest holds is messages, if it does not say otherwise.
  if (!has_type && depth > 1 && open_.back().is_digest) shown_ = "Content-Type: message/rfc822";
  if (!shown_.empty()) shown_ += "\r\n";
  shown_ += "\r\n";  // not LF alone: behind that mimetic looks one octet ahead
  shown_at_ = 0;

  part.header = rest.substr(0, end);
  at_ += behind_empty_line(rest, end);
  open_.push_back({parts_.size()});
  parts_.push_back(std::move(part));
}

/// Whether the line at `line` is a delimiter of one of the multiparts under way, and of which: m_lastBoundary. The
/// whole line is compared: "--ab" is no delimiter of "a", though RFC 2046 5.1.1 would have it so.
bool Walk::match_delimiter(std::size_t line) {
  const std::string_view text = trimmed_right(message_.substr(line, line_end(message_, line) - line));
  std::size_t level = 0;
  for (const std::string& boundary : m_boundaryList) {
    const bool is_named = boundary.size() > 2;  // else the multipart has no boundary parameter
    const bool is_closing = text.size() == boundary.size() + 2 && text.ends_with("--");
    if (is_named && (is_closing || text.size() == boundary.size()) && text.starts_with(boundary)) {
      matched_ = is_closing ? ClosingBoundary : Boundary;
      m_lastBoundary = level == 0 ? matched_ : HigherLevelBoundary;
      levels_to_leave_ = level == 0 ? 0 : level + 1;
      return true;
    }
    ++level;
  }
  return false;
}

/// From at_ to behind the next delimiter; copies nothing.
void Walk::copy_until_boundary(mimetic::ParsingElem what) {
  // Of a header at the very end of the message, with nothing in it, mimetic asks no octet.
  if (open_.size() < m_entityStack.size()) open_part();
  shown_at_ = shown_.size();
  open_.resize(m_entityStack.size());
  Part& part = parts_[open_.back().part];
  if (what == pePreamble) {
    const mimetic::MimeEntity& entity = *m_entityStack.top();
    part.is_multipart = true;
    open_.back().is_digest = entity.header().contentType().subtype() == "digest";
  }
  m_lastBoundary = NoBoundary;
  const std::size_t begin = at_;
  std::size_t end = message_.substr(begin).starts_with("--") ? begin : npos;
  while (end == npos || !match_delimiter(end)) {
    const std::size_t lf = message_.find("\n--", end == npos ? begin : end);
    if (lf == npos) break;
    end = lf + 1;
  }
  if (m_lastBoundary == NoBoundary) {
    end = at_ = message_.size();
  } else {
    at_ = line_end(message_, end);
  }
  if (what == peBody) part.body = message_.substr(begin, end - begin);
}

}  // namespace

PartList parts_of(std::string_view message) {
  PartList list;
  mimetic::MimeEntity root;
  Walk walk(message, root, list.parts);
  try {
    walk.run();
  } catch (const TooManyParts&) {
    list.is_complete = false;
  }
  return list;
}

std::string_view content_type(std::string_view body) noexcept {
  static constexpr std::string_view blanks = " \t\r\n";
  const std::string_view type = body.substr(0, body.find_first_of(";("));
  const std::size_t begin = std::min(type.find_first_not_of(blanks), type.size());
  return type.substr(begin, type.find_last_not_of(blanks) + 1 - begin);
}

bool is_message_type(std::string_view type) noexcept {
  return msgid::same_name(type, "message/rfc822") || msgid::same_name(type, "message/global");
}

}  // namespace audit
