#include "audit/bounce.h"

#include <algorithm>
#include <array>
#include <vector>

#include "audit/header_text.h"
#include "audit/html_text.h"
#include "audit/message.h"
#include "audit/parts.h"
#include "msgid/encoded_word.h"
#include "msgid/field.h"

namespace audit {

namespace {

constexpr std::size_t npos = std::string_view::npos;

bool begins_with(std::string_view text, std::string_view beginning) {
  return text.size() >= beginning.size() && msgid::same_name(text.substr(0, beginning.size()), beginning);
}

std::string_view trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") + 1 - begin);
}

/// What of a part's header is wanted.
struct PartType {
  std::string_view type = "text/plain";  ///< as written; the default is that of RFC 2045 5.2
  std::string_view encoding;
};

bool is_report_type(std::string_view type) {
  return msgid::same_name(type, "multipart/report");
}

PartType type_of(std::string_view header) {
  PartType found;
  bool has_type = false;
  HeaderReader reader(header);
  for (FieldPlace field; reader.next(field);) {
    if (msgid::same_name(field.name, "Content-Transfer-Encoding")) found.encoding = trim(field.body);
    if (has_type || !msgid::same_name(field.name, "Content-Type")) continue;
    found.type = content_type(field.body);
    has_type = true;
  }
  return found;
}

/// mimetic's decoders, by way of the encodings of RFC 2047, which are these two but for "_" and line ends.
std::string decoded(std::string_view encoding, std::string_view body) {
  const bool is_base64 = msgid::same_name(encoding, "base64");
  if (!is_base64 && !msgid::same_name(encoding, "quoted-printable")) return std::string(body);
  std::string text;
  text.reserve(body.size());
  for (std::size_t i = 0; i < body.size(); ++i) {
    const char c = body[i];
    const std::size_t line_end = i + 1 < body.size() && body[i + 1] == '\r' ? i + 2 : i + 1;
    if (c == '\r' || (is_base64 && (c == '\n' || c == ' ' || c == '\t'))) continue;
    if (!is_base64 && c == '=' && line_end < body.size() && body[line_end] == '\n') {
      i = line_end;  // a soft line break
    } else if (!is_base64 && c == '_') {
      text += "=5F";
    } else {
      text += c;
    }
  }
  msgid::EncodedWord word;
  word.charset = "utf-8";
  word.encoding = is_base64 ? "b" : "q";
  word.text = text;
  msgid::Decoded result;
  msgid::decode(word, result);
  return result.octets;
}

class BounceReader {
 public:
  explicit BounceReader(Bounce& bounce) : bounce_(bounce) {}

  void read_message(std::string_view message);
  void read_text(const std::string& text);

  /// Looks for the header among the texts where no part had it.
  void finish();

 private:
  /// Where a part stands.
  struct Place {
    PartType type;
    bool is_in_report = false;    ///< below a multipart/report
    bool is_in_original = false;  ///< of the message that came back
  };

  void read_leaf(const Part& part, const PartType& type);
  void read_enclosed(const Part& part, const Place& around);
  void take_header(std::string_view header, HeaderOrigin origin);

