// The charset names that Windows knows.
//
// Source: the encoding names of the .NET Framework, on which Exchange runs: EncodingDataTable of dotnet/coreclr,
// src/classlibnative/nls/encodingdata.cpp, and its successor in dotnet/runtime, EncodingTable.Data.cs of
// System.Text.Encoding.CodePages, which adds "cp1252" (both MIT; read 2026-11-22). Left out is "ISO-8859-8 Visual": no
// charset of an encoded-word has a space.
//
// The table has "cp850" and "cp1256", but not "cp1251". Microsoft's KB 4073095 says of the names that Exchange cannot
// read that a "-" stands behind "cp" or "ms" "instead of a number"; from that is inferred that a code page's number
// there is read.

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "core/ascii.h"
#include "msgid/exchange.h"

namespace msgid {

namespace {

/// In lower case and sorted, one space between.
constexpr std::string_view name_list =
    "437 ansi_x3.4-1968 ansi_x3.4-1986 arabic ascii asmo-708 big5 big5-hkscs ccsid00858 ccsid00924 ccsid01140 "
    "ccsid01141 ccsid01142 ccsid01143 ccsid01144 ccsid01145 ccsid01146 ccsid01147 ccsid01148 ccsid01149 chinese "
    "cn-big5 cn-gb cp00858 cp00924 cp01140 cp01141 cp01142 cp01143 cp01144 cp01145 cp01146 cp01147 cp01148 cp01149 "
    "cp037 cp1025 cp1026 cp1252 cp1256 cp273 cp278 cp280 cp284 cp285 cp290 cp297 cp367 cp420 cp423 cp424 cp437 cp500 "
    "cp50227 cp819 cp850 cp852 cp855 cp857 cp858 cp860 cp861 cp862 cp863 cp864 cp865 cp866 cp869 cp870 cp871 cp875 "
    "cp880 cp905 csascii csbig5 cseuckr cseucpkdfmtjapanese csgb2312 csgb231280 csibm037 csibm1026 csibm273 csibm277 "
    "csibm278 csibm280 csibm284 csibm285 csibm290 csibm297 csibm420 csibm423 csibm424 csibm500 csibm870 csibm871 "
    "csibm880 csibm905 csibmthai csiso2022jp csiso2022kr csiso58gb231280 csisolatin1 csisolatin2 csisolatin3 "
    "csisolatin4 csisolatin5 csisolatin9 csisolatinarabic csisolatincyrillic csisolatingreek csisolatinhebrew cskoi8r "
    "csksc56011987 cspc8codepage437 csshiftjis csunicode11utf7 cswindows31j cyrillic din_66003 dos-720 dos-862 "
    "dos-874 ebcdic-cp-ar1 ebcdic-cp-be ebcdic-cp-ca ebcdic-cp-ch ebcdic-cp-dk ebcdic-cp-es ebcdic-cp-fi ebcdic-cp-fr "
    "ebcdic-cp-gb ebcdic-cp-gr ebcdic-cp-he ebcdic-cp-is ebcdic-cp-it ebcdic-cp-nl ebcdic-cp-no ebcdic-cp-roece "
    "ebcdic-cp-se ebcdic-cp-tr ebcdic-cp-us ebcdic-cp-wt ebcdic-cp-yu ebcdic-cyrillic ebcdic-de-273+euro "
    "ebcdic-dk-277+euro ebcdic-es-284+euro ebcdic-fi-278+euro ebcdic-fr-297+euro ebcdic-gb-285+euro "
    "ebcdic-international-500+euro ebcdic-is-871+euro ebcdic-it-280+euro ebcdic-jp-kana ebcdic-latin9--euro "
    "ebcdic-no-277+euro ebcdic-se-278+euro ebcdic-us-37+euro ecma-114 ecma-118 elot_928 euc-cn euc-jp euc-kr "
    "extended_unix_code_packed_format_for_japanese gb18030 gb2312 gb2312-80 gb231280 gb_2312-80 gbk german greek "
    "greek8 hebrew hz-gb-2312 ibm-thai ibm00858 ibm00924 ibm01047 ibm01140 ibm01141 ibm01142 ibm01143 ibm01144 "
    "ibm01145 ibm01146 ibm01147 ibm01148 ibm01149 ibm037 ibm1026 ibm273 ibm277 ibm278 ibm280 ibm284 ibm285 ibm290 "
    "ibm297 ibm367 ibm420 ibm423 ibm424 ibm437 ibm500 ibm737 ibm775 ibm819 ibm850 ibm852 ibm855 ibm857 ibm860 ibm861 "
    "ibm862 ibm863 ibm864 ibm865 ibm866 ibm869 ibm870 ibm871 ibm880 ibm905 irv iso-10646-ucs-2 iso-2022-jp "
    "iso-2022-jpeuc iso-2022-kr iso-2022-kr-7 iso-2022-kr-7bit iso-2022-kr-8 iso-2022-kr-8bit iso-8859-1 iso-8859-11 "
    "iso-8859-13 iso-8859-15 iso-8859-2 iso-8859-3 iso-8859-4 iso-8859-5 iso-8859-6 iso-8859-7 iso-8859-8 "
    "iso-8859-8-i iso-8859-9 iso-ir-100 iso-ir-101 iso-ir-109 iso-ir-110 iso-ir-126 iso-ir-127 iso-ir-138 iso-ir-144 "
    "iso-ir-148 iso-ir-149 iso-ir-58 iso-ir-6 iso646-us iso8859-1 iso8859-2 iso_646.irv:1991 iso_8859-1 iso_8859-15 "
    "iso_8859-1:1987 iso_8859-2 iso_8859-2:1987 iso_8859-3 iso_8859-3:1988 iso_8859-4 iso_8859-4:1988 iso_8859-5 "
    "iso_8859-5:1988 iso_8859-6 iso_8859-6:1987 iso_8859-7 iso_8859-7:1987 iso_8859-8 iso_8859-8:1988 iso_8859-9 "
    "iso_8859-9:1989 johab koi koi8 koi8-r koi8-ru koi8-u koi8r korean ks-c-5601 ks-c5601 ks_c_5601 ks_c_5601-1987 "
    "ks_c_5601-1989 ks_c_5601_1987 ksc5601 ksc_5601 l1 l2 l3 l4 l5 l9 latin1 latin2 latin3 latin4 latin5 latin9 "
    "logical macintosh ms_kanji norwegian ns_4551-1 pc-multilingual-850+euro sen_850200_b shift-jis shift_jis sjis "
    "swedish tis-620 ucs-2 unicode unicode-1-1-utf-7 unicode-1-1-utf-8 unicode-2-0-utf-7 unicode-2-0-utf-8 "
    "unicodefffe us us-ascii utf-16 utf-16be utf-16le utf-32 utf-32be utf-32le utf-7 utf-8 visual windows-1250 "
    "windows-1251 windows-1252 windows-1253 windows-1254 windows-1255 windows-1256 windows-1257 windows-1258 "
    "windows-874 x-ansi x-chinese-cns x-chinese-eten x-cp1250 x-cp1251 x-cp20001 x-cp20003 x-cp20004 x-cp20005 "
    "x-cp20261 x-cp20269 x-cp20936 x-cp20949 x-cp50227 x-ebcdic-koreanextended x-euc x-euc-cn x-euc-jp x-europa x-ia5 "
    "x-ia5-german x-ia5-norwegian x-ia5-swedish x-iscii-as x-iscii-be x-iscii-de x-iscii-gu x-iscii-ka x-iscii-ma "
    "x-iscii-or x-iscii-pa x-iscii-ta x-iscii-te x-mac-arabic x-mac-ce x-mac-chinesesimp x-mac-chinesetrad "
    "x-mac-croatian x-mac-cyrillic x-mac-greek x-mac-hebrew x-mac-icelandic x-mac-japanese x-mac-korean "
    "x-mac-romanian x-mac-thai x-mac-turkish x-mac-ukrainian x-ms-cp932 x-sjis x-unicode-1-1-utf-7 "
    "x-unicode-1-1-utf-8 x-unicode-2-0-utf-7 x-unicode-2-0-utf-8 x-x-big5";

/// The code pages those names stand for, sorted.
constexpr std::array<std::uint16_t, 138> code_pages = {
    37,    437,   500,   708,   720,   737,   775,   850,   852,   855,   857,   858,   860,   861,   862,   863,
    864,   865,   866,   869,   870,   874,   875,   932,   936,   949,   950,   1026,  1047,  1140,  1141,  1142,
    1143,  1144,  1145,  1146,  1147,  1148,  1149,  1200,  1201,  1250,  1251,  1252,  1253,  1254,  1255,  1256,
    1257,  1258,  1361,  10000, 10001, 10002, 10003, 10004, 10005, 10006, 10007, 10008, 10010, 10017, 10021, 10029,
    10079, 10081, 10082, 12000, 12001, 20000, 20001, 20002, 20003, 20004, 20005, 20105, 20106, 20107, 20108, 20127,
    20261, 20269, 20273, 20277, 20278, 20280, 20284, 20285, 20290, 20297, 20420, 20423, 20424, 20833, 20838, 20866,
    20871, 20880, 20905, 20924, 20936, 20949, 21025, 21866, 28591, 28592, 28593, 28594, 28595, 28596, 28597, 28598,
    28599, 28603, 28605, 29001, 38598, 50220, 50221, 50225, 50227, 51932, 51936, 51949, 52936, 54936, 57002, 57003,
    57004, 57005, 57006, 57007, 57008, 57009, 57010, 57011, 65000, 65001};

constexpr std::size_t name_count = 1 + static_cast<std::size_t>(std::count(name_list.begin(), name_list.end(), ' '));

constexpr auto names = [] {
  std::array<std::string_view, name_count> out;
  std::string_view rest = name_list;
  for (std::string_view& name : out) {
    name = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(rest.size(), name.size() + 1));
  }
  return out;
}();
static_assert(std::is_sorted(names.begin(), names.end()) && std::is_sorted(code_pages.begin(), code_pages.end()));

constexpr std::size_t longest_name =
    (*std::max_element(names.begin(), names.end(), [](auto a, auto b) { return a.size() < b.size(); })).size();

/// Whether the text is the decimal number of a code page.
bool is_code_page(std::string_view digits) noexcept {
  if (digits.empty() || digits.size() > 5 || digits.front() == '0') return false;
  std::uint32_t number = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return false;
    number = number * 10 + static_cast<std::uint32_t>(c - '0');
  }
  return std::binary_search(code_pages.begin(), code_pages.end(), number);
}

}  // namespace

bool is_windows_charset(std::string_view name) noexcept {
  if (name.size() > longest_name) return false;
  std::array<char, longest_name> buffer;
  std::transform(name.begin(), name.end(), buffer.begin(), ascii::lower);
  const std::string_view lower(buffer.data(), name.size());
  if (std::binary_search(names.begin(), names.end(), lower)) return true;
  return (lower.starts_with("cp") || lower.starts_with("ms")) && is_code_page(lower.substr(2));
}

}  // namespace msgid
