#include "msgid/msg_id.h"

#include <algorithm>
#include <boost/uuid/name_generator_sha1.hpp>
#include <boost/uuid/uuid.hpp>
#include <boost/uuid/uuid_io.hpp>

#include "core/ascii.h"
#include "msgid/encoded_word.h"

namespace msgid {

namespace {

constexpr std::size_t npos = std::string_view::npos;

/// atext, and the octets over 127 that RFC 6532 3.2 adds to it.
bool is_utf8_atext(char c) {
  return ascii::is_atext(c) || static_cast<unsigned char>(c) > 127;
}

/// comment = "(" *([FWS] ccontent) [FWS] ")"; ccontent = ctext / quoted-pair / comment
/// By the position of each "(": where the comment ends that begins there, or npos. All are found in one pass: nested
/// ones that are never closed would cost the square of the length otherwise. A "(" behind a backslash may begin a
/// comment (outside of comments a backslash quotes nothing), but nests in none.
std::vector<std::size_t> comment_ends(std::string_view text) {
  struct Open {
    std::size_t at;
    bool is_quoted;
  };
  std::vector<std::size_t> ends(text.size(), npos);
  std::vector<Open> open;
  bool is_quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '(') {
      open.push_back({i, is_quoted});
    } else if (text[i] == ')' && !is_quoted) {
      for (bool is_closed = false; !is_closed && !open.empty(); open.pop_back()) {
        ends[open.back().at] = i + 1;
        is_closed = !open.back().is_quoted;
      }
    }
    is_quoted = text[i] == '\\' && !is_quoted;
  }
  return ends;
}

class Scanner {
 public:
  Scanner(std::string_view body, std::vector<Token>& tokens) : body_(body), tokens_(tokens), words_(body) {}

  void run() {
    for (std::size_t at = 0; at < body_.size();) at = next_token(at);
  }

 private:
  /// Appends the token that begins at `at`; returns where it ends.
  std::size_t next_token(std::size_t at) {
    const char c = body_[at];
    if (ascii::is_space(c)) {
      std::size_t end = at + 1;
      while (end < body_.size() && ascii::is_space(body_[end])) ++end;
      return add(TokenKind::white_space, at, end);
    }
    if (c == '<') return angle(at);
    if (c == ',') return add(TokenKind::comma, at, at + 1);
    if (begins_other(at)) return add(other_kind_, at, other_end_);
    std::size_t end = at + 1;
    while (end < body_.size() && !ascii::is_space(body_[end]) && body_[end] != '<' && body_[end] != ',' &&
           !begins_other(end)) {
      ++end;
    }
    return add(TokenKind::text, at, end);
  }

  std::size_t add(TokenKind kind, std::size_t begin, std::size_t end) {
    tokens_.push_back({kind, body_.substr(begin, end - begin)});
    return end;
  }

  /// Whether a comment, a quoted-string or an encoded-word begins at `at`; remembers which, and its end.
  bool begins_other(std::size_t at) {
    switch (body_[at]) {
      case '(':
        other_kind_ = TokenKind::comment;
        other_end_ = comment_end(at);
        return other_end_ != npos;
      case '"':
        other_kind_ = TokenKind::quoted_string;
        other_end_ = quoted_string_end(at);
        return other_end_ != npos;
      case '=': {
        EncodedWord word;
        if (!words_.match(at, word)) return false;
        other_kind_ = TokenKind::encoded_word;
        other_end_ = at + word.whole.size();
        return true;
      }
      default:
        return false;
    }
  }

  std::size_t comment_end(std::size_t at) {
    if (comment_ends_.empty()) comment_ends_ = comment_ends(body_);
    return comment_ends_[at];
  }

  /// quoted-string = DQUOTE *([FWS] qcontent) [FWS] DQUOTE; qcontent = qtext / quoted-pair
  std::size_t quoted_string_end(std::size_t at) {
    if (at >= no_quote_from_) return npos;
    for (std::size_t i = at + 1; i < body_.size(); ++i) {
      if (body_[i] == '"') return i + 1;
      if (body_[i] == '\\') ++i;
    }
    no_quote_from_ = at;
    return npos;
  }

