// The rules: a row and a function each. They run in the order of the rows; each sees the tokens as the rules before
// left them, but for line-too-long, folded and control-character, which look at the field as received.

#include <algorithm>
#include <array>

#include "core/ascii.h"
#include "core/inspection.h"
#include "core/shape.h"
#include "msgid/encoded_word.h"

namespace msgid {

namespace {

constexpr std::size_t npos = std::string_view::npos;

bool has_non_ascii(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) > 127; });
}

std::string in_brackets(std::string_view bare_id) {
  std::string id(1, '<');
  id += bare_id;
  id += '>';
  return id;
}

/// Reads what encoded-words decoded to: *(msg-id / "," / WSP), each msg-id "<" 1*(VCHAR without angle brackets) ">".
/// Appends a token for each id; returns why not, or none.
Reason read_ids(std::string_view octets, std::vector<Token>& ids) {
  if (has_non_ascii(octets)) return Reason::non_ascii;
  if (std::any_of(octets.begin(), octets.end(), [](char c) { return (c < 32 && c != '\t') || c == 127; })) {
    return Reason::control_character;
  }
  const std::size_t before = ids.size();
  for (std::size_t i = 0; i < octets.size();) {
    if (octets[i] == ' ' || octets[i] == '\t' || octets[i] == ',') {
      ++i;
      continue;
    }
    if (octets[i] == '>') return Reason::unbalanced_brackets;
    if (octets[i] != '<') return octets.find_first_of("<>") == npos ? Reason::no_msg_id : Reason::text_left_over;
    const std::size_t end = octets.find_first_of("<> \t", i + 1);
    if (end == npos || octets[end] == '<') return Reason::unbalanced_brackets;
    if (octets[end] != '>') return Reason::space_in_msgid;
    if (end == i + 1) return Reason::empty;
    const std::string_view id = octets.substr(i, end + 1 - i);
    if (may_be_several(id)) return Reason::more_than_one_msg_id;
    const std::array<Token, 1> token = {{{TokenKind::msg_id, id}}};
    if (misplaced_word(id, token) != Reason::none) return Reason::inside_msg_id;
    ids.push_back({TokenKind::msg_id, id});
    i = end + 1;
  }
  return ids.size() == before ? Reason::no_msg_id : Reason::none;
}

/// The end of the run of encoded-words that begins at `first`: white space between two of them belongs to it.
std::size_t run_end(std::span<const Token> tokens, std::size_t first) {
  std::size_t end = first + 1;
  for (std::size_t i = end; i < tokens.size(); ++i) {
    if (tokens[i].kind == TokenKind::encoded_word) {
      end = i + 1;
    } else if (tokens[i].kind != TokenKind::white_space) {
      break;
    }
  }
  return end;
}

Decoded decode_run(std::span<const Token> run) {
  Decoded decoded;
  for (const Token& token : run) {
    EncodedWord word;
    if (token.kind == TokenKind::encoded_word && EncodedWordMatcher(token.text).match(0, word)) decode(word, decoded);
  }
  // The line end of a program that encoded the whole line.
  for (const std::string_view line_end : {"\r\n", "\n"}) {
    if (!decoded.octets.ends_with(line_end)) continue;
    decoded.octets.resize(decoded.octets.size() - line_end.size());
    break;
  }
  return decoded;
}

