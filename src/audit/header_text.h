// A message header that stands in a text: pasted, indented, wrapped or double-spaced.
#ifndef MSGID_AUDIT_HEADER_TEXT_H
#define MSGID_AUDIT_HEADER_TEXT_H

#include <string>
#include <string_view>

namespace audit {

struct HeaderText {
  std::string header;         ///< as HeaderReader takes it; empty where there is none
  std::string rest;           ///< the text without it
  bool is_rewrapped = false;  ///< a continuation had lost its indentation and was given a space
};

/// Finds the longest run of fields that a person's summary of a mail ("From: ... Sent: ... Subject: ...") is not: it
/// has a field of msg-ids, or another that mail programs do not show. The heading before it plays no part, for Exchange
/// writes that in the reader's language.
HeaderText find_header(std::string_view text);

/// The text without "> " before lines, wherever two such lines stand together or all lines have it.
std::string without_quote_marks(std::string_view text);

}  // namespace audit

#endif
