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

// Default_Ignorable_Code_Point of Unicode 15.0: the first and the last of each range, and their visible neighbours.
TEST(Printable, EscapesWhatHasNoGlyph) {
  for (const char* const character :
       {"\u00ad",     "\u034f",     "\u061c",     "\u115f",     "\u1160",     "\u17b4",    "\u17b5",
        "\u180b",     "\u180f",     "\u200b",     "\u200f",     "\u202a",     "\u202e",    "\u2060",
        "\u206f",     "\u3164",     "\ufe00",     "\ufe0f",     "\ufeff",     "\uffa0",    "\ufff0",
        "\U0001bca0", "\U0001bca3", "\U0001d173", "\U0001d17a", "\U000e0000", "\U000e0fff"}) {
    const std::string text = printable("a" + std::string(character) + "b");
    EXPECT_TRUE(text.starts_with("a\\x") && text.ends_with('b')) << text;
    EXPECT_EQ(text.size(), 2 + 4 * std::string_view(character).size()) << text;
  }
  for (const char* const character :
       {"\u034e", "\u0350", "\u115e", "\u1161", "\u17b3", "\u17b6", "\u180a", "\u1810", "\u3163", "\u3165", "\ufdff",
        "\ufe10", "\uff9f", "\uffa1", "\uffef", "\ufffd", "\u00a0", "\u3000", "\U0001f600"}) {
    EXPECT_EQ(printable(character), character);
  }
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
