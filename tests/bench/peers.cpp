#include "peers.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

namespace {

using std::chrono::steady_clock;

std::string replaced(std::string text, const std::string& word, const std::string& by) {
  for (std::size_t at = 0; (at = text.find(word, at)) != text.npos; at += by.size()) text.replace(at, word.size(), by);
  return text;
}

std::vector<std::string> with_places(const std::vector<std::string>& arguments, const std::string& directory) {
  std::vector<std::string> replaced_arguments;
  for (const std::string& argument : arguments)
    replaced_arguments.push_back(replaced(replaced(argument, "SOCKET", directory + "/s"), "DIRECTORY", directory));
  return replaced_arguments;
}

std::chrono::nanoseconds cpu_of(pid_t pid) {
  clockid_t clock{};
  timespec time{};
  if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) != 0)
    throw std::system_error(errno, std::generic_category(), "clock_getcpuclockid");
  std::chrono::nanoseconds sum = std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
  const std::string number = std::to_string(pid);
  std::ifstream children("/proc/" + number + "/task/" + number + "/children");
  for (pid_t child = 0; children >> child;) sum += cpu_of(child);
  return sum;
}

int dev_null() {
  static const int fd = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  return fd;
}

bool succeeds(const std::string& command) {
  return std::system((command + " >/dev/null 2>&1").c_str()) == 0;
}

}  // namespace

Peer::Peer(std::string name, const std::string& program, const Arguments& arguments, bool edits, int errors)
    : name_(std::move(name)), edits_(edits), daemon_(program, with_places(arguments, directory_.path()), 0, errors) {
  const auto end = steady_clock::now() + fake_mta::patience;
  while (driver_ == nullptr) {
    try {
      driver_ = std::make_unique<load::Driver>(address_);
    } catch (const std::exception& error) {
      if (!daemon_.running() || steady_clock::now() > end)
        throw std::runtime_error(name_ + " does not serve: " + error.what() + "\n" + daemon_.errors());
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }
}

std::chrono::nanoseconds Peer::cpu() const {
  return cpu_of(daemon_.pid());
}

namespace peers {

namespace {

Peer::Arguments our_arguments(Peer::Arguments more) {
  Peer::Arguments arguments = {"--config=/dev/null", "--socket=unix:SOCKET"};
  if (geteuid() == 0) arguments.push_back("--user=nobody");
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

/// A directory in which what is written to the socket "log" is taken until the process ends.
const std::string& syslog_directory() {
  static const fake_mta::SocketDirectory directory;
  static const bool is_served = [] {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    (directory / "log").copy(address.sun_path, sizeof address.sun_path - 1);
    const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::chmod(address.sun_path, 0666) != 0)
      return false;
    std::thread([fd] {
      char line[4096];
      while (::recv(fd, line, sizeof line, 0) >= 0) continue;
    }).detach();
    return true;
  }();
  if (!is_served) throw std::runtime_error("no socket for syslog");
  return directory.path();
}

}  // namespace

std::unique_ptr<Peer> ours() {
  return std::make_unique<Peer>(our_name, MSGID_MILTER, our_arguments({"--log=stderr"}), true, dev_null());
}

std::unique_ptr<Peer> ours_with_trail() {
  return std::make_unique<Peer>(our_name, MSGID_MILTER,
                                our_arguments({"--log=stderr", "--audit-log=DIRECTORY/audit.jsonl"}), true, dev_null());
}

// In a mount namespace of its own, where /dev/log is ours.
std::unique_ptr<Peer> ours_with_syslog() {
  if (geteuid() != 0) return nullptr;
  const std::string with_dev_log =
      "mount -t tmpfs dev /dev && mknod -m 666 /dev/null c 1 3 && ln -s \"$0/log\" /dev/log && exec \"$@\"";
  Peer::Arguments arguments = {"-m", "/bin/sh", "-c", with_dev_log, syslog_directory(), MSGID_MILTER};
  for (const std::string& argument : our_arguments({"--log=syslog"})) arguments.push_back(argument);
  return std::make_unique<Peer>(our_name, "/usr/bin/unshare", arguments, true);
}

std::unique_ptr<Peer> noop_libmilter() {
  return std::make_unique<Peer>(libmilter_name, NOOP_MILTER, Peer::Arguments{"unix:SOCKET"}, false);
}

std::unique_ptr<Peer> ours_on(const std::filesystem::path& libmilter) {
  Peer::Arguments arguments = {"LD_LIBRARY_PATH=" + libmilter.string(), MSGID_MILTER};
  for (const std::string& argument : our_arguments({"--log=stderr"})) arguments.push_back(argument);
  return std::make_unique<Peer>(our_name + (", " + libmilter.filename().string()), "/usr/bin/env", arguments, true,
                                dev_null());
}

std::unique_ptr<Peer> noop_libmilter_on(const std::filesystem::path& libmilter) {
  const Peer::Arguments arguments = {"LD_LIBRARY_PATH=" + libmilter.string(), NOOP_MILTER, "unix:SOCKET"};
  return std::make_unique<Peer>(libmilter_name + (", " + libmilter.filename().string()), "/usr/bin/env", arguments,
                                false);
}

std::unique_ptr<Peer> noop_epoll() {
  return std::make_unique<Peer>(epoll_name, NOOP_EPOLL, Peer::Arguments{"unix:SOCKET"}, false);
}

std::unique_ptr<Peer> pymilter() {
  if (!succeeds("/usr/bin/python3 -c 'import Milter'")) return nullptr;
  return std::make_unique<Peer>(pymilter_name, BENCH_SOURCE "/pymilter_filter", Peer::Arguments{"unix:SOCKET"}, true);
}

std::unique_ptr<Peer> rspamd() {
  if (geteuid() != 0 || !succeeds("command -v rspamd")) return nullptr;
  return std::make_unique<Peer>(rspamd_name, BENCH_SOURCE "/rspamd_filter",
                                Peer::Arguments{"DIRECTORY/config", "SOCKET"}, true);
}

}  // namespace peers
