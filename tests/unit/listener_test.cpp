#include "milter/listener.h"

#include <grp.h>
#include <gtest/gtest.h>
#include <libmilter/mfapi.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "tests/scratch.h"

namespace {

/// What a child process, which may do what it likes with its ids, has to say.
std::string said_by_child(const std::function<std::string()>& work) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe(ends.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const std::string said = work();
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

/// "" or "OPTION: REASON".
std::string said_by(const std::function<void()>& work) {
  try {
    work();
    return {};
  } catch (const milter::ListenError& error) {
    return error.option + ": " + error.what();
  }
}

std::string said_by_drop_privileges(const std::string& user, const std::string& group = {}) {
  return said_by([&] {
    config::Settings settings;
    settings.user = user;
    settings.group = group;
    milter::drop_privileges(settings);
  });
}

/// What drop_privileges() says to a service that was started as `nobody`.
std::string said_to_nobody(const std::string& group) {
  const passwd nobody = *::getpwnam("nobody");
  return said_by_child([&]() -> std::string {
    if (::setgroups(0, nullptr) != 0 || ::setgid(nobody.pw_gid) != 0 || ::setuid(nobody.pw_uid) != 0) {
      return "not nobody";
    }
    return said_by_drop_privileges("nobody", group);
  });
}

/// From now on this system call of this process does nothing: it fails with `error`, or with 0 pretends to have worked.
/// `only_for`: where its second argument is that.
bool disable(std::uint32_t call, std::uint32_t error, std::optional<std::uint32_t> only_for = {}) {
  constexpr std::uint32_t number = offsetof(seccomp_data, nr);
  constexpr std::uint32_t second = offsetof(seccomp_data, args) + sizeof(std::uint64_t);  // little-endian
  std::array<sock_filter, 6> filter = {{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, number),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, second),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, only_for.value_or(0), 0, only_for ? std::uint8_t{1} : std::uint8_t{0}),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  const sock_fprog program = {filter.size(), filter.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

// It was passed over without a word, and the socket had another group than the configuration says.
TEST(Listener, AGroupThatOnlyRootCouldTakeIsRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "skipped: it needs root";
  EXPECT_EQ(said_to_nobody(""), "");
  EXPECT_EQ(said_to_nobody(::getgrgid(::getpwnam("nobody")->pw_gid)->gr_name), "");
  EXPECT_EQ(said_to_nobody("daemon"), "group: only a start as root can take it; a unit has it as Group=");
}

// The service went on as a user whose real id was still root's.
TEST(Listener, AFailedReturnToRootEndsTheStart) {
  if (::geteuid() != 0) GTEST_SKIP() << "skipped: it needs root";
  if (::prctl(PR_GET_SECCOMP) < 0) GTEST_SKIP() << "skipped: no seccomp(2) here, as under QEMU";
  const scratch::Directory directory;
  ASSERT_EQ(::chmod(directory.path().c_str(), 0777), 0);
  const std::string said = said_by_child([&]() -> std::string {
    std::string name = "test";
    smfiDesc filter = {};
    filter.xxfi_name = name.data();
    filter.xxfi_version = SMFI_VERSION;
    if (smfi_register(filter) != MI_SUCCESS) return "not registered";
    // glibc's seteuid(0) is setresuid(-1, 0, -1).
    if (!disable(SYS_setresuid, EPERM, 0)) return "no filter";
    return said_by([&] {
      config::Settings settings;
      settings.user = "nobody";
      settings.socket.is_unix = true;
      settings.socket.path = directory.path() + "/s";
      const milter::Listener listener(settings, {}, {});
    });
  });
  EXPECT_EQ(said, "user: cannot become root again: Operation not permitted");
}

TEST(Listener, IdsOfRootThatAreLeftAreRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "skipped: it needs root";
  const passwd nobody = *::getpwnam("nobody");
  EXPECT_EQ(said_by_child([&] { return said_by_drop_privileges("nobody"); }), "");
  const auto with_users = [&](uid_t real, uid_t saved) {
    return said_by_child([&, real, saved]() -> std::string {
      if (::setgroups(0, nullptr) != 0 || ::setgid(nobody.pw_gid) != 0) return "not nobody's group";
      return ::setresuid(real, nobody.pw_uid, saved) == 0 ? said_by_drop_privileges("nobody") : "not nobody";
    });
  };
  const auto with_groups = [&](gid_t real, gid_t saved) {
    return said_by_child([&, real, saved]() -> std::string {
      if (::setgroups(0, nullptr) != 0 || ::setresgid(real, nobody.pw_gid, saved) != 0) return "not nobody's group";
      return ::setuid(nobody.pw_uid) == 0 ? said_by_drop_privileges("nobody") : "not nobody";
    });
  };
  const auto left = [](const std::string& kind, uid_t real, uid_t effective, uid_t saved) {
    return "user: the real, effective and saved " + kind + " ids are " + std::to_string(real) + ", " +
           std::to_string(effective) + " and " + std::to_string(saved) + "; all must be " + std::to_string(effective);
  };
  const uid_t uid = nobody.pw_uid;
  const gid_t gid = nobody.pw_gid;
  EXPECT_EQ(with_users(0, uid), left("user", 0, uid, uid));
  EXPECT_EQ(with_users(uid, 0), left("user", uid, uid, 0));
  EXPECT_EQ(with_groups(0, gid), left("group", 0, gid, gid));
  EXPECT_EQ(with_groups(gid, 0), left("group", gid, gid, 0));
  EXPECT_EQ(with_groups(gid, gid), "");
  // Without a user of the configuration, it serves as it was started.
  EXPECT_EQ(said_by_child([&]() -> std::string {
              return ::setresuid(0, nobody.pw_uid, nobody.pw_uid) == 0 ? said_by_drop_privileges("") : "not nobody";
            }),
            left("user", 0, uid, uid));
}

TEST(Listener, AChangeOfUserThatDidNothingIsRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "skipped: it needs root";
  if (::prctl(PR_GET_SECCOMP) < 0) GTEST_SKIP() << "skipped: no seccomp(2) here, as under QEMU";
  const auto without = [](std::uint32_t call) {
    return said_by_child([call] { return disable(call, 0) ? said_by_drop_privileges("nobody") : "no filter"; });
  };
  const passwd nobody = *::getpwnam("nobody");
  const std::string ids = " ids are 0, 0 and 0; all must be ";
  EXPECT_EQ(without(SYS_setuid), "user: the real, effective and saved user" + ids + std::to_string(nobody.pw_uid));
  EXPECT_EQ(without(SYS_setgid), "user: the real, effective and saved group" + ids + std::to_string(nobody.pw_gid));
}

}  // namespace
