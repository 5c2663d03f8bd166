#include "milter/listener.h"

#include <grp.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <string>

namespace {

/// What drop_privileges() says to a service that was started as `nobody`: "" or "OPTION: REASON".
std::string said_to_nobody(const std::string& group) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe(ends.data()), 0);
  const passwd nobody = *::getpwnam("nobody");
  const pid_t child = ::fork();
  if (child == 0) {
    std::string said = "not nobody";
    if (::setgroups(0, nullptr) == 0 && ::setgid(nobody.pw_gid) == 0 && ::setuid(nobody.pw_uid) == 0) {
      config::Settings settings;
      settings.user = "nobody";
      settings.group = group;
      try {
        milter::drop_privileges(settings);
        said.clear();
      } catch (const milter::ListenError& error) {
        said = error.option + ": " + error.what();
      }
    }
    ::_exit(::write(ends[1], said.data(), said.size()) == static_cast<ssize_t>(said.size()) ? 0 : 1);
  }
  ::close(ends[1]);
  std::string said(1000, '\0');
  const ssize_t count = ::read(ends[0], said.data(), said.size());
  said.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  ::close(ends[0]);
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  return said;
}

// It was passed over without a word, and the socket had another group than the configuration says.
TEST(Listener, AGroupThatOnlyRootCouldTakeIsRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "skipped: it needs root";
  EXPECT_EQ(said_to_nobody(""), "");
  EXPECT_EQ(said_to_nobody(::getgrgid(::getpwnam("nobody")->pw_gid)->gr_name), "");
  EXPECT_EQ(said_to_nobody("daemon"), "group: only a start as root can take it; a unit has it as Group=");
}

}  // namespace
