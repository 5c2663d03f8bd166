// Files that must not be left when a signal ends the program: SIGHUP, SIGINT and SIGTERM remove them first.
#ifndef MSGID_AUDIT_DOOMED_H
#define MSGID_AUDIT_DOOMED_H

#include <csignal>
#include <cstddef>
#include <string>

namespace audit {

/// Holds the three signals back while it lives: between making a file and dooming it.
class HeldSignals {
 public:
  HeldSignals() noexcept;
  ~HeldSignals();
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;

 private:
  sigset_t before_;
};

/// At most three at a time.
class Doomed {
 public:
  Doomed() = default;
  explicit Doomed(const std::string& path);
  ~Doomed() { spare(); }
  Doomed(Doomed&& other) noexcept;
  Doomed& operator=(Doomed&& other) noexcept;

  /// The signals leave the file alone from now on.
  void spare() noexcept;

 private:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);
  std::size_t place_ = none;
};

}  // namespace audit

#endif
