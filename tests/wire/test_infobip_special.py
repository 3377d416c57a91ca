"""Infobip: the numbered cases that need a special situation."""

import base64
import json
import time

import pytest

import occurd
import senders

DEFINITIONS = "/peopleevents/2/definitions"
JANE = {"identities": [{"kind": "email", "value": "jane@acme.com"}],
        "attributes": {"email": "jane@acme.com"}}
UNWILLING = {"sms_status": {"status": "unsubscribed", "at": "2026-01-01T00:00:00.000000Z"},
             "opt_ins": [], "opt_outs": [{"channel": "sms"}], "subscribed": False, "active": False}
WILL = {"identities": [{"kind": "email", "value": "will@acme.com"}],
        "attributes": {"email": "will@acme.com", "first_name": "Will", **UNWILLING}}


@pytest.fixture(scope="module")
def spaces():
    return {"plain": senders.engine_workspace("infobip-plain", contacts=[JANE, WILL]),
            "large": senders.engine_workspace("infobip-large", definitions=[
                {"name": "any", "fields": [{"name": "s", "type": "string"},
                                           {"name": "l", "type": "array"}]}]),
            "limited": senders.engine_workspace("infobip-limited", contacts=[JANE], limits={})}


@pytest.fixture(scope="module")
def server(tmp_path_factory, spaces):
    with occurd.start(tmp_path_factory.mktemp("infobip"), list(spaces.values())) as server:
        yield server


def check_refused(reply):
    assert reply.text == ('{"requestError":{"serviceException":{"messageId":"TOO_MANY_REQUESTS",'
                          '"text":"Too many requests"}}}'), reply
    assert int(reply.header("Retry-After")) >= 1


def test_40_the_251st_request(server, spaces):
    """250 a second. A second may pass while they are sent, so it is tried in bursts of 300; in
    any second, at most what two windows hold is taken."""
    sender = senders.Sender(server, lambda i: senders.infobip(spaces["limited"], "jane@acme.com"),
                            depth=100)
    began = time.monotonic()
    sender.run(900)
    seconds = time.monotonic() - began
    statuses = {r.status for _, r in sender.answers}
    accepted = [r for _, r in sender.answers if r.status == 201]
    assert statuses == {201, 429}, f"{statuses} after {seconds:.1f} s"
    assert 250 <= len(accepted) <= 250 * (int(seconds) + 2)
    assert [r.status for _, r in sender.answers[:250]] == [201] * 250
    for _, reply in sender.answers:
        if reply.status == 429:
            check_refused(reply)
    assert len(senders.reader_of(server, spaces["limited"]).events()) == len(accepted)


def test_basic_credentials(server, spaces):
    """The key's name and its secret, as user and password."""
    key = spaces["plain"]["keys"][0]
    method, target, headers, body = senders.infobip(spaces["plain"], "jane@acme.com")

    def ask(user, password):
        pair = base64.b64encode(f"{user}:{password}".encode()).decode()
        return server.request(method, target, {**headers, "Authorization": "Basic " + pair}, body)
    assert ask(key["name"], key["secret"]).status == 201
    assert ask("somebody", key["secret"]).status == 401
    assert ask(key["name"], "wrong").status == 401
    assert ask("", "").status == 401


# --- Persons ---


def test_what_others_gave_a_person_can_be_sent_back(server, spaces):
    """A list of texts is Omnisend's."""
    space = spaces["plain"]
    secret = space["keys"][1]["secret"]
    contact = {"identifiers": [{"type": "email", "id": "list@acme.com",
                                "channels": {"email": {"status": "nonSubscribed"}}}],
               "customProperties": {"colours": ["red", "blue"], "size": 4}}
    made = server.request("POST", "/v5/contacts", {"X-API-KEY": secret}, json.dumps(contact).encode())
    assert made.status == 200, made
    target = "/people/2/persons?identifier=list@acme.com&type=EMAIL"
    read = server.request(*ask(space, "GET", target)).json()
    assert read["customAttributes"] == {"colours": ["red", "blue"], "size": 4}
    for method in ("PUT", "PATCH"):
        reply = server.request(*ask(space, method, target, read))
        assert reply.status == 200, reply
        assert reply.json()["customAttributes"] == read["customAttributes"]


@pytest.mark.parametrize("value,good", [
    (["red", "blue"], True), ([1, True, None, "x", {"a": 1}], True), ([], True), ([{}], True),
    ({"a": 1}, False), ([["a"]], False), ([{"a": ["b"]}], False), (["a", {"b": {}}], False)])
