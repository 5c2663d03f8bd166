#include "msgid/encoded_word.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace {

using msgid::Decoded;
using msgid::EncodedWord;
using msgid::EncodedWordMatcher;

std::string matched(std::string_view text, std::size_t at = 0) {
  EncodedWordMatcher matcher(text);
  EncodedWord word;
  if (!matcher.match(at, word)) return "no";
  return std::string(word.charset) + "|" + std::string(word.encoding) + "|" + std::string(word.text) + "|" +
         std::to_string(word.whole.size());
}

TEST(Match, FindsTheParts) {
  EXPECT_EQ(matched("=?utf-8?q?abc?= rest"), "utf-8|q|abc|15");
  EXPECT_EQ(matched("x=?utf-8?B?YQ==?=", 1), "utf-8|B|YQ==|16");
  EXPECT_EQ(matched("=?us-ascii*en?Q?a?="), "us-ascii|Q|a|19") << "RFC 2231 5: charset*language";
  EXPECT_EQ(matched("=?utf-8?q?\?="), "utf-8|q||12") << "an empty word";
  EXPECT_EQ(matched("=?utf-8?q?=3Ca=3E?="), "utf-8|q|=3Ca=3E|19") << "text that begins with =";
  EXPECT_EQ(matched("=?us-ascii?Q?<a@b>_<c@d>?="), "us-ascii|Q|<a@b>_<c@d>|26");
}

TEST(Match, WantsAWholeWordWithoutWhiteSpace) {
  EXPECT_EQ(matched("=?utf-8?q?abc"), "no");
  EXPECT_EQ(matched("=?utf-8?q?a bc?="), "no");
  EXPECT_EQ(matched("=?utf-8?q?a\n b?="), "no");
  EXPECT_EQ(matched("=?utf-8?="), "no");
  EXPECT_EQ(matched("=?utf-8??a?="), "no");
  EXPECT_EQ(matched("=?a b?q?c?="), "no");
  EXPECT_EQ(matched("?=?utf-8?q?a?="), "no");
}

TEST(Match, TakesNothingFromAWordBefore) {
  EncodedWordMatcher matcher("=?utf-8?q?a?= =?utf-8?q =?utf-8?q<b?=");
  EncodedWord word;
  ASSERT_TRUE(matcher.match(0, word));
  EXPECT_FALSE(matcher.match(14, word));
  EXPECT_FALSE(matcher.match(24, word));
}

TEST(Match, RemembersWhereNoEndFollowsAndOnlyThere) {
  EncodedWordMatcher matcher("=?a?q?b?= =?a?q?c=?a?q?d");
  EncodedWord word;
  EXPECT_FALSE(matcher.match(10, word));
  EXPECT_FALSE(matcher.match(17, word));
  EXPECT_TRUE(matcher.match(0, word));
}

TEST(Match, OfManyBeginningsWithoutEndIsLinear) {
  std::string text;
  for (int i = 0; i < 20000; ++i) text += "=?a?q?x";
  EncodedWordMatcher matcher(text);
  EncodedWord word;
  for (std::size_t at = 0; at < text.size(); ++at) EXPECT_FALSE(matcher.match(at, word));
  EXPECT_EQ(matched(text + "?="), "a|q|x" + text.substr(7) + "|" + std::to_string(text.size() + 2));
}

/// What one word decodes to, or "!" and the reason it is refused for.
std::string decoded(std::string_view whole) {
  EncodedWordMatcher matcher(whole);
  EncodedWord word;
  if (!matcher.match(0, word)) return "no word";
  Decoded out;
  msgid::decode(word, out);
  return out.refusal == msgid::Reason::none ? out.octets : "!" + std::string(name_of(out.refusal));
}

