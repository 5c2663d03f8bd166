#include "daemon.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <thread>
#include <utility>

namespace fake_mta {
namespace {

using std::chrono::steady_clock;

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

std::string contents(int file) {
  std::string text;
  std::array<char, 16384> buffer;
  for (;;) {
    const ssize_t n = pread(file, buffer.data(), buffer.size(), static_cast<off_t>(text.size()));
    if (n <= 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(n));
  }
}

// Asks `done` every other millisecond until it says yes or the time is up.
template <typename Condition>
bool wait_until(std::chrono::milliseconds limit, Condition done) {
  const auto end = steady_clock::now() + limit;
  for (;;) {
    if (done()) return true;
    if (steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

}  // namespace

TemporaryDirectory::TemporaryDirectory() {
  const char* parent = std::getenv("TMPDIR");
  path_ = std::string(parent == nullptr ? "/tmp" : parent) + "/fake-mta-XXXXXX";
  if (mkdtemp(path_.data()) == nullptr) fail("mkdtemp");
}

TemporaryDirectory::TemporaryDirectory(TemporaryDirectory&& other) noexcept : path_(std::exchange(other.path_, {})) {}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

SocketDirectory::SocketDirectory() {
  const passwd* nobody = getpwnam("nobody");
  if (geteuid() == 0 && (nobody == nullptr || chown(path().c_str(), nobody->pw_uid, nobody->pw_gid) != 0))
    throw std::runtime_error("no user nobody");
}

int free_port() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  const bool bound = bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
                     getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  close(fd);
  if (!bound) fail("bind");
  return ntohs(address.sin_port);
}

Daemon::Daemon(const std::string& program, const std::vector<std::string>& arguments, unsigned long descriptors,
               int errors)
    : output_(memfd_create("stdout", MFD_CLOEXEC)), errors_(memfd_create("stderr", MFD_CLOEXEC)) {
  if (output_ < 0 || errors_ < 0) fail("memfd_create");
  fcntl(output_, F_SETFL, O_APPEND);
  fcntl(errors_, F_SETFL, O_APPEND);
  std::vector<char*> argv = {const_cast<char*>(program.c_str())};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  if (descriptors != 0) files.rlim_cur = std::min<rlim_t>(descriptors, files.rlim_max);

  pid_ = fork();
  if (pid_ < 0) fail("fork");
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // nothing is left behind when a test is killed
    const int input = open("/dev/null", O_RDONLY);
    if (dup2(input, 0) < 0 || dup2(output_, 1) < 0 || dup2(errors < 0 ? errors_ : errors, 2) < 0) _exit(127);
    setrlimit(RLIMIT_NOFILE, &files);
    execv(program.c_str(), argv.data());
    _exit(127);
  }
}

Daemon::Daemon(Daemon&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      output_(std::exchange(other.output_, -1)),
      errors_(std::exchange(other.errors_, -1)),
      status_(other.status_) {}

Daemon::~Daemon() {
  if (pid_ > 0) kill();
  if (output_ >= 0) close(output_);
  if (errors_ >= 0) close(errors_);
}

bool Daemon::ready() {
  bool serving = false;
  wait_until(patience, [&] {
    const bool ended = !running();
    serving = errors().find("serving ") != std::string::npos;
    return serving || ended;
  });
  return serving && running();
}

std::string Daemon::wait_for_line(std::string_view part, std::chrono::milliseconds limit) {
  std::string found;
  wait_until(limit, [&] {
    const bool ended = !running();
    for (const std::string& line : lines())
      if (line.find(part) != line.npos) found = line;
    return !found.empty() || ended;
  });
  return found;
}

std::vector<std::string> Daemon::lines() const {
  std::vector<std::string> lines;
  const std::string text = errors();
  std::size_t begin = 0;
  for (std::size_t end = 0; (end = text.find('\n', begin)) != text.npos; begin = end + 1)
    lines.push_back(text.substr(begin, end - begin));
  return lines;
}

std::string Daemon::output() const {
  return contents(output_);
}
std::string Daemon::errors() const {
  return contents(errors_);
}

bool Daemon::running() {
  if (status_) return false;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) != pid_) return true;
  status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return false;
}

std::optional<int> Daemon::wait(std::chrono::milliseconds limit) {
  wait_until(limit, [&] { return !running(); });
  return status_;
}

void Daemon::terminate() {
  if (running()) ::kill(pid_, SIGTERM);
}

int Daemon::stop() {
  terminate();
  if (!wait()) kill();
  return status_.value();
}

void Daemon::kill() {
  if (!running()) return;
  ::kill(pid_, SIGKILL);
  int status = 0;
  waitpid(pid_, &status, 0);
  status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

long Daemon::peak_memory_kib() const {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/status");
  for (std::string word; file >> word;)
    if (long kib = 0; word == "VmHWM:" && file >> kib) return kib;
  throw std::runtime_error("no VmHWM: the program has ended");
}

std::chrono::nanoseconds Daemon::cpu() const {
  clockid_t clock{};  // /proc/PID/schedstat has only the first thread, /proc/PID/stat only ticks of 10 ms
  timespec time{};
  if (clock_getcpuclockid(pid_, &clock) != 0 || clock_gettime(clock, &time) != 0) fail("clock_getcpuclockid");
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace fake_mta
