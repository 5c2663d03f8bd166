// The golden corpus through the daemon: what it asks the MTA to change is what inspect() says.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <tuple>

#include "msgid/inspect.h"
#include "service.h"
#include "tests/eml.h"

namespace {

namespace bit = fake_mta::bit;
using fake_mta::Modification;

std::map<std::string, msgid::FieldList> corpus() {
  std::map<std::string, msgid::FieldList> messages;
  for (const auto& entry : std::filesystem::directory_iterator(MSGID_CORPUS)) {
    if (entry.path().extension() != ".eml") continue;
    std::stringstream text;
    text << std::ifstream(entry.path(), std::ios::binary).rdbuf();
    messages.emplace(entry.path().filename().string(), eml::header_of(text.str()));
  }
  return messages;
}

std::vector<Modification> as_modifications(const std::vector<msgid::Edit>& edits, bool leading_space) {
  std::vector<Modification> modifications;
  for (const msgid::Edit& edit : edits)
    modifications.push_back(
        {fake_mta::code::change_header, edit.instance, edit.field, edit.new_body.substr(leading_space ? 0 : 1)});
  return modifications;
}

bool by_field(const Modification& a, const Modification& b) {
  return std::tie(a.name, a.instance) < std::tie(b.name, b.instance);
}

void expect_as_inspected(fake_mta::Session& mta, const msgid::FieldList& fields, bool crlf, bool leading_space) {
  const std::vector<msgid::Edit> edits = msgid::inspect(fields, msgid::Policy()).edits;
  fake_mta::Message message;
  message.fields = fields;
  if (crlf)
    for (msgid::Field& field : message.fields)
      for (std::size_t at = 0; (at = field.body.find('\n', at)) != std::string::npos; at += 2)
        field.body.insert(at, "\r");
  const fake_mta::Outcome outcome = mta.send(message);

  std::vector<Modification> expected = as_modifications(edits, leading_space);
  std::vector<Modification> got = outcome.modifications;
  for (std::size_t i = 0; i < got.size(); ++i)
    for (std::size_t j = i + 1; j < got.size(); ++j)
      EXPECT_FALSE(msgid::same_name(got[i].name, got[j].name) && got[i].instance <= got[j].instance)
          << "not the last instance first: " << got[i].name;
  std::sort(expected.begin(), expected.end(), by_field);
  std::sort(got.begin(), got.end(), by_field);
  EXPECT_EQ(got, expected);

  const fake_mta::Changed changed = fake_mta::apply(fields, outcome.modifications, leading_space);
  const msgid::FieldList applied = msgid::apply(fields, edits);
  EXPECT_EQ(changed.appended + changed.deleted + changed.other, 0);
  ASSERT_EQ(changed.fields.size(), applied.size());
  for (std::size_t i = 0; i < applied.size(); ++i) {
    EXPECT_EQ(changed.fields[i].name, applied[i].name);
    EXPECT_EQ(changed.fields[i].body, applied[i].body);
  }
}

TEST(Corpus, ThroughTheDaemonEqualsInspect) {
  const auto messages = corpus();
  ASSERT_FALSE(messages.empty()) << "no .eml in " << MSGID_CORPUS;
  Service service;
  fake_mta::Session with_space = service.session();
  fake_mta::Session without = service.session({6, fake_mta::action::all, bit::all & ~bit::leading_space});
  for (const auto& [name, fields] : messages) {
    SCOPED_TRACE(name);
    EXPECT_FALSE(fields.empty());
    expect_as_inspected(with_space, fields, false, true);
    expect_as_inspected(with_space, fields, true, true);
    // Without HDR_LEADSPC the first SP is gone on the way in, so a body without one looks like one with it.
    const bool all_spaced = std::all_of(fields.begin(), fields.end(),
                                        [](const msgid::Field& field) { return field.body.starts_with(' '); });
    if (all_spaced) expect_as_inspected(without, fields, false, false);
  }
}

}  // namespace
