// Starting and stopping: sockets, users, what is refused, and how the program ends.
#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <regex>
#include <sstream>

#include "service.h"

namespace {

using fake_mta::Daemon;
using fake_mta::Session;
using fake_mta::SocketDirectory;

constexpr int refused = 78;
constexpr int in_use = 75;  // for now: the service manager tries again

struct Result {
  std::optional<int> status;
  std::string output;
  std::string errors;
};

Result run(const std::vector<std::string>& arguments) {
  Daemon daemon(program(), arguments);
  Result result;
  result.status = daemon.wait();
  result.output = daemon.output();
  result.errors = daemon.errors();
  return result;
}

struct stat status_of(const std::string& path) {
  struct stat status = {};
  EXPECT_EQ(lstat(path.c_str(), &status), 0) << path << ": " << std::strerror(errno);
  return status;
}

// A socket file that nobody listens on, as a killed daemon leaves it.
void leave_socket(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  close(fd);
}

bool works(const std::string& address) {
  Session mta(address);
  mta.negotiate();
  mta.connect_info("mail.example.com", "192.0.2.1");
  return mta.send(reported_message()).modifications == reported_edit();
}

TEST(Socket, AStaleOneIsReplaced) {
  const SocketDirectory directory;
  const std::string path = directory / "s";
  leave_socket(path);
  Daemon daemon(program(), arguments({"--socket=unix:" + path}));
  ASSERT_TRUE(daemon.ready()) << daemon.errors();
  EXPECT_TRUE(works("unix:" + path));
}

TEST(Socket, TheOneOfAKilledDaemonIsReplaced) {
  const SocketDirectory directory;
  const std::string path = directory / "s";
  Daemon first(program(), arguments({"--socket=unix:" + path}));
  ASSERT_TRUE(first.ready()) << first.errors();
  first.kill();
  Daemon second(program(), arguments({"--socket=unix:" + path}));
  ASSERT_TRUE(second.ready()) << second.errors();
  EXPECT_TRUE(works("unix:" + path));
}

TEST(Socket, ALiveOneIsLeftAlone) {
  Service service;
  Session open = service.session();
  const Result second = run(arguments({"--socket=" + service.address()}));
  EXPECT_EQ(second.status, in_use);
  EXPECT_NE(second.errors.find("socket"), std::string::npos) << second.errors;
  EXPECT_TRUE(works(service.address()));
  EXPECT_EQ(open.send(reported_message()).modifications, reported_edit());
}

// The first one's was moved away, by an administrator say, and a second daemon serves in its place.
TEST(Socket, TheOneOfAnotherDaemonOutlivesTheFirst) {
  const SocketDirectory directory;
  const std::string path = directory / "s";
  Daemon first(program(), arguments({"--socket=unix:" + path}));
  ASSERT_TRUE(first.ready()) << first.errors();
  ASSERT_EQ(std::rename(path.c_str(), (directory / "old").c_str()), 0);
  Daemon second(program(), arguments({"--socket=unix:" + path}));
  ASSERT_TRUE(second.ready()) << second.errors();
  ASSERT_TRUE(works("unix:" + path));
  EXPECT_EQ(first.stop(), 0);
  EXPECT_TRUE(works("unix:" + path));
  EXPECT_EQ(second.stop(), 0);
  struct stat status = {};
  EXPECT_NE(lstat(path.c_str(), &status), 0) << "its own it removes";
}

// Whose it is cannot be told by connecting, so it is not ours to remove.
TEST(Socket, AnotherKindOfSocketIsLeftAlone) {
  const SocketDirectory directory;
  const std::string path = directory / "s";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  const ino_t inode = status_of(path).st_ino;
  const Result result = run(arguments({"--socket=unix:" + path}));
  close(fd);
  EXPECT_EQ(result.status, refused);
  EXPECT_NE(result.errors.find(path), std::string::npos) << result.errors;
  EXPECT_EQ(status_of(path).st_ino, inode);
}

// Nothing is left for root to change afterwards by its name.
TEST(Socket, IsMadeByTheUserAndForTheGroup) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can choose";
  const SocketDirectory directory;
  const std::string path = directory / "s";
  Daemon daemon(program(), {"--config=/dev/null", "--log=stderr", "--user=nobody", "--socket-group=daemon",
                            "--socket-mode=0620", "--socket=unix:" + path});
  ASSERT_TRUE(daemon.ready()) << daemon.errors();
  const struct stat status = status_of(path);
  EXPECT_EQ(status.st_uid, getpwnam("nobody")->pw_uid);
  EXPECT_EQ(status.st_gid, getgrnam("daemon")->gr_gid);
  EXPECT_EQ(status.st_mode & 0777, 0620u);
}

