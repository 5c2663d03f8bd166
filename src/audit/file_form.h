// What a file is, by its first octets: mail in one of the forms that editors and other systems give it, or a format
// that has to be made into mail first.
#ifndef MSGID_AUDIT_FILE_FORM_H
#define MSGID_AUDIT_FILE_FORM_H

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace audit {

inline constexpr std::string_view gzip_magic = "\x1f\x8b";

struct Compression {
  std::string_view magic;    ///< how each such file begins
  std::string_view name;     ///< "gzip"
  std::string_view program;  ///< writes what is in the file to standard output: "zcat"
};

/// Null where it is not compressed, or in a way that is not known here. Six octets tell.
const Compression* compression_of(std::string_view beginning) noexcept;

/// What the file is and what to do, if it is known not to be text: a compressed file, UTF-16, an Outlook message. Empty
/// of all others.
std::string advice_on(std::string_view beginning);

/// Whether the lines end in CR alone, as on Mac OS before X: `beginning`, the first 256 KB of the file or all of it,
/// has CRs and no LF.
bool has_cr_line_ends(std::string_view beginning) noexcept;

/// Makes each CR an LF and each LF a CR: of such a file, text with the usual line ends. A second time, what it was.
void exchange_cr_and_lf(std::span<char> text) noexcept;

/// Octets at the beginning of a file that belong to no message: a UTF-8 byte order mark, then empty lines. Editors and
/// shells put them there; an MTA would end the header at either.
std::size_t lead_octets(std::string_view text) noexcept;

}  // namespace audit

#endif
