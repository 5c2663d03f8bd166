#include "audit/mailbox_lock.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <filesystem>
#include <thread>

#include "audit/inputs.h"
#include "audit/subcommand.h"

namespace audit {

namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const std::string& path, const std::string& reason) {
  throw Trouble(path + ": cannot be locked: " + reason + "; left as it is");
}

/// The dotlocks' names. In one directory, whatever links lead to it, a file has one.
std::vector<std::string> lock_names(const std::string& path) {
  std::error_code error;
  const fs::path given = path;
  const fs::path target = fs::canonical(given, error);
  if (error) fail(path, error.message());
  const fs::path directory = given.has_parent_path() ? given.parent_path() : fs::path(".");
  const fs::path name = fs::canonical(directory, error) / given.filename();
  std::vector<std::string> names = {target.string() + ".lock"};
  if (!error && name != target) names.push_back(name.string() + ".lock");
  return names;
}

/// As Dovecot writes it, so that others can tell whether the process that made it still runs.
void write_owner(int descriptor) {
  std::array<char, HOST_NAME_MAX + 1> host = {};
  ::gethostname(host.data(), host.size() - 1);
  const std::string owner = std::to_string(::getpid()) + ':' + host.data();
  // A dotlock without it is one too.
  [[maybe_unused]] const ssize_t written = ::write(descriptor, owner.data(), owner.size());
}

}  // namespace

MailboxLock::MailboxLock(const std::string& path, std::chrono::milliseconds patience) {
  constexpr std::chrono::milliseconds pause{50};
  const std::vector<std::string> names = lock_names(path);
  const auto deadline = std::chrono::steady_clock::now() + patience;
  dotlocks_.reserve(names.size());
  try {
    for (;;) {
      const std::string holder = try_once(path, names);
      if (holder.empty()) return;
      release();
      if (std::chrono::steady_clock::now() >= deadline) fail(path, holder);
      std::this_thread::sleep_for(pause);
    }
  } catch (...) {
    release();
    throw;
  }
}

/// Returns which lock another program has; nothing where it has none, and we have both.
std::string MailboxLock::try_once(const std::string& path, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const HeldSignals held;
    const int file = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0444);
    if (file < 0 && errno == EEXIST) return "another program has made, or has left, " + name;
    if (file < 0) fail(path, name + ": " + system_error_text(errno));
    dotlocks_.push_back({name, Doomed(name)});
    write_owner(file);
    ::close(file);
  }
  descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  // A lock for reading keeps every writer out, and needs no right to write; what reads goes on with the old file. One
  // that belongs to the open file description stays when the file is read and closed by another descriptor.
  struct flock lock = {};
  lock.l_type = F_RDLCK;
  lock.l_whence = SEEK_SET;
  if (descriptor_ >= 0 && ::fcntl(descriptor_, F_OFD_SETLK, &lock) == 0) return {};
  if (descriptor_ >= 0 && (errno == EAGAIN || errno == EACCES)) return "another program holds a lock on it (fcntl)";
  fail(path, system_error_text(errno));
}

void MailboxLock::release() noexcept {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
  for (Dotlock& lock : dotlocks_) {
    const HeldSignals held;
    ::unlink(lock.path.c_str());
    lock.doomed.spare();
  }
  dotlocks_.clear();
}

}  // namespace audit
