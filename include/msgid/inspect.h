// The decision: header fields and a policy go in, a verdict comes out.
//
// Pure: no I/O, no clock, no randomness, no state between calls; any octets are taken, and nothing is
// thrown but std::bad_alloc. Whether the edits of a verdict are carried out is not the core's business:
// what log-only reports is exactly what rewrite would do.
//
// Promises, each of them a test: after apply() another inspect() gives no edits; an edit names a field
// that exists with that instance; a new body passes is_safe_body(); a field without a finding has no
// edit; a field that the policy does not list is never touched, but for a correlator (see below); every
// clean id that can be read in a field before is there after; the cost is linear in the input.
#ifndef MSGID_INSPECT_H
#define MSGID_INSPECT_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "msgid/dkim.h"
#include "msgid/field.h"
#include "msgid/fold.h"
#include "msgid/msg_id.h"
#include "msgid/reason.h"

namespace msgid {

/// What a policy says about a rule.
enum class RuleAction : std::uint8_t {
  off,     ///< not looked for
  report,  ///< found, never edited
  fix,     ///< found, and edited where that can be done surely
};

/// The rules, in the order they run in. rules() has a row for each, at this index.
enum class RuleId : std::uint8_t {
  encoded_word,
  line_too_long,
  msgid_too_long,
  space_in_msgid,
  references_too_long,
  folded,
  brackets,
  non_ascii,
  control_character,
  duplicate_field,
  malformed,
  strict_syntax,
  missing,
  // What Exchange refuses or mends besides; see exchange.h. Policy::exchange switches them all.
  exchange_field_name,
  exchange_non_ascii,
  exchange_text_length,
  exchange_header_size,
  exchange_charset,
  exchange_mime_version,
  exchange_multipart_encoding,
  exchange_transfer_encoding,
  exchange_8bit_body,
  exchange_narrow_multipart,
};
inline constexpr std::size_t rule_count = 13;  ///< those that a policy sets one by one, up to `missing`

struct Rule {
  RuleId id;
  std::string_view name;     ///< as in configuration, logs and the manual: "encoded-word"
  std::string_view summary;  ///< what it finds, and what the edit is, in one line
  RuleAction by_default;
  bool can_fix;  ///< whether `fix` is a possible action
};

/// The table of rules, without those of exchange.h.
std::span<const Rule, rule_count> rules() noexcept;

/// A kind of field the policy lists.
struct ListedField {
  std::string name;
  bool is_list;       ///< holds any number of ids; else exactly one
  bool at_most_once;  ///< may stand in a header only once (RFC 5322 3.6)
};

/// What is done with an edit that would break a signature over the field.
enum class SignedFields : std::uint8_t {
  rewrite,  ///< it is made: a broken signature arrives, a bounce does not
  keep,     ///< it is not made, and reported
};

/// What is to be examined and what done. Lengths are octets.
struct Policy {
  Policy();  ///< the defaults of the table above and of the members below

  std::vector<ListedField> fields;  ///< Message-ID, Resent-Message-ID, In-Reply-To, References
  std::array<RuleAction, rule_count> actions;

  std::size_t line_length = max_line_octets;    ///< a longer physical line is a finding; at most 998
  std::size_t fold_at = max_line_octets;        ///< a new body is folded to this; at most line_length
  std::size_t msgid_length = max_msgid_octets;  ///< a longer msg-id is a finding
  std::size_t references_length = 2000;         ///< a longer unfolded list is a finding. 2000 is Exchange's limit for
                                                ///< a text header field, MaxMimeTextHeaderLength
  std::string msgid_domain;                     ///< the domain of shortened ids; empty: the id's own
  std::size_t header_size = 262144;             ///< a message with more octets of listed fields and signatures is not
                                                ///< inspected; see kept_fields.h
  SignedFields signed_fields = SignedFields::rewrite;
  RuleAction exchange = RuleAction::off;     ///< the rules of exchange.h: off or report
  std::size_t exchange_header_size = 65536;  ///< a longer header is a finding of exchange-header-size

  RuleAction& action(RuleId id) { return actions[static_cast<std::size_t>(id)]; }
  RuleAction action(RuleId id) const { return actions[static_cast<std::size_t>(id)]; }

  /// The row for a field of that name, or null where it is not to be looked at. No allocation.
  const ListedField* find(std::string_view name) const noexcept;
};

/// What is to become of a finding.
enum class Action : std::uint8_t {
  report,   ///< the field stays as it is, as far as this rule goes
  rewrite,  ///< the verdict has an edit that mends it
};

struct Finding {
  const Rule* rule;
  std::string field;  ///< the name as the sender spelled it; for `missing`, the name that is not there
  int instance;       ///< 0 where there is no such field
  Action action;
  std::string reason;  ///< why there is no edit, or could be none; empty where the policy alone says so
  std::string before;  ///< the body as received, unfolded, without the white space around it
  std::string after;   ///< the new body, likewise; empty where action is report
  Survival dkim = {};  ///< what becomes of the signatures over this field: of an edit, and of one that `keep` held back
  std::string part = {};  ///< of a MIME part, "2.1": the tool's business, the core leaves it empty
};

/// Replace the body of that instance. At most one a field.
struct Edit {
  std::string field;  ///< the name as the sender spelled it
  int instance;
  std::string new_body;  ///< with the space that belongs after the colon

  bool operator==(const Edit&) const = default;
};

struct Verdict {
  std::vector<Finding> findings;  ///< in the order of fields, then of rules
  std::vector<Edit> edits;        ///< in the order of fields
};

/// A field that is never listed by default and never reported on its own: where it holds the id of the Message-ID, it
/// gets the same new body in the same verdict. Microsoft's transports write the Message-ID into both this field and the
/// TNEF part, and discard the part where the two differ ([MS-OXCMAIL] 2.1.3.2.26, "TNEF Correlation Key").
inline constexpr std::string_view correlator_field = "X-MS-TNEF-Correlator";

/// Whether inspect() reads a field of this name though the policy does not list it: a signature or the correlator.
bool is_context_field(std::string_view name) noexcept;

/// `fields` need not be the whole header: those that the policy lists and those that are is_context_field() are enough.
Verdict inspect(const FieldList& fields, const Policy& policy);

/// What an MTA makes of the edits.
FieldList apply(const FieldList& fields, std::span<const Edit> edits);

}  // namespace msgid

#endif