TEST(Decode, Q) {
  EXPECT_EQ(decoded("=?utf-8?q?=3Ca=40b=2Ec=3E?="), "<a@b.c>");
  EXPECT_EQ(decoded("=?UTF-8?Q?=3ca=40b=3e?="), "<a@b>") << "lower-case hex";
  EXPECT_EQ(decoded("=?utf-8?q?a_b=5Fc?="), "a b_c");
  EXPECT_EQ(decoded("=?utf-8?q?_?="), " ");
  EXPECT_EQ(decoded("=?utf-8?q?a_=0A?="), "a \n") << "what it holds is judged elsewhere";
  EXPECT_EQ(decoded("=?utf-8?q?=C3=A9?="), "\xc3\xa9");
  EXPECT_EQ(decoded("=?utf-8?q?=3D?="), "=");
  EXPECT_EQ(decoded("=?utf-8?q?=00?="), std::string(1, '\0'));
}

TEST(Decode, RefusesABrokenEscape) {
  EXPECT_EQ(decoded("=?utf-8?q?=3?="), "!broken-escape");
  EXPECT_EQ(decoded("=?utf-8?q?=3G?="), "!broken-escape");
  EXPECT_EQ(decoded("=?utf-8?q?=G3?="), "!broken-escape");
  EXPECT_EQ(decoded("=?utf-8?q?a=?="), "!broken-escape");
  EXPECT_EQ(decoded("=?utf-8?q?==3C?="), "!broken-escape");
}

TEST(Decode, B) {
  EXPECT_EQ(decoded("=?utf-8?b?PGFAYj4=?="), "<a@b>");
  EXPECT_EQ(decoded("=?utf-8?B?PGFAYmI+?="), "<a@bb>");
  EXPECT_EQ(decoded("=?utf-8?B?PGFhYWFhYUBiYmI+?="), "<aaaaaa@bbb>");
  EXPECT_EQ(decoded("=?utf-8?b?\?="), "");
  EXPECT_EQ(decoded("=?utf-8?b?AAEC?="), std::string("\0\1\2", 3));
  EXPECT_EQ(decoded("=?utf-8?b?YQ==?="), "a");
  EXPECT_EQ(decoded("=?utf-8?b?YQ?="), "a") << "no padding, and nothing lost with it";
  EXPECT_EQ(decoded("=?utf-8?b?PGFAYj4?="), "<a@b>");
  EXPECT_EQ(decoded("=?utf-8?b?AA?="), std::string(1, '\0'));
  EXPECT_EQ(decoded("=?utf-8?b?AP8?="), std::string("\0\xff", 2));
  EXPECT_EQ(decoded("=?utf-8?b?w7/wMAcgoww?="), "\xc3\xbf\xf0\x30\x07\x20\xa3\x0c");
}

TEST(Decode, RefusesBrokenBase64) {
  EXPECT_EQ(decoded("=?utf-8?b?PGFAYj5?="), "!broken-base64") << "bits that are in no octet";
  EXPECT_EQ(decoded("=?utf-8?b?PGFAYi5jPh?="), "!broken-base64") << "likewise";
  EXPECT_EQ(decoded("=?utf-8?b?PGFAYi5jPg=?="), "!broken-base64") << "half of the padding";
  EXPECT_EQ(decoded("=?utf-8?b?PGFAYj4=PGFAYj4?="), "!broken-base64");
  EXPECT_EQ(decoded("=?utf-8?b?PGFAYmI+P?="), "!broken-base64") << "six bits";
  EXPECT_EQ(decoded("=?utf-8?b?PGF*Yj4=?="), "!broken-base64") << "mimetic would skip the octet";
  EXPECT_EQ(decoded("=?utf-8?b?PGFAYj=4?="), "!broken-base64");
  EXPECT_EQ(decoded("=?utf-8?b?P===?="), "!broken-base64");
  EXPECT_EQ(decoded("=?utf-8?b?====?="), "!broken-base64");
  EXPECT_EQ(decoded("=?utf-8?b?PG-AYj4_?="), "!broken-base64") << "the URL alphabet";
}

