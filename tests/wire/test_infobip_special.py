"""Infobip: the numbered cases that need a special situation."""

import base64
import json
import time

import pytest

import occurd
import senders

JANE = {"identities": [{"kind": "email", "value": "jane@acme.com"}],
        "attributes": {"email": "jane@acme.com"}}


@pytest.fixture(scope="module")
def spaces():
    return {"plain": senders.engine_workspace("infobip-plain", contacts=[JANE]),
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


# --- Definitions ---


def define(server, space, path, fields, blanks=0):
    body = {"title": "t", "fields": fields, **({} if path else {"definitionId": "crowded"})}
    return server.request("POST", "/peopleevents/2/definitions" + path,
                          {"Authorization": "App " + space["keys"][1]["secret"],
                           "Content-Type": "application/json"}, json.dumps(body).encode() + b" " * blanks)


def strings(letter, n):
    return [{"name": f"{letter}{i}", "type": "String"} for i in range(n)]


def list_of(fields):
    return [{"name": "items", "type": "List", "schema": {"type": "Object", "fields": fields}}]


def test_an_update_of_a_list_that_is_full(server, spaces):
    """As many new names as an update can hold, behind as many old ones as a List can have; wherever
    in the request's memory they come to lie."""
    space = spaces["plain"]
    assert define(server, space, "", list_of(strings("a", 128))).status == 201
    for n, blanks in [(1, 0), (129, 0), (130, 0), *((256, i * 500) for i in range(20)), (257, 0)]:
        reply = define(server, space, "/crowded", list_of(strings("b", n)), blanks)
        assert reply.status == 400, reply
        assert "fields[0].schema.fields" in reply.text, reply
    assert define(server, space, "/crowded", list_of(strings("a", 128))).status == 200
