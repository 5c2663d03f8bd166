// The packets of a session in any cuts, with fields that nobody asks for between others. A second reader, with all
// octets before it at once, says what libmilter is to see, and where it has to be woken; the scanner must give the same
// for any cuts, whole packets and no octet more.
#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "milter/packet.h"
#include "tests/fuzz/input.h"
#include "tests/wire.h"

namespace {

using namespace std::string_view_literals;
using fuzz::expect;
using milter::packet::Scanned;
using milter::packet::Scanner;

/// Listed fields are asked for.
const milter::packet::AsksFor asks_for = [](std::string_view name) { return name.starts_with('L'); };

constexpr auto commands = "LLLLDDENAKQOMRTUHCB?\0"sv;
constexpr std::array datas = {
    ""sv,
    "L\0 x\0"sv,
    "Listed\0\0"sv,
    "Other\0 x\0"sv,
    "Other\0 x\0"sv,
    "Other\0\0"sv,
    "Other\0 x"sv,
    "Other\0"sv,
    "Other"sv,
    "\0 x\0"sv,
    "\0\0"sv,
    "\0"sv,
    "L"sv,
    "Li\0x\0"sv,
    "Li\0"sv,
    "Ei\0x\0"sv,
    "Ei\0"sv,
    "Ei\0x\0j\0"sv,
    "Ei\0x"sv,
    "E"sv,
    "Ei\0\0j\0\0"sv,
    "<a@example.com>\0"sv,
    "text\r\n"sv,
};
constexpr std::array<std::uint32_t, 8> lengths = {0, 1, 2, 65536, 65537, 0x7fffffff, 0x80000000, 0x80000001};

/// Two octets of the input make a packet. Else: they are octets of it, or a length that is none.
std::string stream_of(fuzz::Octets input) {
  std::string octets;
  for (std::size_t i = 0; i + 1 < input.size(); i += 2) {
    const char command = commands[input[i] % commands.size()];
    const std::string_view data = datas[input[i + 1] % datas.size()];
    if (input[i] < 240) {
      octets += wire::packet(command, data);
    } else if (input[i] < 248) {
      octets += wire::packet_of_length(lengths[input[i] - 240], command, data);
    } else {
      octets += static_cast<char>(input[i + 1]);
    }
  }
  return octets;
}

/// What libmilter 8.17.1 makes of a length: 1 for whatever is below it, by the sign.
std::int64_t length_at(std::string_view octets) {
  std::uint32_t length = 0;
  for (const char octet : octets.substr(0, milter::packet::length_octets)) {
    length = length << 8U | static_cast<unsigned char>(octet);
  }
  if (length > 0x80000000U) return 1;
  return std::max<std::int64_t>(length, 1);
}

unsigned long no_reply_bit(char command) {
  constexpr auto steps = "CHMRTLNBU"sv;
  constexpr std::array<unsigned long, steps.size()> bits = {SMFIP_NR_CONN, SMFIP_NR_HELO, SMFIP_NR_MAIL,
                                                            SMFIP_NR_RCPT, SMFIP_NR_DATA, SMFIP_NR_HDR,
                                                            SMFIP_NR_EOH,  SMFIP_NR_BODY, SMFIP_NR_UNKN};
  const std::size_t at = steps.find(command);
  return at == steps.npos ? 0 : bits[at];
}

constexpr std::int64_t max_length = milter::packet::max_octets;

/// What may go: macros for a field, and a field with its two strings that is not asked for.
bool may_be_missing(char command, std::string_view data, bool is_behind_field, unsigned long protocol) {
  if (command == 'D') return data.starts_with('L');
  const std::size_t name = data.find('\0');
  return command == 'L' && is_behind_field && (protocol & SMFIP_NR_HDR) != 0 && data.size() >= 3 && name > 0 &&
         name < data.size() - 1 && data.back() == '\0' && !asks_for(data.substr(0, name));
}

bool is_without_value(char command, std::string_view data) {
  return command == 'D' && data.size() > 1 && std::count(data.begin() + 1, data.end(), '\0') % 2 != 0;
}

/// What libmilter is to see of a session, with a bar where it is woken, and what is left when no more comes.
std::string expected_of(std::string_view octets, unsigned long protocol) {
  std::string seen;
  bool is_behind_field = false;
  while (octets.size() > milter::packet::length_octets) {
    const std::int64_t length = length_at(octets);
    if (length > max_length) return seen + "|too long";
    const auto size = milter::packet::length_octets + static_cast<std::size_t>(length);
    if (size > octets.size()) break;
    const char command = octets[milter::packet::length_octets];
    const std::string_view data = octets.substr(0, size).substr(milter::packet::length_octets + 1);
    const bool is_missing = may_be_missing(command, data, is_behind_field, protocol);
    if (!is_missing && is_without_value(command, data)) return seen + "|malformed";
    if (!is_missing) seen += octets.substr(0, size);
    if (!is_missing && command != 'D' && (protocol & no_reply_bit(command)) == 0) seen += '|';
    if (command != 'D') is_behind_field = command == 'L';
    octets.remove_prefix(size);
  }
  return seen.append(octets);
}

/// As Channel uses it: what comes is appended, what is due goes, the rest is looked at again with more behind it.
class Reader {
 public:
  explicit Reader(unsigned long protocol) : scanner_(asks_for) {
    scanner_.answered(wire::packet('O', std::string(8, '\0') + wire::number(static_cast<std::uint32_t>(protocol))));
  }

