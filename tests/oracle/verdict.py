"""What ids does this field hold, and what should it become: the same question that msgid::inspect() answers, asked
again in the plainest way.

Written from the documents (the public headers, msgid-milter.conf(5), msgid-milter(8), ARCHITECTURE.md), not from the
core; where they leave something open, it is said here how it was settled. Slow on purpose: nothing is clever.
"""

import re

from body import (MAX_LINE, WORD, decode, fold, ids_of, inner_space, is_clean_bare_id, is_safe, longest_line,
                  may_be_several, octets_over, refold, scan, shorten, unfold, unfold_between_ids,
                  without_certain_space, without_space)
from shape import fault_of, strict_fault_of, with_brackets

RULES = ["encoded-word", "line-too-long", "msgid-too-long", "space-in-msgid", "references-too-long", "folded",
         "brackets", "non-ascii", "control-character", "duplicate-field", "malformed", "strict-syntax", "missing"]
CORRELATOR = "x-ms-tnef-correlator"
LAYOUT = ("line-too-long", "folded")
DEFAULT = {"encoded-word": "fix", "line-too-long": "fix", "msgid-too-long": "fix", "space-in-msgid": "fix",
           "references-too-long": "report", "folded": "off", "brackets": "report", "non-ascii": "report",
           "control-character": "report", "duplicate-field": "report", "malformed": "report", "strict-syntax": "off",
           "missing": "off"}
# name: (is a list of ids, at most once in a header)
FIELDS = {"message-id": (False, True), "resent-message-id": (False, False), "in-reply-to": (True, True),
          "references": (True, True)}


class Policy:
    def __init__(self, settings=""):
        self.action = dict(DEFAULT)
        self.fields = dict(FIELDS)
        self.line_length = MAX_LINE
        self.fold_at = MAX_LINE
        self.msgid_length = 979
        self.references_length = 2000
        self.msgid_domain = ""
        self.keeps_signed = False
        for setting in settings.split():
            option, value = setting.split("=", 1)
            if option.startswith("rule."):
                self.action[option[5:]] = value
            elif option == "extra-field":
                self.fields[value.lower()] = (True, False)
            elif option == "signed":
                self.keeps_signed = value == "keep"
            elif option == "msgid-domain":
                self.msgid_domain = value
            else:
                setattr(self, option.replace("-", "_"), int(value))


# ---- signatures (dkim.h)

class Signature:
    def __init__(self, body):
        tags = {}
        self.is_valid = True
        for part in body.strip(" \t\n").removesuffix(";").split(";"):
            name, equals, value = part.partition("=")
            name = name.strip(" \t\n")
            if not equals or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) or name in tags:
                self.is_valid = False
            tags[name] = value.strip(" \t\n")
        self.is_valid = self.is_valid and bool(tags.get("d")) and bool(tags.get("h"))
        self.domain = tags.get("d", "").lower()
        self.canonical = tags.get("c", "simple").partition("/")[0]
        self.covered = [name.strip(" \t\n").lower() for name in tags.get("h", "").split(":")]


def relaxed(body):
    return re.sub(r"[ \t]+", " ", unfold(body)).strip(" ")


class Signatures:
    def __init__(self, fields):
        self.names = [name.lower() for name, _ in fields]
        self.all = []
        self.are_complete = True
        for name, body in fields:
            if name.lower() not in ("dkim-signature", "arc-message-signature"):
                continue
            if len(self.all) == 100:
                self.are_complete = False
                break
            signature = Signature(body)
            if signature.is_valid:
                self.all.append(signature)

    def after(self, name, instance, body, new_body):
        keeps, breaks = [], []
        for signature in self.all:
            from_below = self.names.count(name.lower()) - instance
            if signature.covered.count(name.lower()) <= from_below:
                continue
            bears = signature.canonical == "relaxed" and relaxed(body) == relaxed(new_body)
            side = keeps if bears or body == new_body else breaks
            if signature.domain not in side:
                side.append(signature.domain)
        return keeps, breaks


