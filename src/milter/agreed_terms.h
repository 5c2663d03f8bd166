// What was agreed on with the MTA, for as long as its connection may go on.
#ifndef MSGID_MILTER_AGREED_TERMS_H
#define MSGID_MILTER_AGREED_TERMS_H

#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

#include "config/settings.h"

namespace milter {

struct Terms {
  unsigned long protocol = 0;  ///< SMFIP_ bits
  bool may_change = false;
  bool wants_recipients = false;
  bool wants_user = false;
  std::shared_ptr<const config::Settings> settings{};  ///< they follow from these
};

/// The terms by connection. After SMFIC_QUIT_NC an MTA goes on with the next SMTP connection and does not negotiate
/// again; libmilter 8.17.1 calls xxfi_close before it all the same, and wants its private data gone. The end of a
/// connection is not reported, so an entry stays until its address is used again: as many as there ever were at a time.
/// It does not keep settings alive, which may hold long lists.
class AgreedTerms {
 public:
  void put(const void* connection, const Terms& terms) {
    const std::lock_guard lock(mutex_);
    Entry& entry = entries_[connection];
    entry = {terms, terms.settings};
    entry.terms.settings.reset();
  }

  void erase(const void* connection) {
    const std::lock_guard lock(mutex_);
    entries_.erase(connection);
  }

  /// With the settings of then, or `now` where no session has those any more and a reload has replaced them. What `now`
  /// would ask for beyond what was agreed on is not had: a right to change fields, recipients.
  std::optional<Terms> find(const void* connection, std::shared_ptr<const config::Settings> now) const {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(connection);
    if (found == entries_.end()) return std::nullopt;
    Terms terms = found->second.terms;
    terms.settings = found->second.settings.lock();
    if (terms.settings == nullptr) {
      terms.settings = std::move(now);
      terms.may_change = terms.may_change && terms.settings->mode == config::Mode::rewrite;
      terms.wants_user = terms.wants_user || terms.settings->scope.exempt_authenticated;
    }
    return terms;
  }

 private:
  struct Entry {
    Terms terms;  ///< without the settings
    std::weak_ptr<const config::Settings> settings;
  };

  mutable std::mutex mutex_;
  std::unordered_map<const void*, Entry> entries_;
};

}  // namespace milter

#endif
