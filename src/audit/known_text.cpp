#include "audit/known_text.h"

#include <algorithm>

#include "msgid/field.h"

namespace audit {

namespace {

constexpr std::size_t npos = std::string_view::npos;

constexpr std::string_view yes_for_msgid =
    "If the Message-ID is what broke, yes: the filter writes it as the plain id that was meant.";
constexpr std::string_view no_help = "No: the filter changes nothing of this.";

constexpr std::uint8_t any_family = 0;  // taken only where nothing else was

// Specific texts stand before general ones of their family.
constexpr std::array table = {
    KnownText{
        "Corrupt summary TNEF content",
        {"corruptsummarytnefcontent"},
        "",
        1,
        Reason::message_id,
        "Exchange took the message and failed when it put it into the mailbox. Exchange servers pass a message on "
        "among themselves together with a summary in Microsoft's TNEF format. Most likely the copy of the Message-ID "
        "in "
        "that summary was no longer the Message-ID of the message.",
        "The text with an encoded Message-ID: issue trackers (CPython gh-79986). That TNEF is matched by a copy of "
        "the Message-ID: Microsoft's document MS-OXTNEF. That this is what breaks: inferred. Exchange 2007 gave the "
        "same text for attachments sent to a distribution list: Microsoft's KB 2694566.",
        yes_for_msgid},
    KnownText{"content conversion limit (MaxMimeTextHeaderLength and others)",
              {"maxmimetextheaderlength"},
              "",
              1,
              Reason::long_field,
              "A text field of the header is over 2000 characters, a limit of Exchange's content conversion.",
              "Microsoft's document on content conversion tracing (DSN 5.6.0).",
              "With rule.references-too-long = fix, if References is that field; other fields are only reported."},
    KnownText{"content conversion limit (Subject, parts, recipients or nested messages)",
              {"contentconversionlimit"},
              "",
              1,
              Reason::long_field,
              "The message is over a limit of Exchange's content conversion: 2000 characters in a text field of the "
              "header, 255 in the Subject, 250 parts, 12288 recipients, 30 nested messages.",
              "Microsoft's document on content conversion tracing (DSN 5.6.0).",
              "With rule.references-too-long = fix, if a long References is the reason; else no."},
    KnownText{"Invalid MIME Content (5.6.211)",
              {"invalidmimecontent"},
              "",
              1,
              Reason::long_field,
              "Exchange Online refused the message's MIME structure by a limit, as the number of header fields or the "
              "length of one value.",
              "Issue trackers.",
              "With rule.references-too-long = fix, if a very long References is the reason; else no."},
    KnownText{
        "STOREDRV.Submit ... Corrupt message content",
        {"storedrv.submit", "corruptmessagecontent"},
        "",
        1,
        Reason::message_id,
        "Exchange failed to convert a message on its way out of a mailbox (Submit is the sender's side): it had "
        "not left that Exchange.",
        "Seen in bounces. Which side Submit is: Microsoft's documents on the mailbox transport service.",
        "Only if the message came into that mailbox through the filter: an incoming one with a broken header that "
        "is forwarded or redirected."},
    KnownText{
        "ConversionFailedException (554 5.6.0 Corrupt message content)",
        {"conversionfailedexception"},
        "",
        1,
        Reason::message_id,
        "Exchange took the message and failed when it converted it from MIME to put it into the mailbox. A broken "
        "Message-ID is one known reason; a MIME body that cannot be read, or a limit of the conversion, are others.",
        "Issue trackers for the Message-ID (CPython gh-79986); Microsoft's KB 2519912 and 2710089 for an attachment "
        "in application/mac-binhex40 with base64; Microsoft's document on content conversion tracing for limits.",
        yes_for_msgid},
    KnownText{"Stage: PromoteCreateReplay",
              {"stage:promotecreatereplay"},
              "",
              1,
              Reason::message_id,
              "Exchange took the message and failed when it made a mailbox item of it.",
              "Seen in the bounces of \"Corrupt summary TNEF content\" in issue trackers; the rest is inferred.",
              yes_for_msgid},
    KnownText{
        "Corrupt message content (5.6.0)",
        {"corruptmessagecontent"},
        "",
        1,
        Reason::message_id,
        "Exchange took the message and failed when it converted it from MIME to put it into the mailbox. This text "
        "names no reason. A broken Message-ID is one that is known; others are an attachment in "
        "application/mac-binhex40 with base64, and limits of the conversion.",
        "Issue trackers for the Message-ID (CPython gh-79986); Microsoft's KB 2519912 and 2710089 for the "
        "attachment, KB 2694566 for a fault of Exchange 2007 itself.",
        yes_for_msgid},
    KnownText{
        "InvalidCharsetException (550 5.6.0 CAT.InvalidContent.Exception)",
        {"invalidcharsetexception"},
        "",
        1,
        Reason::charset,
        "A charset that Windows does not know is named in the message, usually in an encoded-word of the Subject.",
        "Microsoft's KB 4073095 (Exchange 2013 CU20 and 2016 CU9 can be told to take another in its place) and "
        "2733609.",
        "No: it reports such names (exchange-charset) and changes none."},
    KnownText{
        "Decoding of header failed (550 5.6.0 CAT.InvalidContent.Exception)",
        {"cat.invalidcontent", "decodingofheader"},
        "",
        1,
        Reason::raw_octets,
        "Exchange's categorizer could not decode the field that it names: raw octets over 127, or encoded-words that "
        "cannot be read.",
        "The text: issue trackers. The reason: inferred.",
        "No, unless it names a field of msg-ids: the filter reports raw octets (exchange-non-ascii)."},
    KnownText{"CAT.InvalidContent.Exception (5.6.0)",
              {"cat.invalidcontent"},
              "",
              1,
              Reason::unknown,
              "Exchange's categorizer could not read the message; the exception behind this text names the reason.",
              "Microsoft's KB 4073095 for one of them.",
              "That depends on the exception; this program does not know this one."},
    KnownText{"Invalid message content (554 5.6.0)",
              {"invalidmessagecontent"},
              "",
              1,
              Reason::unknown,
              "Exchange Online could not look into the message or its attachments for a mail flow rule.",
              "Microsoft's article on \"554 5.6.0 Invalid message content\".",
              no_help},
    KnownText{"message is treated as poison",
              {"treatedaspoison"},
              "",
              1,
              Reason::unknown,
              "Exchange's store driver crashed more than once on this message, or on this mailbox, and gave up.",
              "Issue trackers. Why is known to Microsoft's support only.",
              "Nobody can say."},
    KnownText{"bare line feeds (550 5.6.11 InvalidCharacters, SMTPSEND.BareLinefeedsAreIllegal)",
              {"barelinefeed"},
              "",
              2,
              Reason::unknown,
              "The message has line feeds without a carriage return, and the server it was for does not take such mail "
              "(it does not offer CHUNKING).",
              "Microsoft's KB 2998901 and its article on 5.6.11.",
              no_help},
    KnownText{"InvalidCharacters (550 5.6.11)",
              {"invalidcharacters"},
              "5.6.11",
              2,
              Reason::unknown,
              "The message has line feeds without a carriage return, and the server it was for does not take such mail "
              "(it does not offer CHUNKING).",
              "Microsoft's article on 5.6.11.",
              no_help},
    KnownText{
        "Header size exceeds fixed maximum size (552 5.3.4)",
        {"headersizeexceed"},
        "",
        3,
        Reason::header_size,
        "The header as a whole is over MaxHeaderSize of Exchange's receive connector: 256 KB, 128 KB with Exchange "
        "2013, 64 KB in the pickup directory.",
        "Microsoft's documents on message size limits.",
        "With rule.references-too-long = fix, if a very long References is the reason; else no."},
    KnownText{"Headers too large (552 5.6.0)",
              {"headerstoolarge"},
              "",
              3,
              Reason::header_size,
              "The header as a whole is over Sendmail's MaxHeadersLength, 32768 octets where nobody set another.",
              "Sendmail's configuration manual.",
              "With rule.references-too-long = fix, if a long References is the reason; else no."},
    KnownText{
        "breaking line > 998 bytes with <CR><LF>SPACE",
        {"breakingline", "998bytes"},
        "",
        4,
        Reason::long_line,
        "Postfix's smtp client cut a line that was too long, wherever its 998th octet was: within an id too. What "
        "was signed over that field fails then, and an id that was cut has a space in it. The message was sent all "
        "the same.",
        "Measured with Postfix 3.7.11; issue trackers.",
        "Yes, if the line is a field of msg-ids: the filter folds it between the ids."},
    KnownText{"line too long (over 998 octets)",
              {"linelengthis998"},
              "",
              4,
              Reason::long_line,
              "The server refuses lines over 998 octets (RFC 5322 2.1.1), as Exim's default configuration does.",
              "Exim's default configuration; issue trackers.",
              "Yes, if the line is a field of msg-ids: the filter folds it between the ids."},
    KnownText{"message has lines too long for transport",
              {"linestoolong"},
              "",
              4,
              Reason::long_line,
              "Exim does not send lines over 998 octets (RFC 5322 2.1.1).",
              "Exim's documentation of message_linelength_limit.",
              "Yes, if the line is a field of msg-ids: the filter folds it between the ids."},
    KnownText{"Line too long",
              {"linetoolong"},
              "",
              4,
              Reason::long_line,
              "The server refuses a line for its length; 998 octets is the limit of RFC 5322 2.1.1.",
              "Issue trackers.",
              "Yes, if the line is a field of msg-ids: the filter folds it between the ids."},
    KnownText{
        "can't read SMFIC_... reply packet header",
        {"can'treadsmfic"},
        "",
        5,
        Reason::unknown,
        "Postfix lost a milter in the middle of a message: that filter, whichever it is, was stopped or died. What "
        "became of the message is milter_default_action: by default it is to be tried again later.",
        "Measured with Postfix 3.7.11.",
        "No; if the milter is this one, its own log says why."},
    KnownText{
        "Messages missing a valid Message-ID header are not accepted",
        {"messagesmissingavalidmessage"},
        "",
        6,
        Reason::not_there,
        "Gmail refused the message: it has no Message-ID, or one that Gmail cannot read.",
        "Issue trackers.",
        "If a Message-ID is there and broken, yes. It adds none: always_add_missing_headers = yes makes Postfix do "
        "that."},
    KnownText{"5.6.0",
              {},
              "5.6.0",
              any_family,
              Reason::message_id,
              "The message's content was refused, and this text does not say why (RFC 3463: other or undefined media "
              "error).",
              "RFC 3463 3.7. Exchange gives this code to a message that it could not convert.",
              "Nobody can say from this text."},
};

/// The letters and signs of a text: what is left when it is wrapped, indented or quoted in whatever way.
std::string squeezed(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (c > 32 && c < 127) out += c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  }
  return out;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Reads "." 1*3digit; leaves `at` behind it.
bool read_number(std::string_view text, std::size_t& at) {
  if (at >= text.size() || text[at] != '.') return false;
  const std::size_t begin = ++at;
  while (at < text.size() && is_digit(text[at])) ++at;
  return at > begin && at - begin <= 3;
}

/// Whether what stands before a status code makes it one, and not a version of something: an SMTP reply code of the
/// same class ("550 5.1.1", "550-5.1.1"), "Status:", "dsn=" (Postfix's log) or "#" (Exchange and qmail).
bool is_introduced(std::string_view before, char status_class) {
  if (before.ends_with('#')) return true;
  while (!before.empty() && std::string_view(" \t\r\n-").find(before.back()) != npos) before.remove_suffix(1);
  for (const std::string_view word : {"status:", "dsn="}) {
    if (before.size() >= word.size() && msgid::same_name(before.substr(before.size() - word.size()), word)) return true;
  }
  if (before.size() < 3) return false;
  const std::string_view code = before.substr(before.size() - 3);
  return code[0] == status_class && is_digit(code[1]) && is_digit(code[2]) &&
         (before.size() == 3 || !is_digit(before[before.size() - 4]));
}

/// The status code that begins at `begin`; empty where none does.
std::string_view status_at(std::string_view text, std::size_t begin) {
  const char status_class = text[begin];
  if ((status_class != '4' && status_class != '5') || !is_introduced(text.substr(0, begin), status_class)) return {};
  std::size_t at = begin + 1;
  const bool is_subject = at + 2 < text.size() && text[at + 1] >= '0' && text[at + 1] <= '7' && text[at + 2] == '.';
  if (!is_subject || !read_number(text, at) || !read_number(text, at)) return {};
  const bool goes_on = at + 1 < text.size() && text[at] == '.' && is_digit(text[at + 1]);
  return goes_on ? std::string_view{} : text.substr(begin, at - begin);
}

bool has_status(std::string_view text, std::string_view status) {
  for (std::size_t at = text.find(status); at != npos; at = text.find(status, at + 1)) {
    if (status_at(text, at) == status) return true;
  }
  return false;
}

bool is_message_id(const msgid::Finding& finding) {
  return msgid::same_name(finding.field, "Message-ID");
}

}  // namespace

std::span<const KnownText> known_texts() noexcept {
  return table;
}

std::vector<const KnownText*> recognise(std::string_view text) {
  const std::string letters = squeezed(text);
  std::vector<const KnownText*> found;
  for (const KnownText& row : table) {
    const bool is_there = std::all_of(row.parts.begin(), row.parts.end(),
                                      [&](std::string_view part) { return letters.find(part) != npos; }) &&
                          (row.status.empty() || has_status(text, row.status));
    const bool is_said = std::any_of(found.begin(), found.end(), [&](const KnownText* other) {
      return other->family == row.family || row.family == any_family;
    });
    if (is_there && !is_said) found.push_back(&row);
  }
  return found;
}

bool explains(const msgid::Finding& finding, Reason reason) noexcept {
  using msgid::RuleId;
  const RuleId rule = finding.rule->id;
  const bool is_of_ids = rule < RuleId::exchange_field_name;
  switch (reason) {
    case Reason::message_id:
      return is_message_id(finding) && is_of_ids && rule != RuleId::missing && rule != RuleId::brackets &&
             rule != RuleId::strict_syntax;
    case Reason::long_field:
      return rule == RuleId::references_too_long || rule == RuleId::exchange_text_length ||
             rule == RuleId::exchange_header_size;
    case Reason::header_size:
      return rule == RuleId::exchange_header_size;
    case Reason::charset:
      return rule == RuleId::exchange_charset;
    case Reason::raw_octets:
      return rule == RuleId::exchange_non_ascii || rule == RuleId::non_ascii;
    case Reason::long_line:
      return rule == RuleId::line_too_long;
    case Reason::not_there:
      return is_message_id(finding) && is_of_ids;
    case Reason::unknown:
      break;
  }
  return false;
}

std::string_view find_status(std::string_view text) noexcept {
  for (std::size_t dot = text.find('.'); dot != npos; dot = text.find('.', dot + 1)) {
    const std::string_view status = dot == 0 ? std::string_view{} : status_at(text, dot - 1);
    if (!status.empty()) return status;
  }
  return {};
}

std::string_view status_subject(std::string_view status) noexcept {
  // RFC 3463 2, the subjects.
  static constexpr std::array<std::string_view, 8> subjects = {"something it does not name",
                                                               "an address",
                                                               "the recipient's mailbox",
                                                               "the receiving mail system",
                                                               "the network or the way to the server",
                                                               "the SMTP dialogue",
                                                               "the content or the format of the message",
                                                               "security or a policy of the receiver"};
  const std::size_t subject = status.size() > 2 && is_digit(status[2]) ? static_cast<std::size_t>(status[2] - '0') : 0;
  return subject < subjects.size() ? subjects[subject] : subjects[0];
}

namespace {

/// Where `what`, which begins at `at` in any case and with any white space for a blank, ends; npos: it does not.
std::size_t behind(std::string_view text, std::size_t at, std::string_view what) noexcept {
  static constexpr std::string_view blanks = " \t\r\n";
  for (const char& c : what) {
    if (at == text.size()) return npos;
    const std::size_t end = c == ' ' ? std::min(text.find_first_not_of(blanks, at), text.size())
                            : msgid::same_name({&text[at], 1}, {&c, 1}) ? at + 1
                                                                        : at;
    if (end == at) return npos;
    at = end;
  }
  return at;
}

}  // namespace

std::string_view text_behind(std::string_view text, std::string_view before, std::string_view ends) noexcept {
  static constexpr std::size_t longest = 100;
  std::size_t at = 0;
  std::size_t begin = npos;
  while (at < text.size() && (begin = behind(text, at, before)) == npos) ++at;
  if (begin == npos) return {};
  const std::string_view rest = text.substr(begin);
  const std::size_t end = rest.find_first_of(ends);
  return end == npos || end > longest ? std::string_view{} : rest.substr(0, end);
}

}  // namespace audit