# ---- the rules (msgid-milter.conf(5), "The rules")

class Work:
    """A field on its way through the rules."""
    def __init__(self, field, body, policy, held_because=""):
        self.name, self.instance, self.is_list, self.once = field
        self.body = body
        self.policy = policy
        self.tokens = scan(body)
        self.is_changed = False  # tokens are to be written anew
        doubt = doubt_of(self.ids())
        may_hide_ids = begins_inside_id(self.tokens) or has_broken_word(self.tokens) or begins_inside_comment(
            self.tokens)
        if not doubt and policy.action["encoded-word"] == "off" and may_hide_ids:
            doubt = "encoded-word"
        self.held_because = doubt or held_because  # nothing but line breaks may change
        self.is_unread = False  # holds encoded-words that were not decoded
        self.findings = {}  # rule: (is an edit, reason)

    def ids(self):
        return ids_of(self.tokens)

    def is_on(self, rule):
        return self.policy.action[rule] != "off"

    def found(self, rule, reason="", new_tokens=None):
        """What the rule finds, and the edit it would make: new tokens, or none for a reason. A reason that is plain
        without a try is given under "report" too."""
        is_fix = self.policy.action[rule] == "fix"
        if reason and (is_fix or rule in ("encoded-word", "space-in-msgid", "malformed", "strict-syntax")):
            self.findings[rule] = (False, reason)
        elif is_fix and self.held_because:
            self.findings[rule] = (False, self.held_because)
        elif is_fix:
            self.findings[rule] = (True, "")
            self.tokens = new_tokens
            self.is_changed = True
        else:
            self.findings[rule] = (False, "")

    def found_in_layout(self, rule):
        self.findings[rule] = (self.policy.action[rule] == "fix", "")


def units_of(tokens):
    """What is written anew, piece by piece: ids, comments, phrases. A comma inside a phrase stays."""
    units = []
    phrase = ""

    def end_phrase():
        if phrase.strip(" \t\n,"):
            units.append(phrase.strip(" \t\n,"))

    def is_word(i):
        return 0 <= i < len(tokens) and tokens[i][0] in ("text", "quoted", "word")

    in_phrase = False
    for i, (kind, text) in enumerate(tokens):
        # A comment belongs to a phrase that it touches.
        touches = kind == "comment" and (is_word(i + 1) or (in_phrase and tokens[i - 1][0] not in ("space", "comma")))
        if kind == "comment" and touches and not (in_phrase and tokens[i - 1][0] not in ("space", "comma")):
            if in_phrase:
                touches = False
        if kind in ("id", "unterminated") or (kind == "comment" and not touches):
            end_phrase()
            phrase = ""
            in_phrase = False
            if kind == "comment" and is_word(i + 1):
                phrase, in_phrase = text, True
            else:
                units.append(text)
        else:
            phrase += text
            in_phrase = in_phrase or is_word(i) or kind == "comment"
    end_phrase()
    return units


def doubt_of(ids):
    """Why nothing but line breaks may change where an id may be several, or its white space may be part of it."""
    for an_id in ids:
        if inner_space(an_id) == "uncertain":
            return "uncertain"
        if may_be_several(an_id):
            return "more-than-one-msg-id"
    return ""


def read_words(words, work, is_whole):
    """(ids, reason) of one run of encoded-words; (None, "") where it is a phrase."""
    octets, refusal = "", ""
    for word in words:
        more, refused = decode(word)
        octets += more
        refusal = refusal or refused
    if work.is_list and not is_whole and not re.search("[<>@]", octets):
        return None, ""
    if refusal:
        return [], refusal
    octets = re.sub(r"\r?\n\Z", "", octets)  # the line end was encoded too
    if is_whole and is_clean_bare_id(octets.strip(" \t\n")):
        octets = "<" + octets.strip(" \t\n") + ">"
    return read_decoded(octets)


