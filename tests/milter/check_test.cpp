// The daemon and `msgid-audit check` give the same findings for the same messages under the same configuration file:
// every message of the corpus, under every configuration that the corpus has.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "report/audit_record.h"
#include "service.h"
#include "tests/eml.h"

namespace {

namespace fs = std::filesystem;
using report::AuditFinding;
using report::AuditRecord;

using Records = std::map<std::string, AuditRecord>;  // by the message's file

std::string content(const fs::path& path) {
  std::stringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

std::vector<std::string> files_with(const std::string& extension) {
  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator(MSGID_CORPUS))
    if (entry.path().extension() == extension) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

/// What the corpus has, each once, and no options at all; with the rules for Exchange on.
std::set<std::string> configurations() {
  std::set<std::string> all = {"exchange = report\n"};
  for (const std::string& file : files_with(".conf")) {
    std::string text = content(file);
    if (text.find("exchange =") == std::string::npos) text += "exchange = report\n";
    all.insert(text);
  }
  return all;
}

/// The records in a text, by the key of each.
template <typename Key>
Records read_records(const std::string& text, const Key& key) {
  Records records;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    const auto parsed = report::parse_audit_line(line);
    if (const auto* record = std::get_if<AuditRecord>(&parsed)) records.emplace(key(*record), *record);
  }
  return records;
}

/// libmilter's listener looks only every 5 s whether it is to stop (8.17.1), but also after a connection.
void stop(fake_mta::Daemon& daemon, const std::string& address) {
  daemon.terminate();
  for (int i = 0; i < 100 && !daemon.wait(std::chrono::milliseconds(20)); ++i) {
    try {
      const fake_mta::Session wake(address);
    } catch (const std::exception&) {  // it has closed its socket, and is ending
    }
  }
  EXPECT_EQ(daemon.stop(), 0) << daemon.errors();
}

Records of_daemon(const fake_mta::SocketDirectory& directory, const std::string& config) {
  const std::vector<std::string> files = files_with(".eml");
  fake_mta::Daemon daemon(program(), {"--config=" + config});
  EXPECT_TRUE(daemon.ready()) << daemon.errors();
  {
    fake_mta::Session mta("unix:" + (directory / "milter.sock"));
    mta.negotiate();
    mta.connect_info("mail.example.com", "192.0.2.1");
    mta.helo("mail.example.com");
    for (std::size_t i = 0; i < files.size(); ++i) {
      fake_mta::Message sent;
      sent.queue_id = std::to_string(i);
      sent.fields = eml::header_of(content(files[i]));
      EXPECT_EQ(mta.send(sent).modifications.size(), 0u) << "log-only";
    }
    quit(mta);
  }
  stop(daemon, "unix:" + (directory / "milter.sock"));
  return read_records(content(directory / "audit.jsonl"),
                      [&](const AuditRecord& record) { return files.at(std::stoul(record.queue_id)); });
}

Records of_check(const std::string& config) {
  std::vector<std::string> arguments = {"check", "--config", config, "--format=json"};
  const std::vector<std::string> files = files_with(".eml");
  arguments.insert(arguments.end(), files.begin(), files.end());
  fake_mta::Daemon check(MSGID_AUDIT, arguments);
  EXPECT_EQ(check.wait(), 1) << check.errors();
  EXPECT_EQ(check.errors(), "");
  return read_records(check.output(), [](const AuditRecord& record) { return record.source; });
}

/// A line a finding, without those that need the message's body.
std::string dump(const AuditRecord& record) {
  std::string text = "from " + record.from_domain + " agent " + record.agent + '\n';
  for (const AuditFinding& finding : record.findings) {
    if (!finding.part.empty() || finding.rule == "exchange-8bit-body" || finding.rule == "exchange-narrow-multipart")
      continue;
    text += finding.rule + ' ' + finding.field + ' ' + std::to_string(finding.instance) + ' ' + finding.action + ' ' +
            finding.reason + "\n  " + finding.before + "\n  " + finding.after + '\n';
    for (const std::string& domain : finding.keeps) text += "  keeps " + domain + '\n';
    for (const std::string& domain : finding.breaks) text += "  breaks " + domain + '\n';
  }
  return text;
}

TEST(Check, GivesTheFindingsOfTheDaemon) {
  std::string all;
  for (const std::string& options : configurations()) {
    SCOPED_TRACE(options);
    const fake_mta::SocketDirectory directory;
    const std::string config = directory / "msgid-milter.conf";
    std::ofstream(config) << options << "mode = log-only\nlog = stderr\nsocket = unix:" << directory / "milter.sock"
                          << "\naudit-log = " << directory / "audit.jsonl"
                          << (geteuid() == 0 ? "\nuser = nobody\n" : "\n");
    const Records daemon = of_daemon(directory, config);
    const Records check = of_check(config);
    for (const std::string& file : files_with(".eml")) {
      const auto by_daemon = daemon.find(file);
      const auto by_check = check.find(file);
      const std::string expected = by_daemon == daemon.end() ? "" : dump(by_daemon->second);
      EXPECT_EQ(by_check == check.end() ? "" : dump(by_check->second), expected) << file;
      all += expected;
    }
  }
  // All of this was there to be compared.
  for (const std::string_view part : {"would-rewrite", "reported signed", "  keeps ", "  breaks ", "exchange-charset",
                                      "exchange-non-ascii", "exchange-mime-version", "exchange-multipart-encoding",
                                      "missing Message-ID 0", "duplicate-field", "msgid-too-long"})
    EXPECT_NE(all.find(part), std::string::npos) << part;
}

}  // namespace
