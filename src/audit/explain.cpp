// msgid-audit explain: what a bounce says, what broke, who wrote it, what the filter would have made of it, what to do.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "audit/arguments.h"
#include "audit/explanation.h"
#include "audit/file_form.h"
#include "audit/inputs.h"
#include "audit/mbox.h"
#include "audit/subcommand.h"

namespace audit {

namespace {

struct Input {
  std::string octets;
  bool is_cut = false;    ///< there is more than max_input_octets
  bool has_more = false;  ///< it is an mbox, and there are other messages in it
};

/// Reads at most that of a file, "-" for standard input: of more, or without an end, the beginning. Throws Trouble.
constexpr std::size_t max_input_octets = 64U << 20U;

Input read_input(const std::string& name) {
  const bool is_stdin = name == "-";
  const int file = is_stdin ? STDIN_FILENO : ::open(name.c_str(), O_RDONLY | O_CLOEXEC);
  const auto fail = [&name](int error) { throw Trouble(name + ": " + system_error_text(error)); };
  if (file < 0) fail(errno);
  Input input;
  std::array<char, 1U << 16U> buffer;
  int error = 0;
  while (input.octets.size() <= max_input_octets) {
    const ssize_t count = ::read(file, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) error = errno;
    if (count <= 0) break;
    input.octets.append(buffer.data(), static_cast<std::size_t>(count));
  }
  if (!is_stdin) ::close(file);
  if (error != 0) fail(error);
  input.is_cut = input.octets.size() > max_input_octets;
  input.octets.resize(std::min(input.octets.size(), max_input_octets));
  return input;
}

/// Of an mbox, the first message.
void keep_first_message(Input& input) {
  if (!input.octets.starts_with("From ")) return;
  const std::size_t end = second_message(input.octets);
  input.has_more = end != std::string::npos;
  if (input.has_more) input.octets.resize(end);
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

}  // namespace

int explain(const std::vector<std::string>& words) {
  const Usage usage = {"explain",
                       "[FILE | -]",
                       "Reads a bounce: a message, or its text pasted, even only the line that matters.\n"
                       "Says what it means, what broke in the original header if that is in it, whose\n"
                       "software probably wrote it, and what the filter would have made of it.",
                       {},
                       true};
  const Arguments arguments(usage, words);
  if (arguments.is_help()) return print_help(usage);
  if (arguments.names().size() > 1) throw Trouble("explain takes one file at a time");
  const msgid::Policy policy = arguments.policy();
  const std::string name = arguments.names().empty() ? "-" : arguments.names().front();
  Input input = read_input(name);
  if (const std::string advice = advice_on(input.octets); !advice.empty()) throw Trouble(name + ": " + advice);
  if (has_cr_line_ends(input.octets)) exchange_cr_and_lf(input.octets);
  input.octets.erase(0, lead_octets(input.octets));
  keep_first_message(input);
  if (is_blank(input.octets)) throw Trouble(name + ": empty");
  Explanation explanation = examine_bounce(input.octets, policy);
  explanation.bounce.is_cut = explanation.bounce.is_cut || input.is_cut;
  explanation.has_more = input.has_more;
  const std::string text = text_of(explanation);
  if (text.empty()) throw Trouble(name + ": this is no text; save the bounce as a text file or as .eml");
  std::cout << text;
  return 0;
}

}  // namespace audit
