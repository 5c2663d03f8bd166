#include "milter/loaded_libmilter.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <set>
#include <sstream>

namespace {

using milter::LoadedLibmilter;

const std::vector<std::string> calls_of_debian = {"accept",         "bind", "close", "listen", "poll",
                                                  "pthread_create", "read", "write", "writev"};

std::string obstacle(std::vector<std::string> calls) {
  return LoadedLibmilter{.file = {}, .api_version = {}, .calls = std::move(calls)}.obstacle();
}

std::vector<std::string> without(const std::string& name) {
  std::vector<std::string> calls = calls_of_debian;
  std::erase(calls, name);
  return calls;
}

std::vector<std::string> with(const std::string& name) {
  std::vector<std::string> calls = calls_of_debian;
  calls.push_back(name);
  return calls;
}

TEST(LoadedLibmilter, IsFoundAndFits) {
  const LoadedLibmilter loaded = milter::loaded_libmilter();
  EXPECT_NE(loaded.file.find("/libmilter.so"), std::string::npos) << loaded.file;
  EXPECT_EQ(loaded.api_version, "1.0.1");
  EXPECT_TRUE(loaded.has_call("accept"));
  EXPECT_TRUE(loaded.has_call("pthread_mutex_lock")) << "also what is none of ours";
  EXPECT_FALSE(loaded.has_call("smfi_main")) << "that is its own";
  EXPECT_EQ(loaded.obstacle(), "");
}

TEST(LoadedLibmilter, FitsHoweverItWaits) {
  EXPECT_EQ(obstacle(calls_of_debian), "");
  for (const std::string name : {"__poll_chk", "select", "__select64"}) {
    std::vector<std::string> calls = without("poll");
    calls.push_back(name);
    EXPECT_EQ(obstacle(calls), "") << name;
  }
}

TEST(LoadedLibmilter, DoesNotFitWithoutACall) {
  for (const std::string name : {"accept", "bind", "close", "listen", "pthread_create"})
    EXPECT_EQ(obstacle(without(name)), "it calls none of: " + name);
  EXPECT_EQ(obstacle(without("poll")), "it calls none of: poll __poll_chk select __select64");
  EXPECT_EQ(obstacle(without("read")), "it calls none of: read __read_chk");
  EXPECT_EQ(obstacle({}), "it calls none of: accept");
}

TEST(LoadedLibmilter, DoesNotFitWithACallThatWouldPassUsBy) {
  for (const std::string name : {"accept4", "epoll_wait", "ppoll", "pselect", "readv", "recv", "__recv_chk", "recvfrom",
                                 "recvmsg", "send", "sendmsg", "sendto"})
    EXPECT_EQ(obstacle(with(name)), "it calls " + name + "()");
}

/// The names in the list of the calls, with `never` or without.
std::set<std::string> listed(bool never) {
  std::ifstream file(MSGID_SOURCE_DIR "/src/milter/libmilter_calls.list");
  std::set<std::string> names;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string kind;
    words >> kind;
    if (!kind.starts_with('#') && (kind == "never") == never)
      for (std::string name; words >> name;) names.insert(name);
  }
  return names;
}

// A definition that nobody lists would take calls without a word, and one that is listed and missing would take none.
TEST(LibmilterCalls, AreThoseThatTheProgramExports) {
  const std::string command = "nm -D --defined-only " MSGID_MILTER;
  std::FILE* const pipe = ::popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string output;
  std::array<char, 4096> block{};
  while (const std::size_t count = std::fread(block.data(), 1, block.size(), pipe)) output.append(block.data(), count);
  ASSERT_EQ(::pclose(pipe), 0);
  std::set<std::string> exported;
  std::istringstream lines(output);
  for (std::string address, type, name; lines >> address >> type >> name;) {
    // C++ functions are there for libraries that have the same templates.
    if (type == "T" && !name.starts_with("_Z")) exported.insert(name.substr(0, name.find('@')));
  }
  EXPECT_EQ(exported, listed(false));
  for (const std::string& name : listed(true)) EXPECT_FALSE(exported.contains(name)) << name;
}

}  // namespace
