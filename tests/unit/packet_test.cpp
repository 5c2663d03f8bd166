#include "milter/packet.h"

#include <gtest/gtest.h>
#include <libmilter/mfdef.h>

#include <string>

#include "tests/wire.h"

namespace {

using milter::packet::scan;
using milter::packet::Scanned;
using wire::packet;

constexpr unsigned long all_silent = SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_MAIL | SMFIP_NR_RCPT | SMFIP_NR_DATA |
                                     SMFIP_NR_HDR | SMFIP_NR_EOH | SMFIP_NR_BODY | SMFIP_NR_UNKN;

TEST(Packet, MacrosNeverWantAnAnswer) {
  EXPECT_FALSE(milter::packet::wants_answer(SMFIC_MACRO, 0));
  EXPECT_FALSE(milter::packet::wants_answer(SMFIC_MACRO, all_silent));
}

TEST(Packet, AStepWantsAnAnswerUnlessThatWasNegotiated) {
  const std::pair<char, unsigned long> steps[] = {
      {SMFIC_CONNECT, SMFIP_NR_CONN}, {SMFIC_HELO, SMFIP_NR_HELO}, {SMFIC_MAIL, SMFIP_NR_MAIL},
      {SMFIC_RCPT, SMFIP_NR_RCPT},    {SMFIC_DATA, SMFIP_NR_DATA}, {SMFIC_HEADER, SMFIP_NR_HDR},
      {SMFIC_EOH, SMFIP_NR_EOH},      {SMFIC_BODY, SMFIP_NR_BODY}, {SMFIC_UNKNOWN, SMFIP_NR_UNKN}};
  for (const auto& [command, bit] : steps) {
    EXPECT_TRUE(milter::packet::wants_answer(command, 0)) << command;
    EXPECT_TRUE(milter::packet::wants_answer(command, all_silent & ~bit)) << command;
    EXPECT_FALSE(milter::packet::wants_answer(command, bit)) << command;
  }
  for (const char command : {SMFIC_OPTNEG, SMFIC_BODYEOB, SMFIC_QUIT, SMFIC_QUIT_NC, SMFIC_ABORT, '?', '\0'}) {
    EXPECT_TRUE(milter::packet::wants_answer(command, all_silent)) << command;
  }
}

TEST(Packet, WhatWantsNoAnswerWaitsForWhatDoes) {
  const std::string silent = packet(SMFIC_MACRO, "Li") + packet(SMFIC_HEADER, std::string("Name\0 body\0", 11));
  const Scanned waiting = scan(silent, 0, all_silent);
  EXPECT_FALSE(waiting.is_due);
  EXPECT_EQ(waiting.end, silent.size());
  const std::string all = silent + packet(SMFIC_BODYEOB);
  for (std::size_t size = 0; size < all.size(); ++size) {
    EXPECT_FALSE(scan(std::string_view(all).substr(0, size), 0, all_silent).is_due) << size;
  }
  for (const std::size_t begin : {std::size_t{0}, waiting.end}) {
    const Scanned due = scan(all + packet(SMFIC_MACRO), begin, all_silent);
    EXPECT_TRUE(due.is_due);
    EXPECT_EQ(due.end, all.size()) << "what is behind it waits";
  }
  EXPECT_TRUE(scan(silent, 0, 0).is_due) << "nothing was negotiated";
}

// What libmilter 8.17.1 makes of such a length, see mi_rd_cmd().
TEST(Packet, ALengthOfNothingOrBelowNothingIsACommandAlone) {
  for (const char* length : {"\0\0\0\0", "\0\0\0\1", "\x80\0\0\1", "\xff\xff\xff\xff"}) {
    const std::string octets = std::string(length, 4) + "Q";
    EXPECT_FALSE(scan(octets.substr(0, 4), 0, all_silent).is_due);
    const Scanned scanned = scan(octets + "more", 0, all_silent);
    EXPECT_TRUE(scanned.is_due);
    EXPECT_EQ(scanned.end, octets.size());
  }
}

TEST(Packet, OneThatIsTooLongIsDueWithAllBehindIt) {
  for (const char* length : {"\0\1\0\1", "\x7f\xff\xff\xff", "\x80\0\0\0"}) {
    const std::string octets = std::string(length, 4) + "Labc";
    const Scanned scanned = scan(octets, 0, all_silent);
    EXPECT_TRUE(scanned.is_due);
    EXPECT_EQ(scanned.end, octets.size());
  }
  EXPECT_FALSE(scan(std::string("\0\1\0\0L", 5), 0, all_silent).is_due) << "the longest that it takes";
}

TEST(Packet, OnlyMacrosForAFieldHaveNoEffect) {
  EXPECT_FALSE(milter::packet::has_effect(packet(SMFIC_MACRO, std::string("Li\0x\0", 5))));
  EXPECT_FALSE(milter::packet::has_effect(packet(SMFIC_MACRO, "L")));
  EXPECT_TRUE(milter::packet::has_effect(packet(SMFIC_MACRO))) << "libmilter ends the session over it";
  for (int step = 0; step < 256; ++step) {
    const std::string data = {static_cast<char>(step), 'L', '\0'};
    EXPECT_EQ(milter::packet::has_effect(packet(SMFIC_MACRO, data)), step != SMFIC_HEADER) << step;
    EXPECT_TRUE(milter::packet::has_effect(packet(SMFIC_HEADER, data)));
  }
}

// smfi_getsymval() of libmilter 8.17.1 would read beyond its list.
TEST(Packet, MacrosWithoutAValueAreNotShown) {
  const std::string before = packet(SMFIC_HEADER, std::string("Name\0 body\0", 11));
  for (const std::string& data : {std::string("Ei\0", 3), std::string("E\0", 2), std::string("Ei\0x\0j\0", 7),
                                  std::string("Ei\0x", 4), std::string(65534, '\0')}) {
    const std::string octets = before + packet(SMFIC_MACRO, data);
    const Scanned scanned = scan(octets, 0, all_silent);
    EXPECT_TRUE(scanned.is_due && scanned.is_malformed) << data.size();
    EXPECT_EQ(scanned.end, before.size());
    EXPECT_FALSE(scan(octets.substr(0, octets.size() - 1), 0, all_silent).is_malformed) << "not yet there";
  }
  for (const std::string& data : {std::string(), std::string("E"), std::string("Ei\0x\0", 5), std::string("E\0\0", 3),
                                  std::string("Ei\0x\0tail", 9)}) {
    const std::string octets = packet(SMFIC_MACRO, data);
    const Scanned scanned = scan(octets, 0, all_silent);
    EXPECT_FALSE(scanned.is_due || scanned.is_malformed) << data.size();
    EXPECT_EQ(scanned.end, octets.size());
  }
  EXPECT_FALSE(scan(packet(SMFIC_HEADER, std::string("x\0", 2)), 0, all_silent).is_malformed) << "only of macros";
}

TEST(Packet, TheProtocolIsInTheAnswerToTheNegotiation) {
  const std::string answer = packet(SMFIC_OPTNEG, std::string("\0\0\0\6\0\0\0\x10\0\1\2\3", 12));
  EXPECT_EQ(milter::packet::negotiated(answer, 7), 0x010203U);
  EXPECT_EQ(milter::packet::negotiated(answer + "more", 7), 0x010203U) << "names of macros";
  EXPECT_EQ(milter::packet::negotiated(answer.substr(0, answer.size() - 1), 7), 7U);
  EXPECT_EQ(milter::packet::negotiated(packet(SMFIR_CHGHEADER, std::string(20, 'O')), 7), 7U);
  EXPECT_EQ(milter::packet::negotiated({}, 7), 7U);
}

}  // namespace
