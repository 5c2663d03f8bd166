#include "milter/loaded_libmilter.h"

#include <dlfcn.h>
#include <libmilter/mfapi.h>
#include <link.h>
#include <sys/select.h>

#include <algorithm>
#include <climits>
#include <cstdint>
#include <filesystem>
#include <sstream>
#include <system_error>

#include "libmilter_calls.h"  // made by cmake/LibmilterCalls.cmake

namespace milter {

namespace {

/// What the object takes from others. In its symbol table these come before those that the hash table has
/// (DT_GNU_HASH: number of buckets, index of the first symbol that it has, ...; DT_HASH: number of buckets, of
/// symbols).
std::vector<std::string> undefined_symbols(const link_map& object) {
  const auto* symbols = static_cast<const ElfW(Sym)*>(nullptr);
  const char* names = nullptr;
  const std::uint32_t* count = nullptr;
  for (const ElfW(Dyn)* entry = object.l_ld; entry->d_tag != DT_NULL; ++entry) {
    // glibc has added the base to these addresses already, musl has not.
    const std::uintptr_t value = entry->d_un.d_ptr;
    const std::uintptr_t address = value < object.l_addr ? value + object.l_addr : value;
    if (entry->d_tag == DT_SYMTAB) symbols = reinterpret_cast<const ElfW(Sym)*>(address);
    if (entry->d_tag == DT_STRTAB) names = reinterpret_cast<const char*>(address);
    if (entry->d_tag == DT_GNU_HASH || (entry->d_tag == DT_HASH && count == nullptr))
      count = reinterpret_cast<const std::uint32_t*>(address) + 1;
  }
  std::vector<std::string> found;
  if (symbols == nullptr || names == nullptr || count == nullptr) return found;
  for (std::uint32_t i = 1; i < *count; ++i) {
    if (symbols[i].st_shndx == SHN_UNDEF) found.emplace_back(names + symbols[i].st_name);
  }
  return found;
}

std::string smfi_version_text() {
  unsigned int major = 0;
  unsigned int minor = 0;
  unsigned int patch = 0;
  smfi_version(&major, &minor, &patch);
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
}

}  // namespace

LoadedLibmilter loaded_libmilter() {
  // &smfi_main may be an entry of this program that leads there. It is the function where that is linked in.
  void* function = ::dlsym(RTLD_DEFAULT, "smfi_main");
  if (function == nullptr) function = reinterpret_cast<void*>(&smfi_main);
  Dl_info info = {};
  LoadedLibmilter loaded;
  loaded.api_version = smfi_version_text();
  if (::dladdr(function, &info) == 0) return loaded;
  std::error_code error;
  loaded.file = std::filesystem::canonical(info.dli_fname, error);
  if (error) loaded.file = info.dli_fname;
  const link_map* object = nullptr;
  void* const library = ::dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD);  // which it keeps to the end
  if (library != nullptr && ::dlinfo(library, RTLD_DI_LINKMAP, &object) == 0) loaded.calls = undefined_symbols(*object);
  return loaded;
}

bool LoadedLibmilter::has_call(std::string_view name) const {
  return std::find(calls.begin(), calls.end(), name) != calls.end();
}

int LoadedLibmilter::descriptors() const {
  return has_call("poll") || has_call("__poll_chk") ? INT_MAX : FD_SETSIZE;
}

std::string LoadedLibmilter::obstacle() const {
  std::istringstream lines{std::string(libmilter_calls)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string kind;
    words >> kind;
    bool has_one = false;
    for (std::string name; words >> name;) {
      if (kind == "never" && has_call(name)) return "it calls " + name + "()";
      has_one |= has_call(name);
    }
    if (kind == "one-of" && !has_one) return "it calls none of: " + line.substr(kind.size() + 1);
  }
  return {};
}

}  // namespace milter
