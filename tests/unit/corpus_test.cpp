// The golden corpus: tests/corpus/NN-name.eml with what becomes of it in .expect and the reason for the case in .why; a
// .conf beside it holds options that differ from the defaults. Each runs with LF and with CRLF. A run that differs
// writes NN-name.got: to accept a change, look at it and rename it.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "config/options.h"
#include "msgid/exchange.h"
#include "tests/eml.h"
#include "tests/properties.h"

namespace {

namespace fs = std::filesystem;

std::string content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream out;
  out << file.rdbuf();
  return out.str();
}

std::vector<fs::path> cases() {
  std::vector<fs::path> found;
  for (const fs::directory_entry& entry : fs::directory_iterator(MSGID_SOURCE_DIR "/tests/corpus")) {
    if (entry.path().extension() == ".eml") found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

msgid::Policy policy_for(const fs::path& eml) {
  fs::path conf = eml;
  conf.replace_extension(".conf");
  if (!fs::exists(conf)) return {};
  return config::load({"--config=" + conf.string(), "--print-config"}).settings.policy;
}

/// inspect(), and what else is found in the header if the policy asks for that.
msgid::Verdict examine(const msgid::FieldList& fields, const msgid::Policy& policy) {
  msgid::Verdict verdict = msgid::inspect(fields, policy);
  msgid::ExchangeCheck check(policy);
  for (const msgid::Field& field : fields) check.field(field.name, field.body);
  for (msgid::Finding& finding : check.end_of_header()) verdict.findings.push_back(std::move(finding));
  return verdict;
}

std::string dump(const msgid::Verdict& verdict) {
  std::ostringstream out;
  for (const msgid::Finding& finding : verdict.findings) {
    out << "finding " << finding.field << ' ' << finding.instance << ' ' << finding.rule->name << ' '
        << (finding.action == msgid::Action::rewrite ? "rewrite" : "report");
    if (!finding.reason.empty()) out << ' ' << finding.reason;
    for (const std::string& domain : finding.dkim.keeps) out << " keeps:" << domain;
    for (const std::string& domain : finding.dkim.breaks) out << " breaks:" << domain;
    out << '\n';
  }
  for (const msgid::Edit& edit : verdict.edits) {
    out << "edit " << edit.field << ' ' << edit.instance << '\n' << edit.new_body << '\n';
  }
  return out.str();
}

TEST(Corpus, EveryMessageGivesWhatIsExpected) {
  const std::vector<fs::path> all = cases();
  EXPECT_GE(all.size(), 40u);
  for (const fs::path& eml : all) {
    fs::path beside = eml;
    EXPECT_TRUE(fs::exists(beside.replace_extension(".why"))) << eml;
    const std::string expected = content(beside.replace_extension(".expect"));
    const msgid::Policy policy = policy_for(eml);
    const std::string with_lf = content(eml);
    std::string with_crlf;
    for (const char c : with_lf) with_crlf += c == '\n' ? "\r\n" : std::string(1, c);
    for (const std::string& message : {with_lf, with_crlf}) {
      const msgid::FieldList fields = eml::header_of(message);
      ASSERT_FALSE(fields.empty()) << eml;
      EXPECT_EQ(properties::broken(fields, policy), "") << eml;
      const std::string got = dump(examine(fields, policy));
      EXPECT_EQ(got, expected) << eml;
      if (got != expected) std::ofstream(beside.replace_extension(".got")) << got;
    }
  }
}

}  // namespace
