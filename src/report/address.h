// Addresses, as far as an audit needs them: whose domain it is.
#ifndef MSGID_REPORT_ADDRESS_H
#define MSGID_REPORT_ADDRESS_H

#include <string>
#include <string_view>

namespace report {

/// The domain of the first address, in lower case; empty where there is none. Takes the body of a From field, and an
/// envelope address with or without its angle brackets. Cut at 255 octets, the most a domain name has (RFC 1035 2.3.4).
std::string first_domain(std::string_view addresses);

}  // namespace report

#endif
