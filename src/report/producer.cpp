#include "report/producer.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "msgid/encoded_word.h"
#include "msgid/field.h"
#include "msgid/fold.h"

namespace report {

namespace {

constexpr std::size_t npos = std::string_view::npos;

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n';
}

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
}

bool contains(std::string_view text, std::string_view part) {
  const auto same = [](char a, char b) { return msgid::same_name({&a, 1}, {&b, 1}); };
  return std::search(text.begin(), text.end(), part.begin(), part.end(), same) != text.end();
}

/// What is looked at in a field.
struct Shape {
  std::string_view field;
  std::string_view body;
  std::string_view agent;
  // Of its encoded-words:
  std::size_t words = 0;
  std::size_t longest_word = 0;
  msgid::EncodedWord first = {};
  bool is_uniform = true;        ///< all with charset and encoding as in the first
  bool has_both = false;         ///< some in Q, some in B
  bool has_literal_id = false;   ///< "<", ">" or "@" stands in Q text as it is
  bool has_escaped_id = false;   ///< "<", ">" or "@" is escaped in Q text
  bool has_high_escape = false;  ///< an octet over 127 is escaped in Q text
  bool is_only_words = true;     ///< nothing but white space stands beside them
};

void look_at_q(std::string_view text, Shape& shape) {
  if (text.find_first_of("<>@") != npos) shape.has_literal_id = true;
  for (std::size_t at = text.find('='); at != npos; at = text.find('=', at + 1)) {
    const std::string_view escape = text.substr(at, 3);
    if (escape.size() < 3 || !is_hex(escape[1]) || !is_hex(escape[2])) continue;
    if (contains("=3C=3E=40", escape)) shape.has_escaped_id = true;
    if (escape[1] > '7') shape.has_high_escape = true;
  }
}

Shape look_at(std::string_view field, std::string_view body, std::string_view agent) {
  Shape shape = {field, body, agent};
  msgid::EncodedWordMatcher matcher(body);
  msgid::EncodedWord word;
  for (std::size_t at = 0; at < body.size();) {
    if (!matcher.match(at, word)) {
      if (!is_blank(body[at])) shape.is_only_words = false;
      ++at;
      continue;
    }
    if (++shape.words == 1) shape.first = word;
    shape.longest_word = std::max(shape.longest_word, word.whole.size());
    if (word.charset != shape.first.charset || word.encoding != shape.first.encoding) shape.is_uniform = false;
    if (!msgid::same_name(word.encoding, shape.first.encoding)) shape.has_both = true;
    if (msgid::same_name(word.encoding, "q")) look_at_q(word.text, shape);
    at += word.whole.size();
  }
  return shape;
}

/// Words of one kind; spelling counts, for it is what tells the programs apart.
bool has_words(const Shape& shape, std::string_view charset, std::string_view encoding) {
  return shape.words > 0 && shape.is_uniform && shape.first.charset == charset && shape.first.encoding == encoding;
}

/// A fold inside an id or an encoded-word, at the end of a line of `shortest` to `longest` octets; `mark` is what must
/// stand before it.
bool is_cut(const Shape& shape, std::size_t shortest, std::size_t longest, std::string_view mark) {
  std::size_t begin = 0;
  std::size_t before = shape.field.size() + 1;
  for (std::size_t end = shape.body.find('\n'); end != npos; end = shape.body.find('\n', begin)) {
    const std::string_view line = shape.body.substr(begin, end - begin);
    const std::size_t length = before + line.size();
    const std::string_view next = shape.body.substr(end + 1, 2);
    const bool is_one_space = next.size() == 2 && next[0] == ' ' && !is_blank(next[1]);
    const std::size_t open = std::max(line.rfind('<') + 1, line.rfind("=?") + 1);
    const bool is_inside = open != 0 && !is_blank(line.back()) && line.find_first_of(" \t", open - 1) == npos &&
                           line.find('>', line.rfind('<') == npos ? 0 : line.rfind('<')) == npos;
    if (length >= shortest && length <= longest && is_one_space && is_inside && line.ends_with(mark)) return true;
    begin = end + 1;
    before = 0;
  }
  return false;
}

bool is_python_q(const Shape& shape) {
  return has_words(shape, "utf-8", "q") && shape.has_escaped_id && !shape.has_literal_id;
}

bool is_one_word(const Shape& shape) {
  return shape.words == 1 && shape.is_only_words;
}

bool is_thread_field(const Shape& shape) {
  return msgid::same_name(shape.field, "In-Reply-To") || msgid::same_name(shape.field, "References");
}

bool is_long_by(const Shape& shape, std::string_view agent) {
  return shape.words == 0 && contains(shape.agent, agent) &&
         msgid::longest_line(shape.field.size(), shape.body) > msgid::max_line_octets;
}