def read_decoded(octets):
    """(ids, reason) of what encoded-words decode to: ids and what parts them, nothing else. Brackets count for what
    they are here: an id with quotes around a bracket or a space is refused."""
    if re.search(r"[\x80-\xff]", octets):
        return [], "non-ascii"
    if re.search(r"[\x00-\x08\x0a-\x1f\x7f]", octets):
        return [], "control-character"
    ids = []
    rest = octets.lstrip(" \t,")
    while rest:
        an_id = re.match(r"<([^<>]*)>", rest)
        if rest[0] == ">" or (rest[0] == "<" and not an_id and not re.match(r"<[^<> \t]*[ \t]", rest)):
            return [], "unbalanced-brackets"
        if rest[0] != "<":
            return [], "text-left-over" if re.search("[<>]", octets) else "no-msg-id"
        if not an_id or re.search(r"[ \t]", an_id[1]):
            return [], "space-in-msgid"
        if not an_id[1]:
            return [], "empty"
        if may_be_several(an_id[0]):
            return [], "more-than-one-msg-id"
        if WORD.search(an_id[0]):
            return [], "inside-msg-id"
        ids.append(an_id[0])
        rest = rest[an_id.end():].lstrip(" \t,")
    return ids, "" if ids else "no-msg-id"


def has_broken_word(tokens):
    """Whether a word begins that has no end, or has a "?" in its text."""
    return any((kind == "text" and "=?" in text) or (kind == "word" and text.count("?") != 4) for kind, text in tokens)


def begins_inside_comment(tokens):
    """Whether a word begins inside a comment or quoted-string and ends after it."""
    body = "".join(text for _, text in tokens)
    begin = 0
    for kind, text in tokens:
        end = begin + len(text)
        at = begin
        while kind in ("comment", "quoted") and at < end:
            word = WORD.match(body, at)
            if word and word.end() > end:
                return True
            at = word.end() if word else at + 1
        begin = end
    return False


def begins_inside_id(tokens):
    """Whether an encoded-word begins inside an id, wherever it ends: it is none to a reader that decodes first."""
    body = "".join(text for _, text in tokens)
    at = 0
    for kind, text in tokens:
        places = [at + found.start() for found in re.finditer(r"=\?", text)]
        if kind in ("id", "unterminated") and any(WORD.match(body, place) for place in places):
            return True
        at += len(text)
    return False


def encoded_words(work):
    """The rule of that name; None where it finds nothing, else (new tokens, reason)."""
    out, reason, is_found = [], "", False
    tokens = work.tokens
    # What stands behind the beginning of a word that has no end, or around one, is not to be taken for ids.
    if begins_inside_id(tokens):
        is_found, reason = True, "inside-msg-id"
    elif begins_inside_comment(tokens) or has_broken_word(tokens):
        is_found, reason = True, "malformed-word"
    at = 0
    while at < len(tokens):
        kind, text = tokens[at]
        if kind != "word":
            out.append(tokens[at])
            at += 1
            continue
        end = at + 1
        words = [text]
        while end < len(tokens):
            if tokens[end][0] == "word":
                words.append(tokens[end][1])
                end += 1
            elif tokens[end][0] == "space" and tokens[end + 1:end + 2] and tokens[end + 1][0] == "word":
                end += 1
            else:
                break
        is_whole = all(token[0] == "space" for token in tokens[:at] + tokens[end:])
        ids, refusal = read_words(words, work, is_whole)
        if ids is None:
            out += tokens[at:end]
        else:
            is_found, reason = True, reason or refusal
            out += [("id", an_id) for an_id in ids]
        at = end
    if not is_found:
        return None
    if not reason and not work.is_list:
        fault = fault_of(out, False, work.policy.fields, work.is_on("space-in-msgid"))
        reason = fault if fault != "empty-side" else ""  # all that was written is read
    return out, reason


