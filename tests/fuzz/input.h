// What the fuzz targets share: how a promise is checked, and the two ways to read an input.
#ifndef MSGID_TESTS_FUZZ_INPUT_H
#define MSGID_TESTS_FUZZ_INPUT_H

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

namespace fuzz {

using Octets = std::span<const std::uint8_t>;
using Words = std::span<const std::string_view>;

inline void expect(bool holds, std::string_view promise, std::string_view text = {}) {
  if (holds) return;
  std::fprintf(stderr, "broken promise: %.*s\n%.*s\n", static_cast<int>(promise.size()), promise.data(),
               static_cast<int>(text.size()), text.data());
  std::abort();
}

/// The first octet chooses: the rest as it is, or each octet of it for one of the words, which are rich in the
/// grammar's own characters.
inline std::string text_of(Octets input, Words words) {
  std::string text;
  if (input.empty()) return text;
  const bool is_mapped = (input.front() & 1U) != 0;
  for (const std::uint8_t octet : input.subspan(1)) {
    if (is_mapped) {
      text += words[octet % words.size()];
    } else {
      text += static_cast<char>(octet);
    }
  }
  return text;
}

/// A file in memory, for what is read by its path only.
class MemoryFile {
 public:
  MemoryFile() : descriptor_(::memfd_create("fuzz", MFD_CLOEXEC)), path_("/proc/self/fd/") {
    if (descriptor_ < 0) std::abort();
    path_ += std::to_string(descriptor_);
  }
  ~MemoryFile() { ::close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  void write(std::string_view content) const {
    if (::ftruncate(descriptor_, 0) != 0 || ::pwrite(descriptor_, content.data(), content.size(), 0) < 0) std::abort();
  }
  const std::string& path() const { return path_; }

 private:
  int descriptor_;
  std::string path_;
};

}  // namespace fuzz

#endif
