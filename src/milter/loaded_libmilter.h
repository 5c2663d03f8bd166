// The libmilter that the dynamic linker has loaded. It can be another than at the build: an update needs no rebuild.
#ifndef MSGID_MILTER_LOADED_LIBMILTER_H
#define MSGID_MILTER_LOADED_LIBMILTER_H

#include <string>
#include <string_view>
#include <vector>

namespace milter {

struct LoadedLibmilter {
  std::string file;                ///< its path, without links
  std::string api_version;         ///< smfi_version(); every release from 8.14 to 8.18.2 says 1.0.1
  std::vector<std::string> calls;  ///< the functions of other libraries that it calls, by name

  bool has_call(std::string_view name) const;

  /// It takes descriptors less than this: FD_SETSIZE if it waits by select(2).
  int descriptors() const;

  /// Why the transport (transport.h) cannot be used with this library: a call that would not come to us, or one that
  /// is missing. Empty if it can. libmilter_calls.list has the names.
  std::string obstacle() const;
};

/// Reads the symbol table of the library that smfi_main() is in.
LoadedLibmilter loaded_libmilter();

}  // namespace milter

#endif
