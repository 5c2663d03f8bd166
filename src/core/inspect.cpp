#include "msgid/inspect.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/ascii.h"
#include "core/inspection.h"
#include "core/layout.h"
#include "core/shape.h"
#include "msgid/encoded_word.h"

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

std::vector<std::string_view> units(std::span<const Token> tokens) {
  std::vector<std::string_view> out;
  const auto is_word = [](const Token& token) {
    return token.kind == TokenKind::text || token.kind == TokenKind::quoted_string ||
           token.kind == TokenKind::encoded_word;
  };
  const auto touches = [tokens](std::size_t i) {  // the token before it
    return tokens[i - 1].kind != TokenKind::white_space && tokens[i - 1].kind != TokenKind::comma;
  };
  for (std::size_t i = 0; i < tokens.size();) {
    const Token& first = tokens[i];
    if (first.kind == TokenKind::white_space || first.kind == TokenKind::comma) {
      ++i;
      continue;
    }
    // The tokens of a phrase view the same text, so the views can be joined. A comment that touches one belongs to it.
    const bool is_comment = first.kind == TokenKind::comment;
    const bool begins_phrase = is_word(first) || (is_comment && i + 1 < tokens.size() && is_word(tokens[i + 1]));
    std::size_t end = i + 1;
    for (std::size_t j = end; begins_phrase && j < tokens.size(); ++j) {
      if (is_word(tokens[j]) || (tokens[j].kind == TokenKind::comment && touches(j))) {
        end = j + 1;
      } else if (tokens[j].kind != TokenKind::white_space && tokens[j].kind != TokenKind::comma) {
        break;
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
  Reason reason = Reason::none;
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
    const bool may_fix = wants_fix && (row.is_layout || !field.is_held());
    const Answer answer = row.check(field, may_fix);
    if (answer.what == Answer::What::clean) continue;
    const bool is_mended = answer.what == Answer::What::mended;
    any_mended = any_mended || is_mended;
    if (is_mended && !row.is_layout) field.changed = true;
    if (!is_first_round && !is_mended) continue;
    Reason reason = answer.reason;
    if (!is_mended && wants_fix && !may_fix && reason == Reason::none) reason = field.held_because;
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

/// The body with the new line breaks that the layout rules ask for, and its octets as they are.
std::string with_new_layout(const Inspection& field, Records& records) {
  const std::size_t name_octets = field.name.size();
  const Policy& policy = field.policy;
  Record& unfolding = records[static_cast<std::size_t>(RuleId::folded)];
  if (unfolding.action == Action::rewrite) {
    std::string body = unfold_between_ids(field.tokens);
    if (body == field.body) unfolding = {true, Action::report, Reason::space_in_msgid};
    return body;
  }
  std::string body =
      refold(name_octets, field.body, field.tokens, BreakAt::white_space, policy.line_length, policy.fold_at);
  if (!field.is_held() && longest_line(name_octets, body) > policy.line_length) {
    std::vector<Token> tokens;
    scan(body, tokens);
    body = refold(name_octets, body, tokens, BreakAt::white_space_or_touching, policy.line_length, policy.fold_at);
  }
  const bool is_shorter =
      octets_over(name_octets, body, policy.line_length) < octets_over(name_octets, field.body, policy.line_length);
  if (!is_shorter || longest_line(name_octets, body) > max_line_octets) {
    records[static_cast<std::size_t>(RuleId::line_too_long)] = {true, Action::report, Reason::no_fold_point};
  }
  return body;
}

/// The body made of the changed tokens.
std::string with_new_ids(const Inspection& field, Records& records) {
  const std::size_t name_octets = field.name.size();
  std::string body = fold(name_octets, units(field.tokens), field.policy.fold_at);
  if (longest_line(name_octets, body) > field.policy.line_length) {  // a long phrase
    std::vector<Token> tokens;
    scan(body, tokens);
    body = refold(name_octets, body, tokens, BreakAt::white_space, field.policy.line_length, field.policy.fold_at);
  }
  // A shorter line is worth an edit even if one unit keeps it over the limit.
  const std::size_t longest = longest_line(name_octets, body);
  const bool is_shorter = longest <= field.policy.line_length || longest < longest_line(name_octets, field.body);
  Record& line = records[static_cast<std::size_t>(RuleId::line_too_long)];
  if (line.action == Action::rewrite && (!is_shorter || longest > max_line_octets)) {
    line = {true, Action::report, Reason::no_fold_point};
  }
  return body;
}

/// The new body; nothing where it must not be written, and `records` has the reason.
std::string render(const Inspection& field, Records& records) {
  std::string body = field.changed ? with_new_ids(field, records) : with_new_layout(field, records);
  // An empty body would delete the field.
  const bool is_writable = !ascii::trim(body).empty() && body != field.body && is_safe_body(field.name.size(), body) &&
                           reads_back(body, field.tokens);
  for (Record& record : records) {
    if (!is_writable && record.action == Action::rewrite) record = {true, Action::report, Reason::unrenderable};
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

/// Why nothing but line breaks may change in a field with such an id, or none: what may be several ids, or one with
/// white space that may be part of it, is never replaced, joined or cut. Nor is one that an encoded-word may be part
/// of.
Reason doubt_about(const Inspection& field) {
  for (const Token& token : field.tokens) {
    if (token.kind != TokenKind::msg_id) continue;
    if (inner_space(token.text) == InnerSpace::uncertain) return Reason::uncertain;
    if (may_be_several(token.text)) return Reason::more_than_one_msg_id;
  }
  // Where the rule is on, it says so itself.
  const bool is_off = field.policy.action(RuleId::encoded_word) == RuleAction::off;
  if (!is_off) return Reason::none;
  const bool may_hide_ids = has_broken_word(field.tokens) || misplaced_word(field.body, field.tokens) != Reason::none;
  return may_hide_ids ? Reason::encoded_word : Reason::none;
}

/// With `only_layout` nothing but line breaks may change, for the sake of a signature.
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
    inspection.hold(doubt_about(inspection));
    if (only_layout) inspection.hold(Reason::signature);
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
    made[i] = {true, Action::report, Reason::signature};
  }
}

void take_back(Result& result) {
  for (Record& record : result.records) {
    if (record.action == Action::rewrite) record = {true, Action::report, Reason::signature};
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
    verdict.findings.push_back({&rule, field.name, field.instance, record.action, std::string(name_of(record.reason)),
                                shown(field.body), is_rewrite ? shown(result.new_body) : std::string(),
                                is_rewrite                           ? made
                                : record.reason == Reason::signature ? held_back
                                                                     : Survival()});
  }
}

constexpr std::string_view message_id_field = "Message-ID";

void inspect_message(const FieldList& fields, const Policy& policy, Verdict& verdict) {
  const Rule& missing = rules()[static_cast<std::size_t>(RuleId::missing)];
  if (policy.action(missing.id) == RuleAction::off) return;
  const bool is_there = std::any_of(fields.begin(), fields.end(),
                                    [](const Field& field) { return same_name(field.name, message_id_field); });
  if (!is_there) verdict.findings.push_back({&missing, std::string(message_id_field), 0, Action::report, {}, {}, {}});
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

bool is_context_field(std::string_view name) noexcept {
  return is_signature_field(name) || same_name(name, correlator_field);
}

namespace {

/// The octets that a field's ids come to, decoded and without white space; nothing where that cannot be said.
std::optional<std::string> identity(std::string_view body) {
  std::vector<Token> tokens;
  scan(body, tokens);
  Decoded decoded;
  for (const Token& token : tokens) {
    EncodedWord word;
    if (token.kind != TokenKind::encoded_word) {
      decoded.octets += token.text;
    } else if (EncodedWordMatcher(token.text).match(0, word)) {
      decode(word, decoded);
    }
  }
  std::string octets = without_space(decoded.octets);
  std::erase(octets, '\r');  // of a line end that was encoded too
  if (decoded.refusal != Reason::none || octets.empty()) return std::nullopt;
  return octets;
}

/// The message's Message-ID and the correlators that hold the same id: they change together or not at all.
class CorrelatedIds {
 public:
  CorrelatedIds(const FieldList& fields, const Policy& policy, SignaturesOnDemand& signatures)
      : fields_(fields), policy_(policy), signatures_(signatures) {}

  bool is_message_id(const Field& field) const {
    return field.instance == 1 && same_name(field.name, message_id_field);
  }

  /// The rules over the Message-ID. An edit is held back with the correlator's where that would break a signature that
  /// is to be kept, or where the id does not fit a line after the correlator's name.
  void inspect_message_id(const Field& message_id, const ListedField& listed, std::vector<Token>& tokens,
                          Verdict& verdict) {
    const std::size_t before = verdict.findings.size();
    const std::size_t edits = verdict.edits.size();
    inspect_field(message_id, listed, policy_, signatures_, tokens, verdict);
    if (verdict.edits.size() == edits) return;
    for (const Field& field : fields_) {
      const std::string& new_body = verdict.edits.back().new_body;
      if (!has_to_follow(field, message_id, new_body)) continue;
      const bool is_safe = is_safe_body(field.name.size(), new_body);
      const bool is_kept = policy_.signed_fields == SignedFields::keep;
      const Survival survival = is_safe && is_kept ? signatures_.after(field, new_body) : Survival();
      if (is_safe && survival.breaks.empty()) continue;
      verdict.edits.pop_back();
      for (std::size_t i = before; i < verdict.findings.size(); ++i) {
        hold_back(verdict.findings[i], is_safe ? Reason::signature : Reason::no_fold_point, survival);
      }
      return;
    }
  }

  /// The edit of a correlator, with the findings of the Message-ID that it follows.
  void follow(const Field& correlator, std::vector<Token>& tokens, Verdict& verdict) {
    if (!same_name(correlator.name, correlator_field)) return;
    const auto message_id =
        std::find_if(fields_.begin(), fields_.end(), [this](const Field& field) { return is_message_id(field); });
    const ListedField* const listed = policy_.find(message_id_field);
    if (message_id == fields_.end() || listed == nullptr || is_plain(*message_id, *listed, policy_)) return;
    Verdict leading;
    inspect_message_id(*message_id, *listed, tokens, leading);
    if (leading.edits.empty() || !has_to_follow(correlator, *message_id, leading.edits.front().new_body)) return;
    std::string& new_body = leading.edits.front().new_body;
    const Survival survival = signatures_.after(correlator, new_body);
    for (Finding& finding : leading.findings) {
      if (finding.action != Action::rewrite) continue;
      verdict.findings.push_back({finding.rule,
                                  correlator.name,
                                  correlator.instance,
                                  Action::rewrite,
                                  {},
                                  shown(correlator.body),
                                  std::move(finding.after),
                                  survival});
    }
    verdict.edits.push_back({correlator.name, correlator.instance, std::move(new_body)});
  }

 private:
  bool has_to_follow(const Field& field, const Field& message_id, std::string_view new_body) const {
    if (!same_name(field.name, correlator_field) || policy_.find(correlator_field) != nullptr) return false;
    if (field.body == new_body || shown(message_id.body) == shown(new_body)) return false;  // only line breaks change
    if (shown(field.body) == shown(message_id.body)) return true;  // whatever can be read in it
    const std::optional<std::string> same = identity(field.body);
    return same && same == identity(message_id.body);
  }

  static void hold_back(Finding& finding, Reason reason, const Survival& survival) {
    if (finding.action != Action::rewrite) return;
    finding.action = Action::report;
    finding.reason = name_of(reason);
    finding.after.clear();
    finding.dkim = survival;
  }

  const FieldList& fields_;
  const Policy& policy_;
  SignaturesOnDemand& signatures_;
};

}  // namespace

Verdict inspect(const FieldList& fields, const Policy& policy) {
  Verdict verdict;
  std::vector<Token> tokens;  // kept from field to field for its memory
  SignaturesOnDemand signatures(fields);
  CorrelatedIds correlated(fields, policy, signatures);
  for (const Field& field : fields) {
    const ListedField* listed = policy.find(field.name);
    if (listed == nullptr) {
      correlated.follow(field, tokens, verdict);
    } else if (is_plain(field, *listed, policy)) {
      continue;
    } else if (correlated.is_message_id(field)) {
      correlated.inspect_message_id(field, *listed, tokens, verdict);
    } else {
      inspect_field(field, *listed, policy, signatures, tokens, verdict);
    }
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