// Whether words stand for an id is seen from their brackets, whatever else is wrong with them.
TEST(Decode, ABrokenEscapeHidesNothingBehindIt) {
  for (const std::string_view whole : {"=?utf-8?q?=3=3Ea?=", "=?utf-8?q?==3Ea?=", "=?utf-8?q?=x=3Ea?="}) {
    EncodedWord word;
    ASSERT_TRUE(EncodedWordMatcher(whole).match(0, word));
    Decoded out;
    msgid::decode(word, out);
    EXPECT_EQ(out.refusal, msgid::Reason::broken_escape);
    EXPECT_TRUE(out.octets.ends_with(">a")) << out.octets;
  }
}

TEST(Decode, RefusesWhatIsNotAWord) {
  EXPECT_EQ(decoded("=?utf-8?x?abc?="), "!encoding");
  EXPECT_EQ(decoded("=?utf-8?qq?abc?="), "!encoding");
  EXPECT_EQ(decoded("=?utf-8?q?a?b?="), "!malformed-word");
  EXPECT_EQ(decoded("=?utf-8?q?=3Ca\x01=40b=3E?="), "!malformed-word") << "mimetic would drop the octet";
  EXPECT_EQ(decoded("=?utf-8?b?PGFA\x01Yj4=?="), "!malformed-word");
  EXPECT_EQ(decoded("=?utf-8?q?=3C\xc3\xa9=40b=3E?="), "!malformed-word");
  EXPECT_EQ(decoded("=?utf-8?q?<a\x01@b>?="), "!malformed-word") << "mimetic would skip the octet";
  EXPECT_EQ(decoded("=?utf-8?q?<a\r@b>?="), "!malformed-word");
  EXPECT_EQ(decoded("=??q?abc?="), "!charset");
}

TEST(Decode, KeepsTheFirstRefusalAndShowsTheBrackets) {
  Decoded out;
  for (const std::string_view text : {"=?utf-8?q?=3Ca=4?=", "=?utf-7?q?=40b=3E?="}) {
    EncodedWordMatcher matcher(text);
    EncodedWord word;
    ASSERT_TRUE(matcher.match(0, word));
    msgid::decode(word, out);
  }
  EXPECT_EQ(out.refusal, msgid::Reason::broken_escape);
  EXPECT_NE(out.octets.find('<'), std::string::npos);
  EXPECT_NE(out.octets.find('@'), std::string::npos);
}

TEST(Charset, IsTakenIfItsAsciiIsAscii) {
  for (const std::string_view name :
       {"utf-8",  "UTF-8",  "us-ascii",  "iso-8859-1", "ISO-8859-15",  "windows-1252", "koi8-r",
        "cp-850", "cp850",  "cp0437",    "cp1252",     "ibm850",       "gb2312",       "gbk",
        "big5",   "euc-jp", "shift_jis", "500",        "unknown-8bit", "x-anything",   "utf",
        "iso-20", "hz",     "ibm",       "cp"}) {
    EXPECT_TRUE(msgid::is_ascii_charset(name)) << name;
  }
}

TEST(Charset, IsRefusedIfItIsNot) {
  for (const std::string_view name : {"utf-7",
                                      "UTF-7-IMAP",
                                      "utf-16",
                                      "UTF-16LE",
                                      "utf-32be",
                                      "ucs-2",
                                      "UCS-4",
                                      "iso-2022-jp",
                                      "ISO-2022-KR",
                                      "hz-gb-2312",
                                      "ebcdic-cp-us",
                                      "x-EBCDIC-KoreanExtended",
                                      "ibm037",
                                      "IBM500",
                                      "cp1047",
                                      "CP037",
                                      "ibm01140",
                                      "cp1140",
                                      "ibm-037",
                                      "ibm037",
                                      "IBM-1047",
                                      "csIBM273",
                                      "UNICODE-1-1-UTF-7",
                                      "unicodeFFFE",
                                      "x-unicode-2-0-utf-7",
                                      "ISO-10646-UCS-2",
                                      "csUnicode11UTF7",
                                      "csUTF16LE",
                                      "csISO2022JP",
                                      "csUCS4",
                                      "utf16",
                                      "utf7",
                                      "utf32",
                                      "ucs2",
                                      ""}) {
    EXPECT_FALSE(msgid::is_ascii_charset(name)) << name;
  }
}

}  // namespace