def check_encoded_words(work):
    words = encoded_words(work)
    if words:
        work.found("encoded-word", words[1], words[0])
        if not work.is_changed:
            work.held_because = work.held_because or "encoded-word"
            work.is_unread = True


def shorten_where(work, rule, is_affected):
    if not any(is_affected(an_id) for an_id in work.ids()):
        return
    out, is_shorter = [], False
    for kind, text in work.tokens:
        if kind == "id" and is_affected(text):
            short = shorten(text, work.policy.msgid_domain, work.policy.msgid_length)
            if short is not None:
                text, is_shorter = short, True
        out.append((kind, text))
    work.found(rule, "" if is_shorter or work.held_because else "no-shorter-name", out)


def check_space(work):
    kinds = {inner_space(an_id) for an_id in work.ids()} - {"none"}
    if kinds:
        reason = "uncertain" if "uncertain" in kinds else "" if "certain" in kinds else "legal-space"
        work.found("space-in-msgid", reason, [(kind, without_certain_space(text) if kind == "id" else text)
                                              for kind, text in work.tokens])


def width(units):
    return len(" ".join(fold("", [unit], MAX_LINE)[1:] for unit in units))


def trim(tokens, limit):
    """(new tokens, reason) of references-too-long."""
    if width(units_of(tokens)) <= limit:
        return tokens, ""  # less white space is all it takes
    places = [i for i, token in enumerate(tokens) if token[0] == "id"]
    if len(places) < 4:
        return None, "cannot-be-shorter"
    for kept in range(len(places) - 2, 1, -1):
        dropped = tokens[places[1]:places[len(places) - kept]]
        left = tokens[:places[1]] + tokens[places[len(places) - kept]:]
        if width(units_of(left)) <= limit:
            break
    if any(kind in ("unterminated", "word") for kind, _ in dropped):
        return None, "unreadable"
    return left, ""


def check_references(work):
    limit = work.policy.references_length
    length = width(units_of(work.tokens)) if work.is_changed else len(unfold(work.body).strip(" \t\n"))
    if work.is_list and length > limit:
        tokens, reason = trim(work.tokens, limit)
        work.found("references-too-long", "" if work.held_because else reason, tokens)


def run_rules(work):
    """Fills work.findings, and work.tokens with what the rules leave of them."""
    if work.is_on("encoded-word"):
        check_encoded_words(work)
    if work.is_on("line-too-long") and longest_line(work.name, work.body) > work.policy.line_length:
        work.found_in_layout("line-too-long")
    if work.is_on("msgid-too-long"):
        shorten_where(work, "msgid-too-long", lambda an_id: len(without_space(an_id)) > work.policy.msgid_length)
    if work.is_on("space-in-msgid"):
        check_space(work)
    if work.is_on("references-too-long"):
        check_references(work)
    has_fold = unfold(work.body) != work.body
    if work.is_on("folded") and has_fold and len(work.name) + 1 + len(unfold(work.body)) <= work.policy.fold_at:
        work.found_in_layout("folded")
    bracketed = with_brackets(work.tokens, work.is_list) if work.is_on("brackets") else None
    if bracketed:
        work.found("brackets", "", bracketed)
    if work.is_on("non-ascii"):
        shorten_where(work, "non-ascii", lambda an_id: re.search(r"[\x80-\xff]", an_id))
    if work.is_on("control-character") and re.search(r"[\x00-\x08\x0b-\x1f\x7f]|\n(?![ \t])", work.body):
        work.found("control-character")
    if work.is_on("duplicate-field") and work.once and work.instance > 1:
        work.found("duplicate-field")
    # One fault, one line.
    if work.is_on("malformed") and not work.is_unread and "brackets" not in work.findings:
        fault = fault_of(work.tokens, work.is_list, work.policy.fields, work.is_on("space-in-msgid"))
        if fault:
            work.found("malformed", fault)
    if work.is_on("strict-syntax"):
        # One fault, one line.
        ids = [an_id for an_id in work.ids()
               if not (work.is_on("non-ascii") and re.search(r"[\x80-\xff]", an_id)) and
               not (work.is_on("space-in-msgid") and inner_space(an_id) != "none")]
        fault = next(filter(None, map(strict_fault_of, ids)), "")
        if fault:
            work.found("strict-syntax", fault)