/// Replaces the runs that are written in place of msg-ids by the ids they decode to; returns why one cannot be read.
/// `result` is equal to `tokens` where no run stands for msg-ids.
struct ReadRuns {
  std::vector<Token> result;
  bool stand_for_ids = false;
  Reason refusal = Reason::none;
};
ReadRuns read_runs(Inspection& field) {
  ReadRuns read;
  const std::span<const Token> tokens = field.tokens;
  const auto is_space = [](const Token& token) { return token.kind == TokenKind::white_space; };
  for (std::size_t i = 0; i < tokens.size();) {
    if (tokens[i].kind != TokenKind::encoded_word) {
      read.result.push_back(tokens[i++]);
      continue;
    }
    const std::size_t end = run_end(tokens, i);
    Decoded decoded = decode_run(tokens.subspan(i, end - i));
    const bool is_whole_body = std::all_of(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(i), is_space) &&
                               std::all_of(tokens.begin() + static_cast<std::ptrdiff_t>(end), tokens.end(), is_space);
    // A phrase is legal in a list only (RFC 5322 4.5.4).
    const bool stands_for_ids = decoded.octets.find_first_of("<>@") != npos || is_whole_body || !field.listed.is_list;
    if (!stands_for_ids) {
      read.result.insert(read.result.end(), tokens.begin() + static_cast<std::ptrdiff_t>(i),
                         tokens.begin() + static_cast<std::ptrdiff_t>(end));
      i = end;
      continue;
    }
    read.stand_for_ids = true;
    Reason refusal = decoded.refusal;
    if (refusal == Reason::none) {
      const std::string_view bare = ascii::trim(decoded.octets);
      const bool is_bare_id = is_whole_body && is_clean_bare_id(bare);
      refusal = read_ids(field.keep(is_bare_id ? in_brackets(bare) : decoded.octets), read.result);
    }
    if (read.refusal == Reason::none) read.refusal = refusal;
    i = end;
  }
  return read;
}

Answer encoded_word(Inspection& field, bool may_fix) {
  if (field.body.find("=?") == npos) return clean;
  const Reason misplaced = misplaced_word(field.body, field.tokens);
  const bool is_broken = has_broken_word(field.tokens);
  ReadRuns read = read_runs(field);
  if (misplaced == Reason::none && !is_broken && !read.stand_for_ids) return clean;
  if (is_broken) read.refusal = Reason::malformed_word;
  if (misplaced != Reason::none) read.refusal = misplaced;
  if (read.refusal == Reason::none && !field.listed.is_list) {
    const Reason fault = fault_of(read.result, field.listed, field.policy);
    if (fault != Reason::empty_side) read.refusal = fault;
  }
  if (read.refusal != Reason::none || !may_fix) {
    field.hold(Reason::encoded_word);
    field.has_undecoded_words = true;
    return found(read.refusal);
  }
  field.tokens = std::move(read.result);
  return mended;
}

Answer line_too_long(Inspection& field, bool may_fix) {
  if (longest_line(field.name.size(), field.body) <= field.policy.line_length) return clean;
  return may_fix ? mended : found();
}

/// Gives each id for which `is_wrong` a short name.
template <typename Predicate>
Answer shorten_ids(Inspection& field, bool may_fix, Predicate is_wrong) {
  bool any = false;
  bool any_mended = false;
  for (Token& token : field.tokens) {
    if (token.kind != TokenKind::msg_id || !is_wrong(token.text)) continue;
    any = true;
    if (!may_fix) break;
    std::optional<std::string> name = shorten(token.text, field.policy.msgid_domain, field.policy.msgid_length);
    if (!name) continue;
    token.text = field.keep(std::move(*name));
    any_mended = true;
  }
  if (!any) return clean;
  if (any_mended) return mended;
  return may_fix ? found(Reason::no_shorter_name) : found();
}

Answer msgid_too_long(Inspection& field, bool may_fix) {
  const std::size_t limit = field.policy.msgid_length;
  return shorten_ids(field, may_fix,
                     [limit](std::string_view id) { return id.size() > limit && without_space(id).size() > limit; });
}

Answer non_ascii(Inspection& field, bool may_fix) {
  return shorten_ids(field, may_fix, has_non_ascii);
}

Answer space_in_msgid(Inspection& field, bool may_fix) {
  InnerSpace worst = InnerSpace::none;
  bool any_certain = false;
  for (const Token& token : field.tokens) {
    if (token.kind != TokenKind::msg_id) continue;
    const InnerSpace space = inner_space(token.text);
    worst = std::max(worst, space);
    any_certain = any_certain || space == InnerSpace::certain;
  }
  if (worst == InnerSpace::none) return clean;
  if (worst == InnerSpace::uncertain) return found(Reason::uncertain);
  if (!any_certain) return found(Reason::legal_space);
  if (!may_fix) return found();
  for (Token& token : field.tokens) {
    if (token.kind == TokenKind::msg_id && inner_space(token.text) == InnerSpace::certain) {
      token.text = field.keep(without_certain_space(token.text));
    }
  }
  return mended;
}