def test_custom_attributes_are_plain_or_lists(server, spaces, value, good):
    target = "/people/2/persons?identifier=jane@acme.com&type=EMAIL"
    body = {"customAttributes": {"x": value}}
    reply = server.request(*ask(spaces["plain"], "PATCH", target, body))
    assert reply.status == (200 if good else 400), reply
    if good:
        assert reply.json()["customAttributes"]["x"] == value
    else:
        errors = reply.json()["requestError"]["serviceException"]["validationErrors"]
        assert errors == {"customAttributes.x": [
            "customAttributes.x must be a plain value, or a list of plain values and flat objects"]}


# --- Definitions ---


def ask(space, method, target, body=None, scheme="App "):
    headers = {"Authorization": scheme + space["keys"][1]["secret"],
               "Content-Type": "application/json"}
    return method, target, headers, None if body is None else json.dumps(body).encode()


def definition(space, name, fields, new=False):
    body = {"title": "t", "fields": fields, **({"definitionId": name} if new else {})}
    return ask(space, "POST", DEFINITIONS + ("" if new else "/" + name), body)


def strings(letter, n):
    return [{"name": f"{letter}{i}", "type": "String"} for i in range(n)]


def list_of(name, fields):
    return [{"name": name, "type": "List", "schema": {"type": "Object", "fields": fields}}]


def test_an_update_of_a_list_that_is_full(server, spaces):
    """As many new names as an update can hold, behind as many old ones as a List can have; wherever
    in the request's memory they come to lie."""
    space = spaces["plain"]
    new = definition(space, "crowded", list_of("items", strings("a", 128)), new=True)
    assert server.request(*new).status == 201
    for n, blanks in [(1, 0), (129, 0), (130, 0), *((256, i * 500) for i in range(20)), (257, 0)]:
        *head, body = definition(space, "crowded", list_of("items", strings("b", n)))
        reply = server.request(*head, body + b" " * blanks)
        assert reply.status == 400, reply
        assert "fields[0].schema.fields" in reply.text, reply
    again = definition(space, "crowded", list_of("items", strings("a", 128)))
    assert server.request(*again).status == 200


EVENTS = "/peopleevents/2/persons/jane@acme.com/definitions/{}/events?identifierType=EMAIL"


def test_a_repetition_is_answered_with_the_first_event(server, spaces):
    """Its time, properties and definition, which may be gone: first told in a batch, with a time
    of its own, and again in calls of their own."""
    space = spaces["plain"]
    for name in ("first", "second"):
        fields = [{"name": "a", "type": "String"}]
        assert server.request(*definition(space, name, fields, new=True)).status == 201
    then = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() - 3 * 24 * 3600))
    item = {"definitionId": "first", "occurredTime": then + "Z", "eventId": "told-twice",
            "identifier": {"id": "jane@acme.com", "type": "EMAIL"}, "properties": {"a": "1"}}
    assert server.request(*ask(space, "POST", "/people/3/events", [item])).status == 202
    again = {"eventId": "told-twice", "properties": {"a": "2"}}
    expected = {"eventId": "told-twice", "definitionId": "first", "properties": {"a": "1"},
                "occurredTime": then + ".0000000Z", "metadata": {"source": "API"}}
    for name in ("first", "second"):
        reply = server.request(*ask(space, "POST", EVENTS.format(name), again))
        assert reply.status == 201 and json.loads(reply.text) == expected, reply
    assert server.request(*ask(space, "DELETE", DEFINITIONS + "/first")).status == 204
    reply = server.request(*ask(space, "POST", EVENTS.format("second"), again))
    assert reply.status == 201 and json.loads(reply.text) == expected, reply
    events = senders.reader_of(server, space).events()
    assert [e["definition"] for e in events[:1]] == ["first"]


def names(reply):
    return [field["name"] for field in reply.json()["fields"]]


def test_of_two_updates_at_once_the_second_is_told(server, spaces):
    """Both rest on the definition as it was; who is answered 200 is shown all of it."""
    space = spaces["plain"]
    first, second = strings("f", 1), strings("s", 1)
    assert server.request(*definition(space, "raced", strings("old", 1), new=True)).status == 201
    updates = [definition(space, "raced", f) for f in (first, second, first)]
    answers = senders.in_one_read(server, updates)
    assert [a.status for a in answers] == [200, 409, 409], answers
    assert answers[1].json()["requestError"]["serviceException"]["messageId"] == "CONFLICT"
    assert names(answers[0]) == ["old0", "f0"]
    again = server.request(*definition(space, "raced", second))
    assert again.status == 200 and names(again) == ["old0", "f0", "s0"]
    assert server.request(*ask(space, "GET", DEFINITIONS + "/raced")).text == again.text


