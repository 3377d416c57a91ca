"""Pristo: the numbered cases that need a special situation."""

import base64
import re

import pytest

import occurd
import senders
from diskfault import full_disk
from occurd import made_uuid

C2 = "9b2d5b1e-1c2f-4a7e-8f10-2d6c0a9e4b77"


@pytest.fixture(scope="module")
def spaces():
    return {"plain": senders.engine_workspace("pristo-plain"),
            "failing": senders.engine_workspace("pristo-failing"),
            "limited": senders.engine_workspace("pristo-limited",
                                                limits={"requests_per_second": 5})}


@pytest.fixture(scope="module")
def server(tmp_path_factory, spaces):
    with occurd.start(tmp_path_factory.mktemp("pristo"), list(spaces.values()),
                      ["--threads", "2"]) as server:
        yield server


def error_code(reply):
    body = reply.json()
    assert list(body) == ["error"] and list(body["error"]) == ["code", "message"], reply
    return body["error"]["code"]


def test_49_above_the_rate(server, spaces):
    """Five requests in a second are taken; of sixty in one go most are not."""
    make = lambda i: senders.pristo(spaces["limited"], made_uuid("rate", i), f"r{i}@example.com")
    sender = senders.Sender(server, make, depth=20)
    sender.run(60)
    refused = [r for _, r in sender.answers if r.status == 429]
    accepted = [r for _, r in sender.answers if r.status == 201]
    assert len(refused) + len(accepted) == 60
    assert len(accepted) >= 5 and refused
    for reply in refused:
        assert error_code(reply) == "RATE_LIMITED"
        assert re.fullmatch("[1-9][0-9]*", reply.header("Retry-After")), reply
    reader = senders.reader_of(server, spaces["limited"])
    assert len(reader.events()) == len(reader.contacts()) == len(accepted)


def test_49_there_is_no_limit_unless_set(server, spaces):
    make = lambda i: senders.pristo(spaces["plain"], made_uuid("no rate", i), f"n{i}@example.com")
    sender = senders.Sender(server, make, depth=20)
    sender.run(300)
    assert {r.status for _, r in sender.answers} == {201}


def test_50_the_store_fails(server, spaces):
    space = spaces["failing"]
    reader = senders.reader_of(server, space)
    assert server.request(*senders.pristo(space, made_uuid("before"), "a@example.com")).status == 201
    before = reader.state()
    with full_disk(server):
        reply = server.request(*senders.pristo(space, C2, "c2@example.com"))
        assert reply.status == 500, reply
        assert error_code(reply) == "INTERNAL_ERROR"
        assert server.request("GET", "/readyz").status == 503
        assert server.request("GET", "/healthz").status == 200
    occurd.wait_until(lambda: server.request("GET", "/readyz").status == 200, what="/readyz")
    assert reader.state() == before, "something of the refused event was stored"
    reply = server.request(*senders.pristo(space, C2, "c2@example.com"))
    assert reply.status == 201, reply
    assert len(reader.events()) == 2 and len(reader.contacts()) == 2


def test_52_two_first_reports_at_once(server, spaces):
    space = spaces["plain"]
    reader = senders.reader_of(server, space)
    for i in range(20):
        contact = made_uuid("twice", i)
        replies = senders.at_once(server, [senders.pristo(space, contact, f"t{i}@example.com")] * 2)
        assert [r.status for r in replies] == [201, 201]
        assert replies[0].json()["raw"] != replies[1].json()["raw"]
        found = reader.contact("external_id=" + contact)
        assert found["event_count"] == "2"
        assert reader.contact(f"email=t{i}@example.com")["id"] == found["id"]


def test_raw_is_the_id_of_the_event(server, spaces):
    reply = server.request(*senders.pristo(spaces["plain"], made_uuid("raw"), "raw@example.com"))
    event_id = base64.urlsafe_b64decode(reply.json()["raw"] + "==").hex()
    newest = senders.reader_of(server, spaces["plain"]).events()[0]
    assert newest["id"].replace("-", "") == event_id
