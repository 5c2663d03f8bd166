// One message, looked at: its header as the daemon looks at it, and besides its body and parts.
#ifndef MSGID_AUDIT_EXAMINE_H
#define MSGID_AUDIT_EXAMINE_H

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "audit/message.h"
#include "audit/parts.h"
#include "msgid/exchange.h"
#include "msgid/inspect.h"

namespace audit {

/// The tool's own rules, about a header as a whole. No policy switches them, and the daemon, which is shown a header
/// that the MTA has read, cannot look for them:
/// - header-ends-early: the header ends at a line that is neither empty nor a field (reason no-colon, no-field-name or
///   from-line). Postfix takes the rest of the header for the body. Finding::field is the last field before the line,
///   `before` is the line.
/// - header-ambiguous: programs read a field in different ways. Reasons: nul, Postfix drops the rest of the line;
///   over-header-size-limit, Postfix drops the rest of the field (header_size_limit is 102400 octets); bare-cr, a CR
///   that no LF follows: a part of the field for Postfix, a line end for Python's email package and others. There is
///   one finding for each reason, about the first such field.
std::span<const msgid::Rule> header_rules() noexcept;

struct Examined {
  /// Those of the daemon, in its order, then those of header_rules(), then those of body and parts, in theirs.
  std::vector<msgid::Finding> findings;

  /// Why there are no findings, or not all, or why they do not say what becomes of signatures: over a limit, or no
  /// message.
  std::vector<std::string_view> troubles;
  bool is_decided = true;  ///< false: the daemon would pass it without having looked at it, or it is no message

  // Bodies of the message's first field of that name, as they stand; empty where there is none.
  std::string_view date;
  std::string_view from;
  std::string_view subject;
  std::string_view agent;  ///< User-Agent or X-Mailer
};

/// Looks at one message after the other.
class Examiner {
 public:
  /// `policy` must outlive it.
  explicit Examiner(const msgid::Policy& policy);

  Examined examine(std::string_view message);

 private:
  /// The first body of some fields of the header.
  struct FirstBodies {
    std::string_view content_type;
    FieldPlace encoding;         ///< Content-Transfer-Encoding; without a name where it is not there
    FieldPlace last_field;       ///< without a name where there is no field
    std::size_t header_end = 0;  ///< after it
    std::size_t body_offset = 0;
  };

  /// Why a field may be ambiguous, in the order of the findings.
  enum class Ambiguity : std::uint8_t { nul, over_limit, bare_cr };
  static constexpr std::array<std::string_view, 3> ambiguity_reasons = {"nul", "over-header-size-limit", "bare-cr"};

  FirstBodies read_header(std::string_view message, Examined& out);
  void look_at_ambiguity(const FieldPlace& field, std::string_view body, std::string_view line_end);
  void look_at_end(std::string_view rest);
  void report_header(std::string_view message, const FirstBodies& first, Examined& out) const;
  void look_at_parts(std::string_view message, const FirstBodies& first, Examined& out) const;
  void look_at_ids(const Part& part, Examined& out) const;

  const msgid::Policy& policy_;
  msgid::Policy part_policy_;  ///< the same for fields in parts: Content-ID holds an id too, no id need be there
  MsgIdCheck ids_;
  msgid::ExchangeCheck exchange_;
  std::array<FieldPlace, ambiguity_reasons.size()> ambiguous_;  ///< the first of each kind; without a name, none
  std::string shown_;                                           ///< kept for its memory
};

}  // namespace audit

#endif
