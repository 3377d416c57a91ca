"""What <...> means in the case tables: in what is sent, and in what is expected.

Sent (targets, header values, bodies):
  <NAME>        a variable: <POP>, <KEY>, ... (upper case)
  <x*255>       255 times x; any text may stand in front of the last *
  <"p#":#*3,>   "p0":0,"p1":1,"p2":2 - the # counts, the comma at the end joins
  <0xC3 0x28>   these bytes
  <now-31d>     the time 31 days ago, in UTC; d, h, m or s, with + or -
Everything else is sent as it stands, in UTF-8.

Expected (header values, strings in JSON): the same variables, and these, alone or inside a text:
  <text> <code> <digits> <int> <uuid> <uuidv7> <upper-uuid> <base64url22> <hex24> <time>
  <plaintime>              a time with neither fraction nor zone
Alone as a JSON string only:
  <any> <object> <list>    any value, any object, any array
  <num 2>                  a number of that value, however it is written
  <number>                 a whole number above 0
  <now> <now7>             a time within a minute of this moment; with seven digits of fraction
In an expected JSON object, the member "<more>" says that others may follow.
"""

import datetime
import decimal
import json
import re

from occurd import Number, exact_json

HEX = "[0-9a-f]"
PATTERNS = {
    "text": r".+",
    "code": r"[A-Z][A-Z0-9_]*",
    "digits": r"[0-9]+",
    "int": r"[1-9][0-9]*",
    "uuid": rf"{HEX}{{8}}(?:-{HEX}{{4}}){{3}}-{HEX}{{12}}",
    "uuidv7": rf"{HEX}{{8}}-{HEX}{{4}}-7{HEX}{{3}}-[89ab]{HEX}{{3}}-{HEX}{{12}}",
    "upper-uuid": r"[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}",
    "base64url22": r"[A-Za-z0-9_-]{22}",
    "hex24": rf"{HEX}{{24}}",
    "time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z",
    "plaintime": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d",
}
MARK = re.compile(r"<([^<>\n]+)>")
REPEAT = re.compile(r"(.+)\*(\d+)(,?)", re.S)
NOW_S = 60
SHIFTED = re.compile(r"now([+-]\d+)([dhms])")
UNITS_S = {"d": 86400, "h": 3600, "m": 60, "s": 1}


class NotationError(Exception):
    """A table says something that has no meaning: the table is wrong, not the server."""


# --- What is sent ---


def repeated(mark):
    text, times, joint = REPEAT.fullmatch(mark).groups()
    return joint.join(text.replace("#", str(i)) for i in range(int(times)))


def shifted_now(mark):
    number, unit = SHIFTED.fullmatch(mark).groups()
    shift = datetime.timedelta(seconds=int(number) * UNITS_S[unit])
    return (datetime.datetime.now(datetime.timezone.utc) + shift).strftime("%Y-%m-%dT%H:%M:%SZ")


def sent_mark(mark, variables):
    if re.fullmatch(r"[A-Z][A-Z0-9_]*", mark):
        if mark not in variables:
            raise NotationError(f"<{mark}> is no variable of this case")
        return variables[mark].encode()
    if re.fullmatch(r"0x[0-9A-Fa-f]{2}( 0x[0-9A-Fa-f]{2})*", mark):
        return bytes(int(b, 16) for b in mark.split())
    if REPEAT.fullmatch(mark):
        return repeated(mark).encode()
    if SHIFTED.fullmatch(mark):
        return shifted_now(mark).encode()
    raise NotationError(f"<{mark}> means nothing in what is sent")


def sent(text, variables):
    """The bytes of a text as the tables write it."""
    out, at = b"", 0
    for m in MARK.finditer(text):
        out += text[at:m.start()].encode() + sent_mark(m[1], variables)
        at = m.end()
    return out + text[at:].encode()


# --- What is expected ---


def expected_pattern(text, variables):
    out, at = "", 0
    for m in MARK.finditer(text):
        if m[1] in PATTERNS:
            piece = PATTERNS[m[1]]
        else:
            piece = re.escape(sent_mark(m[1], variables).decode())
        out += re.escape(text[at:m.start()]) + piece
        at = m.end()
    return out + re.escape(text[at:])


