// Which files the arguments of the command line name: opens one after the other, directories walked.
#ifndef MSGID_AUDIT_INPUTS_H
#define MSGID_AUDIT_INPUTS_H

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace audit {

/// Told of each file that could not be read, or not be read to its end, and why; others go on. Neither text is escaped.
using TroubleSink = std::function<void(std::string_view file, std::string_view reason)>;

/// What errno says, "No such file or directory".
std::string system_error_text(int error);

/// See Source about what is read of a directory.
class Inputs {
 public:
  Inputs(std::vector<std::string> arguments, TroubleSink trouble);

  /// Opens the next file for reading and sets `name`; the caller closes it. -1 at the end.
  int open_next(std::string& name);

  /// How many of them are done, 0 to 1, if `of_current` of the file opened last is.
  double progress(double of_current) const;

 private:
  struct Level {
    std::string directory;  ///< empty for the arguments; else with a slash at the end
    std::vector<std::string> names;
    std::size_t next = 0;
  };

  int open_argument(const std::string& name);
  int open_entry(const std::string& path);
  void enter(const std::string& directory);

  TroubleSink trouble_;
  std::vector<Level> levels_;
};

}  // namespace audit

#endif
