#include "milter/life.h"

#include <libmilter/mfapi.h>
#include <malloc.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <exception>
#include <new>
#include <string_view>
#include <system_error>
#include <utility>

#include "config/warnings.h"
#include "milter/notify.h"

namespace milter {

namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// How often the status line is looked after, where no watchdog wants more.
constexpr seconds status_interval{10};

/// A connection that was accepted a moment before the stop has not negotiated yet, and is no open session so far. This
/// is for the listener that does not know of it.
constexpr milliseconds grace{100};

constexpr milliseconds drain_interval{20};

/// For what is left to do after the drain.
constexpr seconds at_the_end{10};

/// Settings with long lists are many small blocks below those of their successor: glibc keeps them for itself, and a
/// relay whose lists change daily would seem to leak.
void give_memory_back() {
#ifdef __GLIBC__
  ::malloc_trim(0);
#endif
}

/// For what is only said: without memory for it the service goes on, and says it another time or not at all.
template <class Call>
void where_memory_allows(Call call) noexcept {
  try {
    call();
  } catch (const std::bad_alloc&) {
    return;
  }
}

int event_descriptor() {
  const int descriptor = ::eventfd(0, EFD_CLOEXEC);
  if (descriptor < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  return descriptor;
}

std::string_view name_of(config::Mode mode) {
  return mode == config::Mode::rewrite ? "rewrite" : "log-only";
}

}  // namespace

Life::Life(config::Loaded started, Parts parts, std::function<config::Loaded()> read_again)
    : loaded_at_start_(std::move(started)),
      settings_(parts.service.settings()),
      files_(loaded_at_start_.files),
      parts_(parts),
      read_again_(std::move(read_again)),
      libmilter_ended_(event_descriptor()),
      watchdog_(notify::watchdog()),
      interval_(watchdog_ ? std::min<milliseconds>(duration_cast<milliseconds>(*watchdog_ / 4), status_interval)
                          : status_interval) {
  std::thread([ended = libmilter_ended_, begin = is_to_begin_.get_future().share()] {
    try {
      begin.get();
    } catch (const std::future_error&) {
      return;  // the start ends before run()
    }
    smfi_main();
    const std::uint64_t once = 1;
    static_cast<void>(!::write(ended, &once, sizeof once));
  }).detach();
}

Life::End Life::run() {
  is_to_begin_.set_value();
  say_ready();
  for (;;) {
    if (!wait(tell_again_)) return {std::nullopt, Clock::now()};
    tell_manager();
    while (const std::optional<int> signal = parts_.signals.next()) {
      if (*signal == SIGTERM || *signal == SIGINT) return drain();
      if (*signal == SIGHUP) {
        reload();
      } else {
        reopen_trail();
      }
    }
  }
}

/// Until then, or until there is a signal. False once libmilter has ended by itself.
bool Life::wait(Clock::time_point until) {
  std::array<pollfd, 2> watched{{{parts_.signals.descriptor(), POLLIN, 0}, {libmilter_ended_, POLLIN, 0}}};
  const auto left = std::chrono::ceil<milliseconds>(until - Clock::now());
  ::poll(watched.data(), watched.size(), static_cast<int>(std::max<milliseconds::rep>(left.count(), 0)));
  return (watched[1].revents & POLLIN) == 0;
}

Life::End Life::drain() {
  const OpenSessions& sessions = parts_.service.sessions;
  parts_.listener.cease_to_accept();
  const bool knows_connections = parts_.listener.connections().has_value();
  const auto open = [&] { return std::max(sessions.count(), parts_.listener.connections().value_or(0)); };
  where_memory_allows([&] { parts_.service.log.stopping(open(), settings_->drain_timeout.count()); });
  where_memory_allows([&] { notify::stopping(status(), settings_->drain_timeout + at_the_end); });
  Clock::time_point used = Clock::now();  // there was a session then
  const Clock::time_point end = used + settings_->drain_timeout;
  while (Clock::now() < end && (knows_connections ? open() > 0 : Clock::now() < used + grace)) {
    if (!wait(std::min(end, Clock::now() + drain_interval))) return {std::nullopt, Clock::now()};
    tell_manager();
    while (const std::optional<int> signal = parts_.signals.next()) {
      if (*signal == SIGTERM || *signal == SIGINT) return {open(), Clock::now()};
      if (*signal == SIGUSR1) reopen_trail();
    }
    if (open() > 0) used = Clock::now();
  }
  return {open(), end};
}

void Life::reload() {
  where_memory_allows(notify::reloading);
  try {
    config::Loaded read = read_again_();
    // A file that is being written, or was when the disk was full, must not end log-only or an exemption.
    if (std::string loss = config::loss_between(files_, read.files); !loss.empty()) throw config::StartupError(loss);
    const std::vector<std::string> for_restart = config::changes_for_restart(loaded_at_start_, read);
    const std::vector<std::string> changed = config::changes_by_reload(*settings_, files_, read);
    auto next = std::make_shared<const config::Settings>(std::move(read.settings));
    parts_.service.replace(next);  // may fail; then the old one stays everywhere
    settings_ = std::move(next);
    files_ = std::move(read.files);
    parts_.listener.limit_sessions(settings_->max_sessions);
    parts_.service.counters.reload_taken();
    where_memory_allows([&] {
      parts_.service.log.reloaded(parts_.service.sessions.count_not_under(settings_.get()), name_of(settings_->mode),
                                  changed, for_restart);
    });
    where_memory_allows([&] {
      for (const std::string& line : config::doubtful_files(files_)) parts_.service.log.file_in_doubt(line);
    });
  } catch (const std::exception& error) {
    parts_.service.counters.reload_refused();
    where_memory_allows([&] { parts_.service.log.not_reloaded(error.what()); });
  }
  give_memory_back();
  // A rotated file is to be let go in any case.
  reopen_trail();
  is_ready_told_ = false;
  say_ready();
}

void Life::reopen_trail() {
  if (parts_.service.trail != nullptr) parts_.service.trail->reopen();
}

void Life::say_ready() noexcept {
  where_memory_allows([&] { is_ready_told_ = notify::ready(told_status_ = status()); });
}

void Life::tell_manager() {
  if (Clock::now() < tell_again_) return;
  tell_again_ = Clock::now() + interval_;
  parts_.overload.tell();
  if (parts_.service.trail != nullptr) {
    where_memory_allows([&] { parts_.service.trail->tell(); });
  }
  if (watchdog_) {
    const auto longest = parts_.service.sessions.longest_callback();
    const bool hangs = longest > *watchdog_ / 2;
    if (!hangs) notify::alive();
    if (hangs && !is_hanging_) {
      where_memory_allows([&] { parts_.service.log.callback_hangs(duration_cast<seconds>(longest).count()); });
    }
    is_hanging_ = hangs;
  }
  if (!is_ready_told_) say_ready();
  where_memory_allows([&] {
    std::string now = status();
    if (now != told_status_ && notify::status(now)) told_status_ = std::move(now);
  });
}

std::string Life::status() const {
  std::string text = "mode ";
  text += name_of(settings_->mode);
  text += ", open sessions: ";
  text += std::to_string(parts_.service.sessions.count());
  const Counters& counters = parts_.service.counters;
  Counters::Number messages = 0;
  for (const MessageOutcome outcome : all_message_outcomes) messages += counters.messages(outcome);
  text += ", messages: ";
  text += std::to_string(messages);
  text += ", with findings: ";
  text += std::to_string(counters.messages(MessageOutcome::affected));
  return text;
}

}  // namespace milter
