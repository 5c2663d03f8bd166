// A message as it stands in memory: where its header fields are, without copying them.
#ifndef MSGID_AUDIT_MESSAGE_H
#define MSGID_AUDIT_MESSAGE_H

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "msgid/inspect.h"

namespace audit {

/// One field where it stands. Views of the message.
struct FieldPlace {
  std::string_view name;  ///< without the colon and the blanks before it
  std::string_view body;  ///< from behind the colon to the end of its last line, without that line's end. Folds are as
                          ///< they stand: LF or CRLF and the white space
};

/// Whether the line begins with "From " or, as quoted in an mbox, with ">From ".
bool is_from_line(std::string_view line) noexcept;

/// Reads a header field by field, as Postfix cuts a header: it ends at the first empty line or at the first line that
/// is neither a field nor a continuation. Line ends are LF or CRLF, mixed if need be. A "From " line at the very
/// beginning is passed over.
class HeaderReader {
 public:
  explicit HeaderReader(std::string_view message) noexcept;

  /// The next field; false at the end of the header.
  bool next(FieldPlace& field) noexcept;

  /// Behind the last field read; at the end of the header, where the empty line (if any) begins.
  std::size_t offset() const noexcept { return offset_; }

  /// Once next() was false, where the body begins: behind the empty line; where none ends the header, at the line that
  /// does, or the message's size.
  std::size_t body_offset() const noexcept;

 private:
  std::string_view message_;
  std::size_t offset_ = 0;
};

/// The same, of a header that nobody has read yet.
std::size_t body_offset(std::string_view message) noexcept;

/// A field body as an MTA shows it to a filter, which is what msgid::Field wants: folds are LF and the white space, and
/// a NUL cuts the rest of its line (Postfix 3.7.11).
std::string as_shown(std::string_view body);

/// All fields of the header, with their instances.
msgid::FieldList header_of(std::string_view message);

/// The daemon keeps no more of a message by default (its header-size): a header without end costs no memory without
/// end.
inline constexpr std::size_t max_kept_octets = 262144;

/// What msgid::inspect() says of a header whose fields are handed to it in their order. Copies only what inspect()
/// needs, and the signatures only where there is a finding.
class MsgIdCheck {
 public:
  /// `policy` must outlive it.
  explicit MsgIdCheck(const msgid::Policy& policy) : policy_(policy), instances_(policy.fields.size()) {}

  void field(const FieldPlace& field);

  /// The end of the header of `message`. As in the daemon, over max_kept_octets the signatures are given up first, and
  /// then there is no verdict. Ready for the next message afterwards.
  std::optional<msgid::Verdict> end_of_header(std::string_view message);

 private:
  bool keep(const FieldPlace& field, const msgid::ListedField* listed);
  bool keep_signatures_too(std::string_view message);
  void clear();

  const msgid::Policy& policy_;
  msgid::FieldList kept_;
  std::vector<int> instances_;  // of the fields that the policy lists
  std::size_t kept_octets_ = 0;
};

/// The same for a whole header.
std::optional<msgid::Verdict> verdict_of(std::string_view message, const msgid::Policy& policy);

/// The message with the edits made, which are those of its verdict, in their order. Folds of a new body have the line
/// end that the field has; every other octet is as it was, of an edited field what stands before and with its colon
/// too.
std::string with_edits(std::string_view message, std::span<const msgid::Edit> edits);

}  // namespace audit

#endif
