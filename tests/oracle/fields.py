"""Fields for the comparison: what real producers write, whole grammars of nothing, and both of them damaged.

All of it comes from the random.Random that is given, so a seed says everything.
"""

import base64

ID_NAMES = ["Message-ID", "In-Reply-To", "References", "Resent-Message-ID"]
SPELLINGS = {"Message-ID": ["Message-Id", "message-id", "MESSAGE-ID"], "In-Reply-To": ["In-reply-to"],
             "References": ["references", "REFERENCES"], "Resent-Message-ID": ["Resent-Message-Id"]}
CHARSETS = ["utf-8", "UTF-8", "us-ascii", "iso-8859-1", "windows-1252", "x-unknown", "cp-850", "utf-8*en"]
ODD_CHARSETS = ["utf-16", "UTF-16LE", "utf-7", "utf-32be", "iso-2022-jp", "hz-gb-2312", "ucs-2", "ebcdic-us", "ibm037",
                "", "unicode-1-1-utf-7", "iso-10646-ucs-2", "utf16", "csUnicode", "unicodeFFFE", "x-unicode-2-0-utf-7"]
ATEXT = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-/=?^_`{|}~"
PIECES = ["<", ">", "@", ".", ",", "(", ")", '"', "\\", "[", "]", " ", "\t", "\n ", "\n\t", "\n", "\r", "\0", "!",
          "!\n ", "=?", "?=", "=?utf-8?q?", "=?us-ascii?b?", "=3C", "=3E", "=40", "=", "_", "?", "a", "b.c", "x@y",
          "\xc3\xa9", "\x7f", "<a@b>", "<c.d@e.example>", "PGFAYj4=", "(c)", '"q"', ", ", "=?utf-8?q?=3Ca=40b=3E?=",
          " \n ", "\n  ", "\x01"]


def atom(rng, longest=12):
    return "".join(rng.choice(ATEXT[:62] if rng.random() < 0.9 else ATEXT) for _ in range(rng.randint(1, longest)))


def domain(rng):
    kind = rng.random()
    if kind < 0.85:
        return ".".join(atom(rng, 8) for _ in range(rng.randint(1, 4)))
    return rng.choice(["[192.0.2.1]", "[IPv6:2001:db8::1]", "localhost", "[a b]", "a..b", "-", ".", "x.", "[", "[]",
                       "\xe9.fr"])


def left(rng):
    kind = rng.random()
    if kind < 0.55:
        return ".".join(atom(rng, 14) for _ in range(rng.randint(1, 4)))
    if kind < 0.65:
        return '"' + rng.choice(["a b", "a>b", "a<b", 'a\\"b', "a@b", "", "x", "a\n b", "(", "a\\", "\xe9"]) + '"'
    if kind < 0.7:
        return rng.choice(["[hex====", "!&!AAAA", "a@b", "a,b", "(c)a", "a(c>)", '"a)"(>)', "a..b", ".a", 'a"b', "a(b",
                           "a)b", "\xc3\xa9t"])
    if kind < 0.72:
        return atom(rng, 10) + "x" * rng.choice([20, 60, 900, 935, 960, 1100, 3000])
    return f"{rng.randint(0, 10 ** 14)}.{rng.randint(0, 10 ** 8)}.JavaMail.{atom(rng, 6)}"


def msg_id(rng):
    kind = rng.random()
    if kind < 0.88:
        return f"<{left(rng)}@{domain(rng)}>"
    if kind < 0.92:
        return f"<{left(rng)}>"
    return rng.choice(["<>", "<@>", "<yes>", "<a@>", "<@b>", "<a b@c>", "<a @b>", "< a@b >", "<a@b", "a@b>", "a@b",
                       "<a\n @b>", "<a\n b@c>", "<a!\n b@c>", "<a@b. c>", "<a\tb@c>", "<a\n  b@c>", "<a (x) @b>",
                       "<a@[1. 2]>", "<a\n\tb@c>", '<"a b"@c d>', "<a @b c>", "<a@b@c>", "<(a b)c@d>", "<a\xe9\n b@c>",
                       "<a!\n @b>", "<a! b@c>"])


def cut(rng, text, longest):
    """The text in pieces, as a producer that cuts by length does."""
    pieces = []
    while text:
        length = rng.randint(1, longest)
        pieces.append(text[:length])
        text = text[length:]
    return pieces or [""]


def q_text(rng, text):
    style = rng.random()
    out = ""
    for c in text:
        if c == " ":
            out += "_" if rng.random() < 0.9 else "=20"
        elif style < 0.5 and not c.isalnum() or c in "=?_" or not " " < c < "\x7f":
            out += ("=%02X" if rng.random() < 0.9 else "=%02x") % ord(c)
        elif style > 0.9 and rng.random() < 0.3:
            out += "=%02X" % ord(c)
        else:
            out += c
    return out


def b_text(rng, text):
    out = base64.b64encode(text.encode("latin-1")).decode()
    if rng.random() < 0.04:
        out = out.rstrip("=")
    if rng.random() < 0.03:
        at = rng.randint(0, len(out))
        out = out[:at] + rng.choice(["=", "*", "A", "-", "\n ", "\x80", "?"]) + out[at:]
    return out


def word(rng, text, charset=None, encoding=None):
    charset = charset if charset is not None else rng.choice(CHARSETS if rng.random() < 0.97 else ODD_CHARSETS)
    encoding = encoding or rng.choice("qQbB" if rng.random() < 0.99 else ["x", "", "qq", "q*"])
    return f"=?{charset}?{encoding}?{(b_text if encoding in 'bB' else q_text)(rng, text)}?="


def words(rng, text):
    """The text as encoded-words, cut anywhere."""
    pieces = cut(rng, text, rng.choice([3, 20, 45, 45, 70, 990])) if text else [""]
    charset = rng.choice(CHARSETS) if rng.random() < 0.96 else rng.choice(ODD_CHARSETS)
    encoding = rng.choice("qQbB") if rng.random() < 0.9 else None
    joint = rng.choice(["\n ", "\n ", " ", "\n\t", "", "  ", " \n "])
    return joint.join(word(rng, piece, charset if rng.random() < 0.98 else None, encoding) for piece in pieces)


def gap(rng):
    return rng.choice([" ", " ", " ", " ", "\n ", "\n ", "\n\t", "", ",", ", ", ",\n ", "  ", " \n ", "\t", " , "])


def comment(rng):
    return rng.choice(["(comment)", "(a (nested) one)", "(Fred's message of \"Tue, 1 Jan\")",
                       "(=?utf-8?q?=3Ca=40b=3E?=)", "(a\\)b)", "()", "(open", "close)", "(a\n b)", "(a\tb)", "(<x@y>)",
                       "(\xe9)", "(a  b)"])


def phrase(rng):
    return rng.choice(["Your message of", "Fred", '"Fred, the"', "Tue, 1 Jan 2026", "=?utf-8?q?Ren=C3=A9?=",
                       "=?utf-8?b?UmVuw6k=?=", '"a <b@c>"', "a@b", "open \"quote", ">", "of <", ";", "=?", "?=",
                       "a\tb", "\x01", "=?utf-8?q?a b?=", "fred@x says", "a\n  b", "\xc3\xa9t\xc3\xa9",
                       "=?utf-16?b?/v8APAA=?=", "a,b", "x:", "a \n\t b"])


def plain(rng):
    """A list as most write it."""
    count = rng.choice([0, 1, 1, 1, 2, 2, 3, 4, 6, 12, 40])
    sep = None if rng.random() < 0.5 else gap(rng)
    body = rng.choice([" ", " ", " ", " ", "", "\n ", " \n ", "\t", "  "])
    for number in range(count):
        body += (sep if sep is not None else gap(rng)) if number else ""
        body += msg_id(rng)
        if rng.random() < 0.06:
            body += gap(rng) + comment(rng)
        if rng.random() < 0.04:
            body += gap(rng) + phrase(rng)
    return body + (gap(rng) if rng.random() < 0.05 else "")


def encoded(rng):
    """Ids as encoded-words, some beside plain ones: Python's email, PHPMailer, MimeKit, ProtonMail, zend-mail."""
    count = rng.choice([1, 1, 1, 1, 2, 2, 3, 5])
    ids = [msg_id(rng) for _ in range(count)]
    if rng.random() < 0.08:
        ids = [an_id.strip("<>") for an_id in ids]
    kind = rng.random()
    if kind < 0.4:
        return " " + words(rng, rng.choice([" ", " ", " ", "", ", ", "\n "]).join(ids))
    if kind < 0.8:
        parts = [words(rng, an_id) if rng.random() < 0.7 else an_id for an_id in ids]
        return " " + "".join(part + gap(rng) for part in parts[:-1]) + parts[-1]
    body = " "
    for an_id in ids:
        body += rng.choice([comment, phrase, lambda _: ""])(rng) + gap(rng) + words(rng, an_id) + gap(rng)
    return body + rng.choice([comment, phrase, lambda _: "", lambda _: ""])(rng)


def refolded(rng, body):
    """The body as relays cut it: at any octet, with what Postfix or Sendmail put there."""
    width = rng.choice([20, 40, 78, 900])
    mark = rng.choice(["\n ", "\n ", "!\n ", "\n\t"])
    return mark.join(cut(rng, body, width))


def mutated(rng, body):
    for _ in range(rng.choice([1, 1, 1, 2, 3, 6])):
        at = rng.randint(0, len(body))
        kind = rng.random()
        if kind < 0.3:
            body = body[:at] + body[at + rng.randint(1, 3):]
        elif kind < 0.75:
            body = body[:at] + rng.choice(PIECES) + body[at:]
        elif kind < 0.85:
            body = body[:at] + chr(rng.randint(0, 255)) + body[at + 1:]
        elif kind < 0.93:
            end = min(len(body), at + rng.randint(1, 20))
            body = body[:end] + body[at:end] + body[end:]
        else:
            body = body[:at]
    return body


def soup(rng):
    return "".join(rng.choice(PIECES) for _ in range(rng.choice([1, 2, 3, 5, 8, 13, 30])))


def clean_id(rng):
    more = "." + atom(rng, 25) if rng.random() < 0.8 else "x" * rng.choice([40, 200, 500, 940, 955, 965, 975, 1000])
    side = atom(rng, 12) + more
    right = ".".join(atom(rng, 8) for _ in range(rng.randint(1, 3))) if rng.random() < 0.95 else "[192.0.2.1]"
    return side + "@" + right


def bracketed(rng, an_id):
    """One id with the brackets that careless software gives it."""
    kind = rng.random()
    if kind < 0.5:
        return f"<{an_id}>"
    return rng.choice([f"<<{an_id}>>", f"<<{an_id}>", f"<{an_id}>>", f"<{an_id}", f"{an_id}>", an_id, an_id, an_id,
                       f"<<<{an_id}>>>", f"< {an_id} >", f"<\n {an_id}>", f"<<{an_id}>> >", f"< <{an_id}>>",
                       f"<{an_id}\n >", f"'<{an_id}>'", f'"<{an_id}>"', f'"{an_id}"', f"(<{an_id}>)", f"({an_id})",
                       f"[<{an_id}>]", f"[{an_id}]", f"<({an_id})>", f'<"{an_id}">', f"<{an_id};>", f"<,{an_id}>",
                       f"<;{an_id}>", f"<{an_id},>", f"mailto:{an_id}", f"<mailto:{an_id}>", f"<>{an_id}",
                       f"<{an_id}<>",
                       f"<{an_id} (c)>", f"&lt;{an_id}&gt;", f"%3C{an_id.replace('@', '%40')}%3E", f"%3c{an_id}%3e",
                       f"\\u003c{an_id}\\u003e", f"&#60;{an_id}&#62;", f"&#x3C;{an_id}&#x3e;", f"\\<{an_id}\\>",
                       f"Message-ID: <{an_id}>", f"References:<{an_id}>", f"<{an_id}>Date: Mon, 2 Nov 2026 09:00",
                       f"<{an_id}X-Mailer: x", f"<{an_id}>\\r\\n\\t", f"<{an_id.replace('@', '@@')}>",
                       f"<{an_id.partition('@')[0]}@>", f"<@{an_id.partition('@')[2]}>", f"{an_id} wrote:"])


def threads(rng):
    """A list of clean ids whose brackets, quotes and separators went wrong, once for each id or for all of them."""
    count = rng.choice([1, 1, 2, 2, 3, 4, 6, 12, 25])
    sep = rng.choice([" ", " ", " ", "\n ", ",", ", ", ";", "; ", "", "><", "> <", "\n\t", " ; ", " , ", "\t",
                      ">\n <", "|",
                      "  ", ",,", ") (", '" "', "] [", "(c)", " (c) ", ' "q" ', " or ", "<", ">", "<>", "@"])
    same = rng.random() < 0.5
    ids = [clean_id(rng) for _ in range(count)]
    if rng.random() < 0.5:
        parts = [f"<{an_id}>" for an_id in ids] if rng.random() < 0.6 else ids
        if rng.random() < 0.3:
            parts[rng.randrange(count)] = bracketed(rng, ids[0])
    else:
        parts = [bracketed(rng, an_id) for an_id in ids]
    if same:
        body = sep.join(parts)
    else:
        body = parts[0]
        for part in parts[1:]:
            body += (gap(rng) if rng.random() < 0.8 else sep) + part
    kind = rng.random()
    if kind < 0.25:
        begin, end = rng.choice([("<", ">"), ("<", ">"), ("<<", ">>"), ('"', '"'), ("(", ")"), ("[", "]"), ('["', '"]'),
                                 ("['", "']"), ("[", ""), ("<", ""), ("", ">"), ("< ", " >"), ("<(", ")>"),
                                 ('<"', '">'), ("'", "'"), ("<[", "]>"), ("", ";"), (",", ","), ("(", ""), ('"', ""),
                                 ("In-Reply-To: ", ""), ("<\n ", "\n >"), ("{", "}")])
        body = begin + body + end
    elif kind < 0.35:
        body = body.replace("> <", '>","<') if rng.random() < 0.5 else words(rng, body)
    if rng.random() < 0.3:
        for _ in range(rng.choice([1, 1, 2, 3])):
            at = rng.randint(0, len(body))
            if rng.random() < 0.5:  # two of a kind, far apart: what is between them is swallowed
                mark = rng.choice(['""', "()", "<>", "''", "[]", ",,", ";;", '"<', '>"', "><"])
                other = rng.randint(at, len(body))
                body = body[:at] + mark[0] + body[at:other] + mark[1] + body[other:]
            else:
                places = [i for i, c in enumerate(body) if c in '<>"(),;@'] or [at]
                place = rng.choice(places)
                body = body[:place] + rng.choice(["", "", "<", ">", '"', " ", "\n ", ",", ";"]) + body[place + 1:]
    return rng.choice([" ", " ", " ", "", "\n ", "\t"]) + body


def word_for_nothing(rng):
    return " " + rng.choice(["undefined", "null", "undefined undefined", "null, null", "1234567", "00020", "NULL", "-",
                             "a b", "None", "(c)", "x (c)", ", ,", "", "undefined null", "a@b@c", "x;x", '"x"', "@",
                             "x@", "@x", ",x", "undefined,", "[]", "[object Object]", '""', "''", "x\ty", "\xe9"])


def body_of(rng):
    kind = rng.random()
    body = (soup(rng) if kind < 0.1 else plain(rng) if kind < 0.3 else threads(rng) if kind < 0.6 else
            word_for_nothing(rng) if kind < 0.62 else encoded(rng))
    if rng.random() < 0.05:
        body = refolded(rng, body)
    if rng.random() < 0.35:
        body = mutated(rng, body)
    return body


def settings(rng):
    """Most with the defaults; the others with anything that changes what comes out."""
    if rng.random() < 0.6:
        return ""
    out = []
    for rule in ["encoded-word", "line-too-long", "msgid-too-long", "space-in-msgid", "references-too-long", "folded",
                 "brackets", "non-ascii", "control-character", "duplicate-field", "malformed", "strict-syntax",
                 "missing"]:
        can_fix = rule not in ("control-character", "duplicate-field", "malformed", "strict-syntax",
                                "missing")
        if rng.random() < 0.5:
            actions = ["fix", "fix", "fix", "report", "off"] if can_fix else ["report", "off"]
            out.append(f"rule.{rule}={rng.choice(actions)}")
    line = rng.choice([998, 998, 400, 120, 90, 40])
    if line < 998:
        out.append(f"line-length={line}")
    out.append(f"fold-at={rng.choice([line, min(line, 78), 40, line])}")
    if rng.random() < 0.5:
        out.append(f"msgid-length={rng.choice([59, 60, 77, 100, 250])}")
    if rng.random() < 0.5:
        out.append(f"references-length={rng.choice([100, 120, 150, 300, 1000])}")
    if rng.random() < 0.3:
        out.append("msgid-domain=" + rng.choice(["x.example", "relay.example.org"]))
    if rng.random() < 0.3:
        # A longer name leaves less room for an id: 998 less the name, its colon and a space.
        name = rng.choice(["Original-Message-ID", "X-Id", "X-" + "Long-" * 10 + "Name"])
        out.append(f"extra-field={name}")
        room = 996 - len(name)
        if room < 979 and not any(option.startswith("msgid-length=") for option in out):
            out.append(f"msgid-length={room}")
    if rng.random() < 0.3:
        out.append("signed=keep")
    return " ".join(out)


def header(rng, signs):
    """[(name, body)]: one field mostly, several at times."""
    fields = []
    for _ in range(rng.choice([1, 1, 1, 1, 1, 1, 2, 3])):
        name = rng.choice(ID_NAMES) if rng.random() < 0.95 else rng.choice(["Original-Message-ID", "X-Other", "X-Id"])
        if rng.random() < 0.03:
            name = rng.choice(SPELLINGS.get(name, [name]))
        fields.append((name, body_of(rng)))
    if rng.random() < 0.06:
        with_correlator(rng, fields)
    if signs:
        for _ in range(rng.choice([0, 1, 1, 2, 3])):
            fields.insert(rng.randint(0, len(fields)), signature(rng))
    return fields


def with_correlator(rng, fields):
    """What Microsoft's transports write beside the Message-ID; most with the same id."""
    an_id = msg_id(rng) if rng.random() < 0.6 else bracketed(rng, clean_id(rng))
    same = rng.choice([an_id, an_id, an_id, msg_id(rng), ""])

    def written(text):
        kind = rng.random()
        return " " + (words(rng, text) if kind < 0.5 else text if kind < 0.85 else refolded(rng, text))

    body = written(an_id)
    pair = [("Message-ID", body),
            (rng.choice(["X-MS-TNEF-Correlator", "X-MS-TNEF-Correlator", "x-ms-tnef-correlator"]),
             body if rng.random() < 0.3 else written(same))]
    rng.shuffle(pair)
    for one in pair + ([pair[0]] if rng.random() < 0.05 else []):
        fields.insert(rng.randint(0, len(fields)), one)


def signature(rng):
    tags = ["v=1", "d=" + rng.choice(["a.example", "b.example", "a.example"])]
    tags.append("h=" + rng.choice([":", " : ", ":\n "]).join(
        rng.choice(["from", "Message-ID", "message-id", "references", "In-Reply-To", "References", "resent-message-id",
                    "x-other", "x-ms-tnef-correlator"])
        for _ in range(rng.randint(1, 7))))
    if rng.random() < 0.8:
        tags.append("c=" + rng.choice(["relaxed/relaxed", "relaxed", "simple/relaxed", "simple", "relaxed/simple",
                                       "Relaxed", "x"]))
    if rng.random() < 0.05:
        tags.append(rng.choice(["h=from", "d=c.example", "nonsense", "", "=x", "c="]))
    if rng.random() < 0.05:
        tags.pop(rng.randrange(len(tags)))
    rng.shuffle(tags)
    body = " " + rng.choice(["; ", ";", ";\n "]).join(tags) + rng.choice(["", ";", "; "])
    return (rng.choice(["DKIM-Signature", "DKIM-Signature", "ARC-Message-Signature", "dkim-signature"]), body)


def case(rng):
    """(settings, fields)"""
    options = settings(rng)
    return options, header(rng, "signed" in options or rng.random() < 0.05)