def demote(work, reason, rules=RULES):
    for rule, (is_edit, _) in work.findings.items():
        if is_edit and rule in rules:
            work.findings[rule] = (False, reason)


def laid_out(work):
    """The body with new line breaks and nothing else; takes back what cannot be done."""
    body = work.body
    if work.findings.get("folded", (False,))[0]:
        body = unfold_between_ids(work.tokens)
        if body == work.body:
            demote(work, "space-in-msgid", ("folded",))
    if work.findings.get("line-too-long", (False,))[0]:
        limit, fold_at = work.policy.line_length, work.policy.fold_at
        over = octets_over(work.name, body, limit)
        new_body = refold(work.name, body, scan(body), False, limit, fold_at)
        if octets_over(work.name, new_body, limit) and not work.held_because:
            new_body = refold(work.name, new_body, scan(new_body), True, limit, fold_at)
        if octets_over(work.name, new_body, limit) < over and longest_line(work.name, new_body) <= MAX_LINE:
            body = new_body
        else:
            demote(work, "no-fold-point", ("line-too-long",))
    return body


def rendered(work):
    """The body as it is written where its ids change; takes back what cannot be done."""
    limit, fold_at = work.policy.line_length, work.policy.fold_at
    body = fold(work.name, units_of(work.tokens), fold_at)
    body = refold(work.name, body, scan(body), False, limit, fold_at)  # a long phrase
    longest, longest_before = longest_line(work.name, body), longest_line(work.name, work.body)
    if longest > MAX_LINE or (longest > limit and longest >= longest_before):
        demote(work, "no-fold-point", ("line-too-long",))
    return body


def new_body_of(work):
    """What the field becomes, or None; takes back what cannot be done."""
    if not any(is_edit for is_edit, _ in work.findings.values()):
        return None
    body = rendered(work) if work.is_changed else laid_out(work)
    is_same = [without_space(an_id) for an_id in ids_of(scan(body))] == [without_space(an_id) for an_id in work.ids()]
    if not body.strip(" \t\n") or body == work.body or not is_safe(work.name, body) or not is_same:
        demote(work, "unrenderable")
    return body if any(is_edit for is_edit, _ in work.findings.values()) else None


def decide(field, body, policy, held_because=""):
    """({rule: (is an edit, reason)}, new body or None) of one field, signatures apart. Its own text is inspected again
    until nothing is left to edit; of a later round only edits count."""
    findings, new_body = {}, None
    for number in range(8):
        work = Work(field, body if number == 0 else new_body, policy, held_because)
        run_rules(work)
        newer = new_body_of(work)
        findings.update({rule: what for rule, what in work.findings.items() if number == 0 or what[0]})
        if newer is None:
            break
        new_body = newer
    return findings, new_body


def taken_back(findings):
    """What is left of an edit that would break a signature, with signed = keep."""
    return {rule: (False, "signed" if is_edit else reason) for rule, (is_edit, reason) in findings.items()}


