#include "audit/inputs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

namespace audit {

namespace {

namespace fs = std::filesystem;

bool is_maildir(const std::string& directory) {
  std::error_code ignored;
  return fs::is_directory(directory + "/cur", ignored) && fs::is_directory(directory + "/new", ignored);
}

/// The names in a directory, in the order of their octets; sets `error` where it cannot be read.
std::vector<std::string> names_in(const std::string& directory, std::error_code& error) {
  std::vector<std::string> names;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
    names.push_back(entry->path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

std::string system_error_text(int error) {
  return std::system_category().message(error);
}

Inputs::Inputs(std::vector<std::string> arguments, TroubleSink trouble) : trouble_(std::move(trouble)) {
  if (arguments.empty()) arguments.emplace_back("-");
  levels_.push_back({{}, std::move(arguments), 0});
}

int Inputs::open_next(std::string& name) {
  while (!levels_.empty()) {
    Level& level = levels_.back();
    if (level.next == level.names.size()) {
      if (levels_.size() == 1) return -1;
      levels_.pop_back();
      continue;
    }
    name = level.directory + level.names[level.next++];
    const int descriptor = levels_.size() == 1 ? open_argument(name) : open_entry(name);
    if (descriptor >= 0) return descriptor;
  }
  return -1;
}

int Inputs::open_argument(const std::string& name) {
  if (name == "-") {
    // So that the caller may close it, and a second "-" finds it at its end.
    const int descriptor = ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
    if (descriptor < 0) trouble_(name, system_error_text(errno));
    return descriptor;
  }
  const int descriptor = ::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  struct stat status = {};
  if (descriptor < 0 || ::fstat(descriptor, &status) != 0) {
    trouble_(name, system_error_text(errno));
    return -1;
  }
  if (!S_ISDIR(status.st_mode)) return descriptor;
  ::close(descriptor);
  enter(name);
  return -1;
}

int Inputs::open_entry(const std::string& path) {
  struct stat status = {};
  if (::lstat(path.c_str(), &status) != 0) {
    trouble_(path, system_error_text(errno));
    return -1;
  }
  if (S_ISDIR(status.st_mode)) {
    enter(path);
    return -1;
  }
  if (path[path.rfind('/') + 1] == '.') return -1;  // of an MH folder, a desktop, an NFS client
  // What lstat saw may be replaced before it is opened: a link is not followed then, and a FIFO does not block.
  const int descriptor =
      S_ISREG(status.st_mode) ? ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) : -1;
  if (S_ISREG(status.st_mode) && descriptor < 0) {
    trouble_(path, system_error_text(errno));
    return -1;
  }
  if (descriptor >= 0 && ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode)) return descriptor;
  if (descriptor >= 0) ::close(descriptor);
  trouble_(path, S_ISLNK(status.st_mode) ? "a symbolic link: passed over" : "not a regular file: passed over");
  return -1;
}

void Inputs::enter(const std::string& directory) {
  std::error_code error;
  std::vector<std::string> names = names_in(directory, error);
  if (error) {
    trouble_(directory, error.message());
    return;
  }
  const std::string prefix = directory.ends_with('/') ? directory : directory + '/';
  if (is_maildir(directory)) {
    // Beside mail in delivery (tmp) a Maildir has lists and caches of the servers that use it.
    std::erase_if(
        names, [&](const std::string& name) { return name != "cur" && name != "new" && !is_maildir(prefix + name); });
  }
  levels_.push_back({prefix, std::move(names), 0});
}

double Inputs::progress(double of_current) const {
  double share = of_current;
  for (std::size_t i = levels_.size(); i-- > 0;) {
    const Level& level = levels_[i];
    if (level.next > 0) share = (static_cast<double>(level.next - 1) + share) / static_cast<double>(level.names.size());
  }
  return share;
}

}  // namespace audit