  std::size_t angle(std::size_t at) {
    const std::size_t close = body_.find_first_of("<>", at + 1);
    const bool plain_close = close != npos && body_[close] == '>';
    std::size_t end = plain_close ? close + 1 : npos;
    if (!plain_close || !is_simple(body_.substr(at + 1, close - at - 1))) {
      const std::size_t by_grammar = msg_id_end(at);
      if (by_grammar != npos && !has_clean_id(at + 1, by_grammar - 1)) end = by_grammar;
    }
    if (end == npos) return unterminated(at);
    const bool is_empty = ascii::trim(body_.substr(at + 1, end - at - 2)).empty();
    return add(is_empty ? TokenKind::text : TokenKind::msg_id, at, end);
  }

  /// What nearly every id is: no white space, and nothing in which a ">" could hide.
  static bool is_simple(std::string_view inside) { return inside.find_first_of(" \t\n\"()\\") == npos; }

  /// Whether a whole `<id>` between `begin` and `end` is clean. All are found when the first is asked for, so that
  /// nested quotes and comments do not cost the square of the length.
  bool has_clean_id(std::size_t begin, std::size_t end) {
    if (!has_clean_ids_) {
      has_clean_ids_ = true;
      for (std::size_t open = body_.find('<'); open != npos;) {
        const std::size_t close = body_.find_first_of("<>", open + 1);
        if (close == npos) break;
        const bool is_clean = body_[close] == '>' && is_clean_bare_id(body_.substr(open + 1, close - open - 1));
        if (is_clean) clean_ids_.push_back({open, close + 1});
        open = body_[close] == '<' ? close : body_.find('<', close);
      }
    }
    const auto next = std::lower_bound(clean_ids_.begin(), clean_ids_.end(), begin,
                                       [](const CleanId& id, std::size_t place) { return id.begin < place; });
    return next != clean_ids_.end() && next->end <= end;
  }

  /// Up to the next "<" that is not part of an encoded-word, or the end; without white space behind it.
  std::size_t unterminated(std::size_t at) {
    std::size_t end = at + 1;
    while (end < body_.size() && body_[end] != '<') {
      EncodedWord word;
      end += words_.match(end, word) ? word.whole.size() : 1;
    }
    while (ascii::is_space(body_[end - 1])) --end;
    return add(TokenKind::unterminated, at, end);
  }

  /// msg-id     = "<" [CFWS] local-part "@" domain [CFWS] ">"   ; RFC 5322 3.6.4 with obs-id-left and obs-id-right
  /// local-part = word *("." word)                               ; obs-local-part
  /// domain     = domain-literal / (atom *("." atom))
  /// word       = atom / quoted-string, and CFWS around each
  std::size_t msg_id_end(std::size_t at) {
    std::size_t i = skip_cfws(at + 1);
    for (;;) {
      if (!skip_word(i)) return npos;
      i = skip_cfws(i);
      if (i < body_.size() && body_[i] == '@') break;
      if (i >= body_.size() || body_[i] != '.') return npos;
      i = skip_cfws(i + 1);
    }
    i = skip_cfws(i + 1);
    if (i < body_.size() && body_[i] == '[') {
      // domain-literal = "[" *([FWS] dtext) [FWS] "]"
      i = body_.find_first_of("[]\\", i + 1);
      if (i == npos || body_[i] != ']') return npos;
      i = skip_cfws(i + 1);
    } else {
      for (;;) {
        if (!skip_atom(i)) return npos;
        i = skip_cfws(i);
        if (i >= body_.size() || body_[i] != '.') break;
        i = skip_cfws(i + 1);
      }
    }
    return i < body_.size() && body_[i] == '>' ? i + 1 : npos;
  }

  std::size_t skip_cfws(std::size_t i) {
    while (i < body_.size()) {
      if (ascii::is_space(body_[i])) {
        ++i;
      } else if (body_[i] == '(' && comment_end(i) != npos) {
        i = comment_end(i);
      } else {
        break;
      }
    }
    return i;
  }

