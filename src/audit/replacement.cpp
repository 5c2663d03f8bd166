#include "audit/replacement.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <utility>

#include "audit/inputs.h"
#include "audit/subcommand.h"

namespace audit {

namespace {

constexpr std::size_t write_octets = 256U << 10U;
[[noreturn]] void fail(const std::string& name, int error) {
  throw Trouble(name + ": " + system_error_text(error));
}

/// Where a name leads to through symbolic links; the name itself where nothing is there.
std::string resolved(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr), &std::free);
  if (real == nullptr && errno != ENOENT) fail(path, errno);
  return real == nullptr ? path : real.get();
}

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

bool is_same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_size == b.st_size &&
         a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

}  // namespace

Output::Output(int descriptor, std::string name) : descriptor_(descriptor), name_(std::move(name)) {}

void Output::write(std::string_view octets) {
  if (waiting_.size() + octets.size() > write_octets) flush();
  if (octets.size() > write_octets) {
    write_now(octets);
  } else {
    waiting_ += octets;
  }
}

void Output::flush() {
  write_now(waiting_);
  waiting_.clear();
}

void Output::write_now(std::string_view octets) const {
  while (!octets.empty()) {
    const ssize_t done = ::write(descriptor_, octets.data(), octets.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) fail(name_, errno);
    octets.remove_prefix(static_cast<std::size_t>(done));
  }
}

// A name that begins with "." is no message to a reader of a Maildir.
Replacement::Replacement(const std::string& path)
    : path_(resolved(path)),
      new_path_(directory_of(path_) + (directory_of(path_) == "." ? "/" : "") + ".msgid-audit-XXXXXX"),
      descriptor_(-1),
      output_(-1, path) {
  const HeldSignals held;
  descriptor_ = ::mkostemp(new_path_.data(), O_CLOEXEC);
  if (descriptor_ < 0) fail(path, errno);
  doomed_ = Doomed(new_path_);
  output_ = Output(descriptor_, path);
}

Replacement::~Replacement() {
  ::close(descriptor_);
  if (!new_path_.empty()) ::unlink(new_path_.c_str());
}

void Replacement::put_in_place() {
  struct stat old = {};
  prepare(::stat(path_.c_str(), &old) == 0 ? &old : nullptr);
  rename();
}

void Replacement::put_in_place_of(const struct stat& seen) {
  output_.flush();
  const std::array<timespec, 2> times = {seen.st_atim, seen.st_mtim};
  ::futimens(descriptor_, times.data());
  prepare(&seen);
  // What takes long is done: mail that was delivered meanwhile is seen here.
  struct stat now = {};
  if (::stat(path_.c_str(), &now) != 0) fail(path_, errno);
  if (!is_same_file(seen, now)) throw Trouble(path_ + ": changed while it was read; left as it is");
  rename();
}

void Replacement::prepare(const struct stat* old) {
  output_.flush();
  mode_t mode = 0;
  if (old == nullptr) {
    const mode_t mask = ::umask(0);
    ::umask(mask);
    mode = 0666U & ~mask;
  } else {
    // Who may not give a file away keeps the new one; it must not run with somebody else's rights then.
    // One of them may be allowed where both together are not.
    const bool has_group = ::fchown(descriptor_, static_cast<uid_t>(-1), old->st_gid) == 0;
    const bool has_owner = ::fchown(descriptor_, old->st_uid, static_cast<gid_t>(-1)) == 0;
    mode = old->st_mode & (has_owner && has_group ? 07777U : 0777U);
    // Members of a group that it did not have before get no more than everybody did.
    if (!has_group) mode = (mode & ~070U) | (mode & (mode & 07U) << 3U);
  }
  if (::fchmod(descriptor_, mode) != 0 || ::fsync(descriptor_) != 0) fail(path_, errno);
}

void Replacement::rename() {
  if (::rename(new_path_.c_str(), path_.c_str()) != 0) fail(path_, errno);
  new_path_.clear();
  doomed_.spare();
  const int directory = ::open(directory_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0)
    return;  // may be searched and written, not read: the rename is done, and the disk learns of it later
  ::fsync(directory);
  ::close(directory);
}

}  // namespace audit
