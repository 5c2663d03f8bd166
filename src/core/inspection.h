// What a rule sees of one field, and what it answers. Internal to the core.
#ifndef MSGID_CORE_INSPECTION_H
#define MSGID_CORE_INSPECTION_H

#include <list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "msgid/inspect.h"

namespace msgid {

/// One field under inspection. Rules read and change `tokens`; the field is rendered from them once.
struct Inspection {
  const Policy& policy;
  const ListedField& listed;
  std::string_view name;
  std::string_view body;  ///< as received
  int instance;
  std::vector<Token>& tokens;

  std::list<std::string> texts{};      ///< what tokens view that is not in `body`
  bool changed = false;                ///< a rule has changed `tokens`
  Reason held_because = Reason::none;  ///< nothing but line breaks may change: is_held()
  bool has_undecoded_words = false;    ///< encoded-words that take the place of ids were not decoded
  bool has_reported_brackets = false;  ///< the rule `brackets` has a finding

  bool is_held() const { return held_because != Reason::none; }
  void hold(Reason reason) {
    if (!is_held()) held_because = reason;
  }

  /// Makes `text` live as long as this inspection.
  std::string_view keep(std::string text) { return texts.emplace_back(std::move(text)); }
};

/// What a rule has to say of a field.
struct Answer {
  enum class What { clean, found, mended } what = What::clean;
  Reason reason = Reason::none;  ///< why found was not mended
};
inline constexpr Answer clean{};
inline constexpr Answer mended{Answer::What::mended, Reason::none};
constexpr Answer found(Reason reason = Reason::none) {
  return {Answer::What::found, reason};
}

/// A rule's function. With `may_fix` it may change the tokens (and answers mended), else it only looks.
using Check = Answer (*)(Inspection&, bool may_fix);

/// A row of the table of rules.
struct RuleRow {
  Rule rule;
  Check check;     ///< null for `missing`, which looks at the message and not at a field
  bool is_layout;  ///< looks at lines and folds only, so it may edit a field that is held
};
std::span<const RuleRow, rule_count> rule_rows() noexcept;

/// What a rendered body has between two spaces: msg-ids, comments, phrases. Commas that are not inside a phrase are
/// left out.
std::vector<std::string_view> units(std::span<const Token> tokens);

/// Whether it is plain at a glance that no rule finds anything: nothing but ids of printable ASCII without quotes,
/// parentheses, white space or the beginning of an encoded-word, white space and commas between them, and every limit
/// kept. True for nearly all mail, so it is what the speed of inspect() hangs on: one pass, no allocation. False says
/// nothing.
bool is_plain(const Field& field, const ListedField& listed, const Policy& policy) noexcept;

/// The signatures of one message, read when they are first asked for: nearly no message has an edit.
class SignaturesOnDemand {
 public:
  explicit SignaturesOnDemand(const FieldList& fields) noexcept : fields_(fields) {}

  Survival after(const Field& field, std::string_view new_body) { return read().after(field, new_body); }

  /// Whether an edit that breaks none of those that were read may break another.
  bool may_break_more() { return !read().are_complete(); }

 private:
  const Signatures& read() {
    if (!signatures_) signatures_.emplace(fields_);
    return *signatures_;
  }

  const FieldList& fields_;
  std::optional<Signatures> signatures_;
};

/// All rules over one field, plain or not; adds to the verdict. `tokens` is scratch memory.
void inspect_field(const Field& field, const ListedField& listed, const Policy& policy, SignaturesOnDemand& signatures,
                   std::vector<Token>& tokens, Verdict& verdict);

}  // namespace msgid

#endif
