#include "msgid/kept_fields.h"

#include <algorithm>
#include <string>
#include <utility>

namespace msgid {

KeptFields::KeptFields(const Policy& policy)
    : policy_(policy), instances_(policy.fields.size() + signature_fields.size() + 1, 0) {}

bool KeptFields::wants(std::string_view name) const noexcept {
  return policy_.find(name) != nullptr || is_context_field(name);
}

void KeptFields::add(std::string_view name, std::string_view body) {
  const ListedField* const listed = policy_.find(name);
  const bool is_signature = listed == nullptr && is_signature_field(name);
  const bool is_wanted = is_signature ? !lacks_signatures_ : listed != nullptr || is_context_field(name);
  if (is_over_size_ || !is_wanted) return;
  const int instance = ++instance_of(name, listed);
  const std::size_t octets = name.size() + body.size();
  octets_ += octets;
  if (is_signature) signature_octets_ += octets;
  if (octets_ > policy_.header_size && policy_.signed_fields == SignedFields::rewrite) {
    leave_signatures_out();
    if (is_signature) return;
  }
  if (octets_ > policy_.header_size) {
    is_over_size_ = true;
    lacks_signatures_ = false;  // whether one came before depends on the order
    FieldList().swap(fields_);  // clear() would keep the memory
    return;
  }
  fields_.push_back({std::string(name), std::string(body), instance});
}

void KeptFields::leave_signatures_out() {
  std::erase_if(fields_, [this](const Field& field) {
    return is_signature_field(field.name) && policy_.find(field.name) == nullptr;
  });
  octets_ -= std::exchange(signature_octets_, 0);
  lacks_signatures_ = true;
}

int& KeptFields::instance_of(std::string_view name, const ListedField* listed) noexcept {
  if (listed != nullptr) return instances_[static_cast<std::size_t>(listed - policy_.fields.data())];
  // The correlator has the row after the last signature.
  const auto row = std::find_if(signature_fields.begin(), signature_fields.end(),
                                [name](std::string_view field) { return same_name(name, field); });
  return instances_[policy_.fields.size() + static_cast<std::size_t>(row - signature_fields.begin())];
}

void KeptFields::clear() noexcept {
  fields_.clear();
  std::fill(instances_.begin(), instances_.end(), 0);
  octets_ = 0;
  signature_octets_ = 0;
  is_over_size_ = false;
  lacks_signatures_ = false;
}

}  // namespace msgid
