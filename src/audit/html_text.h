// The text of an HTML part, as far as a bounce needs it: Exchange writes its reports in HTML.
#ifndef MSGID_AUDIT_HTML_TEXT_H
#define MSGID_AUDIT_HTML_TEXT_H

#include <string>
#include <string_view>

namespace audit {

/// Whether a pasted text is the source of an HTML page: it has one of the tags that such reports are made of.
bool looks_like_html(std::string_view text) noexcept;

/// Tags, comments, style and script left out, character references decoded (a no-break space becomes a space). Line
/// ends stay, and each tag that begins or ends a block is one. "<" is taken for a tag only where a tag's name stands
/// behind it, so a msg-id that nobody escaped stays.
std::string text_of_html(std::string_view html);

}  // namespace audit

#endif
