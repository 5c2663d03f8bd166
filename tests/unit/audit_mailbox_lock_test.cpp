// The locks of an mbox, beside a program that delivers to it as Postfix does.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <thread>

#include "audit/mailbox_lock.h"
#include "audit/subcommand.h"
#include "tests/scratch.h"

namespace {

namespace fs = std::filesystem;

using audit::MailboxLock;
using scratch::Directory;
using namespace std::chrono_literals;

const std::string message = "From a@b Mon Jan  5 10:00:00 2026\nMessage-ID: < a@b.example>\n\nbody\n\n";

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

bool try_fcntl(int descriptor, short type) {
  struct flock lock = {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  return ::fcntl(descriptor, F_SETLK, &lock) == 0;
}

/// Another process. It is ready once it calls the function that it is given.
class Other {
 public:
  explicit Other(const std::function<void(const std::function<void()>& ready)>& run) {
    std::array<int, 2> pipe = {};
    EXPECT_EQ(::pipe(pipe.data()), 0);
    child_ = ::fork();
    if (child_ == 0) {
      run([&] { EXPECT_EQ(::write(pipe[1], "x", 1), 1); });
      ::_exit(testing::Test::HasFailure() ? 1 : 0);
    }
    ::close(pipe[1]);
    char c = 0;
    EXPECT_EQ(::read(pipe[0], &c, 1), 1);
    ::close(pipe[0]);
  }
  ~Other() {
    if (child_ <= 0) return;
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }
  Other(const Other&) = delete;
  Other& operator=(const Other&) = delete;

  /// Waits for its end.
  bool has_succeeded() {
    int status = -1;
    ::waitpid(child_, &status, 0);
    child_ = -1;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }

 private:
  pid_t child_ = -1;
};

/// Appends a message as Postfix does: a dotlock, then the open file, then fcntl(2). `with_file` is called with both
/// locks.
void deliver(
    const std::string& mbox, const std::string& text, bool with_dotlock = true,
    const std::function<void()>& with_file = [] {}) {
  for (;;) {
    const std::string dotlock = mbox + ".lock";
    const int lock = with_dotlock ? ::open(dotlock.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0) : -1;
    if (with_dotlock && lock < 0) {
      std::this_thread::sleep_for(1ms);
      continue;
    }
    const int file = ::open(mbox.c_str(), O_WRONLY | O_APPEND);
    struct flock waiting = {};
    waiting.l_type = F_WRLCK;
    waiting.l_whence = SEEK_SET;
    EXPECT_EQ(::fcntl(file, F_SETLKW, &waiting), 0);
    struct stat status = {};
    EXPECT_EQ(::fstat(file, &status), 0);
    const bool is_there = status.st_nlink == 1;  // else Postfix defers
    if (is_there) {
      with_file();
      EXPECT_EQ(::write(file, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    }
    if (with_dotlock) {
      ::unlink(dotlock.c_str());
      ::close(lock);
    }
    ::close(file);
    if (is_there) return;
  }
}

/// What the constructor throws.
std::string refusal(const std::string& path, std::chrono::milliseconds patience = 0ms) {
  try {
    const MailboxLock lock(path, patience);
    return {};
  } catch (const audit::Trouble& trouble) {
    return trouble.what();
  }
}

TEST(MailboxLock, KeepsOtherWritersOut) {
  const Directory directory;
  const std::string mbox = directory.file("mbox", message);
  {
    const MailboxLock lock(mbox);
    const std::string owner = content(mbox + ".lock");
    EXPECT_TRUE(owner.starts_with(std::to_string(::getpid()) + ':')) << owner;
    EXPECT_EQ(content(mbox), message) << "read and closed: a lock of the process would be gone";
    Other other([&](const auto& ready) {
      const int file = ::open(mbox.c_str(), O_RDWR);
      EXPECT_FALSE(try_fcntl(file, F_WRLCK));
      EXPECT_TRUE(try_fcntl(file, F_RDLCK));
      ready();
    });
    EXPECT_TRUE(other.has_succeeded());
    EXPECT_NE(refusal(mbox), "");
  }
  EXPECT_FALSE(fs::exists(mbox + ".lock"));
  EXPECT_EQ(refusal(mbox), "");
}

TEST(MailboxLock, RefusesWhereAnotherHasOneOfThem) {
  const Directory directory;
  const std::string mbox = directory.file("mbox", message);
  const std::string dotlock = directory.file("mbox.lock", "");
  EXPECT_EQ(refusal(mbox, 120ms),
            mbox + ": cannot be locked: another program has made, or has left, " + dotlock + "; left as it is");
  EXPECT_TRUE(fs::exists(dotlock));
  fs::remove(dotlock);

  const Other other([&](const auto& ready) {
    EXPECT_TRUE(try_fcntl(::open(mbox.c_str(), O_RDWR), F_WRLCK));
    ready();
    ::pause();
  });
  EXPECT_EQ(refusal(mbox, 120ms),
            mbox + ": cannot be locked: another program holds a lock on it (fcntl); left as it is");
  EXPECT_FALSE(fs::exists(dotlock)) << "its own";
}

TEST(MailboxLock, WaitsForTheOther) {
  const Directory directory;
  const std::string mbox = directory.file("mbox", message);
  const std::string dotlock = directory.file("mbox.lock", "");
  const Other other([&](const auto& ready) {
    ready();
    std::this_thread::sleep_for(200ms);
    ::unlink(dotlock.c_str());
  });
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(refusal(mbox, 60s), "");
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 150ms);
}

TEST(MailboxLock, LocksBothNamesOfALinkedMailbox) {
  const Directory directory;
  const std::string mbox = directory.file("there/mbox", message);
  const std::string link = directory.path() + "/link";
  const std::string way = directory.path() + "/way";
  fs::create_symlink("there/mbox", link);
  fs::create_directory_symlink("there", way);
  {
    const MailboxLock lock(link);
    EXPECT_TRUE(fs::exists(mbox + ".lock"));
    EXPECT_TRUE(fs::exists(link + ".lock"));
  }
  EXPECT_FALSE(fs::exists(mbox + ".lock"));
  EXPECT_FALSE(fs::exists(link + ".lock"));
  EXPECT_EQ(refusal(way + "/mbox"), "") << "one dotlock, not twice the same";
  directory.file("link.lock", "");
  EXPECT_NE(refusal(link), "");
  EXPECT_FALSE(fs::exists(mbox + ".lock"));
}

TEST(MailboxLock, RefusesWhatCannotBeLocked) {
  const Directory directory;
  const std::string missing = directory.path() + "/missing";
  EXPECT_EQ(refusal(missing), missing + ": cannot be locked: No such file or directory; left as it is");
  const std::string name(NAME_MAX - 2, 'x');
  const std::string mbox = directory.file(name, message);
  EXPECT_EQ(refusal(mbox), mbox + ": cannot be locked: " + mbox + ".lock: File name too long; left as it is");
}

TEST(MailboxLock, LeavesNoDotlockWhenASignalEndsTheProgram) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    const Directory directory;
    const std::string mbox = directory.file("mbox", message);
    Other other([&](const auto& ready) {
      ::signal(signal, SIG_DFL);
      const MailboxLock lock(mbox);
      if (fs::exists(mbox + ".lock")) ready();
      ::raise(signal);
    });
    EXPECT_FALSE(other.has_succeeded());
    EXPECT_FALSE(fs::exists(mbox + ".lock"));
    EXPECT_TRUE(fs::exists(mbox));
  }
}

/// The delivery has begun when fix does: it had the old file open, and what it wrote was lost.
TEST(FixInPlace, WaitsForADelivery) {
  for (const bool with_dotlock : {true, false}) {
    const Directory directory;
    const std::string mbox = directory.file("mbox", message);
    Other other([&](const auto& ready) {
      deliver(mbox, message, with_dotlock, [&] {
        ready();
        std::this_thread::sleep_for(300ms);
      });
    });
    EXPECT_EQ(audit::fix({"--in-place", mbox}), 0);
    EXPECT_TRUE(other.has_succeeded());
    std::string expected = message + message;
    for (std::size_t at; (at = expected.find("< ")) != std::string::npos;) expected.erase(at + 1, 1);
    EXPECT_EQ(content(mbox), expected) << with_dotlock;
    EXPECT_FALSE(fs::exists(mbox + ".lock"));
  }
}

TEST(FixInPlace, LosesNoMailThatIsDeliveredMeanwhile) {
  for (const bool with_dotlock : {true, false}) {
    const Directory directory;
    const std::string mbox = directory.file("mbox", message);
    constexpr int count = 300;
    Other other([&](const auto& ready) {
      ready();
      for (int i = 0; i < count; ++i) {
        deliver(mbox, message, with_dotlock);
        std::this_thread::sleep_for(1ms);
      }
    });
    int fixes = 0;
    for (std::size_t before = 0; before != (count + 1) * message.size();) {
      // The same file is the output: it is no different.
      EXPECT_EQ(++fixes % 2 == 0 ? audit::fix({"--in-place", mbox}) : audit::fix({mbox, "--output", mbox}), 0);
      before = 0;
      const std::string text = content(mbox);
      for (std::size_t at = text.find("From "); at != std::string::npos; at = text.find("From ", at + 1)) {
        before += message.size();
      }
      if (fixes > 20 * count) break;
    }
    EXPECT_TRUE(other.has_succeeded());
    EXPECT_EQ(audit::fix({"--in-place", mbox}), 0);
    const std::string text = content(mbox);
    EXPECT_EQ(text.size(), (count + 1) * (message.size() - 1)) << fixes << " runs";
    EXPECT_GT(fixes, 3) << "they were not at the same time";
  }
}

TEST(FixInPlace, TakesNoLockOnASingleMessage) {
  const Directory directory;
  const std::string name = directory.file("a.eml", "Message-ID: < a@b.example>\n\nbody\n");
  directory.file("a.eml.lock", "");
  EXPECT_EQ(audit::fix({"--in-place", name}), 0);
  EXPECT_EQ(content(name), "Message-ID: <a@b.example>\n\nbody\n");
}

}  // namespace
