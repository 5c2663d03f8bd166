#include "core/shape.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "core/ascii.h"
#include "msgid/encoded_word.h"

namespace msgid {

namespace {

constexpr std::size_t npos = std::string_view::npos;

std::string_view inside(std::string_view id) {
  return ascii::trim(id.substr(1, id.size() - 2));
}

bool is_control_only(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return c < 32 || c == 127; });
}

bool is_space(const Token& token) {
  return token.kind == TokenKind::white_space;
}

/// Text outside of ids, comments and quoted-strings that is no control character.
bool is_text(const Token& token) {
  return token.kind == TokenKind::text && !is_control_only(token.text);
}

bool is_empty_pair(const Token& token) {
  return token.kind == TokenKind::text && token.text.size() >= 2 && token.text.front() == '<' &&
         ascii::trim(token.text.substr(1)) == ">";
}

/// An angle bracket, or one letter, as it is written for HTML, for a URL, or in a string of a programming language.
bool has_escape(std::string_view text) {
  static constexpr std::array<std::string_view, 10> escapes = {"&lt;",   "&gt;", "&#60;", "&#62;",   "&#x3c;",
                                                               "&#x3e;", "%3c",  "%3e",   "\\u003c", "\\u003e"};
  const std::string folded = lower(text);
  return std::any_of(escapes.begin(), escapes.end(),
                     [&](std::string_view escape) { return folded.find(escape) != npos; });
}

/// 1*("\r" / "\n" / "\t"), as letters after backslashes.
bool is_escaped_fold(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); i += 2) {
    if (text[i] != '\\' || i + 1 == text.size() || std::string_view("rnt").find(text[i + 1]) == npos) return false;
  }
  return !text.empty();
}

/// A list as programming languages print it: ["<a@b>", "<c@d>"].
bool is_printed_list(std::span<const Token> tokens) {
  const Token* first = nullptr;
  const Token* last = nullptr;
  bool has_item = false;
  for (const Token& token : tokens) {
    if (is_space(token)) continue;
    if (first == nullptr) first = &token;
    last = &token;
    has_item = has_item || token.kind == TokenKind::msg_id || token.kind == TokenKind::quoted_string;
  }
  return has_item && is_text(*first) && first->text.front() == '[' && is_text(*last) && last->text.back() == ']';
}

bool is_escaped(std::span<const Token> tokens) {
  return is_printed_list(tokens) || std::any_of(tokens.begin(), tokens.end(), [](const Token& token) {
           return is_text(token) && (has_escape(token.text) || is_escaped_fold(token.text));
         });
}

bool may_be_quoted(const Token& token) {
  return is_in_brackets(token) || token.kind == TokenKind::encoded_word;
}

/// An id or encoded-word, bare or in brackets, with quotation marks around it or on one side.
bool is_quoted(std::span<const Token> tokens) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const Token& token = tokens[i];
    if (is_text(token) && token.text.find_first_not_of("\"'`") == npos) {
      if (i > 0 && may_be_quoted(tokens[i - 1])) return true;
      if (i + 1 < tokens.size() && may_be_quoted(tokens[i + 1])) return true;
    }
    if (token.kind != TokenKind::quoted_string) continue;
    const std::string_view text = inside(token.text);
    const bool is_bracketed = text.size() > 2 && text.front() == '<' && text.back() == '>';
    EncodedWord word;
    if (is_bracketed || is_clean_bare_id(text) || EncodedWordMatcher(text).match(0, word)) return true;
  }
  return false;
}

bool has_unbalanced_brackets(std::span<const Token> tokens) {
  return std::any_of(tokens.begin(), tokens.end(), [](const Token& token) {
    return token.kind == TokenKind::unterminated ||
           (token.kind == TokenKind::text && !is_empty_pair(token) && token.text.find_first_of("<>") != npos);
  });
}

/// The name of a listed field with its colon: a field was written into another.
bool is_name_of_field(std::string_view text, const Policy& policy) {
  return text.back() == ':' && policy.find(text.substr(0, text.size() - 1)) != nullptr;
}

bool has_text_left_over(std::span<const Token> tokens, const ListedField& listed, const Policy& policy) {
  bool has_id = false;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    has_id = has_id || tokens[i].kind == TokenKind::msg_id;
    if (!is_text(tokens[i]) || is_empty_pair(tokens[i])) continue;
    const bool is_glued = (i > 0 && tokens[i - 1].kind == TokenKind::msg_id) ||
                          (i + 1 < tokens.size() && tokens[i + 1].kind == TokenKind::msg_id);
    if (is_glued || is_name_of_field(tokens[i].text, policy)) return true;
  }
  if (listed.is_list || !has_id) return false;
  return std::any_of(tokens.begin(), tokens.end(), [](const Token& token) {
    return (is_text(token) && !is_empty_pair(token)) || token.kind == TokenKind::quoted_string ||
           token.kind == TokenKind::encoded_word;
  });
}