  Bounce& bounce_;
  std::string status_;    ///< message/delivery-status: has fields, but no header
  std::string texts_;     ///< the others
  std::string enclosed_;  ///< the header of the first message that is enclosed outside of a report
};

void BounceReader::take_header(std::string_view header, HeaderOrigin origin) {
  header.remove_prefix(std::min(header.find_first_not_of("\r\n"), header.size()));
  FieldPlace first;
  if (bounce_.origin != HeaderOrigin::none || !HeaderReader(header).next(first)) return;
  if (header.size() > max_bounce_text_octets) {
    bounce_.is_cut = true;
    header = header.substr(0, header.rfind('\n', max_bounce_text_octets));
    header = header.substr(0, max_bounce_text_octets);
  }
  bounce_.header = header;
  bounce_.origin = origin;
}

void BounceReader::read_text(const std::string& text) {
  const std::string plain = without_quote_marks(text);
  const std::size_t room = max_bounce_text_octets - std::min(max_bounce_text_octets, texts_.size());
  if (plain.size() > room) bounce_.is_cut = true;
  texts_ += plain.substr(0, room);
  texts_ += "\n\n";
}

void BounceReader::read_leaf(const Part& part, const PartType& type) {
  // Encoded text may be three times as long as what it says.
  static constexpr std::size_t longest = 4 * max_bounce_text_octets;
  if (part.body.size() > longest) bounce_.is_cut = true;
  const std::string body = decoded(type.encoding, part.body.substr(0, longest));
  if (msgid::same_name(type.type, "text/rfc822-headers") || msgid::same_name(type.type, "message/global-headers")) {
    take_header(body, HeaderOrigin::headers);
  } else if (begins_with(type.type, "message/")) {
    status_ += body.substr(0, max_bounce_text_octets - std::min(max_bounce_text_octets, status_.size()));
  } else if (begins_with(type.type, "text/")) {
    read_text(msgid::same_name(type.type, "text/html") ? text_of_html(body) : body);
  }
}

/// `part` is the content of a message/rfc822 part.
void BounceReader::read_enclosed(const Part& part, const Place& around) {
  std::string header(part.header.substr(0, max_bounce_text_octets + 1));
  const bool is_encoded =
      msgid::same_name(around.type.encoding, "base64") || msgid::same_name(around.type.encoding, "quoted-printable");
  if (is_encoded && !part.is_multipart) {
    // Not allowed (RFC 2046 5.2.1), but there: what was taken for a header and a body is neither.
    std::string octets(part.header.substr(0, max_bounce_text_octets));
    octets += part.body.substr(0, max_bounce_text_octets);
    header = decoded(around.type.encoding, octets);
    header.resize(body_offset(header));
  }
  if (around.is_in_report) take_header(header, HeaderOrigin::message);
  // A bounce that is forwarded is not what it is about.
  if (enclosed_.empty() && !is_report_type(type_of(part.header).type)) enclosed_ = std::move(header);
}

void BounceReader::read_message(std::string_view message) {
  const PartList list = parts_of(message);
  std::vector<Place> places;
  places.reserve(list.parts.size());
  for (const Part& part : list.parts) {
    Place place = {type_of(part.header), false, false};
    if (!places.empty()) {
      const Place& around = places[part.parent];
      const bool is_enclosed = is_message_type(around.type.type);
      place.is_in_report = around.is_in_report || is_report_type(around.type.type);
      place.is_in_original = around.is_in_original || (is_enclosed && around.is_in_report);
      if (is_enclosed) read_enclosed(part, around);
    }
    if (is_report_type(place.type.type)) bounce_.is_report = true;
    if (!place.is_in_original && !part.is_multipart && !is_message_type(place.type.type)) read_leaf(part, place.type);
    places.push_back(place);
  }
}

void BounceReader::finish() {
  HeaderText found = bounce_.origin == HeaderOrigin::none ? find_header(texts_) : HeaderText{{}, texts_, false};
  bounce_.text = std::move(found.rest);
  bounce_.text += status_;
  if (bounce_.origin != HeaderOrigin::none) return;
  bounce_.is_rewrapped = found.is_rewrapped;
  take_header(found.header, HeaderOrigin::text);
  take_header(enclosed_, HeaderOrigin::message);
}

/// Whether an input is a message: it begins with a header that has a field which every mail has, and a body.
bool is_message(std::string_view input) {
  static constexpr std::array<std::string_view, 7> names = {"From", "Received",     "Return-Path", "Date",
                                                            "To",   "MIME-Version", "Content-Type"};
  HeaderReader reader(input);
  bool has_one = false;
  for (FieldPlace field; !has_one && reader.next(field);) {
    has_one = std::any_of(names.begin(), names.end(),
                          [&](std::string_view name) { return msgid::same_name(name, field.name); });
  }
  return has_one && !trim(input.substr(std::min(body_offset(input), input.size()))).empty();
}

}  // namespace

Bounce read_bounce(std::string_view input) {
  if (input.starts_with("\xef\xbb\xbf")) input.remove_prefix(3);  // a byte order mark, as Windows writes it
  input.remove_prefix(std::min(input.find_first_not_of(" \t\r\n"), input.size()));
  const std::string unquoted = input.starts_with('>') ? without_quote_marks(input) : std::string();
  if (!unquoted.empty()) input = unquoted;
  Bounce bounce;
  BounceReader reader(bounce);
  bounce.is_message = is_message(input);
  if (bounce.is_message) {
    reader.read_message(input);
  } else {
    const std::string text(input.substr(0, max_bounce_text_octets));
    if (input.size() > text.size()) bounce.is_cut = true;
    reader.read_text(looks_like_html(text) ? text_of_html(text) : text);
  }
  reader.finish();
  return bounce;
}

}  // namespace audit
