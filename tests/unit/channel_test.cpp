#include "milter/channel.h"

#include <gtest/gtest.h>
#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <string>
#include <thread>

#include "tests/wire.h"

namespace {

using milter::Channel;
using wire::packet;

/// A channel and the MTA's end of it.
class Pair {
 public:
  explicit Pair(std::chrono::seconds timeout = std::chrono::seconds(30), int type = SOCK_STREAM)
      : ends_(connected(type)), channel(ends_[0], timeout, asks_for) {}
  ~Pair() {
    for (const int end : ends_) ::close(end);
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  void send(const std::string& octets) {
    EXPECT_EQ(::send(ends_[1], octets.data(), octets.size(), MSG_NOSIGNAL), static_cast<ssize_t>(octets.size()));
  }
  void hang_up() {
    ::close(ends_[1]);
    ends_[1] = -1;
  }
  void end() { ::shutdown(ends_[1], SHUT_WR); }
  /// One read of what has come from the channel.
  std::string received() {
    std::string octets(4096, '\0');
    const ssize_t count = ::recv(ends_[1], octets.data(), octets.size(), MSG_DONTWAIT);
    octets.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    return octets;
  }
  /// As libmilter reads: the length and the command, then the rest.
  std::string read_packet() {
    std::string head = read(5);
    if (head.size() < 5) return head;
    const auto octet = [&](std::size_t i) { return std::size_t{static_cast<unsigned char>(head[i])}; };
    return head + read(octet(1) * 65536 + octet(2) * 256 + octet(3) - 1);
  }
  std::string read(std::size_t size) {
    std::string octets;
    while (octets.size() < size) {
      std::string part(size - octets.size(), '\0');
      part.resize(channel.read(part.data(), part.size()));
      if (part.empty()) break;
      octets += part;
    }
    return octets;
  }
  ssize_t write(std::string octets) {
    const std::array<iovec, 2> parts = {iovec{octets.data(), 5}, iovec{octets.data() + 5, octets.size() - 5}};
    return channel.write(parts);
  }
  void negotiate(unsigned char bits) {
    std::string answer = packet(SMFIC_OPTNEG, std::string(11, '\0') + static_cast<char>(bits));
    EXPECT_EQ(write(answer), static_cast<ssize_t>(answer.size()));
    channel.flush(milter::Channel::Wait::yes);
    EXPECT_EQ(received(), answer);
  }

 private:
  static std::array<int, 2> connected(int type) {
    std::array<int, 2> ends{-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, type, 0, ends.data()), 0);
    return ends;
  }

  std::array<int, 2> ends_;
  const milter::packet::AsksFor asks_for = [](std::string_view name) { return name.starts_with("Listed"); };