TEST(Socket, ATcpPortInUseIsRefused) {
  Service service({}, Service::Family::tcp);
  const Result second = run(arguments({"--socket=" + service.address()}));
  EXPECT_EQ(second.status, in_use) << second.errors;
  EXPECT_NE(second.errors.find("Address already in use"), std::string::npos) << second.errors;
  EXPECT_TRUE(works(service.address()));
}

TEST(Socket, AFileInItsPlaceIsRefused) {
  const SocketDirectory directory;
  const std::string path = directory / "precious";
  std::ofstream(path) << "text";
  const Result result = run(arguments({"--socket=unix:" + path}));
  EXPECT_EQ(result.status, refused);
  EXPECT_NE(result.errors.find(path), std::string::npos) << result.errors;
  std::stringstream content;
  content << std::ifstream(path).rdbuf();
  EXPECT_EQ(content.str(), "text");
}

TEST(Socket, ALinkInItsPlaceIsNotFollowed) {
  const SocketDirectory directory;
  const std::string target = directory / "precious";
  std::ofstream(target) << "text";
  ASSERT_EQ(symlink(target.c_str(), (directory / "s").c_str()), 0);
  EXPECT_EQ(run(arguments({"--socket=unix:" + (directory / "s")})).status, refused);
  EXPECT_TRUE(S_ISREG(status_of(target).st_mode));
  EXPECT_TRUE(S_ISLNK(status_of(directory / "s").st_mode));
}

TEST(Socket, AMissingDirectoryIsRefused) {
  const SocketDirectory directory;
  const Result result = run(arguments({"--socket=unix:" + (directory / "missing/s")}));
  EXPECT_EQ(result.status, refused);
  EXPECT_NE(result.errors.find(directory / "missing"), std::string::npos) << result.errors;
}

TEST(Socket, HasTheModeAskedFor) {
  const mode_t before = umask(0077);
  for (const auto& [option, mode] : {std::pair{"--socket-mode=0600", 0600}, {"--socket-mode=0666", 0666}, {"", 0660}}) {
    const SocketDirectory directory;
    std::vector<std::string> options = {"--socket=unix:" + (directory / "s")};
    if (*option != '\0') options.push_back(option);
    Daemon daemon(program(), arguments(options));
    ASSERT_TRUE(daemon.ready()) << daemon.errors();
    EXPECT_EQ(status_of(directory / "s").st_mode & 07777, static_cast<mode_t>(mode)) << option;
  }
  umask(before);
}

TEST(Socket, HasTheGroupAskedFor) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  const group* wanted = getgrnam("mail");
  ASSERT_NE(wanted, nullptr);
  const SocketDirectory directory;
  Daemon daemon(program(), arguments({"--socket=unix:" + (directory / "s"), "--socket-group=mail"}));
  ASSERT_TRUE(daemon.ready()) << daemon.errors();
  EXPECT_EQ(status_of(directory / "s").st_gid, wanted->gr_gid);
}

TEST(User, RootIsRefusedToServeWithoutOne) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  const SocketDirectory directory;
  const Result result = run({"--config", "/dev/null", "--log=stderr", "--socket=unix:" + (directory / "s")});
  EXPECT_EQ(result.status, refused);
  EXPECT_NE(result.errors.find("user"), std::string::npos) << result.errors;
  struct stat status = {};
  EXPECT_NE(lstat((directory / "s").c_str(), &status), 0) << "it made a socket all the same";
}

TEST(User, PrivilegesAreGivenUp) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  Service service;
  ASSERT_TRUE(works(service.address()));
  std::ifstream file("/proc/" + std::to_string(service.daemon().pid()) + "/status");
  std::stringstream text;
  text << file.rdbuf();
  const std::string status = text.str();
  const std::string uid = std::to_string(getpwnam("nobody")->pw_uid);
  const std::string gid = std::to_string(getpwnam("nobody")->pw_gid);
  EXPECT_NE(status.find("Uid:\t" + uid + "\t" + uid + "\t" + uid + "\t" + uid), std::string::npos) << status;
  EXPECT_NE(status.find("Gid:\t" + gid + "\t" + gid + "\t" + gid + "\t" + gid), std::string::npos) << status;
  EXPECT_NE(status.find("CapEff:\t0000000000000000"), std::string::npos) << status;
  EXPECT_EQ(status.find("\nGroups:\t0 "), std::string::npos) << status;  // root's own supplementary groups
}

