// explain over any octets: nothing it prints can do harm to a terminal, and no line of it is longer than a terminal has
// columns save for words that are.
#include <string>
#include <string_view>

#include "audit/explanation.h"
#include "report/paragraph.h"
#include "report/printable.h"
#include "tests/fuzz/input.h"

namespace {

using fuzz::expect;

void check_line(std::string_view line) {
  expect(report::printable(line) == line, "printable", line);
  const std::size_t text = line.find_first_not_of(' ');
  const std::size_t last_space = line.rfind(' ');
  const bool has_words = text != std::string_view::npos && last_space != std::string_view::npos && last_space > text;
  // In front of its last word, a line is never full.
  expect(!has_words || line.substr(0, last_space).size() <= 4 * report::terminal_columns, "wrapped", line);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  msgid::Policy policy;
  policy.exchange = msgid::RuleAction::report;
  const audit::Explanation explanation = audit::examine_bounce(input, policy);
  expect(explanation.bounce.header.size() <= audit::max_bounce_text_octets, "header bounded");
  expect(explanation.bounce.header.empty() == (explanation.bounce.origin == audit::HeaderOrigin::none), "origin",
         input);
  const std::string out = audit::text_of(explanation);
  for (std::size_t begin = 0; begin < out.size();) {
    const std::size_t end = out.find('\n', begin);
    expect(end != std::string::npos, "a last line end", out);
    check_line(std::string_view(out).substr(begin, end - begin));
    begin = end + 1;
  }
  return 0;
}
