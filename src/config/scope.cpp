#include "config/scope.h"

#include <arpa/inet.h>

#include <algorithm>

#include "config/lines.h"
#include "config/value.h"
#include "msgid/field.h"

namespace config {
namespace {

constexpr std::size_t max_domain_octets = 253;

using msgid::lower;

constexpr std::string_view ipv6_tag = "IPv6:";

// Networks.

constexpr std::size_t address_bits = 128;
constexpr std::size_t ipv4_bits = 32;

bool is_ipv4(const Address& address) {
  return address[0] == 4;
}

std::optional<Address> address_in(std::string_view text) {
  const std::string copy(text);  // inet_pton() wants its NUL
  Address address{};
  in_addr ipv4{};
  if (copy.find('\0') == std::string::npos && inet_pton(AF_INET, copy.c_str(), &ipv4) == 1) {
    address[0] = 4;
    address[11] = address[12] = 0xFF;
    std::copy_n(reinterpret_cast<const std::uint8_t*>(&ipv4), sizeof ipv4, &address[13]);
    return address;
  }
  in6_addr ipv6{};
  if (copy.find('\0') != std::string::npos || inet_pton(AF_INET6, copy.c_str(), &ipv6) != 1) return std::nullopt;
  address[0] = IN6_IS_ADDR_V4MAPPED(&ipv6) ? 4 : 6;
  std::copy_n(reinterpret_cast<const std::uint8_t*>(&ipv6), sizeof ipv6, &address[1]);
  return address;
}

/// The bits behind the prefix all 0, or all 1. `prefix` counts in the 128 bits.
Address with_host_bits(Address address, std::size_t prefix, bool value) {
  for (std::size_t bit = prefix; bit < address_bits; ++bit) {
    const auto mask = static_cast<std::uint8_t>(0x80U >> bit % 8);
    std::uint8_t& octet = address[1 + bit / 8];
    octet = static_cast<std::uint8_t>(value ? octet | mask : octet & ~mask);
  }
  return address;
}

std::string text_of(const Address& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const bool short_form = is_ipv4(address);
  inet_ntop(short_form ? AF_INET : AF_INET6, short_form ? &address[13] : &address[1], text.data(), text.size());
  return text.data();
}

/// Where the prefix of "address/prefix" ends, in the 128 bits.
std::size_t prefix_bits(const Address& address, bool is_mapped_text, std::string_view text) {
  const std::size_t most = is_ipv4(address) && !is_mapped_text ? ipv4_bits : address_bits;
  const auto number = whole_number(text);
  if (!number || *number > most) refuse("only a number from 0 to " + std::to_string(most) + " behind the \"/\"");
  if (is_ipv4(address) && is_mapped_text && *number < address_bits - ipv4_bits) {
    refuse("an IPv4-mapped network has 96 or more behind the \"/\"; write it as an IPv4 network");
  }
  return *number + (address_bits - most);
}

/// network = ( IPv4address | IPv6address ) [ "/" prefix ]
std::pair<Address, Address> network_in(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view address_text = text.substr(0, slash);
  const auto address = address_in(address_text);
  if (!address) refuse("only an address or a network, as 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32");
  if (slash == std::string_view::npos) return {*address, *address};
  const bool is_mapped_text = is_ipv4(*address) && address_text.find(':') != std::string_view::npos;
  const std::size_t prefix = prefix_bits(*address, is_mapped_text, text.substr(slash + 1));
  const Address first = with_host_bits(*address, prefix, false);
  if (first != *address) {
    const std::size_t shown = is_ipv4(first) ? prefix - (address_bits - ipv4_bits) : prefix;
    refuse("there are bits behind the prefix; write " + text_of(first) + "/" + std::to_string(shown) + ", or " +
           text_of(*address) + " for this address alone");
  }
  return {first, with_host_bits(first, prefix, true)};
}

// Domains.

/// domain = label *( "." label )    ; label: letters, digits, "-", "_" and octets over 127
void check_domain(std::string_view domain) {
  const bool has_odd_octet = std::any_of(domain.begin(), domain.end(), [](char c) {
    return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
             c == '.' || static_cast<unsigned char>(c) > 127);
  });
  if (domain.empty() || has_odd_octet || domain.starts_with('.') || domain.find("..") != std::string_view::npos) {
    refuse("only a domain, as example.com, or .example.com for it and all below it");
  }
  if (domain.ends_with('.')) refuse("write the domain without the dot at its end");
  if (domain.size() > max_domain_octets) {
    refuse("only a domain of at most " + std::to_string(max_domain_octets) + " octets");
  }
}

// Envelope addresses.

/// Where the address ends in what begins with it: at the first `mark` outside of a quoted-string.
std::size_t end_of_address(std::string_view text, std::string_view marks) {
  bool is_quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      is_quoted = !is_quoted;
    } else if (!is_quoted && marks.find(text[i]) != std::string_view::npos) {
      return i;
    }
  }
  return text.size();
}

std::string without_quotes(std::string_view local) {
  std::string text;
  for (std::size_t i = 0; i < local.size(); ++i) {
    if (local[i] == '"') continue;
    if (local[i] == '\\' && i + 1 < local.size()) ++i;
    text += local[i];
  }
  return text;
}

}  // namespace

std::optional<Address> parse_address(std::string_view text) {
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  if (msgid::same_name(text.substr(0, ipv6_tag.size()), ipv6_tag)) text.remove_prefix(ipv6_tag.size());
  return address_in(text);
}

