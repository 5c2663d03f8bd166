#include "msgid/inspect.h"

#include <algorithm>
#include <utility>

#include "core/ascii.h"
#include "core/inspection.h"

namespace msgid {

Policy::Policy()
    : fields{{"Message-ID", false, true},
             {"Resent-Message-ID", false, false},  // a message may be resent more than once (RFC 5322 3.6.6)
             {"In-Reply-To", true, true},
             {"References", true, true}} {
  for (const Rule& rule : rules()) action(rule.id) = rule.by_default;
}

const ListedField* Policy::find(std::string_view name) const noexcept {
  const auto row = std::find_if(fields.begin(), fields.end(),
                                [name](const ListedField& listed) { return same_name(listed.name, name); });
  return row == fields.end() ? nullptr : &*row;
}

Token* Inspection::only_token() {
  Token* only = nullptr;
  for (Token& token : tokens) {
    if (token.kind == TokenKind::white_space) continue;
    if (only != nullptr) return nullptr;
    only = &token;
  }
  return only;
}

std::vector<std::string_view> units(std::span<const Token> tokens, bool held) {
  std::vector<std::string_view> out;
  const auto is_word = [](const Token& token) {
    return token.kind == TokenKind::text || token.kind == TokenKind::quoted_string ||
           token.kind == TokenKind::encoded_word;
  };
  for (std::size_t i = 0; i < tokens.size();) {
    const Token& first = tokens[i];
    if (first.kind == TokenKind::white_space || (first.kind == TokenKind::comma && !held)) {
      ++i;
      continue;
    }
    // Tokens that stand together view the same text, so the views can be joined.
    std::size_t end = i + 1;
    if (held) {
      while (end < tokens.size() && tokens[end].kind != TokenKind::white_space) ++end;
    } else if (is_word(first)) {
      for (std::size_t j = end; j < tokens.size(); ++j) {
        if (is_word(tokens[j])) {
          end = j + 1;
        } else if (tokens[j].kind != TokenKind::white_space && tokens[j].kind != TokenKind::comma) {
          break;
        }
      }
    }
    const Token& last = tokens[end - 1];
    out.emplace_back(first.text.data(),
                     static_cast<std::size_t>(last.text.data() - first.text.data()) + last.text.size());
    i = end;
  }
  return out;
}

namespace {

/// What the rules said of one field, by rule.
struct Record {
  bool found = false;
  Action action = Action::report;
  std::string_view reason = {};
};
using Records = std::array<Record, rule_count>;

/// Runs the rules over a field once. `records` takes what they found; in a later round only what they mended: the text
/// is then our own, and a report about it would tell the administrator nothing about the mail.
bool run_rules(Inspection& field, Records& records, bool is_first_round) {
  bool any_mended = false;
  for (const RuleRow& row : rule_rows()) {
    const RuleAction action = field.policy.action(row.rule.id);
    if (action == RuleAction::off || row.check == nullptr) continue;
    const bool wants_fix = action == RuleAction::fix && row.rule.can_fix;
    const bool may_fix = wants_fix && (row.is_layout || !field.held);
    const Answer answer = row.check(field, may_fix);
    if (answer.what == Answer::What::clean) continue;
    const bool is_mended = answer.what == Answer::What::mended;
    any_mended = any_mended || is_mended;
    if (is_mended && !row.is_layout) field.changed = true;
    if (!is_first_round && !is_mended) continue;
    std::string_view reason = answer.reason;
    if (!is_mended && wants_fix && !may_fix && reason.empty()) reason = field.held_because;
    records[static_cast<std::size_t>(row.rule.id)] = {true, is_mended ? Action::rewrite : Action::report, reason};
  }
  return any_mended;
}

std::vector<std::string> ids_of(std::span<const Token> tokens) {
  std::vector<std::string> ids;
  for (const Token& token : tokens) {
    if (token.kind == TokenKind::msg_id) ids.push_back(without_space(token.text));
  }
  return ids;
}

/// Whether the ids of a new body, scanned afresh, are those it was made of. A decoded id may hold quotes or
/// parentheses that swallow the next one.
bool reads_back(std::string_view new_body, std::span<const Token> made_of) {
  std::vector<Token> again;
  scan(new_body, again);
  return ids_of(again) == ids_of(made_of);
}

/// Renders the tokens; nothing where the result must not be written. Says so in `records`.
std::string render(const Inspection& field, Records& records) {
  const std::size_t name_octets = field.name.size();
  const std::vector<std::string_view> parts = units(field.tokens, field.held);
  std::string body = fold(name_octets, parts, field.policy.fold_at);
  // A shorter line is worth an edit even if one unit keeps it over the limit.
  const std::size_t longest = longest_line(name_octets, body);
  const bool is_shorter = longest <= field.policy.line_length || longest < longest_line(name_octets, field.body);
  Record& line = records[static_cast<std::size_t>(RuleId::line_too_long)];
  if (line.action == Action::rewrite && (!is_shorter || longest > max_line_octets)) {
    line = {true, Action::report, "no-fold-point"};
  }
  // A fold inside an id of a field that is held is no white space to refold at.
  const bool has_fixed_fold = field.held && std::any_of(parts.begin(), parts.end(), [](std::string_view part) {
                                return part.find('\n') != std::string_view::npos;
                              });
  // An empty body would delete the field.
  const bool is_writable = !has_fixed_fold && !body.empty() && body != field.body && is_safe_body(name_octets, body) &&
                           reads_back(body, field.tokens);
  for (Record& record : records) {
    if (!is_writable && record.action == Action::rewrite) record = {true, Action::report, "unrenderable"};
  }
  const bool is_wanted = std::any_of(records.begin(), records.end(),
                                     [](const Record& record) { return record.action == Action::rewrite; });
  return is_wanted ? body : std::string();
}

std::string shown(std::string_view body) {
  return std::string(ascii::trim(unfold(body)));
}

/// What the rules made of one field.
struct Result {
  Records records = {};
  std::string new_body = {};  ///< empty: no edit
};

constexpr std::string_view because_signed = "signed";

/// With `only_layout` nothing but folds may change, for the sake of a signature.
Result run_rounds(const Field& field, const ListedField& listed, const Policy& policy, std::vector<Token>& tokens,
                  bool only_layout) {
  // One edit can make room for the next: brackets added may give an id that is too long, a list trimmed may lose the
  // one place that kept spaces from being removed. So the rules run until nothing is left for them. Three
  // rounds with edits are the most that is known of; the bound is there so that a mistake in a rule cannot make a loop.
  static constexpr int max_rounds = 8;
  Result result;
  for (int round = 0; round < max_rounds; ++round) {
    const bool is_first = round == 0;
    const std::string_view body = is_first ? std::string_view(field.body) : result.new_body;
    scan(body, tokens);
    Inspection inspection{policy, listed, field.name, body, field.instance, tokens};
    if (only_layout) {
      inspection.held = true;
      inspection.held_because = because_signed;
    }
    Records found = {};
    const bool any_mended = run_rules(inspection, found, is_first);
    std::string next = any_mended ? render(inspection, found) : std::string();
    for (std::size_t i = 0; i < rule_count; ++i) {
      if (is_first || found[i].action == Action::rewrite) result.records[i] = found[i];
    }
    if (next.empty()) break;
    result.new_body = std::move(next);
  }
  return result;
}

/// What `full` would have changed and `made` does not is held back for the signature, whatever stopped it there.
void hold_back(const Records& full, Records& made) {
  for (std::size_t i = 0; i < rule_count; ++i) {
    if (full[i].action != Action::rewrite || made[i].action == Action::rewrite) continue;
    made[i] = {true, Action::report, because_signed};
  }
}

void take_back(Result& result) {
  for (Record& record : result.records) {
    if (record.action == Action::rewrite) record = {true, Action::report, because_signed};
  }
  result.new_body.clear();
}

/// `made` is what becomes of the signatures through the edit, `held_back` what would have become of them.
void report(const Field& field, const Result& result, const Survival& made, const Survival& held_back,
            Verdict& verdict) {
  for (const Rule& rule : rules()) {
    const Record& record = result.records[static_cast<std::size_t>(rule.id)];
    if (!record.found) continue;
    const bool is_rewrite = record.action == Action::rewrite;
    verdict.findings.push_back({&rule, field.name, field.instance, record.action, std::string(record.reason),
                                shown(field.body), is_rewrite ? shown(result.new_body) : std::string(),
                                is_rewrite                        ? made
                                : record.reason == because_signed ? held_back
                                                                  : Survival()});
  }
}

void inspect_message(const FieldList& fields, const Policy& policy, Verdict& verdict) {
  const Rule& missing = rules()[static_cast<std::size_t>(RuleId::missing)];
  if (policy.action(missing.id) == RuleAction::off) return;
  static constexpr std::string_view name = "Message-ID";
  const bool is_there =
      std::any_of(fields.begin(), fields.end(), [](const Field& field) { return same_name(field.name, name); });
  if (!is_there) verdict.findings.push_back({&missing, std::string(name), 0, Action::report, {}, {}, {}});
}

}  // namespace

void inspect_field(const Field& field, const ListedField& listed, const Policy& policy, SignaturesOnDemand& signatures,
                   std::vector<Token>& tokens, Verdict& verdict) {
  Result result = run_rounds(field, listed, policy, tokens, false);
  Survival made;
  Survival held_back;
  if (!result.new_body.empty()) made = signatures.after(field, result.new_body);
  const bool is_kept = policy.signed_fields == SignedFields::keep && !result.new_body.empty();
  if (is_kept && signatures.may_break_more()) {
    held_back = std::exchange(made, {});
    take_back(result);
  } else if (is_kept && !made.breaks.empty()) {
    held_back = std::exchange(made, {});
    // "relaxed" bears new folds.
    const Result full = std::exchange(result, run_rounds(field, listed, policy, tokens, true));
    if (!result.new_body.empty()) made = signatures.after(field, result.new_body);
    if (!made.breaks.empty()) take_back(result);
    hold_back(full.records, result.records);
  }
  report(field, result, made, held_back, verdict);
  if (!result.new_body.empty()) verdict.edits.push_back({field.name, field.instance, std::move(result.new_body)});
}

Verdict inspect(const FieldList& fields, const Policy& policy) {
  Verdict verdict;
  std::vector<Token> tokens;  // kept from field to field for its memory
  SignaturesOnDemand signatures(fields);
  for (const Field& field : fields) {
    const ListedField* listed = policy.find(field.name);
    if (listed == nullptr || is_plain(field, *listed, policy)) continue;
    inspect_field(field, *listed, policy, signatures, tokens, verdict);
  }
  inspect_message(fields, policy, verdict);
  return verdict;
}

FieldList apply(const FieldList& fields, std::span<const Edit> edits) {
  FieldList out = fields;
  for (const Edit& edit : edits) {
    for (Field& field : out) {
      if (field.instance == edit.instance && same_name(field.name, edit.field)) field.body = edit.new_body;
    }
  }
  return out;
}

}  // namespace msgid
