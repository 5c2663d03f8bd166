// mimetic and the walk over MIME parts on any octets: the parts stand where they say, in the order of the message, and
// within the limits. The first octet chooses whether the rest is taken as it is or as pieces of MIME.
#include <array>
#include <string>
#include <string_view>

#include "audit/examine.h"
#include "audit/parts.h"
#include "tests/fuzz/input.h"

namespace {

using fuzz::expect;

constexpr std::array<std::string_view, 32> pieces = {"--a",
                                                     "--b",
                                                     "--ab",
                                                     "--",
                                                     "\n",
                                                     "\r\n",
                                                     "\r",
                                                     " ",
                                                     "\t",
                                                     "Content-Type: multipart/mixed; boundary=a\n",
                                                     "Content-Type: multipart/mixed; boundary=\"b\"\n\n--b\n",
                                                     "Content-Type: multipart/digest; boundary=ab\n\n--ab\n",
                                                     "Content-Type: message/rfc822\n\n",
                                                     "Content-Type: multipart/related\n",
                                                     "Content-Type:",
                                                     "multipart/",
                                                     ";boundary=",
                                                     "\"",
                                                     "\\",
                                                     "(",
                                                     ")",
                                                     "Content-ID: <a@b>\n",
                                                     "Message-ID: =?utf-8?q?=3Ca=40b=3E?=\n",
                                                     "Content-Transfer-Encoding: 7bit\n",
                                                     "Content-Transfer-Encoding: 8bit\n",
                                                     "Content-Transfer-Encoding: binary\n",
                                                     ":",
                                                     "x",
                                                     "\xc3\xa9",
                                                     ">From a 1:00\n",
                                                     "*0*=utf-8''",
                                                     "\x01"};

bool is_inside(std::string_view piece, std::string_view whole) {
  return piece.empty() || (piece.data() >= whole.data() && piece.data() + piece.size() <= whole.data() + whole.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string message = fuzz::text_of({data, size}, pieces);
  const audit::PartList list = audit::parts_of(message);
  expect(!list.is_complete || message.empty() || !list.parts.empty(), "the message itself is the first part");
  const char* at = message.data();
  for (std::size_t i = 0; i < list.parts.size(); ++i) {
    const audit::Part& part = list.parts[i];
    expect(is_inside(part.header, message) && is_inside(part.body, message), "views of the message");
    expect(part.header.data() >= at, "the next header begins behind the part before it");
    at = part.header.data() + part.header.size();
    expect(part.body.empty() || part.body.data() >= at, "a body is behind its header");
    if (!part.body.empty()) at = part.body.data() + part.body.size();
    expect(i == 0 ? part.number.empty() : part.parent < i && !part.number.empty(), "a part is in one before it");
  }
  expect(list.parts.size() <= audit::max_parts, "so many parts at most");

  msgid::Policy policy;
  policy.exchange = msgid::RuleAction::report;
  for (const msgid::Finding& finding : audit::Examiner(policy).examine(message).findings) {
    expect(finding.part.empty() || (finding.action == msgid::Action::report && finding.after.empty()),
           "in a part nothing is edited");
  }
  return 0;
}
