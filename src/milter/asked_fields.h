// Which fields of a message any session wants to see.
#ifndef MSGID_MILTER_ASKED_FIELDS_H
#define MSGID_MILTER_ASKED_FIELDS_H

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"

namespace milter {

/// Those of all settings there have been: a session keeps what it began with over a reload. So there are only ever
/// more of them: what a reload takes away comes to libmilter until the next start, and is passed over by the session.
class AskedFields {
 public:
  explicit AskedFields(const config::Settings& settings) { add(settings); }

  /// Before a session begins under these settings.
  void add(const config::Settings& settings);

  /// On any thread, at any time; no lock and no allocation.
  bool has(std::string_view name) const noexcept;

 private:
  struct Names {
    void add(std::string_view name);
    bool has(std::string_view name) const noexcept;

    std::vector<std::string> names;
    std::uint64_t lengths = 0;  ///< bit n: one has n octets; bit 63: so many or more. Most fields differ from all in it
    bool is_all = false;
  };

  std::mutex mutex_;
  std::vector<std::unique_ptr<const Names>> all_;  ///< who looks at one may do so for any time; the last is the newest
  std::atomic<const Names*> newest_ = nullptr;
};

}  // namespace milter

#endif
