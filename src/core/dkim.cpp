#include "msgid/dkim.h"

#include <algorithm>
#include <map>
#include <optional>

#include "core/ascii.h"
#include "msgid/fold.h"

namespace msgid {

namespace {

constexpr std::size_t npos = std::string_view::npos;

/// A header full of signatures must not cost more than its length; no verifier looks at so many.
constexpr std::size_t max_signatures = 100;

/// Of a name in the DNS (RFC 1035 2.3.4). A longer one has no key, and would be copied into every finding.
constexpr std::size_t max_domain_octets = 255;

/// The text up to the next `separator`, trimmed; `rest` becomes what stands behind it.
std::string_view next_piece(std::string_view& rest, char separator) {
  const std::size_t end = std::min(rest.find(separator), rest.size());
  const std::string_view piece = ascii::trim(rest.substr(0, end));
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return piece;
}

using Tags = std::map<std::string_view, std::string_view>;

/// tag-name = ALPHA *ALNUMPUNC; ALNUMPUNC = ALPHA / DIGIT / "_"   ; RFC 6376 3.2
bool is_tag_name(std::string_view name) {
  return !name.empty() && ascii::is_alnum(name.front()) && name.front() > '9' &&
         std::all_of(name.begin(), name.end(), [](char c) { return ascii::is_alnum(c) || c == '_'; });
}

/// tag-list; nothing where it is none. A tag that stands there twice makes the whole list invalid (RFC 6376 3.2).
std::optional<Tags> read_tags(std::string_view list) {
  Tags tags;
  list = ascii::trim(list);
  while (!list.empty()) {
    const std::string_view spec = next_piece(list, ';');
    const std::size_t equals = spec.find('=');
    if (equals == npos) return std::nullopt;
    const std::string_view name = ascii::trim(spec.substr(0, equals));
    if (!is_tag_name(name) || !tags.emplace(name, ascii::trim(spec.substr(equals + 1))).second) return std::nullopt;
  }
  return tags;
}

/// The value of a tag, or nothing where it is not there.
std::string_view value(const Tags& tags, std::string_view name) {
  const auto found = tags.find(name);
  return found == tags.end() ? std::string_view() : found->second;
}

}  // namespace

bool is_signature_field(std::string_view name) noexcept {
  return std::any_of(signature_fields.begin(), signature_fields.end(),
                     [name](std::string_view field) { return same_name(name, field); });
}

std::string relaxed_body(std::string_view body) {
  std::string out;
  out.reserve(body.size());
  bool is_space_due = false;
  for (const char c : unfold(body)) {
    if (c == ' ' || c == '\t') {  // not a LF that is no fold: it would not reach the verifier as white space
      is_space_due = !out.empty();
      continue;
    }
    if (is_space_due) out += ' ';
    is_space_due = false;
    out += c;
  }
  return out;
}

Signatures::Signatures(const FieldList& fields) {
  for (const Field& field : fields) {
    if (!is_signature_field(field.name)) continue;
    if (signatures_.size() == max_signatures) {
      are_complete_ = false;
      break;
    }
    const std::optional<Tags> tags = read_tags(field.body);
    if (!tags) continue;
    const std::string_view domain = value(*tags, "d");
    if (domain.empty() || domain.size() > max_domain_octets) continue;
    Signature signature;
    signature.domain = lower(domain);
    std::string_view canonicalization = value(*tags, "c");  // simple where it is not there
    signature.is_relaxed = next_piece(canonicalization, '/') == "relaxed";
    for (std::string_view rest = value(*tags, "h"); !rest.empty();) {
      const std::string name = lower(next_piece(rest, ':'));
      ++signature.covered[name];
      present_.emplace(name, 0);
    }
    signatures_.push_back(std::move(signature));
  }
  if (signatures_.empty()) return;
  for (const Field& field : fields) {
    const auto found = present_.find(lower(field.name));
    if (found != present_.end()) ++found->second;
  }
}

Survival Signatures::after(const Field& field, std::string_view new_body) const {
  Survival survival;
  const std::string name = lower(field.name);
  const auto present = present_.find(name);
  if (present == present_.end()) return survival;
  const int from_bottom = present->second - field.instance + 1;
  const bool is_same_relaxed = relaxed_body(field.body) == relaxed_body(new_body);
  for (const Signature& signature : signatures_) {
    const auto covered = signature.covered.find(name);
    if (covered == signature.covered.end() || covered->second < from_bottom) continue;
    std::vector<std::string>& list = signature.is_relaxed && is_same_relaxed ? survival.keeps : survival.breaks;
    if (std::find(list.begin(), list.end(), signature.domain) == list.end()) list.push_back(signature.domain);
  }
  return survival;
}

}  // namespace msgid