 public:
  Channel channel;
};

constexpr unsigned char header_is_silent = SMFIP_NR_HDR;

TEST(Channel, PacketsComeOneByOneAndWhole) {
  Pair pair;
  pair.negotiate(header_is_silent);
  const std::string field = packet(SMFIC_HEADER, "Subject: x");
  const std::string end = packet(SMFIC_BODYEOB);
  pair.send(field + field.substr(0, 7));
  pair.send(field.substr(7) + end);
  EXPECT_EQ(pair.read_packet(), field);
  EXPECT_EQ(pair.read_packet(), field);
  EXPECT_EQ(pair.read_packet(), end);
}

TEST(Channel, WhatHasNoEffectIsLeftOut) {
  Pair pair;
  pair.negotiate(header_is_silent);
  const std::string macros = packet(SMFIC_MACRO, std::string("Li\0x\0", 5));
  const std::string kept = packet(SMFIC_MACRO, std::string("Ei\0x\0", 5));
  const std::string field = packet(SMFIC_HEADER, macros + macros);
  const std::string end = packet(SMFIC_BODYEOB);
  pair.send(macros + macros + field + macros + kept + field + macros + end + macros + macros);
  for (const std::string& packet : {field, kept, field, end}) EXPECT_EQ(pair.read_packet(), packet);
  pair.send(macros + end + macros.substr(0, 7));
  EXPECT_EQ(pair.read_packet(), end);
  pair.end();
  EXPECT_EQ(pair.read(1000), macros.substr(0, 7)) << "it is not known to be such a packet";
}

std::string field(const std::string& name) {
  return packet(SMFIC_HEADER, name + '\0' + " body" + '\0');
}

TEST(Channel, FieldsThatNobodyAsksForAreLeftOutBehindTheFirst) {
  Pair pair;
  pair.negotiate(SMFIP_NR_HDR);
  const std::string macros = packet(SMFIC_MACRO, std::string("Ei\0x\0", 5));
  const std::string end = packet(SMFIC_BODYEOB);
  const std::string malformed = packet(SMFIC_HEADER, "Other");
  for (int message = 0; message < 2; ++message) {
    pair.send(field("First") + field("Other") + field("Listed1") + field("Other") + field("Other") + macros +
              field("Other") + malformed + field("Listed2") + end);
    EXPECT_EQ(pair.read_packet(), field("First")) << "it changes the state of libmilter";
    EXPECT_EQ(pair.read_packet(), field("Listed1"));
    EXPECT_EQ(pair.read_packet(), macros);
    EXPECT_EQ(pair.read_packet(), malformed) << "libmilter ends the session over it";
    EXPECT_EQ(pair.read_packet(), field("Listed2"));
    EXPECT_EQ(pair.read_packet(), end);
  }
  pair.send(field("First") + field("Other"));
  pair.send(field("Other") + end);
  EXPECT_EQ(pair.read_packet(), field("First"));
  EXPECT_EQ(pair.read_packet(), end);
}

TEST(Channel, FieldsWithAnAnswerAreNotLeftOut) {
  Pair pair;
  for (int i = 0; i < 3; ++i) {
    pair.send(field("Other"));
    EXPECT_EQ(pair.read_packet(), field("Other"));
  }
}

TEST(Channel, AnswersLeaveInOneWriteWhenTheSessionWaits) {
  Pair pair(std::chrono::seconds(30), SOCK_SEQPACKET);  // of which one read gives one write
  pair.negotiate(0);
  const std::string end = packet(SMFIC_BODYEOB);
  pair.send(end);
  EXPECT_EQ(pair.read_packet(), end);
  const std::string edit = packet(SMFIR_CHGHEADER, "Message-ID");
  const std::string verdict = packet(SMFIR_CONTINUE);
  pair.write(edit);
  pair.write(verdict);
  EXPECT_EQ(pair.received(), "") << "not before it waits";
  pair.end();
  EXPECT_EQ(pair.read(1), "");
  EXPECT_EQ(pair.received(), edit + verdict);
}

// An MTA that has said all it has to say may still want to hear.
TEST(Channel, AnswersLeaveAfterTheEndOfWhatComes) {
  Pair pair;
  pair.end();
  EXPECT_EQ(pair.read(1), "");
  pair.write(packet(SMFIR_CONTINUE));
  pair.channel.flush(milter::Channel::Wait::yes);
  EXPECT_EQ(pair.received(), packet(SMFIR_CONTINUE));
}

// libmilter would take the rest of a packet that was shown in part for whole, or this would take it for the next.
TEST(Channel, MoreThanIsKeptIsShownInWholePackets) {
  Pair pair;
  pair.negotiate(header_is_silent);
  // Its data looks like packets that are never whole.
  const std::string field = packet(SMFIC_HEADER, std::string(60000, '\1'));
  std::string sent;
  for (int i = 0; i < 10; ++i) sent += field;
  // It does not wait for the reader.
  std::thread mta([&] { pair.send(sent + packet(SMFIC_BODYEOB)); });
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(pair.read_packet() == field) << i;
  EXPECT_EQ(pair.read_packet(), packet(SMFIC_BODYEOB));
  mta.join();
}

// What libmilter would stumble over is not shown to it.
TEST(Channel, MacrosWithoutAValueAreTheEnd) {
  Pair pair;
  pair.negotiate(header_is_silent);
  const std::string field = packet(SMFIC_HEADER, "Subject: x");
  pair.send(field + packet(SMFIC_MACRO, std::string("Ei\0", 3)) + packet(SMFIC_BODYEOB));
  EXPECT_EQ(pair.read_packet(), field);
  EXPECT_EQ(pair.read(1), "");
}

TEST(Channel, WhereNobodyTakesAnAnswerTheRestIsNotShown) {
  Pair pair;
  pair.negotiate(header_is_silent);
  const std::string end = packet(SMFIC_BODYEOB);
  pair.send(end + end + packet(SMFIC_MACRO, std::string("Ei\0", 3)) + end);
  EXPECT_EQ(pair.read_packet(), end);
  pair.hang_up();
  pair.write(packet(SMFIR_CONTINUE));
  EXPECT_EQ(pair.read(1), "");
  EXPECT_EQ(pair.read(1), "");
}

TEST(Channel, AtTheEndWhatIsLeftIsShown) {
  Pair pair;
  pair.negotiate(header_is_silent);
  const std::string left = packet(SMFIC_HEADER, "Subject: x") + "\0\0";
  pair.send(left);
  pair.end();
  EXPECT_EQ(pair.read(1000), left);
  EXPECT_EQ(pair.read(1), "");
}

// A callback with many edits waited for an MTA that did not read, and the watchdog ended the service.
TEST(Channel, ACallbackDoesNotWaitForTheMta) {
  Pair pair(std::chrono::seconds(1));
  std::string sent;
  for (int i = 0; i < 50; ++i) {
    sent += packet(SMFIR_CHGHEADER, std::string(40000, 'x'));
    EXPECT_GT(pair.write(packet(SMFIR_CHGHEADER, std::string(40000, 'x'))), 0) << i;
  }
  std::string got;
  std::thread mta([&] {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (got.size() < sent.size() && std::chrono::steady_clock::now() < end) {
      const std::string some = pair.received();
      if (some.empty()) std::this_thread::yield();
      got += some;
    }
  });
  pair.channel.flush(milter::Channel::Wait::yes);
  mta.join();
  EXPECT_TRUE(got == sent);
}

TEST(Channel, AnAnswerWaitsForAnMtaThatReadsLate) {
  Pair pair;
  std::string sent;
  for (int i = 0; i < 100; ++i) sent += packet(SMFIR_CHGHEADER, std::string(40000, 'x'));
  std::string got;
  std::thread mta([&] {
    while (got.size() < sent.size()) {
      const std::string some = pair.received();
      if (some.empty()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      got += some;
    }
  });
  for (int i = 0; i < 100; ++i) EXPECT_GT(pair.write(packet(SMFIR_CHGHEADER, std::string(40000, 'x'))), 0);
  pair.channel.flush(milter::Channel::Wait::yes);
  mta.join();
  EXPECT_TRUE(got == sent);
}

TEST(Channel, AnMtaThatReadsNothingIsGivenUp) {
  Pair pair(std::chrono::seconds(1));
  for (int i = 0; i < 100; ++i) EXPECT_GT(pair.write(packet(SMFIR_CHGHEADER, std::string(60000, 'x'))), 0);
  pair.channel.flush(milter::Channel::Wait::yes);
  EXPECT_EQ(pair.write(packet(SMFIR_CONTINUE)), -1);
}

TEST(Channel, AnMtaThatIsSilentIsGivenUp) {
  Pair pair(std::chrono::seconds(1));
  EXPECT_EQ(pair.read(1), "");
}

TEST(Channel, AnMtaThatIsGoneIsTheEnd) {
  Pair pair;
  pair.hang_up();
  const std::string verdict = packet(SMFIR_CONTINUE);
  EXPECT_EQ(pair.write(verdict), static_cast<ssize_t>(verdict.size())) << "not known yet";
  EXPECT_EQ(pair.read(1), "");
  EXPECT_EQ(pair.write(verdict), -1);
  EXPECT_EQ(errno, EPIPE);
}

}  // namespace
