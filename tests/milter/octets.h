// Octets of the milter protocol, to be sent where and when no MTA would.
#ifndef FAKE_MTA_OCTETS_H
#define FAKE_MTA_OCTETS_H

#include <string>
#include <string_view>
#include <vector>

#include "fake_mta.h"
#include "tests/wire.h"

namespace hostile {

using wire::packet;
using wire::packet_of_length;

std::string offer(const fake_mta::Terms& terms = {});

/// The packets of a session of two messages and two SMTP connections: each command there is, and the macros before it,
/// whether the filter wants them or not. The first message has encoded_body for a Message-ID, and beside it fields that
/// the filter does not look at.
std::vector<std::string> whole_session(const fake_mta::Terms& terms = {});

std::string joined(const std::vector<std::string>& packets);

/// A command as it should be, to be sent where it should not be.
std::string command(char code);
/// The codes of all commands.
inline constexpr std::string_view commands = "ABCDEHKLMNOQRTU";

/// Octets as hexadecimal digits, for failures.
std::string hex(std::string_view octets);

}  // namespace hostile

#endif