/// The octets of `tokens` rendered on one line, a space before each unit.
std::size_t rendered_size(std::span<const Token> tokens) {
  const std::vector<std::string_view> parts = units(tokens);
  return fold(0, parts, npos).size();
}

/// RFC 5537 3.4.4: the first id stays, and as many of the last as fit, at least two. What stands between an id and the
/// next belongs to it, what stands before the first to the first.
Answer trim_references(Inspection& field) {
  std::vector<std::size_t> begins;
  for (std::size_t i = 0; i < field.tokens.size(); ++i) {
    if (field.tokens[i].kind == TokenKind::msg_id) begins.push_back(i);
  }
  if (begins.size() < 3) return found(Reason::cannot_be_shorter);
  begins.front() = 0;
  begins.push_back(field.tokens.size());
  const std::span<const Token> tokens = field.tokens;
  const auto size_of = [&](std::size_t id) {
    return rendered_size(tokens.subspan(begins[id], begins[id + 1] - begins[id]));
  };
  const std::size_t ids = begins.size() - 1;
  std::size_t size = size_of(0) + size_of(ids - 1) + size_of(ids - 2);
  std::size_t kept_from = ids - 2;
  // The space after the colon is not counted.
  while (kept_from > 1) {
    size += size_of(kept_from - 1);
    if (size - 1 > field.policy.references_length) break;
    --kept_from;
  }
  const std::span<const Token> dropped = tokens.subspan(begins[1], begins[kept_from] - begins[1]);
  const bool is_readable = std::none_of(dropped.begin(), dropped.end(), [](const Token& token) {
    return token.kind == TokenKind::unterminated || token.kind == TokenKind::encoded_word;
  });
  if (!is_readable) return found(Reason::unreadable);
  if (dropped.empty()) return found(Reason::cannot_be_shorter);
  field.tokens.erase(field.tokens.begin() + static_cast<std::ptrdiff_t>(begins[1]),
                     field.tokens.begin() + static_cast<std::ptrdiff_t>(begins[kept_from]));
  return mended;
}

Answer references_too_long(Inspection& field, bool may_fix) {
  const std::size_t limit = field.policy.references_length;
  if (!field.listed.is_list || (!field.changed && field.body.size() <= limit)) return clean;
  const std::size_t rendered = rendered_size(field.tokens);
  const std::size_t size =
      field.changed ? rendered - std::min<std::size_t>(rendered, 1) : ascii::trim(unfold(field.body)).size();
  if (size <= limit) return clean;
  if (!may_fix) return found();
  // Less white space may be all it takes.
  return rendered <= limit + 1 ? mended : trim_references(field);
}

Answer folded(Inspection& field, bool may_fix) {
  if (field.body.find('\n') == npos) return clean;
  const std::size_t unfolded = unfold(field.body).size();
  if (unfolded == field.body.size() || field.name.size() + 1 + unfolded > field.policy.fold_at) return clean;
  return may_fix ? mended : found();
}

Answer brackets(Inspection& field, bool may_fix) {
  std::optional<std::vector<Token>> tokens = with_brackets(field);
  if (!tokens) return clean;
  field.has_reported_brackets = true;
  if (!may_fix) return found();
  field.tokens = std::move(*tokens);
  return mended;
}

Answer control_character(Inspection& field, bool) {
  const std::string_view body = field.body;
  for (std::size_t i = 0; i < body.size(); ++i) {
    const auto c = static_cast<unsigned char>(body[i]);
    if (c >= 32 && c != 127) continue;
    const bool is_fold = c == '\n' && i + 1 < body.size() && (body[i + 1] == ' ' || body[i + 1] == '\t');
    if (c != '\t' && !is_fold) return found();
  }
  return clean;
}

