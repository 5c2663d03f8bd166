// A message as it stands in memory: where its header fields are, without copying them.
#ifndef MSGID_AUDIT_MESSAGE_H
#define MSGID_AUDIT_MESSAGE_H

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "msgid/inspect.h"
#include "msgid/kept_fields.h"

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

/// The same: the field's own octets where they are that already, else made in `memory`.
std::string_view shown(std::string_view body, std::string& memory);

/// All fields of the header, with their instances.
msgid::FieldList header_of(std::string_view message);

/// What the filter would decide about a header.
struct HeaderVerdict {
  msgid::Verdict verdict;         ///< empty where is_over_size
  bool is_over_size = false;      ///< as KeptFields::is_over_size()
  bool lacks_signatures = false;  ///< as KeptFields::lacks_signatures()
};

// In words.
inline constexpr std::string_view over_size_text = "over header-size: the filter would pass it without inspection";
inline constexpr std::string_view lacks_signatures_text =
    "signatures left out: with them the header is over header-size, so what an edit does to them is not known";

/// Decides about headers whose fields are handed to it in their order. Copies only what the daemon keeps.
class MsgIdCheck {
 public:
  /// `policy` must outlive it.
  explicit MsgIdCheck(const msgid::Policy& policy) : policy_(policy), kept_(policy) {}

  void field(const FieldPlace& field);

  /// Ready for the next header afterwards.
  HeaderVerdict end_of_header();

 private:
  const msgid::Policy& policy_;
  msgid::KeptFields kept_;
  std::string memory_;
};

/// The same for a whole header.
HeaderVerdict verdict_of(std::string_view message, const msgid::Policy& policy);

/// The message with the edits made, which are those of its verdict, in their order. Folds of a new body have the line
/// end that the field has; every other octet is as it was, of an edited field what stands before and with its colon
/// too.
std::string with_edits(std::string_view message, std::span<const msgid::Edit> edits);

}  // namespace audit

#endif
