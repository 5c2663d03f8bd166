#include "report/address.h"

#include <algorithm>

namespace report {

namespace {

constexpr std::size_t npos = std::string_view::npos;
constexpr std::size_t max_domain_octets = 255;

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/// Finds where quoted-strings and comments end, in one pass over a text in all: an opening one that is never closed is
/// an ordinary octet, and so is each one after it.
class Enclosures {
 public:
  explicit Enclosures(std::string_view text) : text_(text) {}

  /// The octet that closes what opens at `at`; `at` itself where nothing opens there, or nothing closes it.
  std::size_t end(std::size_t at) {
    if (text_[at] == '"' && quotes_close_) return close(at, '\0', '"', quotes_close_);
    if (text_[at] == '(' && comments_close_) return close(at, '(', ')', comments_close_);
    return at;
  }

 private:
  std::size_t close(std::size_t at, char opening, char closing, bool& does_close) const {
    int depth = 1;
    for (std::size_t i = at + 1; i < text_.size(); ++i) {
      if (text_[i] == '\\') {
        ++i;
      } else if (text_[i] == closing) {
        if (--depth == 0) return i;
      } else if (text_[i] == opening) {
        ++depth;
      }
    }
    does_close = false;
    return at;
  }

  std::string_view text_;
  bool quotes_close_ = true;
  bool comments_close_ = true;
};

/// What follows an "@".
std::string domain_at(std::string_view text) {
  text.remove_prefix(static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_space) - text.begin()));
  const bool is_literal = text.starts_with('[');
  const auto ends = [is_literal](char c) {
    if (is_literal) return c == ']' || is_space(c);
    return static_cast<unsigned char>(c) <= ' ' || c == '\x7f' || std::string_view("<>()[],;:@\\\"").find(c) != npos;
  };
  auto end = static_cast<std::size_t>(std::find_if(text.begin(), text.end(), ends) - text.begin());
  if (is_literal && end < text.size() && text[end] == ']') ++end;
  std::string domain(text.substr(0, std::min(end, max_domain_octets)));
  for (char& c : domain) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return domain;
}

}  // namespace

//   mailbox    = [display-name] angle-addr / addr-spec                  ; RFC 5322 3.4
//   angle-addr = [CFWS] "<" [obs-route] addr-spec ">" [CFWS]
//   obs-route  = *(CFWS / ",") "@" domain *("," [CFWS] ["@" domain]) ":"
//   group      = display-name ":" [mailbox-list] ";" [CFWS]
//   addr-spec  = local-part "@" domain
//   domain     = dot-atom / domain-literal
//
// Read loosely: what a person would take for the address. White space inside a domain ends it.
std::string first_domain(std::string_view addresses) {
  Enclosures enclosures(addresses);
  std::size_t at = npos;  // behind the last "@" of the address under way
  bool is_angle = false;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const std::size_t end = enclosures.end(i);
    if (end != i) {
      i = end;
      continue;
    }
    const char c = addresses[i];
    const bool is_end = c == '>' || c == ';' || (c == ',' && !is_angle);
    if (is_end && at != npos) break;
    if (c == '@') {
      at = i + 1;
      // The ":" of "[IPv6:2001:db8::1]" ends no route.
      if (at < addresses.size() && addresses[at] == '[') i = std::min(addresses.find(']', at), addresses.size()) - 1;
    } else if (c == '<' || c == ':' || c == ',') {
      at = npos;  // what stood before is a display name or a route
      is_angle = is_angle || c == '<';
    }
  }
  return at == npos ? std::string() : domain_at(addresses.substr(at));
}

}  // namespace report