Answer duplicate_field(Inspection& field, bool) {
  return field.listed.at_most_once && field.instance > 1 ? found() : clean;
}

Answer malformed(Inspection& field, bool) {
  // One fault, one finding.
  if (field.has_undecoded_words || field.has_reported_brackets) return clean;
  const Reason fault = fault_of(field.tokens, field.listed, field.policy);
  return fault == Reason::none ? clean : found(fault);
}

Answer strict_syntax(Inspection& field, bool) {
  const auto is_on = [&](RuleId rule) { return field.policy.action(rule) != RuleAction::off; };
  for (const Token& token : field.tokens) {
    if (token.kind != TokenKind::msg_id) continue;
    const bool is_reported = (is_on(RuleId::non_ascii) && has_non_ascii(token.text)) ||
                             (is_on(RuleId::space_in_msgid) && inner_space(token.text) != InnerSpace::none);
    const Reason fault = is_reported ? Reason::none : strict_fault_of(token.text);
    if (fault != Reason::none) return found(fault);
  }
  return clean;
}

constexpr std::array<RuleRow, rule_count> table = {{
    {{RuleId::encoded_word, "encoded-word", "encoded-words where msg-ids belong: replaced by the ids they decode to",
      RuleAction::fix, true},
     encoded_word,
     false},
    {{RuleId::line_too_long, "line-too-long", "a line over line-length octets: folded where white space is",
      RuleAction::fix, true},
     line_too_long,
     true},
    {{RuleId::msgid_too_long, "msgid-too-long", "a msg-id over msgid-length octets: shortened by name", RuleAction::fix,
      true},
     msgid_too_long,
     false},
    {{RuleId::space_in_msgid, "space-in-msgid", "white space inside <...>: removed where its meaning is certain",
      RuleAction::fix, true},
     space_in_msgid,
     false},
    {{RuleId::references_too_long, "references-too-long",
      "a list over references-length octets: trimmed to the first id and the last ones", RuleAction::report, true},
     references_too_long,
     false},
    {{RuleId::folded, "folded", "a fold where the field would fit one line: unfolded", RuleAction::off, true},
     folded,
     true},
    {{RuleId::brackets, "brackets", "an id without its pair of angle brackets: given exactly one", RuleAction::report,
      true},
     brackets,
     false},
    {{RuleId::non_ascii, "non-ascii", "octets over 127 in a msg-id: shortened by name", RuleAction::report, true},
     non_ascii,
     false},
    {{RuleId::control_character, "control-character", "a control character in the field body", RuleAction::report,
      false},
     control_character,
     false},
    {{RuleId::duplicate_field, "duplicate-field", "a second field of a name that may stand there once",
      RuleAction::report, false},
     duplicate_field,
     false},
    {{RuleId::malformed, "malformed", "a field that is not made of msg-ids as it should be", RuleAction::report, false},
     malformed,
     false},
    {{RuleId::strict_syntax, "strict-syntax", "a msg-id that is not dot-atom@dot-atom or dot-atom@[literal]",
      RuleAction::off, false},
     strict_syntax,
     false},
    {{RuleId::missing, "missing", "no Message-ID in the message", RuleAction::off, false}, nullptr, false},
}};

constexpr std::array<Rule, rule_count> public_table = [] {
  std::array<Rule, rule_count> rules{};
  for (std::size_t i = 0; i < rule_count; ++i) rules[i] = table[i].rule;
  return rules;
}();

static_assert(
    [] {
      for (std::size_t i = 0; i < rule_count; ++i) {
        if (static_cast<std::size_t>(table[i].rule.id) != i) return false;
      }
      return true;
    }(),
    "each row is at its RuleId");

}  // namespace

std::span<const RuleRow, rule_count> rule_rows() noexcept {
  return table;
}

std::span<const Rule, rule_count> rules() noexcept {
  return public_table;
}

}  // namespace msgid
