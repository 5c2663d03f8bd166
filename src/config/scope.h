// Whose mail is touched: the sets of clients, recipients and senders that an administrator gives, and the question that
// is asked of them for each message. A question costs logarithmic time, however long the lists are.
#ifndef MSGID_CONFIG_SCOPE_H
#define MSGID_CONFIG_SCOPE_H

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/lines.h"

namespace config {

/// An IP address: 4 or 6, then 16 octets, those of IPv4 as RFC 4291 2.5.5.2 maps them. An IPv4-mapped IPv6 address is
/// an IPv4 address, so that it does not matter how a dual-stack MTA writes it; and `::/0` holds no IPv4 address.
using Address = std::array<std::uint8_t, 17>;

/// Reads an address as MTAs write it: "192.0.2.7", "2001:db8::1", "IPv6:2001:db8::1" (Sendmail's macros),
/// "[192.0.2.7]",
/// "::ffff:192.0.2.7". Nothing where it is none: a client without an address.
std::optional<Address> parse_address(std::string_view text);

/// A set of IP networks.
class Networks {
 public:
  /// Adds "192.0.2.7", "192.0.2.0/24", "2001:db8::/32", "::ffff:192.0.2.0/120"; false if all of it was there. Throws
  /// std::invalid_argument with the reason: octets behind the prefix must be zero.
  bool add(std::string_view text);
  bool contains(const Address& address) const;
  /// Whether each of its addresses is in the other set; of an empty set too.
  bool is_within(const Networks& other) const;
  bool empty() const { return first_to_last_.empty(); }

 private:
  std::map<Address, Address> first_to_last_;  // disjoint: of two networks one holds the other, or they are strangers
};

/// A set of domains. "example.com" is that domain alone, ".example.com" it and all below it. The case of ASCII letters
/// and a dot at the end of what is asked for do not matter. Octets over 127 (RFC 6531) are compared as they are.
class Domains {
 public:
  /// False if all of it was there. Throws std::invalid_argument with the reason.
  bool add(std::string_view text);
  bool contains(std::string_view domain) const;
  bool empty() const { return patterns_.empty(); }

 private:
  bool has_above(std::string_view dotted) const;

  std::set<std::string, std::less<>> patterns_;  // lower case, with their dot in front
};

/// An address of the envelope, taken out of the argument of MAIL or RCPT.
struct EnvelopeAddress {
  std::string local{};   ///< lower case, without quotes
  std::string domain{};  ///< lower case, without a dot at its end; empty where there is none
  bool is_null = false;  ///< the null sender: nothing at all, unlike `<"">`
};

/// With or without angle brackets, with ESMTP parameters behind it, a source route before it, a quoted local part.
EnvelopeAddress parse_envelope(std::string_view argument);

/// A set of envelope senders: whole addresses, domains as in Domains, and "<>", the null sender. The local part is
/// compared without the case of ASCII letters too: RFC 5321 2.4 gives it a case, but no mail system of today does.
class Senders {
 public:
  /// False if all of it was there. Throws std::invalid_argument with the reason.
  bool add(std::string_view text);
  bool contains(const EnvelopeAddress& sender) const;
  bool empty() const { return !has_null_ && domains_.empty() && addresses_.empty(); }

 private:
  Domains domains_;
  std::set<std::pair<std::string, std::string>> addresses_;  // local part, domain
  bool has_null_ = false;
};

/// A set, and the values it was given as: one of them may be "@/path", a file of many.
template <class Set>
struct GivenSet {
  std::vector<std::string> values;
  Set set;
  std::string superfluous;  ///< the first one that added nothing, with where it stands; empty: there is none

  bool is_given() const { return !values.empty(); }
};

/// A message is in scope if each `only` that is given matches, and no `exempt` does. An `only` that is given with an
/// empty file matches nothing.
struct Scope {
  GivenSet<Domains> only_recipient;  ///< one recipient of the message suffices
  GivenSet<Networks> only_client;
  GivenSet<Networks> exempt_client;
  GivenSet<Senders> exempt_sender;
  std::vector<ReadFile> lists;  ///< that were read for these; load() takes them
  bool exempt_authenticated = false;
  bool audit_exempt = false;  ///< a message out of scope is inspected all the same, and not edited

  /// Whether anything but all mail is touched.
  bool is_limited() const {
    return only_recipient.is_given() || has_client_rule() || has_sender_rule() || exempt_authenticated;
  }
  bool has_client_rule() const { return only_client.is_given() || exempt_client.is_given(); }
  bool has_sender_rule() const { return exempt_sender.is_given(); }

  /// As far as the client decides. One without an address, a local program's, is in no network: it is not exempt, and
  /// not in scope of only-client.
  bool has_client(std::string_view address) const;
  /// As far as the argument of MAIL and the authenticated user (empty: none) decide.
  bool has_sender(std::string_view argument, std::string_view user) const;
  /// Whether this recipient, the argument of RCPT, brings the message into scope.
  bool has_recipient(std::string_view argument) const;
};

}  // namespace config

#endif
