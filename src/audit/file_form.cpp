#include "audit/file_form.h"

#include <algorithm>
#include <array>

namespace audit {

namespace {

using namespace std::string_view_literals;

constexpr std::array<Compression, 5> compressions = {{
    {gzip_magic, "gzip", "zcat"},
    {"\xfd\x37zXZ\0"sv, "xz", "xzcat"},
    {"\x28\xb5\x2f\xfd", "zstd", "zstdcat"},
    {"BZh", "bzip2", "bzcat"},
    {"\x04\x22\x4d\x18", "lz4", "lz4cat"},
}};

struct Format {
  std::string_view magic;
  std::string_view advice;
};
constexpr std::string_view utf_16 =
    "UTF-16 text, as Notepad and PowerShell write it; convert it first: iconv -f UTF-16 -t UTF-8";
constexpr std::array<Format, 4> formats = {{
    {"\xff\xfe", utf_16},
    {"\xfe\xff", utf_16},
    {"PK\3\4", "a zip archive; unpack it first, with unzip"},
    {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
     "an Outlook message (.msg) or another OLE file; save the message as .eml, or convert it with msgconvert"},
}};

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

}  // namespace

const Compression* compression_of(std::string_view beginning) noexcept {
  const auto* const row = std::find_if(compressions.begin(), compressions.end(),
                                       [&](const Compression& one) { return beginning.starts_with(one.magic); });
  return row == compressions.end() ? nullptr : row;
}

std::string advice_on(std::string_view beginning) {
  if (const Compression* const compression = compression_of(beginning); compression != nullptr) {
    return "compressed with " + std::string(compression->name) + "; unpack it first, with " +
           std::string(compression->program);
  }
  const auto* const row =
      std::find_if(formats.begin(), formats.end(), [&](const Format& one) { return beginning.starts_with(one.magic); });
  return row == formats.end() ? std::string() : std::string(row->advice);
}

bool has_cr_line_ends(std::string_view beginning) noexcept {
  // A CR at the very end may have an LF after it.
  const std::size_t cr = beginning.find('\r');
  return beginning.find('\n') == std::string_view::npos && cr < beginning.size() - 1;
}

void exchange_cr_and_lf(std::span<char> text) noexcept {
  for (char& c : text) {
    if (c == '\r' || c == '\n') c = c == '\r' ? '\n' : '\r';
  }
}

std::size_t lead_octets(std::string_view text) noexcept {
  std::size_t lead = text.starts_with(byte_order_mark) ? byte_order_mark.size() : 0;
  for (;;) {
    const std::size_t lf = text.find_first_not_of('\r', lead);
    if (lf == std::string_view::npos || text[lf] != '\n') return lead;
    lead = lf + 1;
  }
}

}  // namespace audit
