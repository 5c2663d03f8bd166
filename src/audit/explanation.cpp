#include "audit/explanation.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "audit/message.h"
#include "msgid/exchange.h"
#include "msgid/fold.h"
#include "msgid/kept_fields.h"
#include "msgid/reason.h"
#include "report/paragraph.h"
#include "report/printable.h"
#include "report/producer.h"
#include "report/words.h"

namespace audit {

namespace {

using report::append_paragraph;
using report::printable;

constexpr std::size_t npos = std::string_view::npos;
constexpr std::size_t max_value_octets = 8192;  // as in the audit trail
constexpr std::size_t max_name_octets = 100;
constexpr std::size_t label_columns = 14;  // as "  Written by: "

void append_title(std::string& out, std::string_view title) {
  if (!out.empty()) out += '\n';
  out += title;
  out += '\n';
}

void say(std::string& out, std::string_view sentence) {
  append_paragraph(out, sentence, 2);
}

/// "label: text", the text's further lines under its first.
void append_labelled(std::string& out, std::string_view label, std::string_view text) {
  std::string first_line = "  ";
  first_line += label;
  first_line.resize(label_columns, ' ');
  append_paragraph(out, text, first_line.size(), first_line);
}

void append_item(std::string& out, std::string_view text) {
  append_paragraph(out, text, 4, "  - ");
}

std::string joined(const std::vector<std::string>& values) {
  std::string out;
  for (const std::string& value : values) {
    if (!out.empty()) out += ", ";
    out += printable(value, max_name_octets);
  }
  return out;
}

bool is_id_field(std::string_view name) {
  return msgid::same_name(name, "Message-ID") || msgid::same_name(name, "Resent-Message-ID") ||
         msgid::same_name(name, "In-Reply-To") || msgid::same_name(name, "References");
}

const msgid::Field* find_field(const msgid::FieldList& fields, std::string_view name, int instance = 1) {
  const auto field = std::find_if(fields.begin(), fields.end(), [&](const msgid::Field& one) {
    return one.instance == instance && msgid::same_name(one.name, name);
  });
  return field == fields.end() ? nullptr : &*field;
}

std::string body_of(const msgid::FieldList& fields, std::string_view name) {
  const msgid::Field* field = find_field(fields, name);
  if (field == nullptr) return {};
  const std::string body = msgid::unfold(field->body);
  const std::size_t begin = body.find_first_not_of(" \t");
  return begin == npos ? std::string() : body.substr(begin);
}

std::string agent_of(const msgid::FieldList& fields) {
  std::string agent = body_of(fields, "X-Mailer");
  return agent.empty() ? body_of(fields, "User-Agent") : agent;
}

bool explains_any(const Explanation& explanation, const msgid::Finding& finding) {
  return std::any_of(explanation.texts.begin(), explanation.texts.end(),
                     [&](const KnownText* text) { return explains(finding, text->reason); });
}

bool is_bounce(const Explanation& explanation) {
  return explanation.bounce.is_report || !explanation.texts.empty() || !find_status(explanation.bounce.text).empty();
}

/// What the text says of a status that belongs to no text known here.
void append_unknown_text(std::string& out, const Explanation& explanation) {
  const std::string_view status = find_status(explanation.bounce.text);
  if (!is_bounce(explanation)) {
    say(out,
        explanation.fields.empty()
            ? "This does not look like a bounce: it is no delivery report, and neither a status code nor a text that "
              "is known here stands in it."
            : "No bounce text was found here, only a message header.");
    return;
  }
  if (status.empty()) {
    say(out, "This is a report, but no text that is known here stands in it, and no status code.");
    return;
  }
  std::string sentence = "No text that is known here stands in this bounce. Its status, ";
  sentence += status;
  sentence += ", is about ";
  sentence += status_subject(status);
  sentence += " (RFC 3463). ";
  sentence += status.substr(1, 3) == ".6." ? "What it is about the content, it does not say in words known here."
                                           : "That is another matter: this program knows nothing about it, and no "
                                             "change to msg-id fields will mend it.";
  say(out, sentence);
}

/// The names of the fields that have `text` in their body, each once.
std::string fields_with(const msgid::FieldList& fields, std::string_view text) {
  const auto same = [](char a, char b) { return msgid::same_name({&a, 1}, {&b, 1}); };
  std::vector<std::string> names;
  for (const msgid::Field& field : fields) {
    const bool is_there =
        std::search(field.body.begin(), field.body.end(), text.begin(), text.end(), same) != field.body.end();
    if (!is_there || names.size() == max_explained_fields) continue;
    if (std::find(names.begin(), names.end(), field.name) == names.end()) names.push_back(field.name);
  }
  return joined(names);
}

/// The charset that Exchange did not know, or the field that it could not decode, and where it stands.
void append_named(std::string& out, const Explanation& explanation, const KnownText& text) {
  if (text.reason == Reason::charset) {
    const std::string_view charset = text_behind(explanation.bounce.text, "character set name (", ")\n");
    if (charset.empty()) return;
    const std::string fields = fields_with(explanation.fields, charset);
    std::string sentence = "\"" + printable(charset, max_name_octets) + "\"; ";
    sentence += explanation.fields.empty() ? "where it stands cannot be seen without the original header"
                : fields.empty()           ? "it stands in no field of the original header, so in a MIME part"
                                           : "in the original header it stands in " + fields;
    append_labelled(out, "Charset:", sentence + ".");
  } else if (text.reason == Reason::raw_octets) {
    const std::string_view name = text_behind(explanation.bounce.text, "decoding of header ", " \t\r\n;,'");
    if (!name.empty()) append_labelled(out, "Field:", printable(name, max_name_octets));
  }
}

void append_bounce(std::string& out, const Explanation& explanation) {
  append_title(out, "What it says");
  if (explanation.texts.empty()) append_unknown_text(out, explanation);
  bool is_first = true;
  for (const KnownText* text : explanation.texts) {
    if (!is_first) out += '\n';
    is_first = false;
    append_labelled(out, "Text:", text->text);
    append_labelled(out, "Means:", text->meaning);
    append_labelled(out, "Known by:", text->source);
    append_named(out, explanation, *text);
    append_labelled(out, "Filter:", text->help);
  }
  if (explanation.bounce.is_cut)
    say(out, "(Of text and header, only the first 1 MiB each was read, of the file 64 MiB.)");
  if (explanation.has_more) say(out, "(This file holds several messages; only the first is explained.)");
}

/// Whether a text is about the message's content, so that its header is wanted.
bool is_about_content(const Explanation& explanation) {
  return std::any_of(explanation.texts.begin(), explanation.texts.end(),
                     [](const KnownText* text) { return text->reason != Reason::unknown; });
}

void append_origin(std::string& out, const Explanation& explanation) {
  const Bounce& bounce = explanation.bounce;
  if (explanation.fields.empty() && !is_about_content(explanation)) return;
  append_title(out, "The original header");
  if (explanation.fields.empty()) {
    say(out,
        "It was not found. A report carries it as an attachment or behind \"Original message headers:\"; save the "
        "whole "
        "bounce as .eml and not only its text.");
    return;
  }
  const std::size_t count = explanation.fields.size();
  std::string sentence = bounce.origin == HeaderOrigin::message   ? "Found as an attached message, "
                         : bounce.origin == HeaderOrigin::headers ? "Found as an attached header, "
                                                                  : "Found in the text, ";
  sentence += std::to_string(count);
  sentence += count == 1 ? " field." : " fields.";
  say(out, sentence);
  if (bounce.is_rewrapped) {
    say(out,
        "Its lines were wrapped again on the way into this text: a space within an id may come from that, and not from "
        "the sender.");
  }
  const std::string from = body_of(explanation.fields, "From");
  const std::string agent = agent_of(explanation.fields);
  const std::string id = body_of(explanation.fields, "Message-ID");
  if (!from.empty()) append_labelled(out, "From:", printable(from, max_value_octets));
  if (!agent.empty()) append_labelled(out, "Program:", printable(agent, max_value_octets));
  if (!id.empty()) append_labelled(out, "Id:", printable(id, max_value_octets));
}

void append_dkim(std::string& out, const msgid::Survival& dkim) {
  if (!dkim.breaks.empty()) append_labelled(out, "DKIM:", "the edit breaks the signature of " + joined(dkim.breaks));
  if (!dkim.keeps.empty()) append_labelled(out, "DKIM:", "the edit keeps the signature of " + joined(dkim.keeps));
}

void append_producer(std::string& out, const Explanation& explanation, const msgid::Finding& finding) {
  const msgid::Field* field = find_field(explanation.fields, finding.field, finding.instance);
  const report::Producer* producer =
      field == nullptr ? nullptr : report::guess_producer(field->name, field->body, agent_of(explanation.fields));
  if (producer == nullptr) {
    const report::RuleWords* words = report::rule_words(finding.rule->name);
    if (is_id_field(finding.field))
      append_labelled(out, "Written by:", "not known: the shape is that of no program known here");
    if (words != nullptr) append_labelled(out, "Tell them:", words->advice);
    return;
  }
  append_labelled(out, "Written by:", "probably " + std::string(producer->name));
  append_labelled(out, "Shape:", producer->shape);
  append_labelled(out, "Tell them:", producer->advice);
}

/// The findings of one field, [begin, end): they have before, after and DKIM in common.
void append_field(std::string& out, const Explanation& explanation, const msgid::Finding* begin,
                  const msgid::Finding* end) {
  std::string heading = "* " + printable(begin->field, max_name_octets);
  if (begin->instance > 1) heading += " (number " + std::to_string(begin->instance) + " of that name)";
  append_paragraph(out, heading, 2);
  const msgid::Finding* edit = nullptr;
  for (const msgid::Finding* finding = begin; finding != end; ++finding) {
    const report::RuleWords* words = report::rule_words(finding->rule->name);
    std::string rule = words != nullptr ? std::string(words->meaning) : std::string(finding->rule->summary);
    rule += " (" + std::string(finding->rule->name) + ")";
    append_labelled(out, "Broken:", rule);
    if (finding->action == msgid::Action::rewrite) edit = finding;
  }
  if (!begin->before.empty()) append_labelled(out, "Before:", printable(begin->before, max_value_octets));
  if (edit != nullptr && edit->after == edit->before) {
    append_labelled(out, "After:", "the same, with other line breaks");
  } else if (edit != nullptr) {
    append_labelled(out, "After:", printable(edit->after, max_value_octets));
  } else {
    const bool is_of_exchange = begin->rule->id >= msgid::RuleId::exchange_field_name;
    std::string stays = "the filter leaves it as it is: ";
    const std::string_view why = msgid::sentence_of(begin->reason);
    stays += is_of_exchange ? "such faults are only reported" : why.empty() ? "this policy only reports it" : why;
    append_labelled(out, "After:", stays);
  }
  append_dkim(out, (edit != nullptr ? edit : begin)->dkim);
  append_producer(out, explanation, *begin);
}

void append_findings(std::string& out, const Explanation& explanation) {
  if (explanation.fields.empty()) return;
  append_title(out, "What is broken in it");
  if (explanation.is_over_size) {
    say(out,
        "That was not looked for: the header is over header-size, so the filter would pass the message without "
        "inspection. Raise header-size and try again.");
    return;
  }
  if (explanation.findings.empty()) {
    say(out, "Nothing, by the rules of this policy.");
    if (!explanation.texts.empty()) {
      say(out,
          "Either the reason is another, or the header in the bounce is not what was sent: servers on the way may have "
          "decoded, folded or replaced fields.");
    }
    return;
  }
  const std::vector<msgid::Finding>& all = explanation.findings;
  std::size_t shown = 0;
  std::size_t left_out = 0;
  for (std::size_t i = 0; i < all.size();) {
    std::size_t end = i + 1;
    while (end < all.size() && all[end].instance == all[i].instance && all[end].field == all[i].field) ++end;
    if (shown < max_explained_fields) {
      if (shown++ > 0) out += '\n';
      append_field(out, explanation, all.data() + i, all.data() + end);
    } else {
      ++left_out;
    }
    i = end;
  }
  if (left_out > 0) say(out, "(" + std::to_string(left_out) + " more fields are left out.)");
  if (explanation.lacks_signatures) {
    say(out,
        "(The signatures are left out: with them the header is over header-size, so what an edit does to them is not "
        "known.)");
  }
}

bool is_thread_field(std::string_view name) {
  return msgid::same_name(name, "In-Reply-To") || msgid::same_name(name, "References");
}

/// Whether what was found can be what the bounce complains of.
void append_verdict(std::string& out, const Explanation& explanation) {
  const std::vector<msgid::Finding>& all = explanation.findings;
  if (all.empty() || !is_bounce(explanation)) return;
  append_title(out, "Whether that is the reason");
  const auto fitting =
      std::find_if(all.begin(), all.end(), [&](const msgid::Finding& one) { return explains_any(explanation, one); });
  if (fitting != all.end()) {
    say(out, "Probably: " + printable(fitting->field, max_name_octets) + " with " + std::string(fitting->rule->name) +
                 " fits what the bounce says.");
  } else if (explanation.texts.empty()) {
    say(out, "Nothing here ties what was found to this bounce.");
  } else {
    say(out, "Probably not: what was found is not known to give such a bounce.");
  }
  const bool is_thread = std::any_of(all.begin(), all.end(), [&](const msgid::Finding& one) {
    return is_thread_field(one.field) && !explains_any(explanation, one);
  });
  if (is_thread) {
    say(out,
        "A broken In-Reply-To or References is not known to bounce: Outlook and Exchange drop it, and the conversation "
        "falls apart (issue trackers).");
  }
}

void append_next(std::string& out, const Explanation& explanation) {
  append_title(out, "What to do next");
  const std::vector<msgid::Finding>& all = explanation.findings;
  const bool has_edit = std::any_of(all.begin(), all.end(),
                                    [](const msgid::Finding& one) { return one.action == msgid::Action::rewrite; });
  if (has_edit) {
    append_item(out, "Tell the people whose program wrote it; what to tell them stands above.");
    append_item(out,
                "Until they mend it: run msgid-milter with mode = log-only on the relay for a week, read "
                "msgid-audit report, then set mode = rewrite.");
    return;
  }
  if (!all.empty()) {
    append_item(out, "Tell the people whose program wrote it: the filter would report this and not change it.");
    return;
  }
  if (!is_bounce(explanation)) {
    append_item(out, explanation.bounce.is_message
                         ? "If this is the message itself: msgid-audit check says what the filter finds in it."
                         : "If it is a piece of a bounce: save the whole of it as .eml and try that.");
    return;
  }
  if (is_about_content(explanation)) {
    append_item(
        out,
        "Get the message as it was sent (from the sender's sent folder, or with postcat -bhq from the queue of a "
        "relay) and put it through msgid-audit check.");
    append_item(out,
                "Look whether others of the same program bounce: msgid-milter with mode = log-only on the relay and "
                "msgid-audit report tell.");
  } else {
    append_item(out, "Read what the bounce itself advises, or ask the postmaster of the server that wrote it.");
  }
}

/// What the filter would have found in the original header.
void look_at_header(Explanation& explanation, const msgid::Policy& policy) {
  msgid::KeptFields kept(policy);
  msgid::ExchangeCheck check(policy);
  for (const msgid::Field& field : explanation.fields) {
    kept.add(field.name, field.body);
    check.field(field.name, field.body);
  }
  explanation.is_over_size = kept.is_over_size();
  explanation.lacks_signatures = kept.lacks_signatures();
  if (explanation.is_over_size) return;
  std::vector<msgid::Finding>& findings = explanation.findings;
  findings = msgid::inspect(kept.fields(), policy).findings;
  for (msgid::Finding& finding : check.end_of_header()) findings.push_back(std::move(finding));
  if (explanation.bounce.origin != HeaderOrigin::text) return;
  // Of a pasted header, a piece may be missing.
  std::erase_if(findings, [](const msgid::Finding& finding) {
    return finding.rule->id == msgid::RuleId::exchange_mime_version || finding.rule->id == msgid::RuleId::missing;
  });
}

}  // namespace

Explanation examine_bounce(std::string_view input, const msgid::Policy& policy) {
  Explanation explanation;
  explanation.bounce = read_bounce(input);
  explanation.texts = recognise(explanation.bounce.text);
  explanation.fields = header_of(explanation.bounce.header);
  if (!explanation.fields.empty()) look_at_header(explanation, policy);
  return explanation;
}

std::string text_of(const Explanation& explanation) {
  const bool has_nothing = explanation.fields.empty() && !is_bounce(explanation);
  if (has_nothing && explanation.bounce.text.find('\0') != npos) return {};
  std::string out;
  append_bounce(out, explanation);
  append_origin(out, explanation);
  append_findings(out, explanation);
  append_verdict(out, explanation);
  append_next(out, explanation);
  return out;
}

}  // namespace audit
