#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <cstdio>
#include <string>
#include <vector>

#include "audit/subcommand.h"
#include "audit/trail_reader.h"
#include "report/audit_record.h"
#include "tests/scratch.h"

namespace {

using audit::TrailReader;
using Event = TrailReader::Event;
using Strings = std::vector<std::string>;

std::string gzip(std::string_view text) {
  z_stream stream = {};
  constexpr int gzip_only = 16;
  deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, MAX_WBITS + gzip_only, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, static_cast<uLong>(text.size())), '\0');
  std::string in(text);
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

/// The lines, and behind them how it ended if not well: "3: reason", or for a line too long "3: too long".
Strings read(const std::string& path) {
  Strings lines;
  TrailReader reader(path);
  for (Event event{}; (event = reader.next()) != Event::end;) {
    const std::string number = std::to_string(reader.number()) + ": ";
    if (event == Event::line) lines.emplace_back(reader.line());
    if (event == Event::too_long) lines.push_back(number + "too long");
    if (event != Event::broken) continue;
    lines.push_back(number + reader.reason());
    break;
  }
  return lines;
}

Strings read_text(std::string_view content) {
  const scratch::Directory directory;
  return read(directory.file("trail", content));
}

std::string trouble(std::string_view content) {
  const scratch::Directory directory;
  const std::string path = directory.file("trail", content);
  try {
    TrailReader reader(path);
  } catch (const audit::Trouble& error) {
    return std::string(error.what()).substr(path.size());
  }
  return {};
}

TEST(TrailReader, ReadsLinesWithAndWithoutEnd) {
  EXPECT_EQ(read_text(""), Strings{});
  EXPECT_EQ(read_text("a"), Strings{"a"});
  EXPECT_EQ(read_text("a\nbc\r\n\nd\n"), (Strings{"a", "bc", "", "d"}));
  EXPECT_EQ(read_text(std::string_view("a\0b\n", 4)), Strings{std::string("a\0b", 3)});
}

TEST(TrailReader, ReadsLinesAcrossItsBuffers) {
  const std::string line(200000, 'x');
  EXPECT_EQ(read_text(line + '\n' + line), (Strings{line, line}));
  EXPECT_EQ(read_text(gzip(line + '\n' + line)), (Strings{line, line}));
}

TEST(TrailReader, ReadsGzipOfSeveralMembers) {
  const std::string both = gzip("a\nb") + gzip("c\n") + gzip("") + gzip("d\n");
  EXPECT_EQ(read_text(both), (Strings{"a", "bc", "d"}));
  EXPECT_EQ(read_text(both + std::string(512, '\0')), (Strings{"a", "bc", "d"}));
  EXPECT_EQ(read_text(gzip("")), Strings{});
}

TEST(TrailReader, SaysWhereGzipBreaks) {
  std::string text;
  for (int i = 0; i < 20000; ++i) text += std::to_string(i * 7919) + '\n';
  const std::string whole = gzip(text);
  const Strings cut = read_text(std::string_view(whole).substr(0, whole.size() / 2));
  ASSERT_GT(cut.size(), 1000u);
  EXPECT_EQ(cut[0], "0");
  EXPECT_EQ(cut.back(), std::to_string(cut.size()) + ": the gzip data ends too early");
  EXPECT_EQ(read_text(std::string_view(whole).substr(0, whole.size() - 4)).back(),
            "20001: the gzip data ends too early");
  EXPECT_EQ(read_text(std::string_view(whole).substr(0, 2)), Strings{"1: the gzip data ends too early"});
  EXPECT_EQ(read_text(gzip("a\n") + "garbage"), (Strings{"a", "2: something else behind the gzip data"}));
  std::string damaged = whole;
  damaged[damaged.size() - 6] = static_cast<char>(~damaged[damaged.size() - 6]);  // in the checksum
  EXPECT_EQ(read_text(damaged).back(), "20001: the gzip data is damaged");
}

TEST(TrailReader, RefusesOtherCompressionsWithAdvice) {
  EXPECT_EQ(trouble(std::string_view("\xfd"
                                     "7zXZ\0...",
                                     9)),
            ": xz is not read here: xzcat FILE | msgid-audit report -");
  EXPECT_EQ(trouble("\x28\xb5\x2f\xfd..."), ": zstd is not read here: zstdcat FILE | msgid-audit report -");
  EXPECT_EQ(trouble("BZh91AY"), ": bzip2 is not read here: bzcat FILE | msgid-audit report -");
  EXPECT_EQ(trouble("{\"version\":1}\n"), "");
}

