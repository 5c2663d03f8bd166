// One message, looked at: its header as the daemon looks at it, and besides its body and parts.
#ifndef MSGID_AUDIT_EXAMINE_H
#define MSGID_AUDIT_EXAMINE_H

#include <string>
#include <string_view>
#include <vector>

#include "audit/message.h"
#include "audit/parts.h"
#include "msgid/exchange.h"
#include "msgid/inspect.h"

namespace audit {

struct Examined {
  /// Those of the daemon, in its order, then those of body and parts, in theirs.
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
    FieldPlace encoding;  ///< Content-Transfer-Encoding; without a name where it is not there
    bool has_fields = false;
    std::size_t body_offset = 0;
  };

  FirstBodies read_header(std::string_view message, Examined& out);
  void look_at_end(std::string_view rest);
  void look_at_parts(std::string_view message, const FirstBodies& first, Examined& out) const;
  void look_at_ids(const Part& part, Examined& out) const;

  const msgid::Policy& policy_;
  msgid::Policy part_policy_;  ///< the same for fields in parts: Content-ID holds an id too, no id need be there
  MsgIdCheck ids_;
  msgid::ExchangeCheck exchange_;
  std::string shown_;  ///< kept for its memory
};

}  // namespace audit

#endif
