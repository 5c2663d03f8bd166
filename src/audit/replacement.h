// A file that is written beside another and takes its place once it is whole: whoever reads that name finds the old
// file or the new one, also after a crash.
#ifndef MSGID_AUDIT_REPLACEMENT_H
#define MSGID_AUDIT_REPLACEMENT_H

#include <sys/stat.h>

#include <string>
#include <string_view>

#include "audit/doomed.h"

namespace audit {

/// Writes to a descriptor, some hundred KB at once; what is not flushed is lost. Throws Trouble: "NAME: No space left
/// on device".
class Output {
 public:
  /// `name` is for what is thrown. The descriptor stays the caller's.
  Output(int descriptor, std::string name);

  void write(std::string_view octets);
  void flush();

 private:
  void write_now(std::string_view octets) const;

  int descriptor_;
  std::string name_;
  std::string waiting_;
};

class Replacement {
 public:
  /// Makes a new file in the directory of `path`, where symbolic links are followed. Throws Trouble.
  explicit Replacement(const std::string& path);

  /// Removes the new file unless it was put in place. So do SIGINT, SIGTERM and SIGHUP, which end the program then.
  ~Replacement();
  Replacement(const Replacement&) = delete;
  Replacement& operator=(const Replacement&) = delete;

  Output& output() { return output_; }

  /// Puts the new file in the place of the old one, on the disk too. It takes over the old one's mode and, where that
  /// is allowed, owner and group; without an old one it has the mode that the umask leaves. Throws Trouble.
  void put_in_place();

  /// The same, and the old one's time; but not if that is no longer the file that `seen` describes.
  void put_in_place_of(const struct stat& seen);

 private:
  void prepare(const struct stat* old);  ///< mode, owner, and the octets on the disk
  void rename();

  std::string path_;
  std::string new_path_;
  int descriptor_;
  Output output_;
  Doomed doomed_;
};

}  // namespace audit

#endif
