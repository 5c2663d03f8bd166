#include "msgid/field.h"

#include <algorithm>

#include "core/ascii.h"

namespace msgid {

bool detail::same_letters(std::string_view a, std::string_view b) noexcept {
  // Nearly everybody writes a name as the RFC does.
  return a == b ||
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return ascii::lower(x) == ascii::lower(y); });
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), ascii::lower);
  return result;
}

bool is_field_name(std::string_view name) noexcept {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) { return c > 32 && c < 127 && c != ':'; });
}

}  // namespace msgid