bool has_too_many_ids(std::span<const Token> tokens, const ListedField& listed, const Policy& policy) {
  std::size_t ids = 0;
  for (const Token& token : tokens) {
    if (token.kind != TokenKind::msg_id) continue;
    ++ids;
    if (!is_several(token.text)) continue;
    const bool is_spaced = inner_space(token.text) == InnerSpace::uncertain;
    if (!is_spaced || policy.action(RuleId::space_in_msgid) == RuleAction::off) return true;
  }
  return !listed.is_list && ids > 1;
}

/// A word has no white space or comma in it.
bool has_one_word_only(std::span<const Token> tokens) {
  std::string_view first;
  for (const Token& token : tokens) {
    if (is_space(token) || token.kind == TokenKind::comma) continue;
    if (!is_text(token) && token.kind != TokenKind::encoded_word && token.kind != TokenKind::quoted_string)
      return false;
    if (token.text.find_first_of(" \t\n") != npos) return false;
    if (first.empty()) first = token.text;
    if (first != token.text) return false;
  }
  return !first.empty();
}

}  // namespace

Reason misplaced_word(std::string_view body, std::span<const Token> tokens) {
  EncodedWordMatcher matcher(body);
  EncodedWord word;
  Reason found = Reason::none;
  std::size_t begin = 0;
  for (const Token& token : tokens) {
    const std::size_t end = begin + token.text.size();
    const bool is_enclosed = token.kind == TokenKind::comment || token.kind == TokenKind::quoted_string;
    const std::string_view up_to_end = body.substr(0, is_in_brackets(token) || is_enclosed ? end : begin);
    for (std::size_t at = up_to_end.find("=?", begin); at != npos; at = up_to_end.find("=?", at)) {
      if (!matcher.match(at, word)) {
        ++at;
        continue;
      }
      if (is_in_brackets(token)) return Reason::inside_msg_id;
      at += word.whole.size();
      if (at <= end) continue;
      found = Reason::malformed_word;
      break;
    }
    begin = end;
  }
  return found;
}

bool has_broken_word(std::span<const Token> tokens) {
  return std::any_of(tokens.begin(), tokens.end(), [](const Token& token) {
    // A "?" too many: the next word may begin inside this one.
    if (token.kind == TokenKind::encoded_word) return std::count(token.text.begin(), token.text.end(), '?') != 4;
    return token.kind == TokenKind::text && token.text.find("=?") != npos;
  });
}

Reason fault_of(std::span<const Token> tokens, const ListedField& listed, const Policy& policy) {
  if (is_escaped(tokens)) return Reason::escaped;
  if (is_quoted(tokens)) return Reason::quoted;
  if (has_unbalanced_brackets(tokens)) return Reason::unbalanced_brackets;
  if (has_text_left_over(tokens, listed, policy)) return Reason::text_left_over;
  if (has_too_many_ids(tokens, listed, policy)) return Reason::more_than_one_msg_id;
  bool has_id = false;
  bool is_empty = true;
  bool has_empty_side = false;
  for (const Token& token : tokens) {
    if (is_empty_pair(token)) return Reason::empty;
    is_empty = is_empty && (is_space(token) || token.kind == TokenKind::comma);
    if (token.kind != TokenKind::msg_id) continue;
    has_id = true;
    const std::string_view id = inside(token.text);
    has_empty_side = has_empty_side || id.front() == '@' || id.back() == '@';
  }
  if (is_empty) return Reason::empty;
  if (has_empty_side) return Reason::empty_side;
  if (has_id) return Reason::none;
  return !listed.is_list || has_one_word_only(tokens) ? Reason::no_msg_id : Reason::none;
}

Reason strict_fault_of(std::string_view id) noexcept {
  const std::string_view text = inside(id);
  if (is_clean_bare_id(text) || text.front() == '@' || text.back() == '@') return Reason::none;
  // A domain-literal may hold other characters than an atom.
  const std::size_t literal = text.ends_with(']') ? text.rfind("@[") : npos;
  const std::string_view atoms = text.substr(0, literal);
  const auto is_bad = [](char c) { return !ascii::is_atext(c) && c != '.' && c != '@'; };
  if (std::any_of(atoms.begin(), atoms.end(), is_bad)) return Reason::bad_character;
  const auto ats = std::count(atoms.begin(), atoms.end(), '@') + (literal == npos ? 0 : 1);
  if (ats == 0) return Reason::no_at;
  if (ats > 1) return Reason::two_at;
  return literal != npos && is_dot_atom(atoms) ? Reason::bad_character : Reason::bad_dots;
}