bool Networks::add(std::string_view text) {
  const auto [first, last] = network_in(text);
  auto next = first_to_last_.upper_bound(first);
  if (next != first_to_last_.begin() && std::prev(next)->second >= last) return false;
  next = first_to_last_.lower_bound(first);
  while (next != first_to_last_.end() && next->second <= last) next = first_to_last_.erase(next);
  first_to_last_.emplace_hint(next, first, last);
  return true;
}

bool Networks::contains(const Address& address) const {
  const auto next = first_to_last_.upper_bound(address);
  return next != first_to_last_.begin() && std::prev(next)->second >= address;
}

bool Networks::is_within(const Networks& other) const {
  const auto successor = [](Address address) {
    for (std::size_t i = address.size(); i-- > 0 && ++address[i] == 0;) {
    }
    return address;
  };
  for (const auto& [first, last] : first_to_last_) {
    for (Address from = first;; from = successor(from)) {
      const auto next = other.first_to_last_.upper_bound(from);
      if (next == other.first_to_last_.begin() || std::prev(next)->second < from) return false;
      from = std::prev(next)->second;
      if (from >= last) break;
    }
  }
  return true;
}

bool Domains::add(std::string_view text) {
  if (text.starts_with("*.")) refuse("write " + std::string(text.substr(1)) + " for a domain and all below it");
  if (text.starts_with('@')) refuse("write the domain without \"@\"");
  check_domain(text.substr(text.starts_with('.') ? 1 : 0));
  std::string pattern = lower(text);
  const bool is_there = pattern.starts_with('.') ? has_above(pattern) : contains(pattern);
  if (!is_there) patterns_.insert(std::move(pattern));
  return !is_there;
}

bool Domains::contains(std::string_view domain) const {
  if (domain.ends_with('.')) domain.remove_suffix(1);
  if (domain.empty() || patterns_.empty()) return false;
  std::string dotted = ".";
  dotted += lower(domain);
  return patterns_.contains(std::string_view(dotted).substr(1)) || has_above(dotted);
}

/// Whether ".b.c" or ".c" is there, for ".b.c".
bool Domains::has_above(std::string_view dotted) const {
  constexpr std::size_t most_labels = 128;  // of a name in the DNS; who sends more must not cost more
  std::size_t at = dotted.size();
  for (std::size_t i = 0; i < most_labels && at > 0; ++i) {
    at = dotted.rfind('.', at - 1);
    if (at == std::string_view::npos) return false;
    if (patterns_.contains(dotted.substr(at))) return true;
  }
  return false;
}

EnvelopeAddress parse_envelope(std::string_view argument) {
  argument = trimmed(argument);
  const bool has_bracket = argument.starts_with('<');
  if (has_bracket) argument.remove_prefix(1);
  argument = argument.substr(0, end_of_address(argument, has_bracket ? ">" : blanks));
  if (argument.starts_with('@')) {  // RFC 5321 4.1.2: A-d-l ":" before the mailbox
    const std::size_t colon = argument.find(':');
    argument.remove_prefix(colon == std::string_view::npos ? argument.size() : colon + 1);
  }
  argument = trimmed(argument);
  std::size_t at = end_of_address(argument, "@");
  // The last one: "a@b@example.com" goes to example.com in Postfix and Sendmail alike.
  while (at < argument.size()) {
    const std::size_t next = at + 1 + end_of_address(argument.substr(at + 1), "@");
    if (next >= argument.size()) break;
    at = next;
  }
  EnvelopeAddress address;
  address.is_null = argument.empty();
  address.local = lower(without_quotes(argument.substr(0, at)));
  if (at < argument.size()) address.domain = lower(argument.substr(at + 1));
  if (address.domain.ends_with('.')) address.domain.pop_back();
  return address;
}

bool Senders::add(std::string_view text) {
  if (text == "<>") return !std::exchange(has_null_, true);
  if (text.find('@') == std::string_view::npos) return domains_.add(text);
  if (text.starts_with('@')) refuse("write the domain without \"@\"");
  if (text.starts_with('<')) refuse("write the address without angle brackets; only the null sender is <>");
  EnvelopeAddress address = parse_envelope(text);
  const bool is_whole = end_of_address(text, blanks) == text.size();
  const bool has_control =
      std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 32 || c == 127; });
  if (!is_whole || has_control || address.local.empty() || text.ends_with('.')) {
    refuse("only an address, as user@example.com, a domain, or <>");
  }
  check_domain(address.domain);
  if (domains_.contains(address.domain)) return false;
  return addresses_.emplace(std::move(address.local), std::move(address.domain)).second;
}

bool Senders::contains(const EnvelopeAddress& sender) const {
  if (sender.is_null) return has_null_;
  return domains_.contains(sender.domain) || addresses_.contains({sender.local, sender.domain});
}

bool Scope::has_client(std::string_view address) const {
  if (!has_client_rule()) return true;
  const auto client = parse_address(address);
  if (!client) return !only_client.is_given();
  return (!only_client.is_given() || only_client.set.contains(*client)) && !exempt_client.set.contains(*client);
}

bool Scope::has_sender(std::string_view argument, std::string_view user) const {
  if (exempt_authenticated && !user.empty()) return false;
  return !has_sender_rule() || !exempt_sender.set.contains(parse_envelope(argument));
}

bool Scope::has_recipient(std::string_view argument) const {
  return only_recipient.set.contains(parse_envelope(argument).domain);
}

}  // namespace config
