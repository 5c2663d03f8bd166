// The reader of audit trails over any octets, plain and compressed: the lines are those of the file, to the octet where
// it is cut off, and never more of it; a record read from a line is no larger than the line. Damaged gzip data ends in
// a reason. The second octet chooses how the file is written.
#include <zlib.h>

#include <algorithm>
#include <array>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "audit/subcommand.h"
#include "audit/trail_reader.h"
#include "report/audit_record.h"
#include "report/summary.h"
#include "tests/fuzz/input.h"

namespace {

using namespace std::string_view_literals;
using audit::TrailReader;
using fuzz::expect;

constexpr std::array words = {
    "\n"sv,
    "\r\n"sv,
    "\r"sv,
    "\0"sv,
    "{"sv,
    "}"sv,
    "["sv,
    "]"sv,
    ","sv,
    ":"sv,
    "\""sv,
    "\\"sv,
    "}]}\n"sv,
    "{\"version\":1,\"type\":\"message\",\"findings\":[]}\n"sv,
    "{\"version\":1,\"type\":\"message\",\"findings\":[{"sv,
    "{\"version\":1,\"type\":\"totals\",\"messages\":2,\"clean\":1,\"affected\":1,\"unread\":0,\"findings\":{"sv,
    "\"malformed\":{\"reported\":1}}}\n"sv,
    "{\"version\":1,\"type\":\"x\"}\n"sv,
    "\"findings\":"sv,
    "\"rule\":\"folded\","sv,
    "\"field\":\"References\","sv,
    "\"action\":\"rewritten\","sv,
    "\"instance\":1"sv,
    "\"before\":\""sv,
    "\"dkim\":{\"keeps\":[\"a\"]}"sv,
    "\"time\":\"2026-11-22T10:00:00Z\","sv,
    "\"more_findings\":"sv,
    "\"number\":9007199254740992,"sv,
    "\"exempt\":"sv,
    "\"recipient_domains\":[\""sv,
    "\"agent\":\"x\","sv,
    "\"from_domain\":\"a.example\","sv,
    "9007199254740991"sv,
    "9007199254740992"sv,
    "-1"sv,
    "1e999"sv,
    "null"sv,
    "\\u0000"sv,
    "\\ud83d\\ude00"sv,
    "\\ud800"sv,
    "\xc3\xa9"sv,
    "\xff"sv,
    "\x1f\x8b"sv,
    "BZh"sv,
    "x"sv,
    "[[[[[[[[[[[[[[[[[["sv};

enum class Way : unsigned { plain, gzip, cut_gzip, damaged_gzip };

std::string compressed(std::string_view text) {
  z_stream stream{};
  if (deflateInit2(&stream, 1, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) std::abort();
  std::string out(deflateBound(&stream, text.size()) + 32, '\0');
  std::string in(text);
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END) std::abort();
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    if (lines.back().ends_with('\r')) lines.back().pop_back();
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::size_t octets_of(const std::vector<std::string>& list) {
  std::size_t octets = 0;
  for (const std::string& text : list) octets += text.size();
  return octets;
}

void check_record(const report::AuditRecord& record, std::string_view line) {
  std::size_t octets = octets_of(record.recipient_domains);
  for (const std::string* text :
       {&record.time, &record.host, &record.queue_id, &record.source, &record.client_address, &record.client_name,
        &record.user, &record.sender, &record.from_domain, &record.agent, &record.scope}) {
    octets += text->size();
  }
  for (const report::AuditFinding& finding : record.findings) {
    octets += octets_of(finding.keeps) + octets_of(finding.breaks) + finding.rule.size() + finding.field.size() +
              finding.part.size() + finding.action.size() + finding.reason.size() + finding.before.size() +
              finding.after.size();
    expect(finding.instance >= 0, "instances are counted", line);
  }
  expect(octets + record.findings.size() <= line.size(), "a record is no larger than its line", line);
  expect(record.number < 1ULL << 53U && record.more_findings < 1ULL << 53U, "numbers are bounded", line);
}

void check_line(std::string_view line, report::Summary& summary) {
  try {
    const auto parsed = report::parse_audit_line(line);
    if (const auto* record = std::get_if<report::AuditRecord>(&parsed)) {
      check_record(*record, line);
      summary.add(*record);
    } else if (const auto* totals = std::get_if<report::AuditTotals>(&parsed)) {
      expect((totals->messages | totals->clean | totals->affected | totals->unread | totals->exempt) < 1ULL << 53U,
             "counts are bounded", line);
      summary.add(*totals);
    }
  } catch (const std::runtime_error& error) {
    const std::string_view reason = error.what();
    expect(!reason.empty() && std::all_of(reason.begin(), reason.end(), [](char c) { return c >= ' ' && c <= '~'; }),
           "a printable reason", reason);
  }
}

struct Reading {
  std::vector<std::string> lines{};
  bool is_broken = false;
};

Reading read(const std::string& path) {
  Reading reading;
  TrailReader reader(path);
  for (std::uint64_t number = 1;; ++number) {
    const TrailReader::Event event = reader.next();
    expect(reader.number() == number, "lines are counted");
    reading.is_broken = event == TrailReader::Event::broken;
    if (reading.is_broken || event == TrailReader::Event::end) {
      expect(reading.is_broken == !reader.reason().empty(), "a reason where it is broken", reader.reason());
      return reading;
    }
    expect(reader.line().size() <= report::max_audit_line_octets, "the length of a line");
    reading.lines.emplace_back(reader.line());
  }
}

/// Nothing where the format is refused.
std::optional<Reading> read_octets(std::string_view octets) {
  static const fuzz::MemoryFile file;
  file.write(octets);
  try {
    return read(file.path());
  } catch (const audit::Trouble& trouble) {
    expect(std::string_view(trouble.what()).find(" is not read here: ") != std::string_view::npos,
           "only another compression is refused", trouble.what());
  }
  return std::nullopt;
}

bool is_beginning(const std::vector<std::string>& some, const std::vector<std::string>& all) {
  return some.size() <= all.size() && std::equal(some.begin(), some.end(), all.begin());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const auto way = static_cast<Way>(data[1] & 3U);
  const std::size_t place = data[2];
  std::string input(1, static_cast<char>(data[0]));
  input.append(reinterpret_cast<const char*>(data) + 3, size - 3);
  const std::string text = fuzz::text_of({reinterpret_cast<const std::uint8_t*>(input.data()), input.size()}, words);
  const std::vector<std::string> lines = lines_of(text);
  std::string octets = text;
  if (way != Way::plain) {
    const std::size_t border = text.size() * place / 255;  // two members, as where a file was appended
    const std::string last = compressed(std::string_view(text).substr(border));
    octets = compressed(std::string_view(text).substr(0, border)) + last;
    if (way == Way::cut_gzip) octets.resize(octets.size() - 1 - place % (last.size() - 1));
  }
  if (way == Way::damaged_gzip) octets[octets.size() * place / 256] ^= 0x10;
  const std::optional<Reading> reading = read_octets(octets);
  if (!reading) {
    expect(way == Way::plain || way == Way::damaged_gzip, "gzip is read");
    return 0;
  }
  const bool is_plain = way == Way::plain && !text.starts_with("\x1f\x8b");
  if (is_plain || way == Way::gzip) expect(!reading->is_broken && reading->lines == lines, "the lines are the file's");
  if (way == Way::cut_gzip) {
    expect(reading->is_broken && is_beginning(reading->lines, lines), "no half line comes out of a cut file");
  }
  report::Summary summary;
  for (const std::string& line : reading->lines) check_line(line, summary);
  return 0;
}
