// The daemon and `msgid-audit check` say the same of the same messages under the same configuration file, at the least,
// the default and the greatest header-size: every message of the corpus, under every configuration that the corpus has,
// and headers that are just within the limit and just over it.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <sstream>

#include "report/audit_record.h"
#include "service.h"
#include "tests/eml.h"

namespace {

namespace fs = std::filesystem;
using report::AuditFinding;
using report::AuditRecord;

constexpr std::size_t header_sizes[] = {4096, 262144, 16777216};

using Files = std::vector<std::string>;
using Said = std::map<std::string, std::string>;  // by the message's file, a line for each thing

std::string content(const fs::path& path) {
  std::stringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

Files files_with(const std::string& extension) {
  Files files;
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

/// What is said of a message as a whole, in either program's words. The key of the message comes before it.
struct Remark {
  std::string_view text;
  std::string_view said;
};
constexpr Remark of_daemon_log[] = {{": action=reported reason=header-size ", "over header-size\n"},
                                    {": action=reported reason=signatures-size ", "signatures left out\n"}};
constexpr Remark of_tool[] = {{": over header-size: ", "over header-size\n"},
                              {": signatures left out: ", "signatures left out\n"}};

/// Adds the remarks among the lines. `key` gives the file. A line that is none of them is given to `others`.
template <typename Key>
void add_remarks(const std::vector<std::string>& lines, std::string_view prefix, std::span<const Remark> remarks,
                 const Key& key, Said& said, std::vector<std::string>& others) {
  for (const std::string& line : lines) {
    std::size_t at = line.npos;
    const auto remark = std::find_if(remarks.begin(), remarks.end(), [&](const Remark& candidate) {
      at = line.find(candidate.text);
      return at != line.npos && line.starts_with(prefix);
    });
    if (remark == remarks.end()) {
      others.push_back(line);
    } else {
      said[key(line.substr(prefix.size(), at - prefix.size()))] += remark->said;
    }
  }
}

/// Adds the findings of the records in a text, and gives the messages that passed without inspection.
template <typename Key>
std::uint64_t add_records(const std::string& text, const Key& key, Said& said) {
  std::uint64_t unread = 0;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    const auto parsed = report::parse_audit_line(line);
    if (const auto* record = std::get_if<AuditRecord>(&parsed)) said[key(*record)] += dump(*record);
    if (const auto* totals = std::get_if<report::AuditTotals>(&parsed)) unread += totals->unread;
  }
  return unread;
}

std::uint64_t count_over(const Said& said) {
  return static_cast<std::uint64_t>(
      std::count_if(said.begin(), said.end(), [](const auto& one) { return one.second == "over header-size\n"; }));
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

/// In log-only: what would be done.
Said of_daemon(const fake_mta::SocketDirectory& directory, const std::string& config, const Files& files) {
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
  const auto file_of = [&](const std::string& queue_id) { return files.at(std::stoul(queue_id)); };
  Said said;
  const std::uint64_t unread = add_records(
      content(directory / "audit.jsonl"), [&](const AuditRecord& record) { return file_of(record.queue_id); }, said);
  std::vector<std::string> others;
  add_remarks(daemon.lines(), "msgid-milter: ", of_daemon_log, file_of, said, others);
  EXPECT_EQ(unread, count_over(said));
  return said;
}

Said of_check(const std::string& config, const Files& files) {
  std::vector<std::string> arguments = {"check", "--config", config, "--format=json"};
  arguments.insert(arguments.end(), files.begin(), files.end());
  fake_mta::Daemon check(MSGID_AUDIT, arguments);
  const std::optional<int> status = check.wait();
  Said said;
  const auto source_of = [](const AuditRecord& record) { return record.source; };
  const std::uint64_t unread = add_records(check.output(), source_of, said);
  std::vector<std::string> others;
  const auto same_file = [](const std::string& file) { return file; };
  add_remarks(check.lines(), "msgid-audit: ", of_tool, same_file, said, others);
  EXPECT_EQ(others, std::vector<std::string>());
  EXPECT_EQ(status, check.errors().empty() ? 1 : 2) << check.errors();
  EXPECT_EQ(unread, count_over(said));
  return said;
}

/// What both say of the files under these options. It is the same.
Said of_both(const std::string& options, std::size_t header_size, const Files& files) {
  const fake_mta::SocketDirectory directory;
  const std::string config = directory / "msgid-milter.conf";
  std::ofstream(config) << options << "header-size = " << header_size
                        << "\nmode = log-only\nlog = stderr\nsocket = unix:" << directory / "milter.sock"
                        << "\naudit-log = " << directory / "audit.jsonl"
                        << (geteuid() == 0 ? "\nuser = nobody\n" : "\n");
  Said by_daemon = of_daemon(directory, config, files);
  Said by_check = of_check(config, files);
  for (const std::string& file : files) EXPECT_EQ(by_check[file], by_daemon[file]) << file;
  return by_daemon;
}

TEST(Check, SaysTheSameAsTheDaemon) {
  for (const std::size_t header_size : header_sizes) {
    std::string all;
    for (const std::string& options : configurations()) {
      SCOPED_TRACE(options + std::to_string(header_size));
      for (const auto& [file, said] : of_both(options, header_size, files_with(".eml"))) all += said;
    }
    // All of this was there to be compared.
    for (const std::string_view part : {"would-rewrite", "reported signed", "  keeps ", "  breaks ", "exchange-charset",
                                        "exchange-non-ascii", "exchange-mime-version", "exchange-multipart-encoding",
                                        "missing Message-ID 0", "duplicate-field", "msgid-too-long"})
      EXPECT_NE(all.find(part), std::string::npos) << part;
  }
}

// header-size counts the name and the body of a field, without the colon and the line end.
constexpr std::string_view broken_id = "Message-ID: =?utf-8?q?=3Ca=40?=\n =?utf-8?q?b=3E?=\n";
constexpr std::size_t id_octets = broken_id.size() - 2;

/// Fields of this many octets in all, none longer than Postfix passes on. Each begins with `begin`, which has the
/// colon.
std::string fields_of(std::size_t octets, const std::vector<std::string>& begins) {
  constexpr std::size_t longest = 50000;
  std::string text;
  for (std::size_t i = 0; octets > 0; ++i) {
    const std::string& begin = begins[i % begins.size()];
    // No rest that is too short for a field.
    const std::size_t size = octets <= longest ? octets : std::min(longest, octets - 1000);
    text += begin + std::string(size + 1 - begin.size(), 'x') + '\n';
    octets -= size;
  }
  return text;
}

std::string signatures_of(std::size_t octets) {
  return fields_of(octets, {"DKIM-Signature: v=1; c=relaxed/simple; d=one.example; h=message-id; b=",
                            "ARC-Message-Signature: i=1; c=simple; d=two.example; h=message-id; b="});
}

/// Of those that a header may have several times. A line of more than 998 octets is a finding.
std::string ids_of(std::size_t octets) {
  return fields_of(octets, {"Resent-Message-ID: <a@b> ", "RESENT-Message-ID: "});
}

TEST(Check, SaysTheSameAsTheDaemonOfAHeaderAtTheLimit) {
  constexpr std::size_t some = 200;  // octets of a signature
  const std::string id(broken_id);
  const std::string clean_id = "Message-ID: <a@b>\n";
  const std::string signature = signatures_of(some);
  const std::string over = "over header-size\n";
  const std::string left_out = "signatures left out\n";
  for (const std::size_t limit : header_sizes) {
    const std::size_t left = limit - id_octets;
    struct Row {
      const char* name;
      std::string header;
      std::string rewrite;  ///< what is said of the header as a whole with signed = rewrite
      std::string keep;     ///< with keep
    };
    std::vector<Row> rows = {
        {"ids, within", id + ids_of(left), "", ""},
        {"ids, over", id + ids_of(left + 1), over, over},
        {"signature between", id + signature + ids_of(left - some + 1), left_out, over},
        {"nothing found", signatures_of(limit + 1) + clean_id, "", over},
    };
    const std::vector<Row> more = {
        {"ids, over before the last", ids_of(limit + 1) + id, over, over},
        {"signature, within", signature + ids_of(left - some) + id, "", ""},
        {"signature first", signature + id + ids_of(left - some + 1), left_out, over},
        {"signature last", ids_of(left - some + 1) + id + signature, left_out, over},
        {"two signatures around", signature + ids_of(left - 2 * some + 1) + id + signature, left_out, over},
        {"signatures alone, within", signatures_of(limit - id_octets) + id, "", ""},
        {"signatures alone, over, first", signatures_of(limit + 1) + id, left_out, over},
        {"signatures alone, over, last", id + signatures_of(limit + 1) + signature, left_out, over},
        {"signatures and ids, both over", signature + ids_of(limit) + id + signature, over, over},
        {"others are not counted", "X-Other: " + std::string(5000, 'x') + '\n' + id + ids_of(left), "", ""},
    };
    if (limit < header_sizes[2]) rows.insert(rows.end(), more.begin(), more.end());  // each as large as the limit
    const fake_mta::TemporaryDirectory directory;
    Files files;
    for (const Row& row : rows) {
      files.push_back(directory / row.name);
      const bool has_crlf = files.size() % 2 == 0;
      std::ofstream file(files.back(), std::ios::binary);
      std::istringstream lines(row.header + "\nText.\n");
      for (std::string line; std::getline(lines, line);) file << line << (has_crlf ? "\r\n" : "\n");
    }
    for (const bool is_keep : {false, true}) {
      SCOPED_TRACE(std::to_string(limit) + (is_keep ? " keep" : " rewrite"));
      Said said = of_both(is_keep ? "signed = keep\n" : "", limit, files);
      for (const Row& row : rows) {
        const std::string& expected = is_keep ? row.keep : row.rewrite;
        const std::string& of_message = said[directory / row.name];
        EXPECT_EQ(of_message.find(over) != over.npos, expected == over) << row.name;
        EXPECT_EQ(of_message.find(left_out) != over.npos, expected == left_out) << row.name;
      }
    }
  }
}

}  // namespace
