// What explain has to say, in plain words for a terminal.
#ifndef MSGID_AUDIT_EXPLANATION_H
#define MSGID_AUDIT_EXPLANATION_H

#include <string>
#include <string_view>
#include <vector>

#include "audit/bounce.h"
#include "audit/known_text.h"
#include "msgid/inspect.h"

namespace audit {

/// Of findings, those in so many fields are shown.
inline constexpr std::size_t max_explained_fields = 20;

struct Explanation {
  Bounce bounce;
  std::vector<const KnownText*> texts;   ///< those recognised
  msgid::FieldList fields;               ///< the original header; empty where it was not found
  std::vector<msgid::Finding> findings;  ///< in it; none where is_over_size
  bool is_over_size = false;             ///< as msgid::KeptFields has it
  bool lacks_signatures = false;         ///< likewise
  bool has_more = false;                 ///< the input is an mbox of several messages
};

/// Reads a bounce and looks at the original header under a policy.
Explanation examine_bounce(std::string_view input, const msgid::Policy& policy);

/// Printable (see report/printable.h), lines of 80 columns save for msg-ids. Empty for an input that is no text, and in
/// which nothing was found.
std::string text_of(const Explanation& explanation);

}  // namespace audit

#endif