namespace {

bool is_id_or_text(const Token& token) {
  return is_in_brackets(token) || token.kind == TokenKind::text;
}

bool is_odd_id(const Token& token) {
  return token.kind == TokenKind::msg_id && !is_clean_bare_id(token.text.substr(1, token.text.size() - 2));
}

/// Tokens that touch: clean ids, and what may be left of brackets.
struct Piece {
  std::string text;
  std::size_t end;  ///< the token after it
};
Piece piece_at(std::span<const Token> tokens, std::size_t first) {
  Piece piece{{}, first};
  while (piece.end < tokens.size() && is_id_or_text(tokens[piece.end]) && !is_odd_id(tokens[piece.end])) {
    piece.text += tokens[piece.end++].text;
  }
  return piece;
}

/// The ids of a piece: 1*( *"<" id *">" ), each clean and with a bracket on one side at least, or one clean id without
/// any. Empty where the piece is anything else.
struct Brackets {
  std::vector<std::string> ids;
  bool is_repaired = false;
  bool is_bare = false;
  bool is_open = false;  ///< the last id has no ">"
};
Brackets read_brackets(std::string_view text) {
  Brackets out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = std::min(text.find_first_not_of('<', at), text.size());
    const std::size_t end = std::min(text.find_first_of("<>", begin), text.size());
    const std::size_t next = std::min(text.find_first_not_of('>', end), text.size());
    const std::string_view id = text.substr(begin, end - begin);
    const bool is_bare = begin == at && next == end;
    if (!is_clean_bare_id(id) || has_escape(id) || (is_bare && (at > 0 || next < text.size()))) return {};
    out.is_bare = is_bare;
    out.is_open = begin > at && next == end;
    out.is_repaired = out.is_repaired || begin != at + 1 || next != end + 1;
    out.ids.push_back("<" + std::string(id) + ">");
    at = next;
  }
  return out;
}

}  // namespace

std::optional<std::vector<Token>> with_brackets(Inspection& field) {
  const std::span<const Token> tokens = field.tokens;
  const bool has_text = std::any_of(tokens.begin(), tokens.end(), [](const Token& token) {
    return token.kind == TokenKind::text || token.kind == TokenKind::unterminated;
  });
  if (!has_text) return std::nullopt;
  std::vector<Token> result;
  std::size_t ids = 0;
  bool is_repaired = false;
  bool has_bare = false;
  bool has_comment = false;
  for (std::size_t i = 0; i < tokens.size();) {
    has_comment = has_comment || tokens[i].kind == TokenKind::comment;
    if (!is_id_or_text(tokens[i])) {
      if (tokens[i].kind == TokenKind::quoted_string || tokens[i].kind == TokenKind::encoded_word) return std::nullopt;
      result.push_back(tokens[i++]);
      continue;
    }
    if (is_odd_id(tokens[i])) {
      ++ids;
      result.push_back(tokens[i++]);
      continue;
    }
    const Piece piece = piece_at(tokens, i);
    Brackets brackets = read_brackets(piece.text);
    // What has no end at the end of a list may be the beginning of a longer id: lists are cut at length limits.
    const bool is_last = std::all_of(tokens.begin() + static_cast<std::ptrdiff_t>(piece.end), tokens.end(), is_space);
    const bool is_cut = brackets.is_open && is_last && field.listed.is_list;
    // A bracket that is missing beside an odd id may never have been there: both may be halves of one id.
    const bool is_half = (i > 0 && is_odd_id(tokens[i - 1]) && piece.text.front() != '<') ||
                         (piece.end < tokens.size() && is_odd_id(tokens[piece.end]) && piece.text.back() != '>');
    if (brackets.ids.empty() || is_cut || is_half) return std::nullopt;
    ids += brackets.ids.size();
    is_repaired = is_repaired || brackets.is_repaired;
    has_bare = has_bare || brackets.is_bare;
    for (std::string& id : brackets.ids) result.push_back({TokenKind::msg_id, field.keep(std::move(id))});
    i = piece.end;
  }
  const bool is_phrase = has_bare && has_comment;  // "joe@example.com (Joe)" is an address
  if (!is_repaired || is_phrase || (!field.listed.is_list && ids > 1)) return std::nullopt;
  return result;
}

}  // namespace msgid
