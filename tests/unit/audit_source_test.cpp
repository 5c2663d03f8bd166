#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "audit/file_form.h"
#include "audit/source.h"
#include "tests/scratch.h"

namespace {

namespace fs = std::filesystem;

using namespace std::string_view_literals;
using scratch::Directory;

struct Seen {
  std::string file;
  std::size_t number;
  bool is_cut;
  std::string before;
  std::string octets;
};

/// All that a source hands out.
struct Everything {
  std::vector<Seen> messages;
  std::vector<std::string> troubles;  ///< "file: reason"
  std::string octets;                 ///< all of it, put together, as in the file
  std::size_t largest_block = 0;
};

std::string exchanged(std::string text) {
  audit::exchange_cr_and_lf(text);
  return text;
}

Everything read(const std::vector<std::string>& arguments, audit::Oversize oversize = audit::Oversize::pass_on) {
  Everything all;
  audit::Source source(
      arguments,
      [&](std::string_view file, std::string_view reason) {
        all.troubles.push_back(std::string(file) + ": " + std::string(reason));
      },
      oversize);
  for (audit::Block block; source.next(block);) {
    EXPECT_TRUE(!block.messages.empty() || !block.rest.empty());
    std::string octets;
    for (const audit::Message& message : block.messages) {
      // Of a message that was cut only the length matters, and it is long.
      const std::string_view kept = message.is_cut ? message.octets.substr(0, 1000) : message.octets;
      all.messages.push_back(
          {block.file, message.number, message.is_cut, std::string(message.before), std::string(kept)});
      octets += message.before;
      octets += message.octets;
    }
    octets += block.rest;
    all.octets += block.has_cr_line_ends ? exchanged(octets) : octets;
    all.largest_block = std::max(all.largest_block, block.buffer.size());
  }
  return all;
}

/// What an mbox holds, one line a message: its number and its octets without line ends.
std::string split(const std::string& mbox) {
  const Directory directory;
  const Everything all = read({directory.file("mbox", mbox)});
  EXPECT_EQ(all.troubles, std::vector<std::string>{});
  EXPECT_EQ(all.octets, mbox);
  std::string out;
  for (const Seen& message : all.messages) {
    EXPECT_TRUE(message.before.starts_with("From "));
    EXPECT_TRUE(message.before.ends_with('\n'));
    out += std::to_string(message.number) + ' ';
    for (const char c : message.octets) {
      if (c == '\n') out += '/';
      if (c != '\n' && c != '\r') out += c;
    }
    out += '\n';
  }
  return out;
}

const std::string from_line = "From a@b Mon Jan  5 10:00:00 2026\n";

TEST(Source, SplitsAnMbox) {
  EXPECT_EQ(split(from_line + "A: 1\n\none\n\n" + from_line + "A: 2\n\ntwo\n"), "1 A: 1//one//\n2 A: 2//two/\n");
  EXPECT_EQ(split(from_line + "A: 1\n\n" + from_line + "A: 2"), "1 A: 1//\n2 A: 2\n");
  EXPECT_EQ(split(from_line), "1 \n");
}

TEST(Source, SplitsAnMboxWithCrlf) {
  EXPECT_EQ(split("From - 9:05\r\nA: 1\r\n\r\none\r\n\r\nFrom - 9:05\r\nA: 2\r\n"), "1 A: 1//one//\n2 A: 2/\n");
  EXPECT_EQ(split("From - 9:05\nA: 1\n\r\r\nFrom - 9:05\nA: 2\n"), "1 A: 1//\n2 A: 2/\n");
}

TEST(Source, SplitsWithoutAnEmptyLineAtACompleteFromLineWithAFieldAfterIt) {
  const auto joined = [](const std::string& line) { return "From x 9:00\nA: 1\n\none\n" + line + "\nB: 2\n\ntwo\n"; };
  for (const char* line :
       {"From a@b Mon Jan  5 10:00:00 2026", "From - Sun Feb 29 9:00 2032", "From a b c Tue Mar 10 09:59:00 +0100 2026",
        "From a Wed Apr 1 10:00:00 1970 GMT", "From a\tThu May 1 10:00:00  2026", "From From Fri Jun 1 10:00:00 2026 ",
        "From Sat Sat Dec 31 23:59:60 EST 1996 -0500", "From \"a b\"@c.example Sat Jul 4 10:00:00 2026\r"}) {
    EXPECT_EQ(split(joined(line)), "1 A: 1//one/\n2 B: 2//two/\n") << line;
  }
  for (const char* line :
       {"From a@b", "From a@b Mon Jan 5 10:00:00", "From a@b Jan 5 10:00:00 2026", "From a@b Mon Jan 5 2026",
        "From  Mon Jan 5 10:00:00 2026", "From a@b Mon Jan 5 10:00:00 2026 he wrote",
        "From a@b Mon Jan 105 10:00:00 2026", "From a@b Mon Jan 5 10-00 2026", "From a@b Mon Jan 5 10:0 2026",
        "From a@b Mon an 5 10:00 2026", "From a@b Mon Jan 5 10:00 26", ">From a@b Mon Jan  5 10:00:00 2026",
        " From a@b Mon Jan  5 10:00:00 2026"}) {
    EXPECT_EQ(split(joined(line)), "1 A: 1//one/" + std::string(line) + "/B: 2//two/\n") << line;
  }
  EXPECT_EQ(split(from_line + "A: 1\n" + from_line + "A: 2\n"), "1 A: 1/\n2 A: 2/\n");
}

TEST(Source, SplitsOnlyAtAFromLineBehindAnEmptyLine) {
  EXPECT_EQ(split(from_line + "A: 1\n\none\n" + from_line + "two\n"),
            "1 A: 1//one/From a@b Mon Jan  5 10:00:00 2026/two/\n");
  EXPECT_EQ(split(from_line + "A: 1\n\n>" + from_line + "\n From x 10:00\n"),
            "1 A: 1//>From a@b Mon Jan  5 10:00:00 2026// From x 10:00/\n");
  EXPECT_EQ(split(from_line + "A: 1\n\nFrom: x 10:00\n\nFromage 10:00\n"), "1 A: 1//From: x 10:00//Fromage 10:00/\n");
}

TEST(Source, SplitsAtAFromLineThatHasATimeOrAFieldBehindIt) {
  EXPECT_EQ(split(from_line + "A: 1\n\nFrom here on\nit is text\n"), "1 A: 1//From here on/it is text/\n");
  EXPECT_EQ(split(from_line + "A: 1\n\nFrom nobody\nA: 2\n"), "1 A: 1//\n2 A: 2/\n");
  EXPECT_EQ(split(from_line + "A: 1\n\nFrom ???@??? Mon Jan 05 9:00:00 2026\n\nx\n"), "1 A: 1//\n2 /x/\n");
  EXPECT_EQ(split(from_line + "A: 1\n\nFrom a:b, 1:x, 1:2\nit is text\n"), "1 A: 1//From a:b, 1:x, 1:2/it is text/\n");
}

/// An mbox of two messages, the first with that header and body.
std::string two_messages(const std::string& header, const std::string& body, const std::string& between = "\n") {
  return from_line + header + "\n" + body + between + from_line + "B: 2\n";
}

TEST(Source, EndsABodyWhereItsContentLengthLeadsToAFromLineOrTheEnd) {
  const std::string body = "one\n\n" + from_line + "X: y\n\nz\n";  // 47 octets
  const std::string whole = "/one//From a@b Mon Jan  5 10:00:00 2026/X: y//z/";
  for (const char* field : {"Content-Length: 47\n", "content-length:47 \n", "CONTENT-LENGTH :\n\t47\n"}) {
    std::string header;
    for (const char* c = field; *c != '\0'; ++c) header += *c == '\n' ? '/' : *c;
    EXPECT_EQ(split(two_messages(field, body)), "1 " + header + whole + "/\n2 B: 2/\n") << field;
  }
  // Some count the empty line, and some write none.
  EXPECT_EQ(split(two_messages("Content-Length: 48\n", body)), "1 Content-Length: 48/" + whole + "/\n2 B: 2/\n");
  EXPECT_EQ(split(two_messages("Content-Length: 47\n", body, "")), "1 Content-Length: 47/" + whole + "\n2 B: 2/\n");
  EXPECT_EQ(split(two_messages("Content-Length: 47\n", body, "\r\n")),
            "1 Content-Length: 47/" + whole + "/\n2 B: 2/\n");
  EXPECT_EQ(split(two_messages("Content-Length: 0\n", "", "")), "1 Content-Length: 0//\n2 B: 2/\n");
  for (const char* end : {"", "\n", "\r\n"}) {
    EXPECT_EQ(split(from_line + "Content-Length: 47\n\n" + body + end),
              "1 Content-Length: 47/" + whole + (*end == '\0' ? "\n" : "/\n"));
  }
}

TEST(Source, DoesNotUseAContentLengthThatLeadsElsewhere) {
  const std::string body = "one\n\n" + from_line + "X: y\n\nz\n";
  const std::string split_twice = "//one//\n2 X: y//z//\n3 B: 2/\n";
  for (const char* field :
       {"Content-Length: 46", "Content-Length: 49", "Content-Length: 4", "Content-Length: 1000000",
        "Content-Length: 99999999999999999999999999", "Content-Length: -1", "Content-Length: 0x2f",
        "Content-Length: 47 3", "Content-Length:", "X-Content-Length: 47", "Content-Length: 47/Content-Length: 47"}) {
    std::string header = field;
    std::replace(header.begin(), header.end(), '/', '\n');
    EXPECT_EQ(split(two_messages(header + "\n", body)), "1 " + std::string(field) + split_twice) << field;
  }
  EXPECT_EQ(split(from_line + "Content-Length: 48\n\n" + body), "1 Content-Length: 48//one//\n2 X: y//z/\n")
      << "behind the end";
}

/// The end of a body, and its from-line, at places around the ends of blocks; once by a pipe.
TEST(Source, FollowsAContentLengthOverBlocks) {
  const Directory directory;
  const std::size_t block = 256U << 10U;
  const std::string inner = "\n\n" + from_line + "X: y\n\n";
  for (const std::size_t around : {block - 4096, block, 8 * block}) {
    for (std::size_t length = around - 80; length < around + 20; length += 3) {
      std::string body(length - 2 * inner.size() - 1, 'x');
      body = inner + body + inner + "\n";
      const std::string mbox = two_messages("Content-Length: " + std::to_string(length) + "\n", body) + "\ntwo\n";
      const Everything all = read({directory.file("mbox", mbox)});
      ASSERT_EQ(all.messages.size(), 2u) << length;
      EXPECT_EQ(all.messages[1].octets, "B: 2\n\ntwo\n");
      EXPECT_TRUE(all.octets == mbox) << length;
    }
  }
}

/// Where blocks end changes nothing: the messages of many mboxes are those of the text as a whole.
TEST(Source, FindsInBlocksWhatIsInTheWholeText) {
  const Directory directory;
  std::mt19937 random(7);
  const auto below = [&](std::size_t limit) { return static_cast<std::size_t>(random() % limit); };
  const std::vector<std::string> pieces = {from_line, "From here on\n", "From x 10:00\n",      "A: 1\n", "\n",
                                           "\r\n",    "text\n",         "Content-Length: 9\n", " ",      "F"};
  std::size_t count = 0;
  for (int i = 0; i < 20; ++i) {
    std::string mbox = from_line;
    while (mbox.size() < 3 * (256U << 10U)) {
      const std::size_t what = below(30);
      if (what == 0) mbox += std::string(below(200000), 'x');
      if (what == 1) mbox += "Content-Length: " + std::to_string(below(300000)) + "\n\n";
      if (what == 2) {
        const std::string body = from_line + "A: 2\n" + std::string(below(100000), 'F') + "\n\n";
        mbox += "Content-Length: " + std::to_string(body.size()) + "\n\n" + body + from_line;
      }
      if (what > 2) mbox += pieces[below(pieces.size())];
    }
    std::vector<std::size_t> expected;
    for (std::string_view rest = mbox; !rest.empty(); rest.remove_prefix(expected.back())) {
      expected.push_back(std::min(audit::second_message(rest), rest.size()));
    }
    std::vector<std::size_t> got;
    const Everything all = read({directory.file("mbox", mbox)});
    for (const Seen& message : all.messages) got.push_back(message.before.size() + message.octets.size());
    EXPECT_EQ(got, expected) << i;
    EXPECT_TRUE(all.octets == mbox) << i;
    count += got.size();
  }
  EXPECT_GT(count, 300u);
}

/// Each of many messages says that it leads as far as can be: what is read ahead for one is there for the next.
TEST(Source, LosesLittleTimeAndMemoryOverLies) {
  const Directory directory;
  std::string mbox;
  const std::string lie = from_line + "Content-Length: " + std::to_string(audit::max_declared_octets - 100) + "\n\n" +
                          std::string(300, 'x') + "\n\n";
  while (mbox.size() < 2 * audit::max_message_octets) mbox += lie;
  const std::string name = directory.file("mbox", mbox);
  std::size_t count = 0;
  std::size_t largest = 0;
  std::size_t blocks = 0;
  audit::Source source({name}, [](std::string_view, std::string_view) {});
  for (audit::Block block; source.next(block); ++blocks) {
    count += block.messages.size();
    largest = std::max(largest, block.buffer.size());
  }
  EXPECT_EQ(count, mbox.size() / lie.size());
  EXPECT_LE(largest, audit::max_message_octets);
  EXPECT_LT(blocks, 600u) << "more blocks than without lies: octets are copied again and again";
}

/// A from-line at every place around the end of a block, and around where it is too near to that end to be judged.
TEST(Source, SplitsWhereverBlocksEnd) {
  const Directory directory;
  const std::size_t block = 256U << 10U;
  const std::string head = from_line + "A: 1\n\n";
  for (const std::size_t around : {block - 4096, block, 2 * block}) {
    for (std::size_t at = around - 50; at < around + 20; ++at) {
      const std::string mbox = head + std::string(at - head.size() - 2, 'x') + "\n\nFrom nobody\nA: 2\n\ntwo\n";
      const Everything all = read({directory.file("mbox", mbox)});
      ASSERT_EQ(all.messages.size(), 2u) << at;
      EXPECT_EQ(all.messages[1].octets, "A: 2\n\ntwo\n");
      EXPECT_TRUE(all.octets == mbox) << at;
    }
  }
}

TEST(Source, ReadsMessagesOfAllSizes) {
  const Directory directory;
  std::string mbox;
  std::vector<std::string> expected;
  for (std::size_t i = 0; i < 60; ++i) {
    expected.push_back("A: " + std::to_string(i) + "\n\n" + std::string(i * i * 977 % 400000, 'x') + "\n\n");
    mbox += from_line + expected.back();
  }
  const Everything all = read({directory.file("mbox", mbox)});
  ASSERT_EQ(all.messages.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(all.messages[i].octets, expected[i]) << i;
    EXPECT_EQ(all.messages[i].number, i + 1);
  }
  EXPECT_EQ(all.octets, mbox);
  EXPECT_LT(all.largest_block, 2U << 20U);
}

TEST(Source, ReadsOneMessageOfAFile) {
  const Directory directory;
  const std::string message = "A: 1\n\nFrom here\n\n" + from_line + "A: 2\n";
  const std::string name = directory.file("a.eml", message);
  const Everything all = read({name});
  ASSERT_EQ(all.messages.size(), 1u);
  EXPECT_EQ(all.messages[0].file, name);
  EXPECT_EQ(all.messages[0].number, 0u);
  EXPECT_EQ(all.messages[0].before, "");
  EXPECT_EQ(all.messages[0].octets, message);
  EXPECT_FALSE(all.messages[0].is_cut);
}

TEST(Source, ReadsLinesThatEndInCrAlone) {
  const Directory directory;
  const std::string name = directory.file("a.eml", "A: 1\r 2\rB: 3\r\rbody\r");
  const Everything all = read({name});
  ASSERT_EQ(all.messages.size(), 1u);
  EXPECT_EQ(all.messages[0].octets, "A: 1\n 2\nB: 3\n\nbody\n");
  EXPECT_EQ(all.octets, "A: 1\r 2\rB: 3\r\rbody\r");
  // One after it is read as usual.
  EXPECT_EQ(read({name, directory.file("b.eml", "A: \r1\n")}).octets, all.octets + "A: \r1\n");
  EXPECT_EQ(read({directory.file("c.eml", "A: 1\rB: 2\n\n")}).messages[0].octets, "A: 1\rB: 2\n\n");
  // The first block ends between a CR and its LF.
  const std::string folds = "A:" + std::string((256U << 10U) - 3, 'x') + "\r\nB: 2\r\n";
  EXPECT_TRUE(read({directory.file("d.eml", folds)}).messages[0].octets == folds);
}

TEST(Source, SplitsAnMboxWhoseLinesEndInCrAlone) {
  const Directory directory;
  std::string mbox;
  for (int i = 0; i < 3; ++i) mbox += from_line + "A: 1\n\nFrom here on\n" + std::string(300000, 'x') + "\n\r\n\n";
  const Everything all = read({directory.file("mbox", exchanged(mbox))});
  EXPECT_EQ(all.messages.size(), 3u);
  for (const Seen& message : all.messages) EXPECT_EQ(message.before, from_line);
  EXPECT_TRUE(all.octets == exchanged(mbox));
}

TEST(Source, SkipsAByteOrderMarkAndEmptyLinesAtTheBeginningOfAFile) {
  const Directory directory;
  const std::string bom = "\xef\xbb\xbf";
  for (const std::string& lead : {bom, std::string("\n\n"), bom + "\r\n\n", std::string("\r\r\n")}) {
    for (const std::string& line : {std::string(), from_line}) {
      const std::string mail = lead + line + "A: 1\n\nbody\n\n" + from_line + "\n" + bom + "B: 2\n";
      const Everything all = read({directory.file("mail", mail)});
      ASSERT_EQ(all.messages.size(), line.empty() ? 1u : 2u) << lead;
      EXPECT_EQ(all.messages[0].before, lead + line);
      EXPECT_TRUE(all.messages[0].octets.starts_with("A: 1\n")) << lead;
      EXPECT_EQ(all.octets, mail);
      if (line.empty()) continue;
      EXPECT_EQ(all.messages[1].octets, "\n" + bom + "B: 2\n") << "only at the beginning";
    }
  }
  const Everything with_cr = read({directory.file("mail", bom + "\r\rA: 1\rB: 2\r")});
  ASSERT_EQ(with_cr.messages.size(), 1u);
  EXPECT_EQ(with_cr.messages[0].octets, "A: 1\nB: 2\n");
  EXPECT_EQ(with_cr.octets, bom + "\r\rA: 1\rB: 2\r");
  // Before the header of a long message, and of an mbox that is longer than a block.
  const std::string body(600000, 'x');
  EXPECT_EQ(read({directory.file("mail", "\n\nA: 1\n\n" + body)}).octets, "\n\nA: 1\n\n" + body);
  const std::string mbox = bom + from_line + "A: 1\n\n" + body + "\n\n" + from_line + "B: 2\n";
  EXPECT_EQ(read({directory.file("mail", mbox)}).messages.size(), 2u);
  EXPECT_TRUE(read({directory.file("mail", mbox)}).octets == mbox);
}

TEST(Source, NamesOtherFormats) {
  const Directory directory;
  const struct {
    std::string_view beginning;
    std::string expected;
  } rows[] = {
      {"\xff\xfe"
       "F\0r\0"sv,
       "UTF-16 text, as Notepad and PowerShell write it; convert it first: iconv -f UTF-16 -t UTF-8"},
      {"\xfe\xff\0F\0r"sv,
       "UTF-16 text, as Notepad and PowerShell write it; convert it first: iconv -f UTF-16 -t UTF-8"},
      {"\x1f\x8b\x08"sv, "compressed with gzip; unpack it first, with zcat"},
      {"\xfd"
       "7zXZ\0"sv,
       "compressed with xz; unpack it first, with xzcat"},
      {"PK\3\4"sv, "a zip archive; unpack it first, with unzip"},
      {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"sv,
       "an Outlook message (.msg) or another OLE file; save the message as .eml, or convert it with msgconvert"},
  };
  for (const auto& row : rows) {
    const std::string name = directory.file("x", std::string(row.beginning) + "\nA: 1\n");
    EXPECT_EQ(read({name}).troubles, std::vector<std::string>{name + ": not a mail: " + row.expected});
  }
}

TEST(Source, RefusesWhatIsNoMail) {
  const Directory directory;
  const std::string rows[] = {"\n",
                              "text\n",
                              " A: 1\n",
                              "From here on\nit is text\n",
                              std::string(5000, '\0'),
                              std::string(300000, 'x'),
                              "%PDF-1.4\n%\x80\x81\n"};
  for (const std::string& row : rows) {
    const std::string name = directory.file("x", row);
    const Everything all = read({name});
    EXPECT_EQ(all.troubles, std::vector<std::string>{name + ": not a mail: the first line is no header field"});
    EXPECT_EQ(all.messages.size(), 0u);
  }
  const std::string name = directory.file("x", "");
  EXPECT_EQ(read({name}).troubles, std::vector<std::string>{name + ": not a mail: empty"});
}

TEST(Source, GoesOnBehindTrouble) {
  const Directory directory;
  const std::string missing = directory.path() + "/missing";
  const std::string text = directory.file("text", "text\n");
  const std::string mail = directory.file("mail", "A: 1\n");
  const Everything all = read({missing, text, mail});
  EXPECT_EQ(all.troubles, (std::vector<std::string>{missing + ": No such file or directory",
                                                    text + ": not a mail: the first line is no header field"}));
  ASSERT_EQ(all.messages.size(), 1u);
  EXPECT_EQ(all.messages[0].file, mail);
}

TEST(Source, CutsALongMessage) {
  const Directory directory;
  const std::string name = directory.file("a.eml", "A: 1\n\n");
  const std::size_t size = 200U << 20U;
  fs::resize_file(name, size);
  const Everything skipped = read({name}, audit::Oversize::skip);
  ASSERT_EQ(skipped.messages.size(), 1u);
  EXPECT_TRUE(skipped.messages[0].is_cut);
  EXPECT_LE(skipped.octets.size(), audit::max_message_octets + 1);
  EXPECT_LE(skipped.largest_block, audit::max_message_octets + 1);
  const Everything passed = read({name});
  EXPECT_EQ(passed.octets.size(), size);
  EXPECT_LE(passed.largest_block, audit::max_message_octets + 1);
}

TEST(Source, CutsALongMessageOfAnMbox) {
  const Directory directory;
  std::string mbox = from_line + "A: 1\n\n" + from_line + "A: 2\n\n";
  mbox.append(audit::max_message_octets + (1U << 20U), '\0');
  mbox += "\n\nFrom here on\n\n" + from_line + "A: 3\n";
  const std::string name = directory.file("mbox", mbox);
  for (const audit::Oversize oversize : {audit::Oversize::skip, audit::Oversize::pass_on}) {
    const Everything all = read({name}, oversize);
    ASSERT_EQ(all.messages.size(), 3u);
    EXPECT_FALSE(all.messages[0].is_cut);
    EXPECT_TRUE(all.messages[1].is_cut);
    EXPECT_EQ(all.messages[2].octets, "A: 3\n");
    EXPECT_EQ(all.messages[2].number, 3u);
    EXPECT_LE(all.largest_block, audit::max_message_octets + 1);
    EXPECT_EQ(all.octets == mbox, oversize == audit::Oversize::pass_on);
  }
}

/// A from-line at places around where a long message is cut, and where what follows of it is.
TEST(Source, FindsTheMessageBehindALongOneWhereverItIsCut) {
  const Directory directory;
  const std::size_t cut = audit::max_message_octets;
  const std::size_t behind_cut = cut - 4096 - 16 + (256U << 10U);
  const std::string tail = "\n\nFrom nobody\nA: 2\n";
  const std::size_t undecided = 4096 - 8;  // so near to the end a line is not judged before there is more
  for (const std::size_t at :
       {cut - undecided, cut - 3, cut, cut + 1, behind_cut - undecided, behind_cut - 3, behind_cut, behind_cut + 1}) {
    const std::string name = directory.file("mbox", from_line + "A: 1\n\n");
    fs::resize_file(name, at - 2);
    std::ofstream(name, std::ios::binary | std::ios::app) << tail;
    const Everything all = read({name});
    ASSERT_EQ(all.messages.size(), 2u) << at;
    EXPECT_EQ(all.messages[0].is_cut, all.octets.size() > cut) << "a file that fits is never cut";
    EXPECT_EQ(all.messages[1].octets, "A: 2\n");
    EXPECT_EQ(all.octets.size(), at - 2 + tail.size());
  }
}

std::vector<std::string> files_of(const Everything& all, const std::string& directory) {
  std::vector<std::string> files;
  for (const Seen& message : all.messages) files.push_back(message.file.substr(directory.size() + 1));
  return files;
}

TEST(Source, WalksADirectory) {
  const Directory directory;
  for (const char* name : {"b/2.eml", "b/10.eml", "a.eml", "b/c/d/e", "Z", "new/x"}) directory.file(name, "A: 1\n");
  const Everything all = read({directory.path()});
  EXPECT_EQ(all.troubles, std::vector<std::string>{});
  EXPECT_EQ(files_of(all, directory.path()),
            (std::vector<std::string>{"Z", "a.eml", "b/10.eml", "b/2.eml", "b/c/d/e", "new/x"}));
  EXPECT_EQ(files_of(read({directory.path() + "/"}), directory.path()).size(), 6u);
}

/// ".mh_sequences" of MH, ".DS_Store" and ".nfs" files are no messages.
TEST(Source, PassesOverDotFilesInADirectory) {
  const Directory directory;
  for (const char* name : {"1", ".mh_sequences", ".folder/2", ".folder/.x"}) directory.file(name, "A: 1\n");
  fs::create_symlink("1", directory.path() + "/.link");
  const Everything all = read({directory.path()});
  EXPECT_EQ(all.troubles, std::vector<std::string>{});
  EXPECT_EQ(files_of(all, directory.path()), (std::vector<std::string>{".folder/2", "1"}));
  EXPECT_EQ(read({directory.path() + "/.mh_sequences"}).messages.size(), 1u) << "one that is named is wanted";
}

TEST(Source, ReadsOfAMaildirCurAndNewAndItsFolders) {
  const Directory directory;
  for (const char* name : {"cur/2:2,S", "cur/1:2,", "new/3", "tmp/4", "dovecot.index", ".Sent/cur/5:2,S", ".Sent/new/6",
                           ".Sent/tmp/7", "courierimapkeywords/8"}) {
    directory.file(name, "A: 1\n");
  }
  const Everything all = read({directory.path()});
  EXPECT_EQ(all.troubles, std::vector<std::string>{});
  EXPECT_EQ(files_of(all, directory.path()),
            (std::vector<std::string>{".Sent/cur/5:2,S", ".Sent/new/6", "cur/1:2,", "cur/2:2,S", "new/3"}));
}

/// Reads a directory and calls `between` after each message; returns its files, then the troubles.
std::vector<std::string> read_in_use(const Directory& directory, const std::function<void(std::size_t)>& between) {
  std::vector<std::string> seen;
  std::vector<std::string> troubles;
  const std::size_t prefix = directory.path().size();
  audit::Source source({directory.path()}, [&](std::string_view file, std::string_view reason) {
    troubles.push_back(std::string(file.substr(prefix)) + ": " + std::string(reason));
  });
  for (audit::Block block; source.next(block);) {
    for (const audit::Message& message : block.messages) {
      seen.push_back(block.file.substr(prefix + 1) + " " + std::string(message.octets.substr(3, 1)));
    }
    between(seen.size());
  }
  seen.insert(seen.end(), troubles.begin(), troubles.end());
  return seen;
}

TEST(Source, FindsMailThatIsMovedAndRenamedInAMaildir) {
  const Directory box;
  for (const char* name : {"cur/1:2,", "cur/2:2,", "cur/3:2,", "new/4", "new/5", "new/6"}) {
    box.file(name, std::string("A: ") + name[4] + '\n');
  }
  const auto rename = [&](const std::string& from, const std::string& to) {
    fs::rename(box.path() + from, box.path() + to);
  };
  const auto seen = read_in_use(box, [&](std::size_t count) {
    if (count == 1) {
      rename("/cur/1:2,", "/cur/1:2,S");  // read already
      rename("/cur/2:2,", "/cur/2:2,S");
      rename("/new/5", "/cur/5:2,S");
    }
    if (count == 4) rename("/new/6", "/cur/6:2,RS");  // 5 is looked for again
  });
  EXPECT_EQ(seen,
            (std::vector<std::string>{"cur/1:2, 1", "cur/3:2, 3", "new/4 4", "new/6 6", "cur/2:2,S 2", "cur/5:2,S 5"}));
}

/// Moved between the two lists, it is in both; and whatever a server does, the end comes.
TEST(Source, ReadsAMessageOnceThatIsListedTwice) {
  const Directory box;
  for (const char* name : {"cur/1:2,", "cur/2:2,", "new/2"}) box.file(name, std::string("A: ") + name[4] + '\n');
  const auto seen = read_in_use(box, [&](std::size_t count) {
    if (count == 1) fs::remove(box.path() + "/new/2");
  });
  EXPECT_EQ(seen, (std::vector<std::string>{"cur/1:2, 1", "cur/2:2, 2"}));

  const Directory other;
  for (const char* name : {"cur/1:2,", "cur/2:2,", "cur/3:2,"}) other.file(name, std::string("A: ") + name[4] + '\n');
  fs::create_directory(other.path() + "/new");
  std::string flags = "2:2,";
  const auto once = read_in_use(other, [&](std::size_t) {
    fs::rename(other.path() + "/cur/" + flags, other.path() + "/cur/" + flags + 'x');
    flags += 'x';
    fs::rename(other.path() + "/cur/3:2,", other.path() + "/cur/3:2,S");
    fs::rename(other.path() + "/cur/3:2,S", other.path() + "/cur/3:2,");
  });
  EXPECT_EQ(once, (std::vector<std::string>{"cur/1:2, 1", "cur/3:2, 3", "cur/2:2,xx 2"}));
}

TEST(Source, CountsAndNamesOnceWhatVanishes) {
  const Directory box;
  for (const char* name : {"cur/1:2,", "cur/2:2,", "new/3", "new/4"})
    box.file(name, std::string("A: ") + name[4] + '\n');
  const auto seen = read_in_use(box, [&](std::size_t) {
    for (const char* name : {"/cur/2:2,", "/new/4"}) fs::remove(box.path() + name);
  });
  EXPECT_EQ(seen, (std::vector<std::string>{"cur/1:2, 1", "new/3 3",
                                            ": 2 files vanished while the directory was read: first cur/2:2,"}));

  const Directory directory;
  for (const char* name : {"sub/1", "sub/2"}) directory.file(name, "A: 1\n");
  const auto other = read_in_use(directory, [&](std::size_t) { fs::remove(directory.path() + "/sub/2"); });
  EXPECT_EQ(other, (std::vector<std::string>{"sub/1 1", "/sub: 1 file vanished while the directory was read: 2"}));
}

TEST(Source, PassesOverCurAndNewThatAreLinks) {
  const Directory box;
  const Directory elsewhere;
  elsewhere.file("1", "A: 1\n");
  box.file("cur/2", "A: 2\n");
  fs::create_directory_symlink(elsewhere.path(), box.path() + "/new");
  EXPECT_EQ(read_in_use(box, [](std::size_t) {}),
            (std::vector<std::string>{"cur/2 2", "/new: a symbolic link: passed over"}));
}

TEST(Source, PassesOverLinksAndSpecialFilesInADirectory) {
  const Directory directory;
  const Directory elsewhere;
  fs::create_symlink(elsewhere.file("out.eml", "A: 1\n"), directory.path() + "/file");
  fs::create_directory_symlink(elsewhere.path(), directory.path() + "/directory");
  ASSERT_EQ(::mkfifo((directory.path() + "/fifo").c_str(), 0600), 0);
  directory.file("mail", "A: 1\n");
  const Everything all = read({directory.path()});
  EXPECT_EQ(files_of(all, directory.path()), std::vector<std::string>{"mail"});
  EXPECT_EQ(all.troubles, (std::vector<std::string>{directory.path() + "/directory: a symbolic link: passed over",
                                                    directory.path() + "/fifo: not a regular file: passed over",
                                                    directory.path() + "/file: a symbolic link: passed over"}));
  // One that is named is wanted.
  EXPECT_EQ(read({directory.path() + "/file"}).messages.size(), 1u);
}

/// In a process of its own, which is nobody's: root may read everything.
TEST(Source, SaysWhatItMayNotRead) {
  const Directory directory;
  fs::permissions(directory.path(), fs::perms(0755));
  const std::string closed_directory = directory.path() + "/1";
  const std::string closed_file = directory.file("2", "A: 1\n");
  directory.file("3", "A: 1\n");
  ASSERT_EQ(::mkdir(closed_directory.c_str(), 0), 0);
  fs::permissions(closed_file, fs::perms(0));
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    constexpr unsigned nobody = 65534;
    if (::geteuid() == 0 && ::setresuid(nobody, nobody, nobody) != 0) ::_exit(3);
    const Everything all = read({directory.path()});
    const std::vector<std::string> expected = {closed_directory + ": Permission denied",
                                               closed_file + ": Permission denied"};
    ::_exit(all.troubles == expected && all.messages.size() == 1 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(Source, ReadsStandardInput) {
  const Directory directory;
  const std::string message = "A: 1\n\n" + std::string(300000, 'x');
  const int before = ::dup(STDIN_FILENO);
  std::FILE* file = std::fopen(directory.file("mail", message).c_str(), "r");
  ASSERT_NE(file, nullptr);
  ::dup2(::fileno(file), STDIN_FILENO);
  const Everything all = read({});
  ::dup2(before, STDIN_FILENO);
  ::close(before);
  std::fclose(file);
  ASSERT_EQ(all.messages.size(), 1u);
  EXPECT_EQ(all.messages[0].file, "-");
  EXPECT_EQ(all.octets, message);
}

TEST(Source, KnowsHowFarItIs) {
  const Directory directory;
  const std::string mbox = from_line + "A: 1\n\n" + std::string(1U << 20U, 'x') + "\n\n";
  const std::string name = directory.file("mbox", mbox + mbox + mbox);
  audit::Source source({name, directory.file("mail", "A: 1\n")}, [](std::string_view, std::string_view) {});
  audit::Block block;
  double before = 0;
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(source.next(block));
    EXPECT_GT(source.progress(), before);
    before = source.progress();
    EXPECT_LT(before, i == 0 ? 0.5 : 1.1);
  }
  EXPECT_FALSE(source.next(block));
  EXPECT_EQ(source.progress(), 1.0);
}

}  // namespace
