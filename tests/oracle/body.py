"""What stands in a field body: lines and folds, ids, encoded-words. The plain half of the second implementation; see
verdict.py, which says what it is for.

An octet is a character of a str (Latin-1).
"""

import base64
import hashlib
import re
import uuid

MAX_LINE = 998


# ---- lines and folds (fold.h)

def unfold(body):
    return re.sub(r"\n(?=[ \t])", "", body)


def longest_line(name, body):
    return max(len(line) for line in (name + ":" + body).split("\n"))


def fold(name, units, fold_at):
    units = [re.sub(r"[ \t\n]+", lambda run: " " if run[0].strip(" ") else run[0], unit) for unit in units]
    one_line = "".join(" " + unit for unit in units)
    if len(name) + 1 + len(one_line) <= fold_at:
        return one_line
    if not units:
        return ""
    body = " " + units[0]
    width = len(name) + 1 + len(body)
    for unit in units[1:]:
        if width + 1 + len(unit) > fold_at:
            body += "\n " + unit
            width = 1 + len(unit)
        else:
            body += " " + unit
            width += 1 + len(unit)
    return body


def is_safe(name, body):
    return re.fullmatch(r"(?:[\t -~]|\n(?=[ \t]))*", body) is not None and longest_line(name, body) <= MAX_LINE


def octets_over(name, body, line_length):
    return sum(max(0, len(line) - line_length) for line in (name + ":" + body).split("\n"))


def unfold_between_ids(tokens):
    return "".join(text if kind in ("id", "unterminated") else unfold(text) for kind, text in tokens)


def break_places(tokens, is_touching):
    """Where a line may be broken: [position in the body]"""
    places = []
    at = 0
    last_visible = max((number for number, (kind, _) in enumerate(tokens) if kind != "space"), default=-1)
    for number, (kind, text) in enumerate(tokens):
        before = tokens[number - 1] if number else None
        if before and kind == "space" and "\n" not in text and number < last_visible:
            places.append(at)
        if is_touching and before and kind not in ("space", "comma") and before[0] != "space":
            is_end = before[0] in ("id", "comment", "comma") or (before[0] == "text" and before[1][-1] in ";>")
            if is_end and (kind in ("id", "unterminated", "comment") or before[0] == "comma"):
                places.append(at)
        at += len(text)
    return places


def refold(name, body, tokens, is_touching, line_length, fold_at):
    """Each line that is too long, broken where it may be, as late as `fold_at` lets it."""
    places = break_places(tokens, is_touching)
    out = ""
    begin = 0  # of a line
    for line in body.split("\n"):
        end = begin + len(line)
        lead = len(name) + 1 if begin == 0 else 0
        if lead + len(line) > line_length:
            pieces, last = [], begin
            for place in [place for place in places if begin < place < end] + [end]:
                pieces.append(body[last:place])
                last = place
            line = pieces[0]
            width = lead + len(line)
            for piece in pieces[1:]:
                added = piece if piece[0] in " \t" else " " + piece
                if width + len(piece) > fold_at:
                    line += "\n" + added
                    width = len(added)
                else:
                    line += piece
                    width += len(piece)
        out += ("\n" if begin else "") + line
        begin = end + 1
    return out


# ---- the scanner (msg_id.h)

SPACE = re.compile(r"[ \t\n]+")
ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\xff-]"
DOT_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
LITERAL = re.compile(r"\[[^][\\]*\]")
ENCLOSED_LITERAL = re.compile(r"\[(?:[^]\\]|\\.)*\]", re.DOTALL)
# The labels are tokens (RFC 2047 2), so without control characters, and nobody's have an angle bracket.
WORD = re.compile(r"=\?([!-;=@-~]*)\?([!-;=@-~]+)\?((?:(?!\?=)[^ \t\n])*)\?=")


def comment_end(text, at):
    """Behind the comment that begins at `at`, or None where it is not closed."""
    depth = 0
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] == "(":
            depth += 1
        elif text[at] == ")":
            depth -= 1
            if depth == 0:
                return at + 1
        at += 1
    return None


def quoted_end(text, at):
    found = QUOTED.match(text, at)
    return found.end() if found else None


