"""Arsel: the numbered cases that need a special situation."""

import json

import pytest

import occurd
import senders
from diskfault import full_disk


@pytest.fixture(scope="module")
def spaces():
    return {"failing": senders.engine_workspace("arsel-failing"),
            "large": senders.engine_workspace("arsel-large"),
            "pages": senders.engine_workspace(
                "arsel-pages", contact_fields=["x"],
                keys=[occurd.key(occurd.made_uuid("arsel-pages", "key"),
                                 ["contacts.write", "contacts.read"], "pages")]),
            "batches": senders.engine_workspace("arsel-batches"),
            "changed": senders.engine_workspace("arsel-changed"),
            "limited": senders.engine_workspace("arsel-limited", limits={})}


@pytest.fixture(scope="module")
def server(tmp_path_factory, spaces):
    with occurd.start(tmp_path_factory.mktemp("arsel"), list(spaces.values())) as server:
        yield server


def test_35_over_the_limit(server, spaces):
    """The vendor's 1000 a minute, where the workspace sets nothing."""
    sender = senders.Sender(server, lambda i: senders.arsel(spaces["limited"], "a@example.com"),
                            depth=20)
    sender.run(1001)
    accepted = [r for _, r in sender.answers if r.status == 202]
    refused = [r for _, r in sender.answers if r.status != 202]
    assert len(refused) == 1, "a minute may have passed" if not refused else refused[:3]
    reply = refused[0]
    assert reply.status == 429
    assert reply.text == ('{"status_code":429,"name":"rate_limit_exceeded","message":"Too many '
                          'requests. Please retry after the period indicated in the retry-after '
                          'header."}')
    assert int(reply.header("retry-after")) >= 1
    assert reply.header("ratelimit-limit") == "1000"
    assert reply.header("ratelimit-remaining") == "0"
    assert 1 <= int(reply.header("ratelimit-reset")) <= 60
    assert len(senders.reader_of(server, spaces["limited"]).events()) == len(accepted)


def test_46_a_batch_of_50_with_60_kb_each(server, spaces):
    """And its repetition gets the same answer."""
    space = spaces["batches"]
    method, target, headers, body = senders.arsel(space, "a@example.com", {"x": "x" * 60000})
    request = (method, target, headers | {"Idempotency-Key": "1:50:50"},
               b'{"events":[' + b",".join([body] * 50) + b"]}")
    first = server.request(*request)
    assert first.status == 202, first
    assert [list(r) for r in first.json()["results"]] == [["id", "status"]] * 50
    assert server.request(*request).text == first.text
    assert len(senders.reader_of(server, space).events()) == 50


@pytest.mark.parametrize("extra", [b"[" + b"1," * 2_000_000 + b"1]",
                                   b"[" + b'{"a":1},' * 500_000 + b"1]",
                                   b"{" + b",".join(b'"k%d":1' % i for i in range(300_000)) + b"}"],
                         ids=["numbers", "objects", "keys"])
def test_what_fits_the_body_limit_is_taken_each_time(server, spaces, extra):
    """An answer that says come back must not depend on how the body was cut on its way."""
    request = senders.arsel(spaces["large"], "a@example.com")
    body = request[3].replace(b'"data": {}', b'"data": {"x":' + extra + b"}")
    assert 3_000_000 < len(body) <= 4 * 1024 * 1024
    for _ in range(4):
        assert server.request(*request[:3], body).status == 202


def test_a_stranger_holds_no_large_body(server):
    """The answer is about the key, and comes before the body does."""
    with server.wire() as wire:
        wire.send(b"POST /v1/events/send HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer nobody\r\n"
                  b"Content-Length: 4000000\r\n\r\n")
        assert wire.reply().status == 401


