// Who may include whom: include/msgid <- core <- report, config <- milter, audit. And libmilter, mimetic each in one
// room.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>

namespace {

namespace fs = std::filesystem;

using Rooms = std::set<std::string>;

const std::map<std::string, Rooms> may_include = {
    {"include/msgid", {"msgid"}},
    {"src/core", {"msgid", "core", "mimetic", "boost"}},
    {"src/config", {"msgid", "config", "boost"}},
    {"src/report", {"msgid", "report", "nlohmann"}},
    {"src/milter", {"msgid", "config", "report", "milter", "libmilter", "systemd"}},
    {"src/audit", {"msgid", "config", "report", "audit", "mimetic", "boost"}},
};

/// Headers with a slash that are the system's, not a room's.
const Rooms system_folders = {"sys", "netinet", "arpa", "linux"};

/// The first folder of an include line's path; empty for other lines and for headers without a folder.
std::string included_room(const std::string& line) {
  static const std::string directive = "#include ";
  const std::size_t slash = line.find('/');
  if (!line.starts_with(directive) || slash == std::string::npos) return {};
  const std::size_t begin = directive.size() + 1;
  const std::string room = line.substr(begin, slash - begin);
  return room.find_first_of(">\"") == std::string::npos ? room : std::string();
}

TEST(Includes, KeepToTheRooms) {
  int lines = 0;
  for (const auto& [folder, allowed] : may_include) {
    const fs::path path = fs::path(MSGID_SOURCE_DIR) / folder;
    if (!fs::exists(path)) continue;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(path)) {
      std::ifstream file(entry.path());
      for (std::string line; std::getline(file, line);) {
        const std::string room = included_room(line);
        if (room.empty() || system_folders.contains(room)) continue;
        ++lines;
        EXPECT_TRUE(allowed.contains(room)) << entry.path() << ": " << line;
      }
    }
  }
  EXPECT_GT(lines, 40);
}

TEST(Includes, EveryFolderIsARoom) {
  for (const fs::directory_entry& entry : fs::directory_iterator(MSGID_SOURCE_DIR "/src")) {
    if (entry.is_directory()) {
      EXPECT_TRUE(may_include.contains("src/" + entry.path().filename().string())) << entry.path();
    }
  }
}

TEST(Includes, MimeticIsInOneFileOfTheCoreAndOneOfTheTool) {
  Rooms files;
  for (const char* room : {"/src/core", "/src/audit"}) {
    for (const fs::directory_entry& entry : fs::directory_iterator(MSGID_SOURCE_DIR + std::string(room))) {
      std::ifstream file(entry.path());
      for (std::string line; std::getline(file, line);) {
        if (line.starts_with("#include <mimetic")) files.insert(entry.path().filename());
      }
    }
  }
  EXPECT_EQ(files, (Rooms{"encoded_word.cpp", "parts.cpp"}));
}

}  // namespace
