// Text files of an administrator, the configuration and lists of values: lines, comments, bounds.
#ifndef MSGID_CONFIG_LINES_H
#define MSGID_CONFIG_LINES_H

#include <cerrno>
#include <cstddef>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace config {

// A file may be anything, a disk image or a log among it.
inline constexpr std::size_t max_line_octets = 4096;
inline constexpr std::size_t max_list_octets = 1 << 24;  ///< 100,000 addresses need some three million

inline constexpr std::string_view blanks = " \t";

/// Why a file cannot be read.
struct FileError : std::runtime_error {
  FileError(const std::string& reason, int number) : std::runtime_error(reason), error(number) {}
  bool is_missing() const { return error == ENOENT || error == ENOTDIR; }
  int error;  ///< errno, or 0
};

/// What is wrong with a value in a list file, and where: "/path:12".
struct ListError : std::invalid_argument {
  ListError(std::string where, const std::string& reason) : std::invalid_argument(reason), origin(std::move(where)) {}
  std::string origin;
};

/// A file that was read, and what tells whether all of it was there.
struct ReadFile {
  std::string option;  ///< that named it: `config`, or that of a list
  std::string path;
  std::size_t digest = 0;    ///< differs, but for chance, where the text does
  std::size_t values = 0;    ///< options of a configuration, values of a list
  bool is_blank = false;     ///< only white space, not even a comment
  bool has_line_end = true;  ///< after its last line; also where there is no line
};

/// Describes `text`, which was read from `path`; `values` stays 0.
ReadFile described(std::string option, const std::string& path, std::string_view text);

/// Without the blanks around it.
std::string_view trimmed(std::string_view text);

/// Returns a file's whole text. Throws FileError, also where it is no regular file (a FIFO would hold up the caller) or
/// is over `most` octets.
std::string read_whole(const std::string& path, std::size_t most);

/// Calls `use` with each line that has something in it, without its comment and the blanks around it, and its number.
/// A comment is "#" and what stands behind it, where the "#" begins the line or stands behind a blank. A line over
/// max_line_octets is given as it is, for the caller to refuse.
void for_each_line(std::string_view text, const std::function<void(std::string_view line, std::size_t number)>& use);

/// Calls `use` with each value of the list file at `path`, one a line, and its origin. A std::invalid_argument of `use`
/// becomes a ListError. A file that cannot be read, is no regular file or is too large is a SystemRefusal.
/// Returns the file as one that `option` named.
ReadFile for_each_value(const std::string& option, const std::string& path,
                        const std::function<void(const std::string& value, const std::string& origin)>& use);

}  // namespace config

#endif