def test_of_two_changes_at_once_the_second_is_told(server, spaces):
    """Both rest on the definition as it was."""
    headers = {"Authorization": "Bearer " + spaces["changed"]["keys"][1]["secret"],
               "Content-Type": "application/json"}
    listed = server.request("GET", "/v1/events", headers).json()
    target = "/v1/events/" + listed["data"][0]["id"]

    def body(i):
        conversion = {"enabled": True, "currencies": [["EUR", "SAR", "USD"][i]]}
        return json.dumps({"conversion": conversion}).encode()
    changes = [("PATCH", target, headers, body(i)) for i in range(3)]
    answers = senders.in_one_read(server, changes)
    assert [a.status for a in answers] == [200, 409, 409], answers
    assert answers[1].json()["name"] == "conflict"
    shown = server.request("GET", target, headers).json()
    assert shown == answers[0].json() and shown["conversion"]["currencies"] == ["EUR"]
    again = server.request("PATCH", target, headers, body(1))
    assert again.status == 200 and again.json()["conversion"]["currencies"] == ["SAR"]
    assert again.json()["updated_at"] >= shown["updated_at"]


def test_a_conversion_whose_field_is_gone_holds_up_no_change_of_something_else(server, spaces):
    """It is held against the fields when either of them is changed."""
    space = spaces["changed"]
    headers = {"Authorization": "Bearer " + space["keys"][1]["secret"],
               "Content-Type": "application/json"}

    def call(method, target, body):
        return server.request(method, target, headers, json.dumps(body).encode())

    def schema(name):
        return {"fields": [{"name": name, "type": "number", "required": True}]}
    conversion = {"enabled": True, "value_field": "total"}
    made = call("POST", "/v1/events", {"name": "stale", "schema": schema("total"),
                                       "conversion": conversion})
    assert made.status == 201, made
    renamed = call("PATCH", "/_/v1/definitions/stale",
                   {"fields": [{"name": "amount", "type": "number"}]})
    assert renamed.status == 200, renamed
    target = "/v1/events/" + made.json()["id"]
    for body in ({}, {"name": "stale"}, {"description": "x"}):
        reply = call("PATCH", target, body)
        assert reply.status == 200, reply
    assert reply.json()["description"] == "x"
    assert reply.json()["conversion"]["value_field"] == "total"
    for body in ({"schema": schema("sum")}, {"conversion": conversion}):
        reply = call("PATCH", target, body)
        assert reply.status == 400, reply
        assert reply.json()["message"] == ("conversion.value_field does not name a field of the "
                                           "schema of the right type.")
    for body in ({"schema": schema("total")}, {"conversion": {"enabled": False}}):
        assert call("PATCH", target, body).status == 200


def test_68_the_store_is_down(server, spaces):
    space = spaces["failing"]
    reader = senders.reader_of(server, space)
    assert server.request(*senders.arsel(space, "before@example.com")).status == 202
    before = reader.state()
    with full_disk(server):
        for _ in range(3):
            reply = server.request(*senders.arsel(space, "during@example.com"))
            assert reply.status == 503, reply
            body = reply.json()
            assert list(body) == ["status_code", "name", "message"]
            assert body["status_code"] == 503 and body["name"] == "service_unavailable"
    occurd.wait_until(lambda: server.request("GET", "/readyz").status == 200, what="/readyz")
    assert reader.state() == before, "something of the refused events was stored"
    assert server.request(*senders.arsel(space, "after@example.com")).status == 202
    assert len(reader.events()) == 2


LARGE = 100  # contacts of so many bytes, which no answer has room for
LARGE_BYTES = 230_000


def test_a_page_of_large_contacts_ends_early(server, spaces):
    """And who goes on behind it sees each of them once, in either direction."""
    headers = senders.arsel(spaces["pages"], "a@example.com")[2]
    for n in range(LARGE):
        body = {"email": f"{n:03}@example.com", "properties": {"x": "x" * LARGE_BYTES}}
        reply = server.request("POST", "/v1/contacts", headers, json.dumps(body).encode())
        assert reply.status == 201, reply

    def page(at):
        reply = server.request("GET", f"/v1/contacts?limit=100{at}", headers)
        assert reply.status == 200, reply.head
        return reply.json()["data"], reply.json()["has_more"]

    pages, more, at = [], True, ""
    while more:
        rows, more = page(at)
        pages.append(rows)
        at = f"&after={rows[-1]['id']}"
    seen = [row["email"] for rows in pages for row in rows]
    assert seen == [f"{n:03}@example.com" for n in reversed(range(LARGE))]
    assert 3 < len(pages) < LARGE
    rows, more = page(f"&before={pages[-1][-1]['id']}")
    assert more and 1 < len(rows) < LARGE
    assert [row["email"] for row in rows] == seen[-1 - len(rows):-1]
