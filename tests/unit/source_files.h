// Files of the source tree, for tests that compare documents with the code.
#ifndef MSGID_TESTS_SOURCE_FILES_H
#define MSGID_TESTS_SOURCE_FILES_H

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace source_files {

inline const std::filesystem::path source = MSGID_SOURCE_DIR;

/// The whole text. A file that is missing or empty fails the test.
inline std::string contents(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_FALSE(text.str().empty()) << path;
  return text.str();
}

}  // namespace source_files

#endif
