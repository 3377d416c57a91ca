"""What others have collected of texts that break readers: JSON that is and that is not, strings that
are data and nothing else. Each is sent to the real server; what it takes must read back unchanged."""

import json
import pathlib
import re

import pytest

import occurd
import senders
from occurd import made_uuid

CORPORA = pathlib.Path(__file__).with_name("corpora")
SPACE = senders.engine_workspace("corpora", keys=[
    occurd.key("corpora-key", occurd.ALL_SCOPES), occurd.key("corpora-reader", occurd.ALL_SCOPES)])
BEARER = {"Authorization": "Bearer corpora-key", "Content-Type": "application/json"}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with occurd.start(tmp_path_factory.mktemp("corpora"), [SPACE]) as server:
        yield server


# --- JSON ---


def unescaped(text):
    return re.sub(rb"\\(?:x(..)|\\)", lambda m: bytes([int(m[1], 16)]) if m[1] else b"\\",
                  text.encode())


def json_cases():
    for line in (CORPORA / "json.tsv").read_text().splitlines():
        if not line.startswith("#"):
            verdict, words, text = line.split("\t")
            yield verdict, words, unescaped(text)
    yield "n", "100000 opening brackets", b"[" * 100000
    yield "n", "50000 objects in arrays", b'[{"":' * 50000 + b"\n"


JSON_CASES = list(json_cases())


def cases(verdicts):
    chosen = [case for case in JSON_CASES if case[0] in verdicts]
    return pytest.mark.parametrize("text", [c[2] for c in chosen], ids=[c[1] for c in chosen])


def test_the_collection_is_whole():
    counts = {v: sum(case[0] == v for case in JSON_CASES) for v in "yni"}
    assert counts == {"y": 95, "n": 188, "i": 35}


def bodies(text):
    """The text as the whole body, in every dialect: request, and what the answer holds."""
    return [
        (("POST", "/v1/events/send", BEARER, text), b'"Request body is not valid JSON'),
        (("POST", "/v4/track", BEARER, text), b'{"error":"Invalid JSON body"}'),
        (senders.infobip(SPACE, "a@example.com", more="&createPerson=true")[:3] + (text,),
         b'"messageId":"BAD_REQUEST"'),
        (senders.pristo(SPACE, made_uuid("corpora"))[:3] + (text,), b'"code":"INVALID_JSON"'),
        (("POST", "/_/v1/definitions", BEARER, text), b'"status":400'),
    ]


@cases("n")
def test_refused_as_json(server, text):
    for request, words in bodies(text):
        reply = server.request(*request)
        assert reply.status == 400 and words in reply.body, (request[1], reply)


def as_a_value(server, text):
    """The answer to an event that has the text as a property; and the property's text as kept."""
    body = (b'{"event":"%s","email":"json@example.com","data":{"x":%s}}'
            % (senders.TYPE.encode(), text))
    reply = server.request("POST", "/v1/events/send", BEARER, body)
    if reply.status != 202:
        return reply, None
    row = server.reader("corpora-reader").ask(f"/_/v1/events/{reply.json()['id']}")
    return reply, row.body


def exactly(text):
    """Numbers as their text, so that none is rounded on the way."""
    return json.loads(text, parse_int=str, parse_float=str, parse_constant=pytest.fail)


@cases("y")
def test_taken_and_read_back(server, text):
    reply, kept = as_a_value(server, text)
    assert reply.status == 202, reply
    assert exactly(kept)["properties"] == {"x": exactly(text)}


@cases("i")
def test_taken_unchanged_or_refused(server, text):
    reply, kept = as_a_value(server, text)
    if reply.status == 202:
        assert exactly(kept)["properties"] == {"x": exactly(text)}
    else:
        assert reply.status == 400 and b"not valid JSON" in reply.body, reply


# --- Strings ---

# Each is legal where text is legal. Grouped by what it would break.
STRINGS = {
    "looks-empty": [" ", "\t", "\u00a0", "\u3000", "\u200b", "\u2060", "\ufeff", "\u180e"],
    "looks-like-a-value": ["undefined", "null", "NULL", "(null)", "nil", "None", "true", "NaN",
                           "Infinity", "-0", "0x10", "1e1000", "00", "1,5", "٣", "１"],
    "quotes": ["'", '"', "''''\"", "\\", "\\\\", "\\u0041", "\\0", "`", "‘’“”"],
    "sql": ["'; DROP TABLE event; --", "1 OR 1=1", "\" OR \"\"=\"", "%", "_%", "?1", ":a", "$1"],
    "markup": ["<script>alert(1)</script>", "&lt;&#39;", "]]>", "<!--", "{{7*7}}", "${7*7}",
               "{% raw %}", "<%= 1 %>"],
    "formats": ["%s%s%n", "%08x", "%n", "{0}", "$(id)", "`id`", "; ls", "| cat", "../../etc/passwd",
                "..\\..\\x", "file:///etc/passwd", "http://a\\@b"],
    "lines": ["a\nb", "a\r\nSet-Cookie: b=c", "a\u2028b", "a\u0085b", "\u001b[31mred", "\u0007",
              "\u007f", "\u0001\u001f"],
    "direction": ["\u202eabc", "\u2066abc\u2069", "مرحبا", "שלום", "\u061c"],
    "composed": ["é", "e\u0301", "Å", "\u212b", "ﬀ", "ẞ", "İ", "ı", "Z\u0351\u036b\u0343\u036a",
                 "\u0301", "각", "\u1100\u1161\u11a8"],
    "beyond-16-bits": ["😀", "👨\u200d👩\u200d👧", "🇱🇹", "👍🏽", "\U0001f3fb", "\U0010fffd", "𝒳",
                       "\U000e0041"],
    "non-characters": ["\ufffe", "\uffff", "\ufdd0", "\ufffd", "\U0001fffe", "\ue000"],
    "nul": ["a\u0000b", "\u0000"],
    "words-of-ours": ["properties", "__proto__", "constructor", "toString", "id", "$ref", "rowid"],
}
ALL_STRINGS = [s for group in STRINGS.values() for s in group]


