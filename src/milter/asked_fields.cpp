#include "milter/asked_fields.h"

#include <algorithm>

#include "milter/session.h"

namespace milter {

namespace {

std::uint64_t length_bit(std::string_view name) {
  return std::uint64_t{1} << std::min<std::size_t>(name.size(), 63);
}

}  // namespace

void AskedFields::Names::add(std::string_view name) {
  if (has(name)) return;
  names.emplace_back(name);
  lengths |= length_bit(name);
}

bool AskedFields::Names::has(std::string_view name) const noexcept {
  if (is_all) return true;
  if ((lengths & length_bit(name)) == 0) return false;
  return std::any_of(names.begin(), names.end(),
                     [name](const std::string& known) { return msgid::same_name(known, name); });
}

void AskedFields::add(const config::Settings& settings) {
  const std::lock_guard lock(mutex_);
  auto next = all_.empty() ? std::make_unique<Names>() : std::make_unique<Names>(*all_.back());
  for (const std::string_view name : fields_looked_at(settings)) next->add(name);
  if (settings.policy.exchange == msgid::RuleAction::report) next->is_all = true;
  const bool has_more =
      all_.empty() || next->is_all != all_.back()->is_all || next->names.size() != all_.back()->names.size();
  if (!has_more) return;
  all_.push_back(std::move(next));
  newest_.store(all_.back().get(), std::memory_order_release);
}

bool AskedFields::has(std::string_view name) const noexcept {
  return newest_.load(std::memory_order_acquire)->has(name);
}

}  // namespace milter
