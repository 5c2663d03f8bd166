// What the hostile tests share: a daemon that is looked at before and after.
#ifndef HOSTILE_H
#define HOSTILE_H

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "octets.h"
#include "service.h"

namespace hostile {

/// While it lives, a variable of the environment has another value.
class Environment {
 public:
  Environment(const char* name, const std::string& value);
  ~Environment();
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  const char* name_;
  std::optional<std::string> before_;
};

/// The daemon. At the end of the test it must have no session and no descriptor more than at first, and stop at once
/// with status 0.
class Victim {
 public:
  explicit Victim(const std::vector<std::string>& options = {}, Service::Family family = Service::Family::unix_socket);
  ~Victim();
  Victim(const Victim&) = delete;
  Victim& operator=(const Victim&) = delete;

  const std::string& address() const { return service_->address(); }
  fake_mta::Daemon& daemon() { return service_->daemon(); }
  fake_mta::Session session(const fake_mta::Terms& offer = {}) { return service_->session(offer); }

  /// What it answers to these octets, sent at once on a connection that is then closed for sending.
  std::string answers(std::string_view octets) const;

  /// A new session, and its message, get the right answer.
  testing::AssertionResult serves();

  /// Soon it takes hardly any CPU time: it waits, and does not turn.
  testing::AssertionResult idles();

  std::size_t descriptors();
  /// No more of them than at the start, soon.
  testing::AssertionResult has_let_go();

 private:
  std::optional<Service> service_;
  std::size_t descriptors_at_start_ = 0;
};

/// Raises this process's limit of open files to `wanted`, which a daemon inherits. Returns false if that is not
/// allowed.
bool may_have_descriptors(rlim_t wanted);

/// All of it are whole packets with codes of answers.
testing::AssertionResult is_well_formed(std::string_view answers);

}  // namespace hostile

#endif
