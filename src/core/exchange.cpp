#include "msgid/exchange.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/ascii.h"
#include "msgid/encoded_word.h"

namespace msgid {

namespace {

constexpr auto npos = std::string_view::npos;

/// Of memory kept from message to message.
constexpr std::size_t kept_octets = 16384;

constexpr Rule row(RuleId id, std::string_view name, std::string_view summary) {
  return {id, name, summary, RuleAction::off, false};
}

constexpr std::array<Rule, exchange_rule_count> rule_table = {
    row(RuleId::exchange_field_name, "exchange-field-name", "an octet in a field name that is not printable ASCII"),
    row(RuleId::exchange_non_ascii, "exchange-non-ascii", "octets over 127 in a field body"),
    row(RuleId::exchange_text_length, "exchange-text-length", "a text field of more than 2000 characters"),
    row(RuleId::exchange_header_size, "exchange-header-size", "a header of more octets than exchange-header-size"),
    row(RuleId::exchange_charset, "exchange-charset", "an encoded-word with a charset name that Windows does not know"),
    row(RuleId::exchange_mime_version, "exchange-mime-version", "a Content-Type field without a MIME-Version field"),
    row(RuleId::exchange_multipart_encoding, "exchange-multipart-encoding",
        "a multipart message said to be base64 or quoted-printable"),
    row(RuleId::exchange_transfer_encoding, "exchange-transfer-encoding",
        "a Content-Transfer-Encoding that is none of the known"),
    row(RuleId::exchange_8bit_body, "exchange-8bit-body", "octets over 127 in a body or part that is said to be 7bit"),
    row(RuleId::exchange_narrow_multipart, "exchange-narrow-multipart",
        "a multipart said to be 7bit or 8bit that holds a wider part"),
};

constexpr std::size_t index_of(RuleId id) {
  return static_cast<std::size_t>(id) - static_cast<std::size_t>(RuleId::exchange_field_name);
}

/// What one pass over a field body tells.
struct FirstLook {
  bool has_high_octet;   ///< over 127
  bool may_have_a_word;  ///< "=?" stands in it
  std::size_t line_feeds;
};

/// In blocks and without branches, so that compilers make vector instructions of it: the counter of a block is one
/// octet.
FirstLook first_look(std::string_view body) noexcept {
  unsigned char bits = 0;
  unsigned char word = 0;
  std::size_t line_feeds = 0;
  const std::size_t pairs = body.empty() ? 0 : body.size() - 1;
  for (std::size_t begin = 0; begin < pairs;) {
    const std::size_t end = std::min(begin + 255, pairs);
    unsigned char in_block = 0;
    for (; begin < end; ++begin) {
      const char c = body[begin];
      bits = static_cast<unsigned char>(bits | static_cast<unsigned char>(c));
      in_block = static_cast<unsigned char>(in_block + (c == '\n' ? 1 : 0));
      word = static_cast<unsigned char>(word | ((c == '=' ? 1 : 0) & (body[begin + 1] == '?' ? 1 : 0)));
    }
    line_feeds += in_block;
  }
  if (!body.empty()) {
    bits = static_cast<unsigned char>(bits | static_cast<unsigned char>(body.back()));
    line_feeds += body.back() == '\n' ? 1 : 0;
  }
  return {(bits & 0x80U) != 0, word != 0, line_feeds};
}

/// The octets of the UTF-8 character the text begins with; 0 where it begins with none. RFC 3629 4:
///   UTF8-2 = %xC2-DF UTF8-tail
///   UTF8-3 = %xE0 %xA0-BF UTF8-tail / %xE1-EC 2(UTF8-tail) / %xED %x80-9F UTF8-tail / %xEE-EF 2(UTF8-tail)
///   UTF8-4 = %xF0 %x90-BF 2(UTF8-tail) / %xF1-F3 3(UTF8-tail) / %xF4 %x80-8F 2(UTF8-tail)
std::size_t utf8_octets(std::string_view text) noexcept {
  const auto at = [text](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const unsigned first = at(0);
  if (first < 0x80) return text.empty() ? 0 : 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const std::size_t octets = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  const unsigned lowest = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const unsigned highest = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (at(1) < lowest || at(1) > highest) return 0;
  for (std::size_t i = 2; i < octets; ++i) {
    if ((at(i) & 0xc0U) != 0x80) return 0;
  }
  return octets;
}

/// Why a body with octets over 127 may be legal all the same, or not.
std::string_view kind_of_octets(std::string_view body) {
  for (std::size_t i = 0; i < body.size();) {
    const std::size_t octets = utf8_octets(body.substr(i));
    if (octets == 0) return "not-utf-8";
    i += octets;
  }
  return "utf-8";
}

std::string shown(std::string_view body) {
  return std::string(ascii::trim(unfold(body)));
}

/// Of the unfolded text. An octet that is no UTF-8 counts as a character.
bool has_too_many_characters(std::string_view body) {
  std::size_t characters = 0;
  const std::string text = shown(body);
  for (std::size_t i = 0; i < text.size(); ++characters) {
    i += std::max<std::size_t>(1, utf8_octets(std::string_view(text).substr(i)));
  }
  return characters > max_text_characters;
}

/// The fields that are no text. In lower case; a "*" at the end stands for any rest.
constexpr auto structured_fields = std::to_array<std::string_view>(
    {// RFC 5322, and its like for news (RFC 5536)
     "from", "sender", "reply-to", "to", "cc", "bcc", "date", "message-id", "in-reply-to", "references", "keywords",
     "resent-*", "return-path", "received", "newsgroups", "path", "xref", "followup-to", "control", "injection-*",
     // MIME, signatures and what the receiver's checks say of them
     "mime-version", "content-*", "dkim-signature", "domainkey-signature", "x-google-dkim-signature", "arc-*",
     "authentication-results", "x-original-authentication-results", "original-authentication-results", "received-spf",
     "bimi-*", "tls-report-*", "vbr-info",
     // Mailing lists, notifications and others of IANA's register of mail header fields; Autocrypt, which holds a key
     "list-*", "archived-at", "auto-submitted", "delivered-to", "disposition-notification-*", "original-recipient",
     "return-receipt-to", "errors-to", "x-envelope-*", "apparently-to", "autocrypt*", "x-face", "face",
     // Exchange's own, which it writes longer itself
     "x-ms-*", "x-microsoft-*", "x-forefront-*", "x-eop*", "x-exchange-*", "thread-index"});

bool is_text_field(std::string_view name) {
  return std::none_of(structured_fields.begin(), structured_fields.end(), [name](std::string_view structured) {
    if (!structured.ends_with('*')) return same_name(name, structured);
    structured.remove_suffix(1);
    return same_name(name.substr(0, structured.size()), structured);
  });
}

/// Passes over CFWS (RFC 5322 3.2.2), comments in comments too; one without an end takes all the rest.
///   comment = "(" *([FWS] ccontent) [FWS] ")"
///   ccontent = ctext / quoted-pair / comment
std::size_t behind_cfws(std::string_view body, std::size_t at) noexcept {
  std::size_t depth = 0;
  for (; at < body.size(); ++at) {
    const char c = body[at];
    if (c == '(') {
      ++depth;
    } else if (depth > 0 && c == ')') {
      --depth;
    } else if (depth > 0 && c == '\\') {
      ++at;
    } else if (depth == 0 && !ascii::is_space(c)) {
      break;
    }
  }
  return std::min(at, body.size());
}

/// The token (RFC 2045 5.1) a structured body begins with, and what stands behind it and its CFWS.
struct FirstToken {
  std::string_view token;
  std::string_view rest;
};
FirstToken first_token(std::string_view body) noexcept {
  const std::size_t begin = behind_cfws(body, 0);
  std::size_t end = begin;
  while (end < body.size() && ascii::is_visible(body[end]) &&
         std::string_view("()<>@,;:\\\"/[]?=").find(body[end]) == npos) {
    ++end;
  }
  return {body.substr(begin, end - begin), body.substr(behind_cfws(body, end))};
}

bool is_one_of(std::string_view token, std::span<const std::string_view> words) noexcept {
  return std::any_of(words.begin(), words.end(), [token](std::string_view word) { return same_name(token, word); });
}

/// That a multipart must not have (RFC 2045 6.4).
constexpr std::array<std::string_view, 2> encodings = {"base64", "quoted-printable"};
constexpr std::array<std::string_view, 6> other_mechanisms = {"7bit",         "8bit",       "binary",
                                                              "mac-binhex40", "x-uuencode", "x-uue"};

/// What is wrong with a Content-Transfer-Encoding; nothing where it is known.
///   encoding = "Content-Transfer-Encoding" ":" mechanism     ; RFC 2045 6.1, CFWS around the mechanism
/// Besides RFC 2045's, Exchange is documented to take mac-binhex40, x-uuencode and x-uue ([MS-OXCMAIL], of
/// attachments).
std::string_view transfer_encoding_fault(const FirstToken& body) {
  if (body.token.empty()) return "no-encoding";
  const bool is_known = is_one_of(body.token, encodings) || is_one_of(body.token, other_mechanisms);
  if (!is_known) return "unknown-encoding";
  if (!body.rest.empty()) return "text-behind";
  return {};
}

/// Why a charset name is a finding; nothing where there is no such word. Of several the documented case comes first.
struct CharsetFault {
  bool found = false;
  std::string_view reason;
};
std::string_view evidence(std::string_view charset) {
  const std::string_view beginning = charset.substr(0, 3);
  if (same_name(beginning, "cp-") || same_name(beginning, "ms-")) return "known-bounce";
  return {};
}
constexpr std::array<std::string_view, 2> word_encodings = {"q", "b"};
CharsetFault charset_fault(std::string_view body) {
  CharsetFault fault;
  EncodedWordMatcher matcher(body);
  EncodedWord word;
  for (std::size_t at = body.find("=?"); at != npos; at = body.find("=?", at)) {
    if (!matcher.match(at, word)) {
      ++at;
      continue;
    }
    at += word.whole.size();
    if (!is_one_of(word.encoding, word_encodings) || is_windows_charset(word.charset)) continue;
    fault.found = true;
    if (fault.reason.empty()) fault.reason = evidence(word.charset);
  }
  return fault;
}

/// The greatest of Exchange's limits that the size is over: 64 KB of the pickup directory and of Exchange 2010, 128 KB
/// of Exchange 2013, 256 KB of a receive connector since.
std::string_view passed_limit(std::size_t octets) {
  if (octets > 262144) return "over-256-kb";
  if (octets > 131072) return "over-128-kb";
  if (octets > 65536) return "over-64-kb";
  return "over-limit";
}

bool is_before(std::string_view a, std::string_view b) noexcept {
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                      [](char x, char y) { return ascii::lower(x) < ascii::lower(y); });
}

}  // namespace

std::span<const Rule, exchange_rule_count> exchange_rules() noexcept {
  return rule_table;
}

const Rule& exchange_rule(RuleId id) noexcept {
  return rule_table[index_of(id)];
}

void ExchangeCheck::field(std::string_view name, std::string_view body) {
  if (policy_.exchange == RuleAction::off) return;
  const std::size_t position = name_ends_.size();
  names_ += name;
  name_ends_.push_back(names_.size());
  const FirstLook look = first_look(body);
  // With the colon and the line's end; each fold is CRLF on the wire.
  octets_ += name.size() + 1 + body.size() + look.line_feeds + 2;
  if (!is_field_name(name)) add(RuleId::exchange_field_name, position, name, body, {});
  if (look.has_high_octet) add(RuleId::exchange_non_ascii, position, name, body, kind_of_octets(body));
  if (body.size() > max_text_characters && policy_.find(name) == nullptr && is_text_field(name) &&
      has_too_many_characters(body)) {
    add(RuleId::exchange_text_length, position, name, body, {});
  }
  if (look.may_have_a_word) {
    const CharsetFault fault = charset_fault(body);
    if (fault.found) add(RuleId::exchange_charset, position, name, body, fault.reason);
  }
  if (name.size() == 12 || name.size() == 25) mime_field(name, body);
}

void ExchangeCheck::mime_field(std::string_view name, std::string_view body) {
  const std::size_t position = name_ends_.size() - 1;
  if (same_name(name, "MIME-Version")) {
    has_mime_version_ = true;
  } else if (same_name(name, "Content-Type")) {
    const FirstToken type = first_token(body);
    if (!has_content_type_) is_multipart_ = same_name(type.token, "multipart") && type.rest.starts_with('/');
    has_content_type_ = true;
  } else if (same_name(name, "Content-Transfer-Encoding")) {
    const FirstToken encoding = first_token(body);
    const std::string_view fault = transfer_encoding_fault(encoding);
    if (!fault.empty()) add(RuleId::exchange_transfer_encoding, position, name, body, fault);
    if (!has_encoded_ && is_one_of(encoding.token, encodings)) {
      has_encoded_ = true;
      encoded_position_ = position;
      encoded_body_ = body;
    }
  }
}

void ExchangeCheck::add(RuleId id, std::size_t position, std::string_view name, std::string_view body,
                        std::string_view reason) {
  const std::size_t rule = index_of(id);
  if (count_of_rule_[rule] == max_exchange_findings) {
    found_[last_of_rule_[rule]].finding.reason = "more-follow";
    return;
  }
  ++count_of_rule_[rule];
  last_of_rule_[rule] = found_.size();
  found_.push_back(
      {position, {&exchange_rule(id), std::string(name), 0, Action::report, std::string(reason), shown(body), {}}});
}

std::string_view ExchangeCheck::name_at(std::size_t position) const {
  const std::size_t begin = position == 0 ? 0 : name_ends_[position - 1];
  return std::string_view(names_).substr(begin, name_ends_[position] - begin);
}

/// For n fields and f findings it compares n * log f times: no header makes it slow, whatever its names.
void ExchangeCheck::count_instances() {
  std::vector<std::string_view> wanted;
  for (const Found& found : found_) wanted.push_back(name_at(found.position));
  std::sort(wanted.begin(), wanted.end(), is_before);
  wanted.erase(std::unique(wanted.begin(), wanted.end(), same_name), wanted.end());
  std::vector<int> counts(wanted.size());
  auto next = found_.begin();
  for (std::size_t position = 0; next != found_.end(); ++position) {
    const auto place = std::lower_bound(wanted.begin(), wanted.end(), name_at(position), is_before);
    if (place == wanted.end() || !same_name(*place, name_at(position))) continue;
    const int instance = ++counts[static_cast<std::size_t>(place - wanted.begin())];
    for (; next != found_.end() && next->position == position; ++next) next->finding.instance = instance;
  }
}

std::vector<Finding> ExchangeCheck::end_of_header() {
  std::vector<Finding> findings;
  if (is_multipart_ && has_encoded_) {
    add(RuleId::exchange_multipart_encoding, encoded_position_, name_at(encoded_position_), encoded_body_, {});
  }
  if (!found_.empty()) {
    const auto order = [](const Found& found) { return std::pair(found.position, found.finding.rule->id); };
    std::sort(found_.begin(), found_.end(), [order](const Found& a, const Found& b) { return order(a) < order(b); });
    count_instances();
    findings.reserve(found_.size());
    for (Found& found : found_) findings.push_back(std::move(found.finding));
  }
  if (octets_ > policy_.exchange_header_size) {
    findings.push_back({&exchange_rule(RuleId::exchange_header_size),
                        {},
                        0,
                        Action::report,
                        std::string(passed_limit(octets_)),
                        std::to_string(octets_) + " octets",
                        {}});
  }
  if (has_content_type_ && !has_mime_version_) {
    findings.push_back({&exchange_rule(RuleId::exchange_mime_version), "MIME-Version", 0, Action::report, {}, {}, {}});
  }
  clear();
  return findings;
}

void ExchangeCheck::clear() {
  names_.clear();
  name_ends_.clear();
  encoded_body_.clear();
  found_.clear();
  if (names_.capacity() + name_ends_.capacity() * sizeof(std::size_t) + encoded_body_.capacity() > kept_octets) {
    names_.shrink_to_fit();
    name_ends_.shrink_to_fit();
    encoded_body_.shrink_to_fit();
  }
  octets_ = 0;
  count_of_rule_ = {};
  has_mime_version_ = has_content_type_ = is_multipart_ = has_encoded_ = false;
}

}  // namespace msgid
