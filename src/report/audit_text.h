// A record of an audit for a person at a terminal.
#ifndef MSGID_REPORT_AUDIT_TEXT_H
#define MSGID_REPORT_AUDIT_TEXT_H

#include <string>
#include <string_view>

#include "report/audit_record.h"

namespace report {

/// What helps a person to find the message: bodies of its fields, in any state; may be empty.
struct MessageHeading {
  std::string_view from;
  std::string_view date;
  std::string_view subject;
};

/// A block of lines, an empty one behind it:
///
///   outbox.mbox: message 3
///     App <app@example.com>, Sat, 21 Nov 2026 10:20:30 +0000, "Order 1234"
///     encoded-word Message-ID[1] would-rewrite dkim=breaks:example.com
///       before =?utf-8?q?=3Cid=40example=2Ecom=3E?=
///       after  <id@example.com>
///
/// The heading's values are shortened, those of findings never. All of it passes printable().
std::string to_text(const AuditRecord& record, const MessageHeading& heading);

}  // namespace report

#endif
