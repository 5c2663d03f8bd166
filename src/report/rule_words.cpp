// The rules in plain words. What each finds to the octet stands in msgid-milter.conf(5).
#include <algorithm>
#include <array>

#include "report/words.h"

namespace report {

namespace {

constexpr std::array table = {
    RuleWords{
        "encoded-word", "ids written as encoded text",
        "Write msg-ids as they are, not as RFC 2047 encoded-words: those are not allowed there (RFC 2047 section 5). "
        "If a library does it, update it, or set the field in a way that leaves it unencoded."},
    RuleWords{"line-too-long", "lines over the 998 octets that mail allows",
              "Fold References between the ids, at most 998 octets a line and better 78 (RFC 5322 section 2.1.1)."},
    RuleWords{"msgid-too-long", "ids too long for any line",
              "Make ids shorter than 250 octets; a UUID and the host's name are enough."},
    RuleWords{"space-in-msgid", "white space inside an id",
              "Leave white space out of ids. Often a relay before this one has cut a line over 998 octets: fold "
              "References between the ids."},
    RuleWords{"references-too-long", "a References field over Exchange's limit",
              "Trim References to the first id and the last ones, as RFC 5537 section 3.4.4 says."},
    RuleWords{"folded", "a line break where none is needed", "Write a field that fits one line on one line."},
    RuleWords{"brackets", "ids without their pair of angle brackets",
              "Write each id with exactly one pair of angle brackets: <left@right> (RFC 5322 section 3.6.4)."},
    RuleWords{"non-ascii", "ids with characters outside ASCII",
              "Make ids of ASCII characters only: not from names, subjects or file names."},
    RuleWords{"control-character", "control characters in an id field",
              "Leave control characters out of header fields; they often come from values that were not checked."},
    RuleWords{"duplicate-field", "a field twice that may be there once",
              "Set Message-ID, In-Reply-To and References once; replace the field instead of adding another."},
    RuleWords{"malformed", "fields that are not made of ids as they should be",
              "Write <left@right> and nothing else into Message-ID, and such ids with a space between them into "
              "In-Reply-To and References (RFC 5322 section 3.6.4). Leave a field out rather than empty."},
    RuleWords{"strict-syntax", "ids that some receivers refuse",
              "Make ids of the form dot-atom@domain (RFC 5322 section 3.6.4): one \"@\", and on both sides of it "
              "letters, digits, \"-\" and single dots."},
    RuleWords{"missing", "no Message-ID at all", "Set a Message-ID of the form <left@right>."},
    RuleWords{"exchange-field-name", "a field name with characters that are not allowed",
              "Make field names of printable ASCII without a space (RFC 5322 section 2.2)."},
    RuleWords{"exchange-non-ascii", "raw characters outside ASCII in the header",
              "Encode text in header fields as RFC 2047 says, or send it with SMTPUTF8."},
    RuleWords{"exchange-text-length", "a text field over Exchange's limit",
              "Keep each header field under 2000 characters."},
    RuleWords{"exchange-header-size", "a header over the size that Exchange takes",
              "Make the header smaller; look for long lists of recipients and for fields added at each hop."},
    RuleWords{"exchange-charset", "a character set that Windows does not know",
              "Use UTF-8, or the registered name of the charset (\"cp850\", not \"cp-850\")."},
    RuleWords{"exchange-mime-version", "MIME fields without MIME-Version", "Add MIME-Version: 1.0."},
    RuleWords{"exchange-multipart-encoding", "an encoding that a multipart must not have",
              "A multipart is 7bit, 8bit or binary; encode its parts instead (RFC 2045 section 6.4)."},
    RuleWords{"exchange-transfer-encoding", "a transfer encoding that nobody knows",
              "Use 7bit, 8bit, quoted-printable or base64 (RFC 2045 section 6.1)."},
    RuleWords{"exchange-8bit-body", "8-bit text declared as 7bit",
              "Declare 8bit, or encode the body as quoted-printable or base64."},
    RuleWords{"exchange-narrow-multipart", "a multipart declared narrower than its parts",
              "Declare a multipart as wide as its widest part (RFC 2045 section 6.4)."},
    RuleWords{"header-ends-early", "a line in the header that is no field",
              "Write each field on lines of its own, and begin each further line of it with a space (RFC 5322 section "
              "2.2.3). Mail servers take all that follows such a line for the text."},
    RuleWords{"header-ambiguous", "a field that programs read in different ways",
              "Leave NUL and bare CR characters out of header fields, and keep each field far below 100 KB."},
};

}  // namespace

const RuleWords* rule_words(std::string_view rule) noexcept {
  const auto* const row =
      std::find_if(table.begin(), table.end(), [&](const RuleWords& words) { return words.rule == rule; });
  return row == table.end() ? nullptr : row;
}

}  // namespace report
