// The scanner over any octets: the tokens are the body, each is what its kind says, and none depends on what stands
// before it. And of each msg-id found: what is asked about its white space goes together, its short form is an id.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "msgid/encoded_word.h"
#include "msgid/fold.h"
#include "msgid/msg_id.h"
#include "tests/fuzz/input.h"

namespace {

using namespace std::string_view_literals;
using fuzz::expect;
using msgid::Token;
using msgid::TokenKind;

constexpr std::array words = {"<"sv,        ">"sv,    "@"sv,   "."sv,     ","sv,           "("sv,
                              ")"sv,        "\""sv,   "\\"sv,  "["sv,     "]"sv,           "="sv,
                              "?"sv,        "_"sv,    " "sv,   "\t"sv,    "\n "sv,         "\n\t"sv,
                              "!\n "sv,     "a"sv,    "b"sv,   "x"sv,     "0"sv,           "=?u?q?=3Ca?="sv,
                              "=?"sv,       "?="sv,   "?q?"sv, "<a@b>"sv, "<\"a>b\"@c>"sv, "(c)"sv,
                              "\xc3\xa9"sv, "\x01"sv, "\r"sv,  "\0"sv,    "<a b@c>"sv,     "@[1]>"sv};

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n';
}

bool has_space(std::string_view text) {
  return std::any_of(text.begin(), text.end(), is_space);
}

std::vector<Token> scanned(std::string_view body) {
  std::vector<Token> tokens;
  msgid::scan(body, tokens);
  return tokens;
}

bool is_what_it_says(const Token& token) {
  const std::string_view text = token.text;
  const auto is_between = [text](char open, char close) {
    return text.size() >= 2 && text.front() == open && text.back() == close;
  };
  msgid::EncodedWord word;
  switch (token.kind) {
    case TokenKind::white_space:
      return std::all_of(text.begin(), text.end(), is_space);
    case TokenKind::comma:
      return text == ",";
    case TokenKind::comment:
      return is_between('(', ')');
    case TokenKind::quoted_string:
      return is_between('"', '"');
    case TokenKind::encoded_word:
      return msgid::EncodedWordMatcher(text).match(0, word) && word.whole == text;
    case TokenKind::msg_id:
      return is_between('<', '>') && text.substr(1, text.size() - 2).find_first_not_of(" \t\n") != text.npos;
    case TokenKind::unterminated:
      return text.front() == '<' && !is_space(text.back());
    case TokenKind::text:
      return (text.front() == '<' && text.back() == '>') || (!has_space(text) && text.find(',') == text.npos);
  }
  return false;
}

void check_tokens(std::string_view body, std::size_t choice) {
  const std::vector<Token> tokens = scanned(body);
  const char* at = body.data();
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const Token& token = tokens[i];
    expect(!token.text.empty() && token.text.data() == at, "each token begins where the last ended");
    at += token.text.size();
    expect(is_what_it_says(token), "a token is what its kind says", token.text);
    expect(i == 0 || token.kind != TokenKind::white_space || tokens[i - 1].kind != TokenKind::white_space,
           "white space is one token");
  }
  expect(at == body.data() + body.size(), "the tokens are the body");
  if (tokens.empty()) return;
  const std::size_t first = choice % tokens.size();
  const auto from = static_cast<std::size_t>(tokens[first].text.data() - body.data());
  const std::vector<Token> rest = scanned(body.substr(from));
  const bool is_same =
      std::equal(rest.begin(), rest.end(), tokens.begin() + static_cast<std::ptrdiff_t>(first), tokens.end(),
                 [](const Token& a, const Token& b) {
                   return a.kind == b.kind && a.text.data() == b.text.data() && a.text.size() == b.text.size();
                 });
  expect(is_same, "a token does not depend on what stands before it", body.substr(from));
}

void check_id(std::string_view id) {
  const msgid::InnerSpace space = msgid::inner_space(id);
  const std::string bare = msgid::without_space(id);
  const std::string mended = msgid::without_certain_space(id);
  expect(!has_space(bare) && (space != msgid::InnerSpace::none || bare == id), "no white space is none", id);
  expect(msgid::without_space(mended) == bare, "nothing but white space goes", id);
  expect(msgid::without_certain_space(mended) == mended, "what is certain is gone at once", id);
  if (space == msgid::InnerSpace::quoted) expect(mended == id, "quoted white space stays", id);
  for (const std::string_view domain : {""sv, "x.example"sv}) {
    for (const std::size_t limit : {msgid::min_msgid_octets, msgid::max_msgid_octets}) {
      const auto shortened = msgid::shorten(id, domain, limit);
      if (!shortened) continue;
      expect(shortened->size() <= limit && shortened->size() > 2, "a short id is short", *shortened);
      expect(shortened->starts_with('<') && shortened->ends_with('>'), "a short id has its brackets", *shortened);
      expect(msgid::is_clean_bare_id(std::string_view(*shortened).substr(1, shortened->size() - 2)),
             "a short id is clean", *shortened);
      expect(msgid::shorten(bare, domain, limit) == shortened && msgid::shorten(mended, domain, limit) == shortened,
             "an id keeps its short form whatever white space is in it", id);
    }
  }
}

void check_folding(std::string_view body) {
  std::vector<std::string_view> units;
  for (const Token& token : scanned(body)) {
    if (token.kind != TokenKind::white_space) units.push_back(token.text);
  }
  const std::string wide = msgid::fold(10, units, msgid::max_line_octets);
  const std::string narrow = msgid::fold(10, units, 78);
  // A LF is left at the end of a unit only by a caller who cut it there; scan() does not.
  expect(msgid::unfold(wide) == msgid::unfold(narrow), "where it is folded changes nothing else", narrow);
  expect(msgid::longest_line(10, narrow) <= std::max(msgid::longest_line(10, wide), 78UL), "a narrow fold is narrow");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string body = fuzz::text_of({data + 1, size - 1}, words);
  check_tokens(body, data[0]);
  for (const Token& token : scanned(body)) {
    if (token.kind == TokenKind::msg_id) check_id(token.text);
  }
  check_folding(body);
  return 0;
}