def matches_text(expected, actual, variables):
    return re.fullmatch(expected_pattern(expected, variables), actual, re.S) is not None


def parse_time(text):
    """An instant, to the microsecond; six digits are what Python keeps."""
    m = re.fullmatch(r"(.*T\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)", text)
    if not m:
        raise ValueError(f"{text!r} is no time")
    fraction = ((m[2] or "") + "000000")[:6]
    return datetime.datetime.fromisoformat(f"{m[1]}.{fraction}{m[3].replace('Z', '+00:00')}")


def is_now(text, digits=None):
    if digits is not None and not re.search(rf"\.\d{{{digits}}}Z$", text):
        return False
    if not re.fullmatch(PATTERNS["time"], text):
        return False
    apart = datetime.datetime.now(datetime.timezone.utc) - parse_time(text)
    return abs(apart.total_seconds()) <= NOW_S


def special(expected, actual):
    """For the marks that stand alone: None when `expected` is not one of them."""
    if expected == "<any>":
        return True
    if expected == "<object>":
        return isinstance(actual, dict)
    if expected == "<list>":
        return isinstance(actual, list)
    if expected == "<number>":
        return isinstance(actual, Number) and re.fullmatch(PATTERNS["int"], actual) is not None
    if expected == "<now>":
        return isinstance(actual, str) and is_now(actual)
    if expected == "<now7>":
        return isinstance(actual, str) and is_now(actual, 7)
    if expected.startswith("<num "):
        value = decimal.Decimal(expected[5:-1])
        return isinstance(actual, Number) and decimal.Decimal(actual) == value
    return None


def difference_of_objects(expected, actual, variables, path, ordered):
    if not isinstance(actual, dict):
        return f"{path or 'the body'}: {actual!r} is no object"
    more = "<more>" in expected
    wanted = {sent(k, variables).decode(): v for k, v in expected.items() if k != "<more>"}
    missing = [k for k in wanted if k not in actual]
    surplus = [k for k in actual if k not in wanted]
    if missing or (surplus and not more):
        return f"{path or 'the body'}: members missing {missing}, not expected {surplus}"
    if ordered and not more and list(wanted) != list(actual):
        return f"{path or 'the body'}: the order of members is {list(actual)}"
    for name, value in wanted.items():
        found = difference(value, actual[name], variables, f"{path}.{name}", ordered)
        if found:
            return found
    return None


def difference(expected, actual, variables, path="", ordered=False):
    """What first keeps `actual` from being as expected, or None. Numbers are compared as text."""
    if isinstance(expected, dict):
        return difference_of_objects(expected, actual, variables, path, ordered)
    if isinstance(expected, list):
        if not isinstance(actual, list) or len(actual) != len(expected):
            return f"{path}: {actual!r} is not a list of {len(expected)}"
        for i, (e, a) in enumerate(zip(expected, actual)):
            found = difference(e, a, variables, f"{path}[{i}]", ordered)
            if found:
                return found
        return None
    if isinstance(expected, str) and not isinstance(expected, Number):
        alone = special(expected, actual)
        same = alone if alone is not None else (
            isinstance(actual, str) and not isinstance(actual, Number)
            and matches_text(expected, actual, variables))
    else:
        same = type(expected) is type(actual) and expected == actual
    return None if same else f"{path or 'the body'}: expected {expected!r}, got {actual!r}"


def with_repeats(text):
    """Repetitions are written out before JSON is read: they may stand for what is no string."""
    return MARK.sub(lambda m: repeated(m[1]) if REPEAT.fullmatch(m[1]) else m[0], text)


def check_json(expected_text, actual, variables, what, ordered=False):
    try:
        expected = exact_json(with_repeats(expected_text))
    except json.JSONDecodeError as broken:
        raise NotationError(f"{what}: {broken} in {expected_text}") from broken
    found = difference(expected, actual, variables, "", ordered)
    assert found is None, f"{what}{found}\nexpected {expected_text}\ngot      {json.dumps(actual)}"