TEST(TrailReader, NamesWhatCannotBeRead) {
  const scratch::Directory directory;
  try {
    TrailReader reader(directory.path() + "/none");
    FAIL();
  } catch (const audit::Trouble& error) {
    EXPECT_EQ(error.what(), directory.path() + "/none: No such file or directory");
  }
  try {
    TrailReader reader(directory.path());
    FAIL();
  } catch (const audit::Trouble& error) {
    EXPECT_EQ(error.what(), directory.path() + ": Is a directory");
  }
}

TEST(TrailReader, KnowsAFileThatIsNamedTwice) {
  const scratch::Directory directory;
  const std::string path = directory.file("trail", "a\n");
  const std::string link = directory.path() + "/link";
  ASSERT_EQ(::symlink("trail", link.c_str()), 0);
  EXPECT_EQ(TrailReader(path).identity(), TrailReader(link).identity());
  EXPECT_NE(TrailReader(path).identity(), TrailReader(directory.file("other", "a\n")).identity());
}

TEST(TrailReader, PassesOverALineThatIsTooLong) {
  const std::string just(report::max_audit_line_octets, 'x');
  EXPECT_EQ(read_text(just + "\nb\n"), (Strings{just, "b"}));
  EXPECT_EQ(read_text(just + "x\nb\n"), (Strings{"1: too long", "b"}));
  EXPECT_EQ(read_text(just + "x"), Strings{"1: too long"});
}

TEST(TrailReader, GivesUpWhereNoLineEnds) {
  const scratch::Directory directory;
  const std::string path = directory.file("sparse", "");
  ASSERT_EQ(::truncate(path.c_str(), off_t{10} << 30), 0);
  rusage before = {};
  rusage after = {};
  ASSERT_EQ(::getrusage(RUSAGE_SELF, &before), 0);
  EXPECT_EQ(read(path), Strings{"1: no audit trail: a line over 64 MiB"});
  ASSERT_EQ(::getrusage(RUSAGE_SELF, &after), 0);
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 64 * 1024) << "KB";
}

/// How many lines come, and behind a space why no more do.
std::string read_to_the_end(const std::string& content) {
  const scratch::Directory directory;
  TrailReader reader(directory.file("trail", content));
  std::uint64_t lines = 0;
  Event event = reader.next();
  for (; event == Event::line; event = reader.next()) ++lines;
  return std::to_string(lines) + (event == Event::end ? "" : ' ' + reader.reason());
}

std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

// Deflate expands up to 1032 times: 100 MB were 100 GB of lines.
TEST(TrailReader, GivesUpAGzipFileThatExpandsTooFar) {
  constexpr std::size_t lines_each = 8;
  const std::string text = repeated(std::string((std::size_t{128} << 10U) - 1, 'x') + '\n', lines_each);  // 1 MiB
  const std::string bomb = gzip(text);
  ASSERT_GT(text.size(), bomb.size() * TrailReader::max_expansion);
  const std::string advice = "it expands over 200 times; if it is a trail: zcat FILE | msgid-audit report -";
  constexpr std::size_t allowed = TrailReader::always_expanded_octets >> 20U;
  EXPECT_EQ(read_to_the_end(repeated(bomb, allowed)), std::to_string(allowed * lines_each));
  const std::string told = read_to_the_end(repeated(bomb, allowed + 10));
  EXPECT_TRUE(told.ends_with(' ' + advice)) << told;
  EXPECT_LE(std::stoull(told), (allowed + 1) * lines_each);

  // With what was read before the bomb it expands less.
  std::string stored;
  for (std::uint32_t i = 0, value = 1; i < 400'000; ++i)
    stored += static_cast<char>('a' + ((value = value * 1664525 + 1013904223) >> 28U));
  const std::string mixed = repeated(gzip(stored + '\n'), 10) + repeated(bomb, allowed + 10);
  EXPECT_EQ(read_to_the_end(mixed), std::to_string(10 + (allowed + 10) * lines_each));
}

TEST(TrailReader, TakesAPipeThatGivesOctetByOctet) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  const std::string text = gzip("a\nb\n");
  ASSERT_EQ(::write(pipe[1], text.data(), 1), 1);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    for (std::size_t i = 1; i < text.size(); ++i) {
      ::usleep(100);
      if (::write(pipe[1], text.data() + i, 1) != 1) ::_exit(1);
    }
    ::_exit(0);
  }
  ::close(pipe[1]);
  EXPECT_EQ(read("/dev/fd/" + std::to_string(pipe[0])), (Strings{"a", "b"}));
  ::close(pipe[0]);
}

}  // namespace