  bool skip_atom(std::size_t& i) {
    const std::size_t begin = i;
    while (i < body_.size() && is_utf8_atext(body_[i])) ++i;
    return i != begin;
  }

  bool skip_word(std::size_t& i) {
    if (i >= body_.size() || body_[i] != '"') return skip_atom(i);
    const std::size_t end = quoted_string_end(i);
    if (end == npos) return false;
    i = end;
    return true;
  }

  std::string_view body_;
  std::vector<Token>& tokens_;
  EncodedWordMatcher words_;
  std::vector<std::size_t> comment_ends_;  ///< by the position of "("; filled when the first is asked for
  std::size_t no_quote_from_ = npos;       ///< a '"' from here on is never closed
  struct CleanId {
    std::size_t begin;
    std::size_t end;
  };
  std::vector<CleanId> clean_ids_;  ///< in the body's order
  bool has_clean_ids_ = false;      ///< `clean_ids_` is filled
  TokenKind other_kind_ = TokenKind::text;
  std::size_t other_end_ = 0;
};

}  // namespace

void scan(std::string_view body, std::vector<Token>& tokens) {
  tokens.clear();
  Scanner(body, tokens).run();
}

namespace {

/// The quoted-strings, comments and "[...]" inside one id.
class Enclosures {
 public:
  explicit Enclosures(std::string_view id) : id_(id) {}

  /// Where the one that begins at `at` ends; `at` if none does.
  std::size_t end(std::size_t at) {
    const char open = id_[at];
    if (open == '(') {
      if (comment_ends_.empty()) comment_ends_ = comment_ends(id_);
      return comment_ends_[at] == npos ? at : comment_ends_[at];
    }
    if ((open != '"' && open != '[') || never_.find(open) != npos) return at;
    const char close = open == '"' ? '"' : ']';
    for (std::size_t i = at + 1; i + 1 < id_.size(); ++i) {
      if (id_[i] == '\\') {
        ++i;
      } else if (id_[i] == close) {
        return i + 1;
      }
    }
    never_ += open;
    return at;
  }

 private:
  std::string_view id_;
  std::vector<std::size_t> comment_ends_;  ///< filled when the first is asked for
  std::string never_;                      ///< opening octets that find no end any more, so that the walk stays linear
};

InnerSpace meaning(std::string_view id, std::size_t begin, std::size_t end) {
  const char before = id[begin - 1];
  const char after = id[end];
  const std::string_view run = id.substr(begin, end - begin);
  // A fold, or what is left of it on one line.
  if (before == '!') return InnerSpace::uncertain;
  if (before == '<' || before == '@' || before == '.') return InnerSpace::certain;
  if (after == '>' || after == '@' || after == '.') return InnerSpace::certain;
  if (run == "\n " && is_utf8_atext(before) && is_utf8_atext(after)) return InnerSpace::certain;
  return InnerSpace::uncertain;
}

/// Calls visit(begin, end, meaning) for each run of white space inside the id's brackets, in order.
template <typename Visit>
void each_inner_space(std::string_view id, Visit visit) {
  Enclosures enclosures(id);
  for (std::size_t i = 1; i + 1 < id.size();) {
    const std::size_t enclosed_end = enclosures.end(i);
    if (enclosed_end != i) {
      if (id.substr(i, enclosed_end - i).find_first_of(" \t\n") != npos) visit(i, enclosed_end, InnerSpace::quoted);
      i = enclosed_end;
      continue;
    }
    if (!ascii::is_space(id[i])) {
      ++i;
      continue;
    }
    std::size_t end = i + 1;
    while (ascii::is_space(id[end])) ++end;
    visit(i, end, meaning(id, i, end));
    i = end;
  }
}

std::string without_spurious_space(std::string_view id) {
  std::string out;
  std::size_t kept = 0;
  each_inner_space(id, [&](std::size_t begin, std::size_t end, InnerSpace found) {
    if (found != InnerSpace::certain) return;
    out += id.substr(kept, begin - kept);
    kept = end;
  });
  out += id.substr(kept);
  return out;
}

/// What parts ids, or encloses one: specials of RFC 5322 3.2.3 other than ".", "@", ":" and "\\", and white space.
constexpr std::string_view separators = " \t\n,;\"()[]<>";

}  // namespace