def decide_signed(field, body, policy, signatures):
    """(findings, new body, what an edit keeps and breaks, what one that is held back would have)"""
    name, instance = field[:2]
    findings, new_body = decide(field, body, policy)
    none = ([], [])
    if new_body is None:
        return findings, None, none, none
    fate = signatures.after(name, instance, body, new_body)
    if not policy.keeps_signed or (signatures.are_complete and not fate[1]):
        return findings, new_body, fate, none
    if not signatures.are_complete:
        return taken_back(findings), None, none, fate
    wanted = {rule for rule, (is_edit, _) in findings.items() if is_edit}
    findings, new_body = decide(field, body, policy, "signed")
    fate_of_folds = none if new_body is None else signatures.after(name, instance, body, new_body)
    if fate_of_folds[1]:
        findings, new_body, fate_of_folds = taken_back(findings), None, none
    for rule in wanted:
        if not findings.get(rule, (False,))[0]:
            findings[rule] = (False, "signed")
    return findings, new_body, fate_of_folds, fate


def identity(body):
    """What a body says: its encoded-words read, its white space left out; None where one cannot be read."""
    out = ""
    for kind, text in scan(body):
        octets, refusal = decode(text) if kind == "word" else (text, "")
        if refusal:
            return None
        out += octets
    return without_space(out).replace("\r", "") or None


def shown(body):
    return unfold(body).strip(" \t\n")


def followers_of(fields, policy):
    """The position of the first Message-ID, and the correlators that hold its id: [(position, name, instance, body)]"""
    message_ids = [position for position, (name, _) in enumerate(fields) if name.lower() == "message-id"]
    if CORRELATOR in policy.fields or not message_ids:
        return None, []
    out, count = [], 0
    for position, (name, body) in enumerate(fields):
        if name.lower() == CORRELATOR:
            count += 1
            message_id = fields[message_ids[0]][1]
            is_same = identity(body) and identity(body) == identity(message_id)
            if is_same or shown(body) == shown(message_id):
                out.append((position, name, count, body))
    return message_ids[0], out


def verdict(fields, policy):
    """[(rule, field, instance, is an edit, reason, before, after, keeps, breaks)], [(field, instance, new body)]"""
    found_at, edit_at = {}, {}
    signatures = Signatures(fields)
    counts = {}
    leader, followers = followers_of(fields, policy)
    for position, (name, body) in enumerate(fields):
        key = name.lower()
        counts[key] = counts.get(key, 0) + 1
        if key not in policy.fields:
            continue
        field = (name, counts[key], *policy.fields[key])
        found, new_body, fate, held_back = decide_signed(field, body, policy, signatures)
        edits = [rule for rule, (is_edit, _) in found.items() if is_edit]
        if position == leader and new_body is not None and shown(body) != shown(new_body):
            changed = [one for one in followers if one[3] != new_body]
            # Both or none: a signature that is to be kept may break, and a longer name leaves less room in a line.
            for _, of, number, old in changed:
                survival = signatures.after(of, number, old, new_body)
                if not is_safe(of, new_body):
                    reason, held_back = "no-fold-point", ([], [])
                elif policy.keeps_signed and survival[1]:
                    reason, held_back = "signed", survival
                else:
                    continue
                found = {rule: (False, reason if is_edit else why) for rule, (is_edit, why) in found.items()}
                new_body, fate, changed = None, ([], []), []
                break
            for other, of, number, old in changed:
                survival = signatures.after(of, number, old, new_body)
                found_at[other] = [(rule, of, number, True, "", shown(old), shown(new_body), *survival)
                                   for rule in RULES if rule in edits]
                edit_at[other] = (of, number, new_body)
        found_at[position] = []
        for rule in [rule for rule in RULES if rule in found]:
            is_edit, reason = found[rule]
            after = shown(new_body) if is_edit else ""
            dkim = fate if is_edit else held_back if reason == "signed" else ([], [])
            found_at[position].append((rule, name, counts[key], is_edit, reason, shown(body), after, *dkim))
        if new_body is not None:
            edit_at[position] = (name, counts[key], new_body)
    findings = [finding for position in sorted(found_at) for finding in found_at[position]]
    if policy.action["missing"] != "off" and "message-id" not in counts:
        findings.append(("missing", "Message-ID", 0, False, "", "", "", [], []))
    return findings, [edit_at[position] for position in sorted(edit_at)]