def skip_cfws(text, at):
    while True:
        space = SPACE.match(text, at)
        if space:
            at = space.end()
        elif text[at:at + 1] == "(" and comment_end(text, at):
            at = comment_end(text, at)
        else:
            return at


def grammar_end(text, at):
    """Behind the id that begins at `at` by the grammar with its obs- forms, or None."""
    def words(at, is_left):
        while True:
            at = skip_cfws(text, at)
            found = re.compile(ATEXT + "+").match(text, at)
            if not found and is_left:
                found = QUOTED.match(text, at)
            if not found:
                return None
            at = skip_cfws(text, found.end())
            if text[at:at + 1] != ".":
                return at
            at += 1

    at = words(at + 1, True)
    if at is None or text[at:at + 1] != "@":
        return None
    at = skip_cfws(text, at + 1)
    literal = LITERAL.match(text, at)
    at = skip_cfws(text, literal.end()) if literal else words(at, False)
    return at + 1 if at is not None and text[at:at + 1] == ">" else None


def id_end(text, at):
    """Behind the id that begins at `at`, or None where it is unterminated."""
    first = text.find(">", at)
    if first < 0:
        return None
    inside = text[at + 1:first]
    if not re.search(r'[ \t\n"()\\<]', inside):
        return first + 1
    end = grammar_end(text, at)
    if end and not any(is_clean_bare_id(hidden) for hidden in re.findall(r"<([^<>]*)>", text[at + 1:end - 1])):
        return end
    return first + 1 if "<" not in inside else None


def unterminated_end(body, at):
    """Up to the next "<" outside of encoded-words, or the end, without the white space before that."""
    end = at + 1
    while end < len(body) and body[end] != "<":
        word = WORD.match(body, end)
        end = word.end() if word else end + 1
    return at + len(body[at:end].rstrip(" \t\n"))


def scan(body):
    tokens = []
    at = 0
    while at < len(body):
        kind, end = "text", at + 1
        c = body[at]
        space, word = SPACE.match(body, at), WORD.match(body, at)
        if space:
            kind, end = "space", space.end()
        elif c == ",":
            kind = "comma"
        elif c == "(" and comment_end(body, at):
            kind, end = "comment", comment_end(body, at)
        elif c == '"' and quoted_end(body, at):
            kind, end = "quoted", quoted_end(body, at)
        elif word:
            kind, end = "word", word.end()
        elif c == "<":
            end = id_end(body, at)
            kind = "id" if end else "unterminated"
            if end and not body[at + 1:end - 1].strip(" \t\n"):
                kind = "text"  # "<>" names nothing
            if not end:
                end = unterminated_end(body, at)
        if kind == "text" and end == at + 1:
            end = re.compile(r"[^ \t\n,(\"=<]*").match(body, end).end()
            if tokens and tokens[-1][0] == "text" and not tokens[-1][1].startswith("<"):
                at -= len(tokens.pop()[1])
        tokens.append((kind, body[at:end]))
        at = end
    return tokens


def ids_of(tokens):
    return [text for kind, text in tokens if kind == "id"]


# ---- one id (msg_id.h)

def inner_spaces(an_id):
    """[(begin, end, what)] of each run of white space between the brackets."""
    runs = []
    at = 1 if SPACE.search(an_id) else len(an_id)
    while at < len(an_id) - 1:
        c = an_id[at]
        end = None
        if c == '"':
            end = quoted_end(an_id, at)
        elif c == "(":
            end = comment_end(an_id, at)
        elif c == "[":
            literal = ENCLOSED_LITERAL.match(an_id, at)
            end = literal.end() if literal else None
        if end:
            runs += [(at + run.start(), at + run.end(), "quoted") for run in SPACE.finditer(an_id[at:end])]
            at = end
            continue
        space = SPACE.match(an_id, at)
        if space:
            before, after, run = an_id[at - 1], an_id[space.end()], space[0]
            if before == "!":
                what = "uncertain"
            elif before in "<@." or after in ">@.":
                what = "certain"
            elif run == "\n " and re.match(ATEXT, before) and re.match(ATEXT, after):
                what = "certain"
            else:
                what = "uncertain"
            runs.append((at, space.end(), what))
            at = space.end()
        else:
            at += 1
    return runs


