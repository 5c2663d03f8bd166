// Which files the arguments of the command line name: opens one after the other, directories walked.
#ifndef MSGID_AUDIT_INPUTS_H
#define MSGID_AUDIT_INPUTS_H

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace audit {

/// Told of each file that could not be read, or not be read to its end, and why; others go on. Neither text is escaped.
using TroubleSink = std::function<void(std::string_view file, std::string_view reason)>;

/// What errno says, "No such file or directory".
std::string system_error_text(int error);

/// See Source about what is read of a directory.
///
/// A Maildir may be in use: servers move mail from new/ to cur/ and rename it there when its flags change, and the part
/// of a name before ":2," stays. So both are listed at once, new/ before cur/, and what is gone when its turn comes is
/// looked for under another name at the end. What is not found, in any directory, is reported once, with its number.
class Inputs {
 public:
  Inputs(std::vector<std::string> arguments, TroubleSink trouble);

  /// Opens the next file for reading and sets `name`; the caller closes it. -1 at the end.
  int open_next(std::string& name);

  /// How many of them are done, 0 to 1, if `of_current` of the file opened last is.
  double progress(double of_current) const;

 private:
  enum class Kind : std::uint8_t {
    arguments,
    directory,
    maildir,       ///< the name "cur" in it is for the mail of cur/ and new/
    maildir_mail,  ///< names are "cur/NAME" and "new/NAME"
  };
  struct Level {
    Kind kind;
    std::string directory;           ///< empty for the arguments; else with a slash at the end
    std::vector<std::string> names;  ///< in a directory, sorted
    std::size_t next = 0;
    std::vector<bool> were_opened = {};  ///< those of the names that were; of the mail of a Maildir only
    /// Names that were listed and then gone; in a Maildir by the part that stays.
    std::map<std::string, std::string, std::less<>> vanished = {};
    int rounds = 0;  ///< how often they were looked for
  };

  int open_argument(const std::string& name);
  int open_entry(Level& level, const std::string& name);
  void pass_over(const std::string& path, bool is_link);
  void enter(const std::string& directory);
  std::vector<std::string> list(const std::string& directory);
  std::vector<std::string> list_mail(const std::string& maildir);
  bool find_vanished(Level& level);
  static bool was_opened(const Level& level, const std::string& base);
  void report_vanished(const Level& level);

  TroubleSink trouble_;
  std::vector<Level> levels_;
};

}  // namespace audit

#endif