def test_two_lists_at_once(server, spaces):
    space = spaces["plain"]
    assert server.request(*definition(space, "lists", [], new=True)).status == 201
    price, other = (definition(space, "lists", list_of(name, strings("x", 1)))
                    for name in ("price", "pRice"))
    assert [a.status for a in senders.in_one_read(server, [price, other])] == [200, 409]
    assert server.request(*other).status == 400
    assert names(server.request(*ask(space, "GET", DEFINITIONS + "/lists"))) == ["price"]


# --- Persons ---


def test_what_others_know_of_a_persons_will_stays(server, spaces):
    """PUT replaces all that is Infobip's; Omnisend's and Pristo's states and consents are not."""
    space = spaces["plain"]
    contact = {"identifiers": [{"type": "email", "id": "will@acme.com",
                                "channels": {"email": {"status": "unsubscribed"}},
                                "consent": {"source": "form"}}]}
    assert server.request(*ask(space, "POST", "/v5/contacts", contact, "Bearer ")).status == 200
    reader = senders.reader_of(server, space)
    told = reader.contact("email=will@acme.com")["attributes"]
    assert {"email_status", "consents", "first_name", *UNWILLING} <= set(told)
    by_email = "?identifier=will%40acme.com&type=EMAIL"
    same = [{"identifier": "will@acme.com", "type": "EMAIL"}]
    for request in [
            ask(space, "PUT", "/people/2/persons" + by_email, {"lastName": "W"}),
            ask(space, "PUT", "/people/3/persons/upsert",
                {"persons": [{"lastName": "W", "city": "Riga", "contactInformation": same}]})]:
        assert server.request(*request).status in (200, 207)
        now = reader.contact("email=will@acme.com")["attributes"]
        assert now["last_name"] == "W" and "first_name" not in now
        for name in ("email_status", "consents", *UNWILLING):
            assert now[name] == told[name]
    assert now["city"] == "Riga"
    shown = server.request(*ask(space, "GET", "/v5/contacts?email=will%40acme.com",
                                scheme="Bearer ")).json()["contacts"][0]
    assert shown["status"] == "unsubscribed"


# --- Batches as large as they may be ---

BATCH_BYTES, ITEM_BYTES = 15_728_640, 512_000


def batch_of(n, before, each, after):
    """So many items, and in each as much of `each` as the body's limit and the item's leave."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    items = []
    for i in range(n):
        head = (f'{{"definitionId":"any","occurredTime":"{now}","identifier":{{"id":"{i}@large.com",'
                f'"type":"EMAIL"}},"properties":{before}')
        room = min((BATCH_BYTES - 2) // n - 1 - len(head) - 1, ITEM_BYTES - len(before))
        items.append(head + each * ((room - len(after)) // len(each)) + after + "}")
    return ("[" + ",".join(items) + "]").encode()


@pytest.mark.parametrize("before,each,after", [
    ('{"s":"', "x", '"}'), ('{"s":"', ",", '"}'), ('{"s":"', '{\\"a\\":1,', '"}'),
    ('{"l":[', '{"a":1},', "{}]}"), ('{"l":[', "{},", "{}]}"), ('{"l":[{"a":[', "1,", "1]}]}"),
    ('{"l":[{"a":[', "[],", "1]}]}")],
    ids=["text", "commas", "JSON", "objects", "empty", "numbers", "lists"])
@pytest.mark.parametrize("n", [31, 200, 5000])
def test_what_fits_a_batch_is_taken(server, spaces, n, before, each, after):
    """An answer that says come back would say so for ever."""
    body = batch_of(n, before, each, after)
    assert BATCH_BYTES * 0.98 < len(body) <= BATCH_BYTES
    method, target, headers, _ = ask(spaces["large"], "POST", "/people/3/events")
    reply = server.request(method, target, headers, body)
    assert reply.status == 202, reply


def test_a_batch_with_a_byte_too_many(server, spaces):
    method, target, headers, _ = ask(spaces["large"], "POST", "/people/3/events")
    with server.wire() as wire:
        lines = "".join(f"{k}: {v}\r\n" for k, v in headers.items())
        wire.send((f"{method} {target} HTTP/1.1\r\nHost: a\r\n{lines}"
                   f"Content-Length: {BATCH_BYTES + 1}\r\n\r\n").encode())
        assert wire.reply().status == 413
