#include "report/printable.h"

#include <gtest/gtest.h>

namespace {

using report::printable;

TEST(Printable, LeavesWhatCanBeSeen) {
  EXPECT_EQ(printable("<a@b> \\x \"~"), "<a@b> \\x \"~");
  EXPECT_EQ(printable("Grüße 日本 😀"), "Grüße 日本 😀");
}

TEST(Printable, EscapesWhatDoesSomething) {
  EXPECT_EQ(printable("a\x1b[31m\r\n\t\x7f"), "a\\x1b[31m\\x0d\\x0a\\x09\\x7f");
  EXPECT_EQ(printable(std::string_view("\0", 1)), "\\x00");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "\\xc2\\x9b31m");  // CSI of C1
  EXPECT_EQ(printable("\xe2\x80\xae"
                      "x"),
            "\\xe2\\x80\\xaex");                                     // right-to-left override
  EXPECT_EQ(printable("\xe2\x80\xa8"), "\\xe2\\x80\\xa8");           // line separator
  EXPECT_EQ(printable("\xef\xbb\xbf"), "\\xef\\xbb\\xbf");           // byte order mark
  EXPECT_EQ(printable("\xf3\xa0\x81\x81"), "\\xf3\\xa0\\x81\\x81");  // a tag character
}

TEST(Printable, EscapesWhatIsNoUtf8) {
  EXPECT_EQ(printable("gr\xfc"
                      "n"),
            "gr\\xfcn");
  EXPECT_EQ(printable("\xc0\xaf \xe0\x80\xaf"), "\\xc0\\xaf \\xe0\\x80\\xaf");  // overlong
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");                      // a surrogate
  EXPECT_EQ(printable("\xf4\x90\x80\x80 \xf5"), "\\xf4\\x90\\x80\\x80 \\xf5");  // over U+10FFFF
  EXPECT_EQ(printable("\xe2\x82"), "\\xe2\\x82");                               // cut
}

TEST(Printable, CutsBetweenCharacters) {
  EXPECT_EQ(printable("abcdef", 6), "abcdef");
  EXPECT_EQ(printable("abcdefg", 6), "abcdef...");
  EXPECT_EQ(printable("abcdüg", 5), "abcd...");
}

}  // namespace
