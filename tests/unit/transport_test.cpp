#include "milter/transport.h"

#include <gtest/gtest.h>
#include <libmilter/mfdef.h>

#include <string>

namespace {

using milter::transport::scan;
using milter::transport::Scanned;

std::string packet(char command, const std::string& data = {}) {
  const std::size_t size = data.size() + 1;
  std::string text;
  for (const unsigned shift : {24U, 16U, 8U, 0U}) text += static_cast<char>(size >> shift & 0xFFU);
  return text + command + data;
}

constexpr unsigned long all_silent = SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_MAIL | SMFIP_NR_RCPT | SMFIP_NR_DATA |
                                     SMFIP_NR_HDR | SMFIP_NR_EOH | SMFIP_NR_BODY | SMFIP_NR_UNKN;

TEST(Transport, MacrosNeverWantAnAnswer) {
  EXPECT_FALSE(milter::transport::wants_answer(SMFIC_MACRO, 0));
  EXPECT_FALSE(milter::transport::wants_answer(SMFIC_MACRO, all_silent));
}

TEST(Transport, AStepWantsAnAnswerUnlessThatWasNegotiated) {
  const std::pair<char, unsigned long> steps[] = {
      {SMFIC_CONNECT, SMFIP_NR_CONN}, {SMFIC_HELO, SMFIP_NR_HELO}, {SMFIC_MAIL, SMFIP_NR_MAIL},
      {SMFIC_RCPT, SMFIP_NR_RCPT},    {SMFIC_DATA, SMFIP_NR_DATA}, {SMFIC_HEADER, SMFIP_NR_HDR},
      {SMFIC_EOH, SMFIP_NR_EOH},      {SMFIC_BODY, SMFIP_NR_BODY}, {SMFIC_UNKNOWN, SMFIP_NR_UNKN}};
  for (const auto& [command, bit] : steps) {
    EXPECT_TRUE(milter::transport::wants_answer(command, 0)) << command;
    EXPECT_TRUE(milter::transport::wants_answer(command, all_silent & ~bit)) << command;
    EXPECT_FALSE(milter::transport::wants_answer(command, bit)) << command;
  }
  for (const char command : {SMFIC_OPTNEG, SMFIC_BODYEOB, SMFIC_QUIT, SMFIC_QUIT_NC, SMFIC_ABORT, '?', '\0'}) {
    EXPECT_TRUE(milter::transport::wants_answer(command, all_silent)) << command;
  }
}

TEST(Transport, WhatWantsNoAnswerWaitsForWhatDoes) {
  const std::string silent = packet(SMFIC_MACRO, "Li") + packet(SMFIC_HEADER, std::string("Name\0 body\0", 11));
  const Scanned waiting = scan(silent, 0, all_silent);
  EXPECT_FALSE(waiting.is_to_be_shown);
  EXPECT_EQ(waiting.octets, silent.size());
  const std::string all = silent + packet(SMFIC_BODYEOB);
  for (std::size_t size = 0; size < all.size(); ++size) {
    EXPECT_FALSE(scan(std::span(all).first(size), 0, all_silent).is_to_be_shown) << size;
  }
  EXPECT_TRUE(scan(all, 0, all_silent).is_to_be_shown);
  EXPECT_TRUE(scan(all, waiting.octets, all_silent).is_to_be_shown) << "a scan goes on where the last one ended";
  EXPECT_TRUE(scan(silent, 0, 0).is_to_be_shown) << "nothing was negotiated";
}

TEST(Transport, WhatLibmilterRefusesIsShownAtOnce) {
  EXPECT_TRUE(scan(std::string("\0\0\0\0L", 5), 0, all_silent).is_to_be_shown);
  EXPECT_TRUE(scan(std::string("\xff\xff\xff\xffL", 5), 0, all_silent).is_to_be_shown);
  EXPECT_TRUE(scan(std::string("\0\1\0\1L", 5), 0, all_silent).is_to_be_shown);
  EXPECT_FALSE(scan(std::string("\0\1\0\0L", 5), 0, all_silent).is_to_be_shown) << "the longest that it takes";
}

}  // namespace