struct Row {
  Producer producer;
  bool (*is_it)(const Shape& shape);
};

constexpr std::string_view fold_between =
    "Fold References at the white space between two ids before a line has 998 octets (RFC 5322 2.1.1 and 2.2.3).";

// The first row that fits is taken. What is known of each, and how, stands in its advice or beside it.
constexpr std::array rows = {
    // Postfix 3.7.11 and Sendmail 8.17.1.9, measured 2026.
    Row{{"Postfix's smtp client (as the one who cut it)",
         "a line of exactly 998 octets that ends within an id, and one space on the next",
         "A relay on the way cut a line over 998 octets (Postfix logs \"breaking line > 998 bytes\"); who wrote that "
         "line "
         "cannot be seen any more. Put the filter before that relay, or have the writer fold between the ids."},
        [](const Shape& shape) { return is_cut(shape, 998, 998, ""); }},
    Row{{"Sendmail (as the one who cut it)", "a line of about 990 octets that ends in \"!\" within an id",
         "A relay on the way cut a line over its limit and put \"!\" there, so the id cannot be mended for sure; who "
         "wrote that line cannot be seen any more. Put the filter before that relay, or have the writer fold between "
         "the ids."},
        [](const Shape& shape) { return is_cut(shape, 980, 998, "!"); }},

    // Debian 12's Python 3.11.2, measured 2026: as_string() of a message with raw octets.
    Row{{"Python's email package, writing an id that is not ASCII", "encoded-words with the charset \"unknown-8bit\"",
         "The program read a message with raw octets in this field and wrote it again as text. Have it use as_bytes() "
         "in "
         "place of as_string(), and the maker of the id write ASCII."},
        [](const Shape& shape) {
          return has_words(shape, "unknown-8bit", "b") || has_words(shape, "unknown-8bit", "q");
        }},

    // Python 3.11.2 measured; the versions are those of CPython's issue gh-79986.
    Row{{"Python's email package, through its older class email.header.Header",
         "one encoded-word \"=?utf-8?q?\" for the whole field, the dots of the id escaped too",
         "Have the program set the field to the plain id, as a str: a Header object with a charset encodes it, in "
         "every "
         "version of Python."},
        [](const Shape& shape) { return is_python_q(shape) && is_one_word(shape); }},
    Row{{"Python's email package (3.8 to 3.12, 3.13 before 3.13.12, 3.14 before 3.14.3)",
         "encoded-words \"=?utf-8?q?\" that cut an id, the dots of the id escaped too",
         "Python 3.13.12 and 3.14.3 mend it; 3.12 and older never will (gh-79986). There, write the message with a "
         "policy "
         "of longer lines, as email.policy.SMTP.clone(max_line_length=998): with 3.11 such ids then stay plain."},
        [](const Shape& shape) { return is_python_q(shape) && is_thread_field(shape); }},
    Row{{"Python's email package (3.7 or older, or newer where the field is not parsed as a Message-ID)",
         "encoded-words \"=?utf-8?q?\" that cut the id, the dots of the id escaped too",
         "Python 3.8 mends it for Message-ID (gh-79986). Before, write the message with a policy of longer lines, as "
         "email.policy.SMTP.clone(max_line_length=998), or choose ids of at most 77 octets."},
        [](const Shape& shape) { return is_python_q(shape) && msgid::same_name(shape.field, "Message-ID"); }},
    Row{{"Python's email package (all versions to date)",
         "encoded-words \"=?utf-8?q?\" that cut the id, the dots of the id escaped too",
         "Python mends this for Message-ID, In-Reply-To and References only (gh-79986). Write the message with a "
         "policy of "
         "longer lines, as email.policy.SMTP.clone(max_line_length=998): with 3.11 such ids then stay plain."},
        [](const Shape& shape) { return is_python_q(shape); }},
    // Python measured; Go's mime.BEncoding writes the same by its source.
    Row{{"Python's email package, or a Go program (mime.BEncoding), with an id that is not ASCII",
         "encoded-words \"=?utf-8?b?\"",
         "No version writes such an id plain. Have the maker of the id use ASCII letters and digits only."},
        [](const Shape& shape) { return has_words(shape, "utf-8", "b"); }},

    // PHPMailer's issues 1876 and 1878, its change log (6.1.0, 6.1.4) and its source (encodeHeader); ProtonMail's from
    // public mail archives.
    Row{{"ProtonMail (2020 to 2022), or PHPMailer 6.1.4 or later",
         "encoded-words \"=?us-ascii?Q?\" of far more than 75 octets, \"<\", \">\" and \"@\" as they are",
         "PHPMailer encodes a References of about 980 octets and more, which cuts ids. Keep the field shorter: the "
         "first "
         "id and the last ones (RFC 5537 3.4.4). ProtonMail writes it no more."},
        [](const Shape& shape) {
          return has_words(shape, "us-ascii", "Q") && shape.has_literal_id && shape.longest_word > 75;
        }},
    Row{{"PHPMailer (6.1.0 to 6.1.3, or any later one that sends through PHP's mail())",
         "encoded-words \"=?us-ascii?Q?\" with \"<\", \">\" and \"@\" as they are, \"_\" between the ids",
         "Upgrade to PHPMailer 6.1.4 or later and send by SMTP: isSMTP() in place of isMail(), whose limit is 63 "
         "octets a "
         "line."},
        [](const Shape& shape) { return has_words(shape, "us-ascii", "Q") && shape.has_literal_id; }},

    // MimeKit's issue 479.
    Row{{"MimeKit or MailKit, up to 2.0.5", "encoded-words \"=?us-ascii?q?\" that cut the id",
         "Upgrade MimeKit: its issue 479 mended this after 2.0.5 (2019)."},
        [](const Shape& shape) { return has_words(shape, "us-ascii", "q") && shape.has_escaped_id; }},

    // Debian 12's ruby-mail 2.7.1, measured 2026: with white space in such an id; without, it writes raw UTF-8.
    Row{{"Ruby's mail gem (2.7)", "an encoded-word \"=?UTF-8?Q?\" with an id in it that is not ASCII",
         "Have the maker of the id use ASCII letters and digits only, and no white space."},
        [](const Shape& shape) {
          return has_words(shape, "UTF-8", "Q") && shape.has_literal_id && shape.has_high_escape;
        }},
    // laravel-imap's issue 274.
    Row{{"zend-mail or laminas-mail",
         "one encoded-word \"=?UTF-8?Q?\", and what it decodes to is an id without angle brackets",
         "Have the program set the id through the class MessageId (References, InReplyTo) with its encoding ASCII, not "
         "through a generic header, as osTicket does since 2022."},
        [](const Shape& shape) {
          return has_words(shape, "UTF-8", "Q") && is_one_word(shape) && shape.has_literal_id &&
                 shape.first.text.find_first_of("<>") == npos;
        }},
    // As above, and elixir-mail's pull request 203.
    Row{{"zend-mail, laminas-mail, or elixir-mail before October 2025",
         "encoded-words \"=?UTF-8?Q?\" with \"<\", \">\" and \"@\" as they are",
         "elixir-mail: upgrade. zend-mail and laminas-mail: have the program set ids through the classes MessageId, "
         "References and InReplyTo with their encoding ASCII, not through a generic header."},
        [](const Shape& shape) { return has_words(shape, "UTF-8", "Q") && shape.has_literal_id; }},
    Row{{"an old mail program such as Balsa 1.x or Mutt 1.2", "encoded-words in Q and in B in one field",
         "Upgrade it. What it writes there is a phrase of the older standard (RFC 822 4.6.2)."},
        [](const Shape& shape) { return shape.has_both && msgid::same_name(shape.field, "In-Reply-To"); }},

    // Issues of these projects: a reply in a thread of about 30 mails.
    Row{{"FreeScout", "a line over 998 octets, and the program calls itself so", fold_between},
        [](const Shape& shape) { return is_long_by(shape, "FreeScout"); }},
    Row{{"Zammad", "a line over 998 octets, and the program calls itself so", fold_between},
        [](const Shape& shape) { return is_long_by(shape, "Zammad"); }},
    Row{{"Delta Chat", "a line over 998 octets, and the program calls itself so", fold_between},
        [](const Shape& shape) { return is_long_by(shape, "Delta") && contains(shape.agent, "Chat"); }},
    Row{{"mu4e", "a line over 998 octets, and the program calls itself so", fold_between},
        [](const Shape& shape) { return is_long_by(shape, "mu4e"); }},
    Row{{"grommunio (gromox)", "a line over 998 octets, and the program calls itself so", fold_between},
        [](const Shape& shape) { return is_long_by(shape, "gromox") || is_long_by(shape, "grommunio"); }},
    // Measured with a version of 2026.
    Row{{"Email::MIME (Perl)", "a fold directly behind the colon, then all ids on one line over 998 octets",
         fold_between},
        [](const Shape& shape) {
          const std::size_t first = shape.body.find_first_not_of(" \t");
          return shape.words == 0 && first != npos && shape.body[first] == '\n' &&
                 shape.body.find('\n', first + 1) == npos && shape.body.size() - first > msgid::max_line_octets;
        }},
};

}  // namespace

const Producer* guess_producer(std::string_view field, std::string_view body, std::string_view agent) noexcept {
  const Shape shape = look_at(field, body, agent);
  const auto* const row = std::find_if(rows.begin(), rows.end(), [&](const Row& each) { return each.is_it(shape); });
  return row == rows.end() ? nullptr : &row->producer;
}

}  // namespace report
