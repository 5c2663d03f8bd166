// Which charset names Windows knows.
#include <gtest/gtest.h>

#include <string>

#include "msgid/exchange.h"

namespace {

using msgid::is_windows_charset;

TEST(Charset, WindowsKnowsTheseNames) {
  // The first and the last of the table, the shortest and the longest, aliases, and what mail uses most.
  for (const char* name : {"437",
                           "x-x-big5",
                           "l1",
                           "us",
                           "extended_unix_code_packed_format_for_japanese",
                           "utf-8",
                           "us-ascii",
                           "iso-8859-1",
                           "iso-8859-15",
                           "windows-1252",
                           "windows-874",
                           "koi8-r",
                           "koi8-u",
                           "gb2312",
                           "gbk",
                           "gb18030",
                           "big5",
                           "euc-kr",
                           "ks_c_5601-1987",
                           "iso-2022-jp",
                           "shift_jis",
                           "euc-jp",
                           "ibm850",
                           "cp850",
                           "cp866",
                           "utf-7",
                           "utf-16le",
                           "ansi_x3.4-1968",
                           "iso_8859-1:1987",
                           "ebcdic-latin9--euro",
                           "iso-8859-8-i",
                           "macintosh",
                           "tis-620"}) {
    EXPECT_TRUE(is_windows_charset(name)) << name;
  }
}

TEST(Charset, CaseDoesNotMatter) {
  EXPECT_TRUE(is_windows_charset("UTF-8"));
  EXPECT_TRUE(is_windows_charset("Extended_UNIX_Code_Packed_Format_for_Japanese"));
  EXPECT_TRUE(is_windows_charset("ISO-8859-1"));
}

TEST(Charset, OthersItDoesNotKnow) {
  for (const char* name : {"",
                           "cp-850",
                           "CP-1252",
                           "ms-932",
                           "utf8",
                           "utf_8",
                           "iso-8859-10",
                           "iso-8859-14",
                           "iso-8859-16",
                           "iso88591",
                           "iso-2022-cn",
                           "unknown-8bit",
                           "x-unknown",
                           "default",
                           "windows-1252 ",
                           " utf-8",
                           "utf-8 us-ascii",
                           "utf-",
                           "tscii",
                           "8859-1",
                           "windows-31j",
                           "437 ",
                           "x-x-big"}) {
    EXPECT_FALSE(is_windows_charset(name)) << name;
  }
}

TEST(Charset, ANumberBehindCpOrMsIsACodePage) {
  EXPECT_TRUE(is_windows_charset("cp1251"));
  EXPECT_TRUE(is_windows_charset("CP65001"));
  EXPECT_TRUE(is_windows_charset("cp37"));
  EXPECT_TRUE(is_windows_charset("ms932"));
  for (const char* name : {"cp", "ms", "cp0", "cp1", "cp01251", "cp1259", "cp125", "cp12510", "cp1251x", "cp+1251",
                           "cp3=7", "cp4294968547", "cp66787", "ibm1251", "1251"}) {
    EXPECT_FALSE(is_windows_charset(name)) << name;
  }
}

TEST(Charset, TakesAnyOctets) {
  EXPECT_FALSE(is_windows_charset(std::string(1000000, 'u')));
  EXPECT_FALSE(is_windows_charset(std::string_view("utf-8\0", 6)));
  EXPECT_FALSE(is_windows_charset(std::string_view("\0", 1)));
  EXPECT_FALSE(
      is_windows_charset("utf\xe2\x80\x93"
                         "8"));
  EXPECT_FALSE(is_windows_charset("\xff\xfe"));
}

}  // namespace