def may_be_several(an_id):
    """Whether two "@" have something between them that could part two ids."""
    return any(re.search(r"[ \t\n,;\"()<>\[\]]", between) for between in an_id[1:-1].split("@")[1:-1])


def is_several(an_id):
    return sum(is_clean_bare_id(piece) for piece in re.split(r"[ \t\n,;\"()<>\[\]]", an_id)) > 1


def inner_space(an_id):
    """Where all of it is quoted nothing would be removed, so several ids are no reason for doubt about it."""
    kinds = {what for _, _, what in inner_spaces(an_id)}
    if "certain" in kinds and (may_be_several(an_id) or "=?" in an_id):
        return "uncertain"
    if any(what == "certain" and "\n" in an_id[begin:end] for begin, end, what in inner_spaces(an_id)):
        if not is_clean_bare_id(cut_certain_space(an_id)[1:-1]):
            return "uncertain"
    for what in ("uncertain", "certain", "quoted"):
        if what in kinds:
            return what
    return "none"


def cut_certain_space(an_id):
    for begin, end, what in reversed(inner_spaces(an_id)):
        if what == "certain":
            an_id = an_id[:begin] + an_id[end:]
    return an_id


def without_certain_space(an_id):
    return cut_certain_space(an_id) if inner_space(an_id) == "certain" else an_id


def without_space(text):
    return SPACE.sub("", text)


def is_clean_bare_id(text):
    left, at, right = text.partition("@")
    return bool(DOT_ATOM.fullmatch(left) and at and
                (DOT_ATOM.fullmatch(right) or re.fullmatch(r"\[[!-Z^-~]*\]", right)))


NAMESPACE = uuid.UUID("4d011192-96f2-5ce6-9eea-f9121f361b37")
FALLBACK = "msgid-milter.invalid"


def shorten(an_id, domain, limit):
    name = without_space(an_id)
    digest = hashlib.sha1(NAMESPACE.bytes + name.encode("latin-1")).digest()
    left = str(uuid.UUID(bytes=digest[:16], version=5))
    if not domain:
        right = name[1:-1].rpartition("@")[2] if "@" in name else ""
        if DOT_ATOM.fullmatch(right) and len(f"<{left}@{right}>") <= limit:
            domain = right
        else:
            domain = FALLBACK
    result = f"<{left}@{domain}>"
    return result if len(result) <= limit else None


# ---- encoded-words (encoded_word.h)

WIDE = ("utf-7", "utf7", "utf-16", "utf16", "utf-32", "utf32", "ucs-", "ucs2", "iso-2022", "csiso2022", "hz-",
        "iso-10646-", "unicode", "x-unicode", "csunicode", "csucs4", "csutf7", "csutf16", "csutf32", "ebcdic-",
        "x-ebcdic", "ibm037", "cp037")


def is_ascii_charset(name):
    """Of EBCDIC the names that fields.py makes."""
    return name != "" and not name.lower().startswith(WIDE)


# Without padding the bits that are in no octet have to be zero.
BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/][AQgw]|"
                    r"[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048])?")


def decode(word):
    """(octets, refusal)"""
    charset, encoding, text = WORD.fullmatch(word).groups()
    refusal = ""
    if not is_ascii_charset(charset.partition("*")[0]):
        refusal = "charset"
    elif re.search(r"[^!-~]|\?", text):  # RFC 2047 2: printable ASCII other than "?" and SPACE
        refusal = "malformed-word"
    if encoding.lower() == "q":
        if re.search(r"=(?![0-9A-Fa-f]{2})", text):
            refusal = refusal or "broken-escape"
        return re.sub(r"=([0-9A-Fa-f]{2})", lambda octet: chr(int(octet[1], 16)), text.replace("_", " ")), refusal
    if encoding.lower() == "b":
        if not BASE64.fullmatch(text):
            refusal = refusal or "broken-base64"
        data = re.sub(r"[^A-Za-z0-9+/]", "", text)
        data = data[:-1] if len(data) % 4 == 1 else data  # six bits are no octet
        return base64.b64decode(data + "=" * (-len(data) % 4)).decode("latin-1"), refusal
    return text, refusal or "encoding"
