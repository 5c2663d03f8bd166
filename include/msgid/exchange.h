// Exchange readiness: faults in a header that Exchange refuses, mends or gets wrong, other than broken msg-ids. Found
// and reported, never edited. What Exchange does about each, and how that is known, stands in msgid-milter.conf(5).
#ifndef MSGID_EXCHANGE_H
#define MSGID_EXCHANGE_H

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "msgid/inspect.h"

namespace msgid {

inline constexpr std::size_t exchange_rule_count = 10;

/// The rules whose names begin with "exchange-", in the order of RuleId. The last two need the message's body and are
/// looked for by msgid-audit only.
std::span<const Rule, exchange_rule_count> exchange_rules() noexcept;
const Rule& exchange_rule(RuleId id) noexcept;

/// Whether Windows knows a charset of this name (case does not matter). The source of the table stands at its head,
/// src/core/charset.cpp.
bool is_windows_charset(std::string_view name) noexcept;

/// MaxMimeTextHeaderLength of Exchange's content conversion: characters of a text field.
inline constexpr std::size_t max_text_characters = 2000;

/// A rule's findings in one header are at most so many, so that memory stays a small multiple of the header whatever
/// stands in it. The last of them says "more-follow" where there are more.
inline constexpr std::size_t max_exchange_findings = 100;

/// Takes the fields of one top-level header in their order and keeps only their names and what was found, so that a
/// header need not be held in memory for it.
class ExchangeCheck {
 public:
  /// With Policy::exchange off it does nothing. `policy` must outlive it.
  explicit ExchangeCheck(const Policy& policy) : policy_(policy) {}

  /// A field, its body as in Field::body.
  void field(std::string_view name, std::string_view body);

  /// The end of the header: what was found, in the order of the fields, then what is about the header as a whole. Ready
  /// for the next message afterwards.
  std::vector<Finding> end_of_header();

 private:
  /// A finding, and the field it is about: the first of the header is 0.
  struct Found {
    std::size_t position;
    Finding finding;
  };

  void mime_field(std::string_view name, std::string_view body);
  void add(RuleId id, std::size_t position, std::string_view name, std::string_view body, std::string_view reason);
  void count_instances();
  void clear();
  std::string_view name_at(std::size_t position) const;

  const Policy& policy_;
  // The names of all fields, one behind the other, and where each ends: an instance is counted only when it is asked
  // for.
  std::string names_;
  std::vector<std::size_t> name_ends_;
  std::size_t octets_ = 0;  // of the header so far, on the wire
  std::vector<Found> found_;
  std::array<std::size_t, exchange_rule_count> last_of_rule_ = {};  // in found_
  std::array<std::size_t, exchange_rule_count> count_of_rule_ = {};
  bool has_mime_version_ = false;
  bool has_content_type_ = false;
  bool is_multipart_ = false;  // what the first Content-Type says
  bool has_encoded_ = false;   // a Content-Transfer-Encoding of base64 or quoted-printable; the first one:
  std::size_t encoded_position_ = 0;
  std::string encoded_body_;
};

}  // namespace msgid

#endif
