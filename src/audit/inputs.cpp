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

constexpr std::string_view info_mark = ":2,";

/// What of a name stays when a message is moved or its flags change: "1795256431.M1P3.host" of
/// "cur/1795256431.M1P3.host:2,S".
std::string_view base_of(std::string_view name) {
  name.remove_prefix(name.rfind('/') + 1);
  return name.substr(0, name.rfind(info_mark));
}

}  // namespace

std::string system_error_text(int error) {
  return std::system_category().message(error);
}

Inputs::Inputs(std::vector<std::string> arguments, TroubleSink trouble) : trouble_(std::move(trouble)) {
  if (arguments.empty()) arguments.emplace_back("-");
  levels_.push_back({Kind::arguments, {}, std::move(arguments)});
}

int Inputs::open_next(std::string& name) {
  while (!levels_.empty()) {
    Level& level = levels_.back();
    if (level.next == level.names.size()) {
      if (levels_.size() == 1) return -1;
      if (find_vanished(level)) continue;
      report_vanished(level);
      levels_.pop_back();
      continue;
    }
    const std::string entry = level.names[level.next++];
    name = level.directory + entry;
    if (level.kind == Kind::maildir && entry == "cur") {
      levels_.push_back({Kind::maildir_mail, level.directory, list_mail(level.directory)});
      continue;
    }
    const int descriptor = level.kind == Kind::arguments ? open_argument(name) : open_entry(level, entry);
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

int Inputs::open_entry(Level& level, const std::string& name) {
  const std::string path = level.directory + name;
  const auto fail = [&](int error) {
    if (error == ENOENT) {
      const std::string_view key = level.kind == Kind::maildir_mail ? base_of(name) : std::string_view(name);
      level.vanished.insert_or_assign(std::string(key), name);
    } else {
      trouble_(path, system_error_text(error));
    }
    return -1;
  };
  struct stat status = {};
  if (::lstat(path.c_str(), &status) != 0) return fail(errno);
  if (S_ISDIR(status.st_mode)) {
    enter(path);
    return -1;
  }
  if (path[path.rfind('/') + 1] == '.') return -1;  // of an MH folder, a desktop, an NFS client
  // What lstat saw may be replaced before it is opened: a link is not followed then, and a FIFO does not block.
  const int descriptor =
      S_ISREG(status.st_mode) ? ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) : -1;
  if (S_ISREG(status.st_mode) && descriptor < 0) return fail(errno);
  if (descriptor >= 0 && ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode)) {
    if (level.kind == Kind::maildir_mail) {
      level.were_opened.resize(level.names.size());
      level.were_opened[level.next - 1] = true;
    }
    return descriptor;
  }
  if (descriptor >= 0) ::close(descriptor);
  pass_over(path, S_ISLNK(status.st_mode));
  return -1;
}

void Inputs::pass_over(const std::string& path, bool is_link) {
  trouble_(path, is_link ? "a symbolic link: passed over" : "not a regular file: passed over");
}

void Inputs::enter(const std::string& directory) {
  const std::string prefix = directory.ends_with('/') ? directory : directory + '/';
  std::vector<std::string> names = list(directory);
  Kind kind = Kind::directory;
  if (is_maildir(directory)) {
    // Beside mail in delivery (tmp) a Maildir has lists and caches of the servers that use it.
    std::erase_if(names, [&](const std::string& name) { return name != "cur" && !is_maildir(prefix + name); });
    kind = Kind::maildir;
  }
  levels_.push_back({kind, prefix, std::move(names)});
}

std::vector<std::string> Inputs::list(const std::string& directory) {
  std::error_code error;
  std::vector<std::string> names = names_in(directory, error);
  if (!error) return names;
  trouble_(directory, error.message());
  return {};
}

/// new/ comes first: a message that is moved in between is in both lists then, and in the other order in none.
std::vector<std::string> Inputs::list_mail(const std::string& maildir) {
  std::vector<std::string> all;
  for (const char* const part : {"new", "cur"}) {
    struct stat status = {};
    const std::string directory = maildir + part;
    if (::lstat(directory.c_str(), &status) == 0 && !S_ISDIR(status.st_mode)) {
      pass_over(directory, S_ISLNK(status.st_mode));
      continue;
    }
    for (const std::string& name : list(directory)) all.push_back(std::string(part) + '/' + name);
  }
  std::sort(all.begin(), all.end());
  return all;
}

/// Whether a message was opened under any of the names that were listed for it: one that is renamed while its directory
/// is read may be listed under both.
bool Inputs::was_opened(const Level& level, const std::string& base) {
  const std::string with_info = base + std::string(info_mark);
  for (const std::string& beginning : {"cur/" + base, "cur/" + with_info, "new/" + base, "new/" + with_info}) {
    auto name = std::lower_bound(level.names.begin(), level.names.end(), beginning);
    for (; name != level.names.end() && base_of(*name) == base; ++name) {
      if (level.were_opened[static_cast<std::size_t>(name - level.names.begin())]) return true;
    }
  }
  return false;
}

/// Makes what has another name now the next names of the level; false if nothing was found. A server that renames
/// without end ends this too.
bool Inputs::find_vanished(Level& level) {
  constexpr int max_rounds = 3;
  if (level.kind != Kind::maildir_mail) return false;
  level.were_opened.resize(level.names.size());
  std::erase_if(level.vanished, [&](const auto& row) { return was_opened(level, row.first); });
  level.names.clear();
  while (level.names.empty() && !level.vanished.empty() && level.rounds < max_rounds) {
    ++level.rounds;
    level.names = list_mail(level.directory);
    std::erase_if(level.names, [&](const std::string& name) { return !level.vanished.contains(base_of(name)); });
  }
  for (const std::string& name : level.names) {
    const auto found = level.vanished.find(base_of(name));
    if (found != level.vanished.end()) level.vanished.erase(found);
  }
  level.were_opened.assign(level.names.size(), false);
  level.next = 0;
  return !level.names.empty();
}

void Inputs::report_vanished(const Level& level) {
  if (level.vanished.empty()) return;
  const std::size_t count = level.vanished.size();
  const std::string& first = level.vanished.begin()->second;
  trouble_(level.directory.substr(0, std::max<std::size_t>(1, level.directory.size() - 1)),
           std::to_string(count) + (count == 1 ? " file" : " files") +
               " vanished while the directory was read: " + (count == 1 ? "" : "first ") + first);
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
