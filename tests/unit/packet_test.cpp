#include "milter/packet.h"

#include <gtest/gtest.h>
#include <libmilter/mfdef.h>

#include <string>

#include "tests/wire.h"

namespace {

using milter::packet::Scanned;
using milter::packet::Scanner;
using wire::packet;

constexpr unsigned long all_silent = SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_MAIL | SMFIP_NR_RCPT | SMFIP_NR_DATA |
                                     SMFIP_NR_HDR | SMFIP_NR_EOH | SMFIP_NR_BODY | SMFIP_NR_UNKN;

/// Listed fields are asked for.
const milter::packet::AsksFor asks_for = [](std::string_view name) { return name.starts_with("Listed"); };

Scanner scanner_of(unsigned long protocol) {
  Scanner scanner(asks_for);
  scanner.answered(packet(SMFIC_OPTNEG, std::string(8, '\0') + wire::number(static_cast<std::uint32_t>(protocol))));
  return scanner;
}

Scanned scan(std::string octets, std::size_t begin, unsigned long protocol) {
  return scanner_of(protocol).scan(octets, begin);
}

std::string field(const std::string& name) {
  return packet(SMFIC_HEADER, name + '\0' + " body" + '\0');
}

/// What is left of these octets.
std::string left_of(std::string octets, unsigned long protocol = all_silent) {
  scanner_of(protocol).scan(octets, 0);
  return octets;
}

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
  const std::string silent = packet(SMFIC_MACRO, "M") + field("Subject");
  const Scanned waiting = scan(silent, 0, all_silent);
  EXPECT_FALSE(waiting.is_due);
  EXPECT_EQ(waiting.end, silent.size());
  const std::string all = silent + packet(SMFIC_BODYEOB);
  for (std::size_t size = 0; size < all.size(); ++size) {
    EXPECT_FALSE(scan(all.substr(0, size), 0, all_silent).is_due) << size;
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
  EXPECT_EQ(left_of(packet(SMFIC_MACRO, std::string("Li\0x\0", 5))), "");
  EXPECT_EQ(left_of(packet(SMFIC_MACRO, "L")), "");
  EXPECT_EQ(left_of(packet(SMFIC_MACRO)), packet(SMFIC_MACRO)) << "libmilter ends the session over it";
  for (int step = 0; step < 256; ++step) {
    const std::string macros = packet(SMFIC_MACRO, std::string{static_cast<char>(step), 'L', '\0', '\0'});
    EXPECT_EQ(left_of(macros), step == SMFIC_HEADER ? "" : macros) << step;
  }
}

TEST(Packet, FieldsThatNobodyAsksForAreLeftOutBehindAnother) {
  const std::string macros = packet(SMFIC_MACRO, std::string("Ei\0x\0", 5));
  const std::string first = field("First");
  const std::string other = field("Other");
  EXPECT_EQ(left_of(first + other + field("Listed") + macros + other + packet(SMFIC_BODYEOB) + other),
            first + field("Listed") + macros + packet(SMFIC_BODYEOB) + other);
  EXPECT_EQ(left_of(first + packet(SMFIC_BODY) + other + other), first + packet(SMFIC_BODY) + other)
      << "libmilter's state may change over it";
  EXPECT_EQ(left_of(first + other, all_silent & ~static_cast<unsigned long>(SMFIP_NR_HDR)), first + other)
      << "the MTA waits for an answer";
  std::string octets = first;
  Scanner scanner = scanner_of(all_silent);
  const std::size_t end = scanner.scan(octets, 0).end;
  octets += other;
  EXPECT_EQ(scanner.scan(octets, end).end, first.size());
  EXPECT_EQ(octets, first);
}

// libmilter may take it for the first of another message, or for one in a wrong place, and end the session over it.
TEST(Packet, BehindWhatIsNoFieldTheNextIsKept) {
  for (const char command : {SMFIC_BODYEOB, SMFIC_ABORT, SMFIC_QUIT_NC}) {
    const std::string kept = field("First") + packet(command) + field("Other");
    std::string octets = kept + field("Other");
    Scanner scanner = scanner_of(all_silent);
    const Scanned due = scanner.scan(octets, 0);
    ASSERT_TRUE(due.is_due);
    scanner.scan(octets, due.end);
    EXPECT_EQ(octets, kept) << command;
  }
}

TEST(Packet, WithoutAQuestionAllFieldsAreAskedFor) {
  const milter::packet::AsksFor none;
  std::string octets = field("First") + field("Other");
  Scanner scanner(none);
  scanner.answered(packet(SMFIC_OPTNEG, std::string(8, '\0') + wire::number(SMFIP_NR_HDR)));
  scanner.scan(octets, 0);
  EXPECT_EQ(octets, field("First") + field("Other"));
}

// libmilter ends the session over the most of these, see dec_arg2().
TEST(Packet, WhatIsNoFieldIsNotLeftOut) {
  for (const std::string& data : {std::string(), std::string("From"), std::string("From\0", 5),
                                  std::string("From\0 a", 7), std::string("\0 a\0", 4), std::string("\0", 1)}) {
    const std::string octets = field("First") + packet(SMFIC_HEADER, data);
    EXPECT_EQ(left_of(octets), octets) << data;
  }
  EXPECT_EQ(left_of(field("First") + packet(SMFIC_HEADER, std::string("From\0\0", 6))), field("First"));
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
  const std::string silent = packet(SMFIC_OPTNEG, std::string("\0\0\0\6\0\0\0\x10", 8) + wire::number(SMFIP_NR_HDR));
  const auto is_silent_after = [](const std::string& answer, Scanner scanner) {
    scanner.answered(answer);
    std::string octets = field("Subject");
    return !scanner.scan(octets, 0).is_due;
  };
  const Scanner before(asks_for);
  EXPECT_FALSE(is_silent_after({}, before));
  EXPECT_TRUE(is_silent_after(silent, before));
  EXPECT_TRUE(is_silent_after(silent + "more", before)) << "names of macros";
  EXPECT_FALSE(is_silent_after(silent.substr(0, silent.size() - 1), before));
  EXPECT_TRUE(is_silent_after(packet(SMFIR_CHGHEADER, std::string(20, 'O')), scanner_of(SMFIP_NR_HDR)));
  EXPECT_FALSE(is_silent_after(packet(SMFIC_OPTNEG, std::string(12, '\0')), scanner_of(SMFIP_NR_HDR)));
}

}  // namespace