  void receive(std::string_view octets) {
    if (has_ended_) return;
    in_ += octets;
    for (bool is_due = true; is_due && !has_ended_;) {
      const std::size_t size = in_.size();
      const Scanned scanned = scanner_.scan(in_, end_);
      expect(end_ <= scanned.end && scanned.end <= in_.size() && in_.size() <= size, "the end is within the octets");
      expect(!scanned.is_malformed || scanned.is_due, "what is before malformed macros is due");
      is_due = scanned.is_due;
      end_ = scanned.end;
      if (is_due) show(scanned.is_malformed);
    }
  }
  std::string seen() const { return has_ended_ ? seen_ : seen_ + in_; }

 private:
  void show(bool is_malformed) {
    const std::size_t too_long = too_long_at();
    has_ended_ = is_malformed || too_long < end_;
    seen_.append(in_, 0, std::min(too_long, end_)) += is_malformed ? "|malformed" : too_long < end_ ? "|too long" : "|";
    in_.erase(0, end_);
    end_ = 0;
  }
  std::size_t too_long_at() const {
    std::size_t at = 0;
    while (in_.size() - at > milter::packet::length_octets) {
      const std::int64_t length = length_at(std::string_view(in_).substr(at));
      if (length > max_length) return at;
      at = std::min(in_.size(), at + milter::packet::length_octets + static_cast<std::size_t>(length));
    }
    return in_.size();
  }

  Scanner scanner_;
  std::string in_;
  std::size_t end_ = 0;
  std::string seen_;
  bool has_ended_ = false;
};

}  // namespace

// The first octet chooses what was agreed on, and how the rest is read; the second, the cuts.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const fuzz::Octets rest = {data + 2, size - 2};
  constexpr unsigned long silent = SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_MAIL | SMFIP_NR_RCPT | SMFIP_NR_DATA |
                                   SMFIP_NR_HDR | SMFIP_NR_EOH | SMFIP_NR_BODY | SMFIP_NR_UNKN;
  constexpr unsigned long fields = SMFIP_NR_HDR;
  constexpr std::array<unsigned long, 4> agreed = {silent, silent & ~fields, fields, 0};
  const unsigned long protocol = agreed[data[0] / 2 % agreed.size()];
  const bool is_raw = data[0] % 2 != 0;
  const std::string octets =
      is_raw ? std::string(reinterpret_cast<const char*>(rest.data()), rest.size()) : stream_of(rest);
  const std::string expected = expected_of(octets, protocol);

  Reader at_once(protocol);
  at_once.receive(octets);
  expect(at_once.seen() == expected, "what libmilter sees", at_once.seen());

  Reader in_pieces(protocol);
  std::uint32_t random = data[1];
  for (std::size_t begin = 0; begin < octets.size();) {
    random = random * 1664525U + 1013904223U;
    const std::size_t piece = 1 + (random >> 24U) % (data[1] % 2 == 0 ? 8U : 64U);
    in_pieces.receive(std::string_view(octets).substr(begin, std::min(piece, octets.size() - begin)));
    begin += piece;
  }
  expect(in_pieces.seen() == expected, "the same for any cuts", in_pieces.seen());
  return 0;
}
