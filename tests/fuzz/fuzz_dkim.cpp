// Signatures over any octets, against a plain second reading of the tags: which are read, which instances of a field
// they cover, and what an edit does to them. White space around tags and their order change nothing.
#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "msgid/dkim.h"
#include "msgid/fold.h"
#include "tests/fuzz/input.h"

namespace {

using namespace std::string_view_literals;
using fuzz::expect;
using msgid::Field;
using msgid::FieldList;
using msgid::Survival;

// A NUL ends one signature.
constexpr std::array words = {"\0"sv,         "\0"sv,         "d="sv,          "c="sv,
                              "h="sv,         "b="sv,         ";"sv,           ":"sv,
                              "="sv,          "/"sv,          "relaxed"sv,     "simple"sv,
                              "relaxed/"sv,   "/relaxed"sv,   " "sv,           "\t"sv,
                              "\n "sv,        "\n\t"sv,       "references"sv,  "X"sv,
                              "Message-ID"sv, "message-id"sv, "a.example"sv,   "B.example"sv,
                              ";d=a;"sv,      ";h=x:x:x;"sv,  ";c=relaxed;"sv, "d=a; c=relaxed; h=x:references"sv,
                              "D="sv,         "q=dns/txt"sv,  "a"sv,           "\xc3"sv,
                              "\x01"sv,       "\r"sv,         ";;"sv,          "h=:"sv};

std::string trimmed(std::string text) {
  const std::size_t begin = text.find_first_not_of(" \t\n");
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\n") + 1 - begin);
}

std::vector<std::string> cut(const std::string& text, char separator) {
  std::vector<std::string> all{""};
  for (const char c : text) {
    if (c == separator) {
      all.emplace_back();
    } else {
      all.back() += c;
    }
  }
  return all;
}

std::vector<std::string> pieces(const std::string& text, char separator) {
  std::vector<std::string> all = cut(text, separator);
  for (std::string& piece : all) piece = trimmed(piece);
  return all;
}

struct Signature {
  bool is_read = false;
  bool is_relaxed = false;
  std::string domain{};
  std::vector<std::string> names{};
};

/// ALPHA *(ALPHA / DIGIT / "_")
bool is_tag_name(const std::string& name) {
  const std::string letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  return !name.empty() && letters.find(name.front()) != letters.npos &&
         name.find_first_not_of(letters + "0123456789_") == name.npos;
}

Signature second_reading(const std::string& body) {
  std::vector<std::string> specs = pieces(body, ';');
  if (specs.back().empty()) specs.pop_back();
  std::map<std::string, std::string> tags;
  for (const std::string& spec : specs) {
    const std::size_t equals = spec.find('=');
    if (equals == std::string::npos) return {};
    const std::string name = trimmed(spec.substr(0, equals));
    if (!is_tag_name(name) || !tags.emplace(name, trimmed(spec.substr(equals + 1))).second) return {};
  }
  if (!tags.contains("h") || tags["d"].empty() || tags["d"].size() > 255) return {};
  Signature signature{true, pieces(tags["c"], '/').front() == "relaxed", msgid::lower(tags["d"]), {}};
  for (const std::string& name : pieces(tags["h"], ':')) signature.names.push_back(msgid::lower(name));
  return signature;
}

bool contains(const std::vector<std::string>& list, const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

Survival second_opinion(const FieldList& fields, const Field& field, bool is_same_relaxed) {
  const auto from_bottom = std::count_if(fields.begin(), fields.end(), [&](const Field& other) {
    return msgid::same_name(other.name, field.name) && other.instance >= field.instance;
  });
  Survival survival;
  for (const Field& other : fields) {
    if (!msgid::is_signature_field(other.name)) continue;
    const Signature signature = second_reading(other.body);
    const auto times = std::count(signature.names.begin(), signature.names.end(), msgid::lower(field.name));
    if (!signature.is_read || times < from_bottom) continue;
    std::vector<std::string>& list = signature.is_relaxed && is_same_relaxed ? survival.keeps : survival.breaks;
    if (!contains(list, signature.domain)) list.push_back(signature.domain);
  }
  return survival;
}

bool same(const Survival& a, const Survival& b) {
  return a.keeps == b.keeps && a.breaks == b.breaks;
}

/// The tags the other way round, with white space around each.
std::string turned(const std::string& body) {
  std::vector<std::string> specs = pieces(body, ';');
  if (specs.back().empty()) specs.pop_back();
  std::string out;
  for (auto spec = specs.rbegin(); spec != specs.rend(); ++spec) {
    const std::size_t equals = spec->find('=');
    if (equals == std::string::npos) return body;
    out += "\n " + spec->substr(0, equals) + "\t=\n  " + spec->substr(equals + 1) + " ;";
  }
  return out;
}

void check_relaxed(std::string_view body) {
  // A LF that is no fold is no white space, but with some behind it, it is one.
  if (msgid::unfold(body).find('\n') != std::string::npos) return;
  const std::string relaxed = msgid::relaxed_body(body);
  expect(msgid::relaxed_body(relaxed) == relaxed, "relaxed is relaxed", body);
  expect(msgid::relaxed_body(" \n\t" + std::string(body) + "\t ") == relaxed, "white space around is nothing", body);
  expect(relaxed.find_first_of("\t\n") == relaxed.npos && relaxed.find("  ") == relaxed.npos, "one space", body);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string text = fuzz::text_of({data + 1, size - 1}, words);
  const int instances = 1 + data[0] % 4;
  FieldList fields;
  for (const std::string& body : cut(text, '\0')) {
    if (fields.size() == 90) break;
    fields.push_back({fields.size() % 3 == 2 ? "ARC-Message-Signature" : "DKIM-signature", body});
  }
  FieldList others = fields;
  for (Field& field : others) field.body = turned(field.body);
  for (int i = 1; i <= instances; ++i) {
    for (const char* name : {"References", "x"}) {
      fields.push_back({name, " <a@b> <c@d>", i});
      others.push_back(fields.back());
    }
  }
  const msgid::Signatures signatures(fields);
  const msgid::Signatures signatures_turned(others);
  expect(signatures.are_complete(), "so few are all read");
  for (const Field& field : fields) {
    check_relaxed(field.body);
    if (msgid::is_signature_field(field.name)) continue;
    const Survival of_fold = signatures.after(field, "<a@b>\n\t<c@d>");
    const Survival of_words = signatures.after(field, " <a@b><c@d>");
    expect(same(of_fold, second_opinion(fields, field, true)), "a second reading is the same", text);
    expect(same(of_words, second_opinion(fields, field, false)) && of_words.keeps.empty(), "an edit breaks", text);
    expect(same(of_fold, signatures_turned.after(field, "<a@b>\n\t<c@d>")), "order and white space are nothing", text);
    if (field.instance < instances) {
      Field below = field;
      ++below.instance;
      const Survival of_below = signatures.after(below, " <a@b><c@d>");
      for (const std::string& domain : of_words.breaks) {
        expect(contains(of_below.breaks, domain), "who covers a field covers those below it", text);
      }
    }
  }
  return 0;
}
