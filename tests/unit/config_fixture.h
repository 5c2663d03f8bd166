// What the tests of the configuration share.
#ifndef MSGID_TESTS_CONFIG_FIXTURE_H
#define MSGID_TESTS_CONFIG_FIXTURE_H

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "config/options.h"

namespace config_fixture {

using Arguments = std::vector<std::string>;

inline const std::string any_socket = "--socket=inet:8891@localhost";

/// A file of its own directory, both gone at the end.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& text) {
    std::string pattern = (std::filesystem::temp_directory_path() / "msgid-config-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    directory_ = pattern;
    write(text);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  void write(const std::string& text) const { std::ofstream(path(), std::ios::binary) << text; }
  std::string path() const { return (directory_ / "c.conf").string(); }

 private:
  std::filesystem::path directory_;
};

/// Without the system's own file, and as if Postfix were not there.
inline config::Loaded load(const Arguments& arguments) {
  return config::load(arguments, "/nonexistent/msgid-milter.conf", "/nonexistent");
}

inline config::Loaded load_file(const std::string& text, const Arguments& more = {}) {
  const TemporaryFile file(text);
  Arguments arguments{"--config", file.path()};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return load(arguments);
}

template <class Load>
std::string error_of(Load load_it) {
  try {
    load_it();
  } catch (const config::StartupError& error) {
    return error.what();
  }
  return "no error";
}

inline std::string argument_error(const Arguments& arguments) {
  return error_of([&] { load(arguments); });
}

/// The error of a file's text, "FILE" for its path.
inline std::string file_error(const std::string& text) {
  const TemporaryFile file(text);
  std::string error = error_of([&] { load({"--config=" + file.path()}); });
  for (auto at = error.find(file.path()); at != std::string::npos; at = error.find(file.path())) {
    error.replace(at, file.path().size(), "FILE");
  }
  return error;
}

inline std::string printed(const config::Loaded& loaded) {
  std::ostringstream out;
  config::print_config(out, loaded);
  return out.str();
}

inline std::string contents(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path.string());
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace config_fixture

#endif
