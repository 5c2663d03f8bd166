#include "hostile.h"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

namespace hostile {

using fake_mta::Session;
namespace code = fake_mta::code;

Environment::Environment(const char* name, const std::string& value) : name_(name) {
  if (const char* before = std::getenv(name)) before_ = before;
  setenv(name, value.c_str(), 1);
}

Environment::~Environment() {
  if (before_) {
    setenv(name_, before_->c_str(), 1);
  } else {
    unsetenv(name_);
  }
}

bool may_have_descriptors(rlim_t wanted) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < wanted && limit.rlim_max >= wanted) {
    limit.rlim_cur = wanted;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  return limit.rlim_cur >= wanted;
}

Victim::Victim(const std::vector<std::string>& options, Service::Family family) {
  // What AddressSanitizer keeps of freed memory is to be less than what is measured here.
  const Environment environment("ASAN_OPTIONS",
                                "quarantine_size_mb=1:thread_local_quarantine_size_kb=16:handle_abort=1:"
                                "verify_asan_link_order=0");  // failing_allocator.h comes before it
  service_.emplace(options, family);
  EXPECT_TRUE(serves());
  descriptors_at_start_ = descriptors();
}

Victim::~Victim() {
  if (!daemon().running()) {
    ADD_FAILURE() << "the daemon has ended:\n" << daemon().errors();
    return;
  }
  EXPECT_TRUE(has_let_go());
  daemon().terminate();
  EXPECT_EQ(daemon().wait(), 0);
  EXPECT_EQ(daemon().wait_for_line("stopped"), "msgid-milter: stopped cut-sessions=0");
}

std::string Victim::answers(std::string_view octets) const {
  Session mta(address());
  return mta.exchange(octets);
}

testing::AssertionResult Victim::serves() {
  try {
    Session mta = session();
    const fake_mta::Outcome outcome = mta.send(reported_message());
    if (outcome.modifications != reported_edit() || outcome.verdict != code::go_on)
      return testing::AssertionFailure() << "a normal message got " << outcome.modifications.size() << " edits and '"
                                         << outcome.verdict << "'";
    mta.quit();
    mta.rest();
    return testing::AssertionSuccess();
  } catch (const std::exception& error) {
    return testing::AssertionFailure() << "a normal session: " << error.what();
  }
}

std::size_t Victim::descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry :
       std::filesystem::directory_iterator("/proc/" + std::to_string(daemon().pid()) + "/fd"))
    ++count;
  return count;
}

testing::AssertionResult Victim::idles() {
  constexpr std::chrono::milliseconds window(200);
  constexpr int windows = 3;  // in one of them a busy machine may not let it turn
  std::chrono::nanoseconds used(0);
  int quiet = 0;
  for (const auto end = std::chrono::steady_clock::now() + fake_mta::patience;
       std::chrono::steady_clock::now() < end;) {
    const auto before = daemon().cpu();
    std::this_thread::sleep_for(window);
    used = daemon().cpu() - before;
    quiet = used < window / 4 ? quiet + 1 : 0;
    if (quiet == windows) return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << used / std::chrono::milliseconds(1) << " ms of CPU in " << window.count();
}

testing::AssertionResult Victim::has_let_go() {
  const auto end = std::chrono::steady_clock::now() + fake_mta::patience;
  std::size_t now = descriptors();
  while (now > descriptors_at_start_ && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    now = descriptors();
  }
  if (now <= descriptors_at_start_) return testing::AssertionSuccess();
  return testing::AssertionFailure() << now << " descriptors, " << descriptors_at_start_ << " at the start";
}

testing::AssertionResult is_well_formed(std::string_view answers) {
  const auto octet = [&](std::size_t i) { return std::size_t{static_cast<unsigned char>(answers[i])}; };
  while (!answers.empty()) {
    if (answers.size() < 5) return testing::AssertionFailure() << "half a packet: " << hex(answers);
    const std::size_t length = octet(0) << 24U | octet(1) << 16U | octet(2) << 8U | octet(3);
    if (length < 1 || length > answers.size() - 4 || std::string_view("Ocm").find(answers[4]) == std::string_view::npos)
      return testing::AssertionFailure() << "not an answer: " << hex(answers);
    answers.remove_prefix(4 + length);
  }
  return testing::AssertionSuccess();
}

}  // namespace hostile