def arsel_value(text, email):
    return senders.arsel(SPACE, email, {"x": text})


def omnisend_value(text, email):
    return senders.omnisend(SPACE, email, {"x": text}, name="strings")


def pristo_value(text, email):
    return senders.pristo(SPACE, made_uuid(email), email, {"x": text})


def infobip_value(text, email):
    return senders.infobip(SPACE, email, properties={"n": text}, more="&createPerson=true")


def newest_value(server, email):
    reader = server.reader("corpora-reader")
    contact = reader.contact("email=" + email)
    (value,) = reader.get(f"/_/v1/contacts/{contact['id']}/events?limit=1")["data"][0][
        "properties"].values()
    return value


@pytest.mark.parametrize("send", [arsel_value, omnisend_value, pristo_value, infobip_value])
def test_strings_as_values(server, send):
    """A property's value is anybody's business: all are taken, and come back as they were."""
    for n, text in enumerate(ALL_STRINGS):
        email = f"{send.__name__}{n}@example.com"
        reply = server.request(*send(text, email))
        assert reply.status in (201, 202), (text, reply)
        assert newest_value(server, email) == text


def posted(target, body):
    return "POST", target, BEARER, json.dumps(body).encode()


def app(method, target, body):
    return method, target, {"Authorization": "App corpora-key",
                            "Content-Type": "application/json"}, json.dumps(body).encode()


# Text that stands for somebody or something: the request that says it, and where it is kept.
NAMED = {
    "arsel-first-name": (lambda t, e: posted("/v1/contacts", {"email": e, "first_name": t}),
                         "first_name"),
    "omnisend-last-name": (lambda t, e: posted(
        "/v5/contacts", {"identifiers": [{"type": "email", "id": e}], "lastName": t}), "last_name"),
    "omnisend-tag": (lambda t, e: posted(
        "/v4/identify", {"email": e, "tags": [t]}), "tags"),
    "omnisend-custom": (lambda t, e: posted(
        "/v4/identify", {"email": e, "customProperties": {"plan": t}}), "plan"),
    "infobip-city": (lambda t, e: app("POST", "/people/2/persons", {
        "city": t, "contactInformation": {"email": [{"address": e}]}}), "city"),
    "infobip-custom": (lambda t, e: app("POST", "/people/2/persons", {
        "customAttributes": {"Contract": t}, "contactInformation": {"email": [{"address": e}]}}),
        "Contract"),
    "pristo-name": (lambda t, e: senders.pristo(SPACE, made_uuid(e), e, name=t), "first_name"),
    "pristo-custom": (lambda t, e: senders.pristo(SPACE, made_uuid(e), e,
                                                  customFields={"gender": t}), "gender"),
}


def found(tree, name):
    """What is kept under that name, wherever it is."""
    if isinstance(tree, dict):
        if name in tree:
            return tree[name]
        tree = list(tree.values())
    if isinstance(tree, list):
        for one in tree:
            value = found(one, name)
            if value is not None:
                return value
    return None


@pytest.mark.parametrize("request_for, name", NAMED.values(), ids=NAMED.keys())
def test_strings_as_attributes(server, request_for, name):
    """Taken unchanged, or refused as the dialect refuses; nothing between."""
    reader = server.reader("corpora-reader")
    taken = 0
    for n, text in enumerate(ALL_STRINGS):
        email = f"{name}{n}@{len(name)}.example.com".lower().replace("_", "-")
        reply = server.request(*request_for(text, email))
        contact = reader.contact("email=" + email)
        if reply.status >= 400:
            assert reply.status in (400, 422) and contact is None, (text, reply)
            continue
        taken += 1
        assert contact, (text, reply)
        value = found(contact["attributes"], name)
        assert value in (text, [text]), (text, value)
    assert taken > len(ALL_STRINGS) // 2


def test_strings_as_names_of_definitions(server):
    """Whatever was taken is listed, found by its name, and can be deleted."""
    for text in ALL_STRINGS:
        made = server.request(*posted("/v1/events", {"name": text}))
        if made.status != 201:
            assert made.status == 422, (text, made)
            continue
        one = "/v1/events/" + made.json()["id"]
        assert server.request("GET", one, BEARER).json()["name"] == text
        sent = server.request(*posted("/v1/events/send", {
            "event": text, "email": "names@example.com", "data": {}}))
        assert sent.status == 202, (text, sent)
        row = server.reader("corpora-reader").get("/_/v1/events/" + sent.json()["id"])
        assert row["definition"] == text
        assert server.request("DELETE", one, BEARER).status == 200


def test_strings_as_external_ids(server):
    """Two that look alike are two; each finds its own."""
    numbers = {}
    for text in ALL_STRINGS:
        reply = server.request(*posted("/v1/contacts", {"external_id": text}))
        if reply.status != 201:
            assert reply.status in (409, 422), (text, reply)
            continue
        assert reply.json()["external_id"] == text
        numbers[text] = reply.json()["id"]
        sent = server.request(*posted("/v1/events/send", {
            "event": senders.TYPE, "external_id": text, "data": {}}))
        assert sent.status == 202, (text, sent)
        row = server.reader("corpora-reader").get("/_/v1/events/" + sent.json()["id"])
        assert row["contact_id"] == numbers[text], text
    assert len(set(numbers.values())) == len(numbers) > len(ALL_STRINGS) // 2
