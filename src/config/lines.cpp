#include "config/lines.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "config/value.h"

namespace config {
namespace {

std::string_view without_comment(std::string_view line) {
  for (std::size_t at = line.find('#'); at != std::string_view::npos; at = line.find('#', at + 1)) {
    if (at == 0 || blanks.find(line[at - 1]) != std::string_view::npos) return line.substr(0, at);
  }
  return line;
}

/// Memory may be refused while it is open.
class OpenFile {
 public:
  // With O_NONBLOCK, or the open of a FIFO waits until somebody writes to it.
  explicit OpenFile(const std::string& path)
      : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) {
    if (descriptor_ < 0) throw FileError(std::strerror(errno), errno);
    struct stat status = {};
    const bool is_known = ::fstat(descriptor_, &status) == 0;
    if (is_known && S_ISREG(status.st_mode)) return;
    const int error = errno;
    ::close(descriptor_);
    if (!is_known) throw FileError(std::strerror(error), error);
    throw FileError(S_ISDIR(status.st_mode) ? std::strerror(EISDIR) : "it is not a regular file", 0);
  }
  ~OpenFile() { ::close(descriptor_); }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  /// read(2).
  ssize_t read(char* to, std::size_t size) const { return ::read(descriptor_, to, size); }

 private:
  int descriptor_;
};

/// Windows' editors put a byte order mark there. As a part of the first value it would match nothing, and nobody would
/// see why.
std::string_view without_mark(std::string_view text) {
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  return text;
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) + 1 - first);
}

ReadFile described(std::string option, const std::string& path, std::string_view text) {
  ReadFile file{std::move(option), path};
  file.digest = std::hash<std::string_view>{}(text);
  file.has_line_end = text.empty() || text.back() == '\n';
  file.is_blank = without_mark(text).find_first_not_of(" \t\r\n") == std::string_view::npos;
  return file;
}

std::string read_whole(const std::string& path, std::size_t most) {
  const OpenFile file(path);
  std::string text;
  std::array<char, 16384> block{};
  ssize_t got = 0;
  while (text.size() <= most && (got = file.read(block.data(), block.size())) > 0) {
    text.append(block.data(), static_cast<std::size_t>(got));
  }
  if (got < 0) throw FileError(std::strerror(errno), errno);
  if (text.size() > most) throw FileError("it is over " + std::to_string(most) + " octets", 0);
  return text;
}

void for_each_line(std::string_view text, const std::function<void(std::string_view, std::size_t)>& use) {
  text = without_mark(text);
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.size() <= max_line_octets) line = trimmed(without_comment(line));
    if (!line.empty()) use(line, number);
  }
}

ReadFile for_each_value(const std::string& option, const std::string& path,
                        const std::function<void(const std::string& value, const std::string& origin)>& use) {
  std::string text;
  try {
    text = read_whole(path, max_list_octets);
  } catch (const FileError& error) {
    throw SystemRefusal("cannot read " + path + ": " + error.what(), error.error);
  }
  ReadFile file = described(option, path, text);
  for_each_line(text, [&](std::string_view line, std::size_t number) {
    ++file.values;
    const std::string origin = path + ":" + std::to_string(number);
    if (line.size() > max_line_octets) {
      throw ListError(origin, "the line is over " + std::to_string(max_line_octets) + " octets");
    }
    try {
      use(std::string(line), origin);
    } catch (const std::invalid_argument& error) {
      throw ListError(origin, error.what());
    }
  });
  return file;
}

}  // namespace config