TEST(User, AnUnknownOneIsRefused) {
  const SocketDirectory directory;
  const Result result =
      run({"--config", "/dev/null", "--log=stderr", "--user=no-such-user-here", "--socket=unix:" + (directory / "s")});
  EXPECT_EQ(result.status, refused);
  EXPECT_NE(result.errors.find("no-such-user-here"), std::string::npos) << result.errors;
}

TEST(Commands, ChecksAndPrintsNeedNoUser) {
  const std::vector<std::string> base = {"--config", "/dev/null", "--socket=unix:/nonexistent/s"};
  const auto with = [&](const std::string& command) {
    std::vector<std::string> all = base;
    all.push_back(command);
    return run(all);
  };
  EXPECT_EQ(with("--check-config").status, 0);
  const Result print = with("--print-config");
  EXPECT_EQ(print.status, 0);
  EXPECT_NE(print.output.find("socket = unix:/nonexistent/s"), std::string::npos) << print.output;
  const Result help = run({"--help"});
  EXPECT_EQ(help.status, 0);
  EXPECT_NE(help.output.find("--header-size"), std::string::npos) << help.output;
  const Result version = run({"--version"});
  EXPECT_EQ(version.status, 0);
  EXPECT_TRUE(version.output.starts_with("msgid-milter ")) << version.output;
  // The file that is loaded; the version is its API's, not a release's.
  EXPECT_TRUE(
      std::regex_search(version.output, std::regex("\nlibmilter /\\S+/libmilter\\.so\\S*, API 1\\.\\d\\.\\d\n$")))
      << version.output;
}

TEST(Commands, TheCheckWarnsOfAFileThatMayBeCutShort) {
  const fake_mta::SocketDirectory directory;
  const std::string list = directory / "senders";
  const auto checked = [&](const std::string& text) {
    std::ofstream(list) << text;
    const Result check =
        run({"--config=/dev/null", "--socket=inet:8891@localhost", "--exempt-sender=@" + list, "--check-config"});
    EXPECT_EQ(check.status, 0);
    return check.errors;
  };
  const std::string about = "msgid-milter: warning: " + list + ": exempt-sender: ";
  EXPECT_EQ(checked(""), about + "the file is empty; a file that is meant to be empty holds a comment\n");
  EXPECT_EQ(checked("a.example\nb.exam"),
            about + "the last line has no line end, so the file may be cut short; end the line\n");
  EXPECT_EQ(checked("# nobody\n"), "");
}

TEST(Commands, BadOptionsAreRefusedByName) {
  for (const std::string option : {"--bogus=1", "--header-size=lots", "--rule.missing=fix", "--mode=rewite"}) {
    const Result result = run(arguments({"--socket=unix:/nonexistent/s", option}));
    EXPECT_EQ(result.status, refused) << option;
    const std::string name = option.substr(2, option.find('=') - 2);
    EXPECT_NE(result.errors.find("command line: " + name + ": "), std::string::npos) << result.errors;
  }
}

TEST(Commands, ServingNeedsASocket) {
  const Result result = run(arguments({}));
  EXPECT_EQ(result.status, refused);
  EXPECT_NE(result.errors.find("socket"), std::string::npos) << result.errors;
}

TEST(Start, SaysWhatItServes) {
  Service service({"--mode=log-only"});
  const std::string line = service.daemon().wait_for_line("serving ");
  EXPECT_TRUE(line.starts_with("msgid-milter: serving " + service.address() + " mode=log-only version=")) << line;
}

TEST(Stop, TermEndsItWithStatusZero) {
  Service service({}, Service::Family::tcp);
  EXPECT_EQ(service.daemon().stop(), 0) << service.daemon().errors();
}

TEST(Stop, OpenSessionsDoNotKeepItForLongerThanTheyMay) {
  Service service({"--drain-timeout=0s"});
  Session idle = service.session();
  Session busy = service.session();
  busy.mail("<a@example.com>");
  busy.rcpt("<rcpt@example.com>");
  busy.data();
  busy.header("Message-ID", encoded_body);
  busy.send_raw({});
  EXPECT_EQ(service.daemon().stop(), 0) << service.daemon().errors();
}

// Of an idle session libmilter's worker pool (8.17.1) looks at the timeout every ten minutes only, so what can be
// waited for here is a packet that never becomes whole.
TEST(Stop, ASessionSilentInAPacketIsEndedAfterTheTimeout) {
  Service service({"--timeout=1"});
  Session mta = service.session();
  mta.send_raw(std::string_view("\0\0\0", 3));
  EXPECT_EQ(mta.rest(), "");  // throws if the daemon does not hang up
  EXPECT_TRUE(works(service.address()));
}

}  // namespace
