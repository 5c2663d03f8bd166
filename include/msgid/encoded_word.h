// RFC 2047 encoded-words: find, decode, refuse.
//
//   encoded-word = "=?" charset ["*" language] "?" encoding "?" encoded-text "?="   ; RFC 2047 2, RFC 2231 5
//   encoded-text = *<printable ASCII, without "?" and SP>
//
// Charset, language and encoding are read up to the next "?": printable ASCII without "<" and ">".
//
// An encoded-word may not stand for a msg-id (RFC 2047 5), yet many producers write one there. What is
// taken here is wider than the RFC (words over 75 octets, empty words, literal "<", ">" and "@" in Q text,
// base64 without its padding), because producers write that and it can be read in one way only. What cannot is refused
// with a reason.
#ifndef MSGID_ENCODED_WORD_H
#define MSGID_ENCODED_WORD_H

#include <cstddef>
#include <string>
#include <string_view>

#include "msgid/reason.h"

namespace msgid {

/// The parts of one encoded-word; views of the octets it was found in.
struct EncodedWord {
  std::string_view whole;     ///< from "=?" to "?="
  std::string_view charset;   ///< without the language; may be empty
  std::string_view encoding;  ///< as written: "q", "B", or something unknown
  std::string_view text;      ///< may be empty; has no white space
};

/// Finds encoded-words in one text, in one pass: remembers where no "?=" can follow, so that a text
/// full of beginnings costs no more than its length.
class EncodedWordMatcher {
 public:
  explicit EncodedWordMatcher(std::string_view text) noexcept : text_(text) {}

  /// Whether an encoded-word begins at `at`; fills `word` if so. A word has no white space in it.
  bool match(std::size_t at, EncodedWord& word) noexcept;

 private:
  std::string_view text_;
  std::size_t hopeless_from_ = 0;  ///< in [hopeless_from_, hopeless_to_) no "?=" was found
  std::size_t hopeless_to_ = 0;
};

/// What decoding gave.
struct Decoded {
  std::string octets;             ///< what could be read; with a refusal, at least enough to see "<", ">" and "@"
  Reason refusal = Reason::none;  ///< the first: charset, malformed_word, encoding, broken_escape, broken_base64
};

/// Decodes one word and appends to `out`. A refusal that is there already stays.
void decode(const EncodedWord& word, Decoded& out);

/// Whether octets under this charset name can be read as ASCII: false for those of UTF-7, UTF-16, UTF-32,
/// UCS-2/4, ISO-2022, HZ and EBCDIC, and for the empty name; every other name is taken.
bool is_ascii_charset(std::string_view charset) noexcept;

}  // namespace msgid

#endif
