#include "report/paragraph.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>

namespace {

std::string paragraph(std::string_view text, std::size_t indent, std::string_view first_line = {}) {
  std::string out;
  report::append_paragraph(out, text, indent, first_line);
  return out;
}

TEST(Paragraph, BreaksAtSpacesBeforeColumn81) {
  EXPECT_EQ(paragraph("a b", 2), "  a b\n");
  EXPECT_EQ(paragraph("", 2), "  \n");
  EXPECT_EQ(paragraph("text", 4, "  - "), "  - text\n");
  const std::string half(39, 'x');
  EXPECT_EQ(paragraph(half + ' ' + half + 'x', 0), half + ' ' + half + "x\n") << "80 columns";
  EXPECT_EQ(paragraph(half + ' ' + half + "xx", 1), ' ' + half + "\n " + half + "xx\n") << "81 columns";
  EXPECT_EQ(paragraph("one  two", 0), "one  two\n");
  EXPECT_EQ(paragraph("  one ", 0), "one\n");
}

TEST(Paragraph, NeverCutsAWord) {
  const std::string id = '<' + std::string(200, 'x') + '>';
  EXPECT_EQ(paragraph("an " + id + " b", 4, "  - "), "  - an\n    " + id + "\n    b\n");
}

TEST(Paragraph, CountsCharactersNotOctets) {
  std::string umlauts;
  for (int i = 0; i < 39; ++i) umlauts += "\xc3\xa4";
  EXPECT_EQ(paragraph(umlauts + ' ' + umlauts, 0), umlauts + ' ' + umlauts + '\n');
}

}  // namespace
