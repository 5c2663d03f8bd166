#include "core/layout.h"

#include <algorithm>
#include <vector>

#include "msgid/fold.h"

namespace msgid {

namespace {

constexpr std::size_t npos = std::string_view::npos;

/// Whether a line may be broken between these two tokens, which touch: after what ends an id, a comment or an item of a
/// list, and before what begins one.
bool may_part(const Token& before, const Token& after) {
  const char last = before.text.back();
  const bool is_end = before.kind == TokenKind::msg_id || before.kind == TokenKind::comment ||
                      before.kind == TokenKind::comma ||
                      (before.kind == TokenKind::text && (last == ';' || last == '>'));
  const bool is_begin = is_in_brackets(after) || after.kind == TokenKind::comment ||
                        (before.kind == TokenKind::comma && after.kind != TokenKind::comma);
  return is_end && is_begin;
}

struct Place {
  std::size_t at;
  bool adds_space;
};

std::vector<Place> places(std::span<const Token> tokens, BreakAt where) {
  std::vector<Place> out;
  std::size_t at = 0;
  for (std::size_t i = 0; i < tokens.size(); at += tokens[i++].text.size()) {
    if (i == 0) continue;
    if (tokens[i].kind == TokenKind::white_space) {
      const bool is_last = i + 1 == tokens.size();
      if (!is_last && tokens[i].text.find('\n') == npos) out.push_back({at, false});
    } else if (where == BreakAt::white_space_or_touching && may_part(tokens[i - 1], tokens[i])) {
      out.push_back({at, true});
    }
  }
  return out;
}

/// Calls visit(begin, end) for each line of the body.
template <typename Visit>
void each_line(std::string_view body, Visit visit) {
  for (std::size_t begin = 0;;) {
    const std::size_t end = std::min(body.find('\n', begin), body.size());
    visit(begin, end);
    if (end == body.size()) return;
    begin = end + 1;
  }
}

}  // namespace

std::string unfold_between_ids(std::span<const Token> tokens) {
  std::string out;
  for (const Token& token : tokens) {
    if (is_in_brackets(token)) {
      out += token.text;
    } else {
      out += unfold(token.text);
    }
  }
  return out;
}

std::string refold(std::size_t name_octets, std::string_view body, std::span<const Token> tokens, BreakAt where,
                   std::size_t line_length, std::size_t fold_at) {
  const std::vector<Place> all = places(tokens, where);
  auto next = all.begin();
  std::string out;
  out.reserve(body.size() + 2 * all.size());
  each_line(body, [&](std::size_t begin, std::size_t end) {
    std::size_t line = begin == 0 ? name_octets + 1 : 0;
    if (begin > 0) out += '\n';
    if (line + end - begin <= line_length) {
      out += body.substr(begin, end - begin);
      return;
    }
    while (next != all.end() && next->at <= begin) ++next;
    bool adds_space = false;
    for (std::size_t at = begin;; ++next) {
      const bool is_last = next == all.end() || next->at >= end;
      const std::string_view piece = body.substr(at, (is_last ? end : next->at) - at);
      if (at != begin && line + piece.size() > fold_at) {
        out += adds_space ? "\n " : "\n";
        line = adds_space ? 1 : 0;
      }
      out += piece;
      line += piece.size();
      if (is_last) return;
      at = next->at;
      adds_space = next->adds_space;
    }
  });
  return out;
}

std::size_t octets_over(std::size_t name_octets, std::string_view body, std::size_t line_length) noexcept {
  std::size_t over = 0;
  each_line(body, [&](std::size_t begin, std::size_t end) {
    const std::size_t line = (begin == 0 ? name_octets + 1 : 0) + end - begin;
    if (line > line_length) over += line - line_length;
  });
  return over;
}

}  // namespace msgid