InnerSpace inner_space(std::string_view id) {
  InnerSpace worst = InnerSpace::none;
  if (id.find_first_of(" \t\n") == npos) return worst;
  bool has_certain_fold = false;
  each_inner_space(id, [&](std::size_t begin, std::size_t end, InnerSpace found) {
    worst = std::max(worst, found);
    const bool is_fold = id.substr(begin, end - begin).find('\n') != npos;
    has_certain_fold = has_certain_fold || (found == InnerSpace::certain && is_fold);
  });
  if (worst != InnerSpace::certain) return worst;
  // Two ids may have lost what parted them, and a fold between two ids is no line cut. Without its space the id could
  // become an encoded-word.
  if (may_be_several(id) || id.find("=?") != npos) return InnerSpace::uncertain;
  if (!has_certain_fold) return worst;
  const std::string joined = without_spurious_space(id);
  const bool is_clean = is_clean_bare_id(std::string_view(joined).substr(1, joined.size() - 2));
  return is_clean ? worst : InnerSpace::uncertain;
}

std::string without_certain_space(std::string_view id) {
  return inner_space(id) == InnerSpace::certain ? without_spurious_space(id) : std::string(id);
}

bool may_be_several(std::string_view id) noexcept {
  std::size_t at = id.find('@');
  for (std::size_t next = 0; at != npos; at = next) {
    next = id.find('@', at + 1);
    if (next != npos && id.substr(at, next - at).find_first_of(separators) != npos) return true;
  }
  return false;
}

bool is_several(std::string_view id) noexcept {
  if (!may_be_several(id)) return false;
  int count = 0;
  while (!id.empty() && count < 2) {
    const std::size_t end = std::min(id.find_first_of(separators), id.size());
    if (is_clean_bare_id(id.substr(0, end))) ++count;
    id.remove_prefix(std::min(end + 1, id.size()));
  }
  return count > 1;
}

std::string without_space(std::string_view id) {
  std::string out;
  out.reserve(id.size());
  std::copy_if(id.begin(), id.end(), std::back_inserter(out), [](char c) { return !ascii::is_space(c); });
  return out;
}

bool is_dot_atom(std::string_view text) noexcept {
  bool in_atom = false;
  for (const char c : text) {
    if (c == '.' ? !in_atom : !ascii::is_atext(c)) return false;
    in_atom = c != '.';
  }
  return in_atom;
}

bool is_clean_bare_id(std::string_view text) noexcept {
  const std::size_t at = text.find('@');
  if (at == npos || !is_dot_atom(text.substr(0, at))) return false;
  const std::string_view right = text.substr(at + 1);
  if (is_dot_atom(right)) return true;
  // no-fold-literal = "[" *dtext "]"
  return right.size() >= 2 && right.front() == '[' && right.back() == ']' &&
         std::all_of(right.begin() + 1, right.end() - 1,
                     [](char c) { return ascii::is_visible(c) && c != '[' && c != ']' && c != '\\'; });
}

std::optional<std::string> shorten(std::string_view id, std::string_view domain, std::size_t limit) {
  static constexpr boost::uuids::uuid name_space = {
      {0x4d, 0x01, 0x11, 0x92, 0x96, 0xf2, 0x5c, 0xe6, 0x9e, 0xea, 0xf9, 0x12, 0x1f, 0x36, 0x1b, 0x37}};
  const std::string octets = without_space(id);
  const std::string uuid = to_string(boost::uuids::name_generator_sha1(name_space)(octets));
  const auto fits = [&](std::string_view d) { return uuid.size() + d.size() + 3 <= limit; };
  if (domain.empty()) {
    const std::size_t at = octets.rfind('@');
    if (at != std::string::npos) domain = std::string_view(octets).substr(at + 1, octets.size() - at - 2);
    if (!is_dot_atom(domain) || !fits(domain)) domain = fallback_domain;
  }
  if (!fits(domain)) return std::nullopt;
  std::string short_id = "<" + uuid + "@";
  short_id += domain;
  short_id += '>';
  return short_id;
}

}  // namespace msgid
