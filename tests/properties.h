// The promises of inspect(), as one check that tests and fuzz targets share.
#ifndef MSGID_TESTS_PROPERTIES_H
#define MSGID_TESTS_PROPERTIES_H

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "core/inspection.h"
#include "msgid/inspect.h"
#include "tests/id_reader.h"

namespace properties {

using msgid::Action;
using msgid::Edit;
using msgid::Field;
using msgid::FieldList;
using msgid::Finding;
using msgid::Policy;
using msgid::Token;
using msgid::Verdict;

inline bool is_lossless(std::string_view body) {
  std::vector<Token> tokens;
  msgid::scan(body, tokens);
  std::string joined;
  for (const Token& token : tokens) {
    if (token.text.empty()) return false;
    joined += token.text;
  }
  return joined == body;
}

inline bool same(const Verdict& a, const Verdict& b) {
  const auto same_finding = [](const Finding& x, const Finding& y) {
    return x.rule == y.rule && x.field == y.field && x.instance == y.instance && x.action == y.action &&
           x.reason == y.reason && x.before == y.before && x.after == y.after && x.dkim.keeps == y.dkim.keeps &&
           x.dkim.breaks == y.dkim.breaks;
  };
  const auto same_edit = [](const Edit& x, const Edit& y) {
    return x.field == y.field && x.instance == y.instance && x.new_body == y.new_body;
  };
  return std::equal(a.findings.begin(), a.findings.end(), b.findings.begin(), b.findings.end(), same_finding) &&
         std::equal(a.edits.begin(), a.edits.end(), b.edits.begin(), b.edits.end(), same_edit);
}

inline const Field* find(const FieldList& fields, std::string_view name, int instance) {
  for (const Field& field : fields) {
    if (field.instance == instance && msgid::same_name(field.name, name)) return &field;
  }
  return nullptr;
}

/// Whether a line may have to be broken where no white space is.
inline bool has_touching_neighbors(std::string_view body) {
  for (std::size_t i = 1; i < body.size(); ++i) {
    if (std::string_view(",;>)").find(body[i - 1]) == std::string_view::npos) continue;
    if (std::string_view(" \t\n").find(body[i]) == std::string_view::npos) return true;
  }
  return false;
}

inline std::string octets_without_folds(std::string_view body) {
  std::string out(body);
  std::erase(out, '\n');
  return out;
}

inline bool asks_for_layout_only(const Verdict& verdict, const Edit& edit) {
  return std::all_of(verdict.findings.begin(), verdict.findings.end(), [&](const Finding& finding) {
    return finding.action != Action::rewrite || finding.field != edit.field || finding.instance != edit.instance ||
           finding.rule->id == msgid::RuleId::line_too_long || finding.rule->id == msgid::RuleId::folded;
  });
}

/// What is promised of edits that only the layout asks for.
inline std::string broken_where_only_layout(const FieldList& fields, const Policy& policy, const Verdict& verdict) {
  for (const Edit& edit : verdict.edits) {
    if (!asks_for_layout_only(verdict, edit) || policy.find(edit.field) == nullptr) continue;
    const Field& field = *find(fields, edit.field, edit.instance);
    if (octets_without_folds(edit.new_body) == octets_without_folds(field.body)) continue;
    if (msgid::without_space(edit.new_body) != msgid::without_space(field.body)) {
      return "where only the layout is at fault, only white space changes";
    }
    if (policy.signed_fields == msgid::SignedFields::rewrite && !has_touching_neighbors(field.body)) {
      return "where only the layout is at fault, no white space is added but between neighbors that touch";
    }
  }
  return {};
}

/// What is promised of fields whose encoded-words are not read.
inline std::string broken_where_unread(const FieldList& fields, const Policy& policy, const Verdict& verdict) {
  if (policy.action(msgid::RuleId::encoded_word) == msgid::RuleAction::off) return {};
  for (const Field& field : fields) {
    if (policy.find(field.name) == nullptr) continue;
    const bool is_unread = std::any_of(verdict.findings.begin(), verdict.findings.end(), [&](const Finding& finding) {
      return finding.rule->id == msgid::RuleId::encoded_word && finding.field == field.name &&
             finding.instance == field.instance && finding.action == Action::report;
    });
    std::vector<Token> tokens;
    msgid::scan(field.body, tokens);
    const bool is_begun = std::any_of(tokens.begin(), tokens.end(), [](const Token& token) {
      return token.kind == msgid::TokenKind::text && token.text.find("=?") != std::string_view::npos;
    });
    if (is_begun && !is_unread) return "the beginning of an encoded-word without its end is reported";
    for (const Edit& edit : verdict.edits) {
      if (!is_unread || edit.field != field.name || edit.instance != field.instance) continue;
      if (msgid::without_space(edit.new_body) != msgid::without_space(field.body)) {
        return "a field whose encoded-words are not read changes in white space only";
      }
    }
  }
  return {};
}

/// What is promised of signatures.
inline std::string broken_where_signed(const FieldList& fields, const Policy& policy, const Verdict& verdict) {
  const msgid::Signatures signatures(fields);
  for (const Edit& edit : verdict.edits) {
    const msgid::Survival survival = signatures.after(*find(fields, edit.field, edit.instance), edit.new_body);
    if (policy.signed_fields == msgid::SignedFields::keep && !survival.breaks.empty()) {
      return "with signed = keep no edit breaks a signature";
    }
    for (const Finding& finding : verdict.findings) {
      if (finding.action != Action::rewrite || finding.field != edit.field || finding.instance != edit.instance)
        continue;
      if (finding.dkim.keeps != survival.keeps || finding.dkim.breaks != survival.breaks) {
        return "a finding says what its edit does to the signatures";
      }
    }
  }
  for (const Finding& finding : verdict.findings) {
    if (finding.reason == "signed" && finding.dkim.breaks.empty()) return "what is held back for a signature names it";
  }
  return {};
}

/// Whether a rule has its part in the edit.
inline bool has_rewritten(const Verdict& verdict, const Edit& edit, msgid::RuleId rule) {
  return std::any_of(verdict.findings.begin(), verdict.findings.end(), [&](const Finding& finding) {
    return finding.action == Action::rewrite && finding.rule->id == rule && finding.field == edit.field &&
           finding.instance == edit.instance;
  });
}

/// What is promised of ids: every clean one that a second reader finds in a field before an edit is there after it, and
/// as often. An id that alone is too long gets a name instead; a list that is trimmed is meant to lose some, and an id
/// with octets over 127 all that is in its brackets.
inline std::string broken_where_ids_are_lost(const FieldList& fields, const Policy& policy, const Verdict& verdict) {
  for (const Edit& edit : verdict.edits) {
    if (has_rewritten(verdict, edit, msgid::RuleId::references_too_long)) continue;
    if (has_rewritten(verdict, edit, msgid::RuleId::non_ascii)) continue;
    std::vector<std::string> before = id_reader::ids(find(fields, edit.field, edit.instance)->body);
    if (has_rewritten(verdict, edit, msgid::RuleId::msgid_too_long)) {
      const std::size_t limit = policy.msgid_length - std::string_view("<>").size();
      std::erase_if(before, [limit](const std::string& id) { return id.size() > limit; });
    }
    const std::vector<std::string> after = id_reader::ids(edit.new_body);
    std::vector<std::string> lost;
    std::set_difference(before.begin(), before.end(), after.begin(), after.end(), std::back_inserter(lost));
    if (!lost.empty()) return "no clean id is lost, but " + lost.front() + " by \"" + edit.new_body + "\"";
  }
  return {};
}

/// What is promised of brackets that may hold several ids: nothing but line breaks changes in their field. With
/// encoded-words in the field the promise is less, for they can be read in more than one way: the brackets stay,
/// but for white space. A quote or parenthesis before the brackets can make a comment or quoted-string of them, which
/// says nothing about ids.
inline std::string broken_where_several(const FieldList& fields, const Policy& policy, const Verdict& verdict) {
  for (const Edit& edit : verdict.edits) {
    const std::string& body = find(fields, edit.field, edit.instance)->body;
    if (policy.find(edit.field) == nullptr || octets_without_folds(edit.new_body) == octets_without_folds(body)) {
      continue;
    }
    const std::string decoded = id_reader::decoded(body);
    const std::size_t quote = std::min(decoded.find_first_of("\"("), decoded.size());
    const std::string after = id_reader::without(id_reader::decoded(edit.new_body), id_reader::white_space);
    for (const std::string_view inside : id_reader::several(decoded)) {
      if (inside.data() > decoded.data() + quote) break;
      if (body.find("=?") == std::string::npos) return "brackets that may hold several ids hold their field";
      const std::string brackets = "<" + id_reader::without(inside, id_reader::white_space) + ">";
      if (after.find(brackets) == std::string::npos) {
        return "brackets beside encoded-words that may hold several ids stay";
      }
    }
  }
  return {};
}

/// What is promised of correlators: one that is the same as the Message-ID before is the same after, but for folds, and
/// none is edited without it.
inline std::string broken_where_correlated(const FieldList& fields, const Policy& policy, const Verdict& verdict) {
  const Field* message_id = find(fields, "Message-ID", 1);
  if (message_id == nullptr || policy.find(msgid::correlator_field) != nullptr) return {};
  const auto new_body = [&](const Field& field) {
    const auto edit = std::find_if(verdict.edits.begin(), verdict.edits.end(), [&](const Edit& candidate) {
      return candidate.instance == field.instance && msgid::same_name(candidate.field, field.name);
    });
    return edit == verdict.edits.end() ? nullptr : &edit->new_body;
  };
  const std::string* id = new_body(*message_id);
  for (const Field& field : fields) {
    if (!msgid::same_name(field.name, msgid::correlator_field)) continue;
    const std::string* correlator = new_body(field);
    if (correlator != nullptr && (id == nullptr || *correlator != *id)) return "a correlator follows the Message-ID";
    if (field.body != message_id->body) continue;
    const std::string& id_after = id == nullptr ? message_id->body : *id;
    const std::string& correlator_after = correlator == nullptr ? field.body : *correlator;
    if (octets_without_folds(correlator_after) != octets_without_folds(id_after)) {
      return "the Message-ID and its correlator stay the same";
    }
  }
  return {};
}

/// The first promise that is broken for these fields under this policy, in words; empty if all hold.
inline std::string broken(const FieldList& fields, const Policy& policy) {
  for (const Field& field : fields) {
    if (!is_lossless(field.body)) return "the scanner is lossless";
  }
  for (const Field& field : fields) {
    const msgid::ListedField* listed = policy.find(field.name);
    if (listed == nullptr || !msgid::is_plain(field, *listed, policy)) continue;
    std::vector<Token> tokens;
    Verdict verdict;
    msgid::SignaturesOnDemand signatures(fields);
    msgid::inspect_field(field, *listed, policy, signatures, tokens, verdict);
    if (!verdict.findings.empty() || !verdict.edits.empty()) return "what is plain has no finding";
  }
  const Verdict verdict = msgid::inspect(fields, policy);
  if (!same(verdict, msgid::inspect(fields, policy))) return "inspect() is deterministic";
  for (std::size_t i = 0; i < verdict.edits.size(); ++i) {
    const Edit& edit = verdict.edits[i];
    const Field* field = find(fields, edit.field, edit.instance);
    if (field == nullptr) return "an edit names a field that exists";
    const bool is_correlator = msgid::same_name(edit.field, msgid::correlator_field);
    if (policy.find(edit.field) == nullptr && !is_correlator)
      return "a field outside the policy's list is never touched";
    if (edit.new_body == field->body) return "an edit changes something";
    if (!msgid::is_safe_body(edit.field.size(), edit.new_body)) return "a new body is safe";
    // Where only line breaks change, what comes after the colon is the sender's.
    const bool is_layout = asks_for_layout_only(verdict, edit);
    if (!is_layout && edit.new_body.substr(0, 1) != " ") return "one space comes after the colon";
    if (!is_layout && edit.new_body.substr(0, 2) == " \n") return "a new body is not folded after the colon";
    for (std::size_t j = 0; j < i; ++j) {
      if (verdict.edits[j].instance == edit.instance && msgid::same_name(verdict.edits[j].field, edit.field)) {
        return "at most one edit a field";
      }
    }
    const bool has_reason = std::any_of(verdict.findings.begin(), verdict.findings.end(), [&](const Finding& finding) {
      return finding.action == Action::rewrite && finding.field == edit.field && finding.instance == edit.instance;
    });
    if (!has_reason) return "a field without a finding has no edit";
  }
  for (const Finding& finding : verdict.findings) {
    const bool has_edit = std::any_of(verdict.edits.begin(), verdict.edits.end(), [&](const Edit& edit) {
      return finding.field == edit.field && finding.instance == edit.instance;
    });
    if (finding.action == Action::rewrite && !has_edit) return "a rewrite has its edit";
    if ((finding.action == Action::rewrite) != !finding.after.empty()) return "after is there with an edit only";
    if (finding.action == Action::rewrite && policy.action(finding.rule->id) != msgid::RuleAction::fix) {
      return "only a rule set to fix edits";
    }
  }
  if (const std::string unread = broken_where_unread(fields, policy, verdict); !unread.empty()) return unread;
  if (const std::string of_layout = broken_where_only_layout(fields, policy, verdict); !of_layout.empty()) {
    return of_layout;
  }
  if (const std::string of_signed = broken_where_signed(fields, policy, verdict); !of_signed.empty()) return of_signed;
  if (const std::string lost = broken_where_ids_are_lost(fields, policy, verdict); !lost.empty()) return lost;
  if (const std::string several = broken_where_several(fields, policy, verdict); !several.empty()) return several;
  if (const std::string correlated = broken_where_correlated(fields, policy, verdict); !correlated.empty()) {
    return correlated;
  }
  const Verdict again = msgid::inspect(msgid::apply(fields, verdict.edits), policy);
  if (!again.edits.empty()) return "idempotent: no edits after apply(), but \"" + again.edits.front().new_body + "\"";
  return {};
}

}  // namespace properties

#endif
