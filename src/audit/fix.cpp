// msgid-audit fix: a message or an mbox with the edits made, every other octet as it was.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "audit/arguments.h"
#include "audit/file_form.h"
#include "audit/mailbox_lock.h"
#include "audit/message.h"
#include "audit/replacement.h"
#include "audit/source.h"
#include "audit/subcommand.h"

namespace audit {

namespace {

const Usage usage = {
    "fix",
    "[FILE | -]",
    "Writes the message, or the mbox, with the edits made that the filter would make, and every other octet as\n"
    "it was: to standard output if nothing else is said.",
    {{"output,o", "FILE", "write there; the file is replaced once it is whole"},
     {"in-place", "", "replace the file itself, if there is an edit"}},
    true};

/// What became of one input.
struct Tally {
  std::size_t messages = 0;
  std::size_t edited = 0;
  bool is_mbox = false;
  bool is_whole = true;               ///< it was read to its end
  std::vector<std::string> troubles;  ///< also of messages that passed as they were
};

/// The edits that the filter would make in one message. What it would not do, or not know, is a trouble.
std::vector<msgid::Edit> edits_of(const Message& message, const std::string& file, const msgid::Policy& policy,
                                  Tally& tally) {
  const auto complain_of = [&](std::string_view trouble) {
    tally.troubles.push_back(place_of(file, message) + ": " + std::string(trouble));
  };
  FieldPlace first;
  const bool has_header = HeaderReader(message.octets).next(first);
  if (!has_header || message.is_cut) {
    complain_of(has_header ? "too large, left as it is" : "not a mail: it has no header field, left as it is");
    return {};
  }
  HeaderVerdict decided = verdict_of(message.octets, policy);
  if (decided.is_over_size) complain_of(over_size_text);
  if (decided.lacks_signatures && !decided.verdict.edits.empty()) complain_of(lacks_signatures_text);
  return std::move(decided.verdict.edits);
}

/// Writes octets of a block as they are in the file, or would be.
void write(std::string_view octets, const Block& block, Output& output) {
  if (!block.has_cr_line_ends) return output.write(octets);
  std::string exchanged(octets);
  exchange_cr_and_lf(exchanged);
  output.write(exchanged);
}

/// Reads the file and writes it to `output`. Without one it stops at the first edit.
Tally copy(const std::string& file, const msgid::Policy& policy, Output* output) {
  Tally tally;
  const TroubleSink trouble = [&tally](std::string_view name, std::string_view reason) {
    tally.troubles.push_back(std::string(name) + ": " + std::string(reason));
    tally.is_whole = false;
  };
  Source source({file}, trouble, output == nullptr ? Oversize::skip : Oversize::pass_on);
  for (Block block; source.next(block);) {
    for (const Message& message : block.messages) {
      const std::vector<msgid::Edit> edits = edits_of(message, block.file, policy, tally);
      ++tally.messages;
      tally.is_mbox = message.number != 0;
      if (!edits.empty()) ++tally.edited;
      if (output == nullptr && !edits.empty()) return tally;
      if (output == nullptr) continue;
      write(message.before, block, *output);
      if (edits.empty()) {
        write(message.octets, block, *output);
      } else {
        write(with_edits(message.octets, edits), block, *output);
      }
    }
    if (output != nullptr) write(block.rest, block, *output);
  }
  if (output != nullptr) output->flush();
  return tally;
}

Tally write_to(int descriptor, const std::string& name, const std::string& file, const msgid::Policy& policy) {
  Output output(descriptor, name);
  return copy(file, policy, &output);
}

Tally write_in_place(const std::string& file, const msgid::Policy& policy) {
  struct stat seen = {};
  if (::stat(file.c_str(), &seen) != 0) throw Trouble(file + ": " + system_error_text(errno));
  if (!S_ISREG(seen.st_mode)) throw Trouble(file + ": not a regular file, which --in-place wants");
  Tally tally = copy(file, policy, nullptr);
  if (tally.edited == 0) return tally;
  std::optional<MailboxLock> lock;
  if (tally.is_mbox) {
    lock.emplace(file);
    if (::stat(file.c_str(), &seen) != 0) throw Trouble(file + ": " + system_error_text(errno));
  }
  Replacement replacement(file);
  tally = copy(file, policy, &replacement.output());
  if (tally.is_whole) replacement.put_in_place_of(seen);
  return tally;
}

Tally write_out(const std::string& file, const std::string& out, const msgid::Policy& policy) {
  struct stat there = {};
  struct stat standard_output = {};
  const bool exists = ::stat(out.c_str(), &there) == 0;
  const bool has_standard_output = ::fstat(STDOUT_FILENO, &standard_output) == 0;
  // /dev/stdout may be a file, which is not to be replaced under the shell that has it open.
  const bool is_standard_output =
      exists && has_standard_output && there.st_dev == standard_output.st_dev && there.st_ino == standard_output.st_ino;
  if (out == "-" || is_standard_output) return write_to(STDOUT_FILENO, "standard output", file, policy);
  // Of the same file it may be a mailbox.
  std::error_code error;
  const bool is_same = exists && std::filesystem::canonical(file, error) == std::filesystem::canonical(out, error);
  if (is_same && S_ISREG(there.st_mode)) return write_in_place(file, policy);
  if (!exists || S_ISREG(there.st_mode)) {
    Replacement replacement(out);
    Tally tally = copy(file, policy, &replacement.output());
    if (tally.is_whole) replacement.put_in_place();
    return tally;
  }
  const int descriptor = ::open(out.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY);
  if (descriptor < 0) throw Trouble(out + ": " + system_error_text(errno));
  Tally tally = write_to(descriptor, out, file, policy);
  if (::close(descriptor) != 0) throw Trouble(out + ": " + system_error_text(errno));
  return tally;
}

}  // namespace

int fix(const std::vector<std::string>& words) {
  const Arguments arguments(usage, words);
  if (arguments.is_help()) return print_help(usage);
  if (arguments.names().size() > 1) throw Trouble("fix: one file at a time");
  const std::string file = arguments.names().empty() ? "-" : arguments.names().front();
  const bool is_in_place = arguments.has("in-place");
  if (is_in_place && arguments.has("output")) throw Trouble("fix: either --output or --in-place");
  if (is_in_place && file == "-") throw Trouble("fix: --in-place wants a file");
  struct stat status = {};
  if (file != "-" && ::stat(file.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) {
    throw Trouble(file + ": is a directory");
  }
  const msgid::Policy policy = arguments.policy();
  const Tally tally = is_in_place               ? write_in_place(file, policy)
                      : arguments.has("output") ? write_out(file, arguments.value("output"), policy)
                                                : write_to(STDOUT_FILENO, "standard output", file, policy);
  for (const std::string& trouble : tally.troubles) complain(trouble);
  if ((is_in_place || arguments.has("output")) && ::isatty(STDERR_FILENO) != 0) {
    complain(std::to_string(tally.edited) + " of " + std::to_string(tally.messages) + " messages changed");
  }
  return tally.troubles.empty() ? 0 : 2;
}

}  // namespace audit
