"""Omnisend's batches over the life of a server: killed, full, run out, and people who leave."""

import json
import sqlite3

import pytest

import occurd
import senders
from diskfault import full_disk
from occurd import key, made_uuid

SPACE = senders.engine_workspace(
    "batches", keys=[key(made_uuid("batches", "key"), occurd.ALL_SCOPES, "all")])
SECRET = senders.key_of(SPACE)
DAY_S = 24 * 3600


def ask(server, method, target, body=None):
    headers = {"Authorization": "Bearer " + SECRET, "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    return server.request(method, target, headers, data)


def send(server, endpoint, items, version="v5"):
    return ask(server, "POST", f"/{version}/batches",
               {"method": "POST", "endpoint": endpoint, "items": items})


def batch_of(server, endpoint, items):
    reply = send(server, endpoint, items)
    assert reply.status == 201, reply
    return reply.json()["batchID"]


def items_of(server, batch):
    reply = ask(server, "GET", f"/v5/batches/{batch}/items")
    assert reply.status == 200, reply
    return reply.json()


def event(email, number=0, **members):
    return {"eventName": "x", "contact": {"email": email}, "properties": {"n": number}, **members}


def test_a_kill_keeps_what_was_answered(tmp_path):
    with occurd.start(tmp_path, [SPACE]) as server:
        kept = {}
        for kill in range(5):
            batch = batch_of(server, "events", [event(f"{kill}@example.com", n) for n in range(20)]
                             + [{"eventName": "x"}])
            server.kill()
            server.start()
            kept[batch] = items_of(server, batch)
            assert len(kept[batch]["responses"]) == 20 and len(kept[batch]["errors"]) == 1
            assert len(server.reader(SECRET).events()) == 20 * (kill + 1)
        assert {b: items_of(server, b) for b in kept} == kept
        listed = ask(server, "GET", "/api/batches?endpoint=events").json()["batches"]
        assert [b["batchID"] for b in listed] == list(kept)[::-1]


def test_a_full_disk_does_nothing_of_it(tmp_path):
    with occurd.start(tmp_path, [SPACE]) as server:
        batch_of(server, "events", [event("a@example.com")])
        before = server.reader(SECRET).state()
        with full_disk(server):
            for version in ("v5", "api"):
                reply = send(server, "events", [event("b@example.com")], version)
                assert reply.status == 500, reply
        occurd.wait_until(lambda: server.request("GET", "/readyz").status == 200, what="/readyz")
        assert server.reader(SECRET).state() == before
        listed = ask(server, "GET", "/v5/batches?endpoint=events").json()["batches"]
        assert len(listed) == 1
        batch_of(server, "events", [event("b@example.com")])


def age(server, seconds):
    """With the server away: all batches were made so much earlier."""
    with sqlite3.connect(server.data / "occurd.db") as db:
        db.execute("UPDATE bulk SET created_at = created_at - ?1, expires_at = expires_at - ?1",
                   [seconds * 1_000_000])
    db.close()


@pytest.mark.parametrize("seconds,status", [(7 * DAY_S - 3600, 200), (7 * DAY_S + 1, 404)])
def test_a_batch_is_there_for_seven_days(tmp_path, seconds, status):
    with occurd.start(tmp_path, [SPACE]) as server:
        batch_of(server, "contacts", [{"email": "a@example.com"}])
        server.stop()
        age(server, seconds)
        server.start()
        listed = ask(server, "GET", "/v5/batches?endpoint=contacts").json()["batches"]
        assert len(listed) == (status == 200)
        batch_of(server, "contacts", [{"email": "a@example.com"}])
        with sqlite3.connect(server.data / "occurd.db") as db:
            left = db.execute("SELECT count(*) FROM bulk").fetchone()[0]
            items = db.execute("SELECT count(*) FROM bulk_item").fetchone()[0]
        db.close()
        assert left == items == (2 if status == 200 else 1)


def test_both_ends_are_included_as_they_are_shown(tmp_path):
    with occurd.start(tmp_path, [SPACE]) as server:
        batch_of(server, "events", [event("a@example.com")])
        made = ask(server, "GET", "/v5/batches?endpoint=events").json()["batches"][0]["createdAt"]
        second, millisecond = made[:-5], int(made[-4:-1])

        def listed(name, shown):
            target = f"/v5/batches?endpoint=events&{name}={shown}"
            return len(ask(server, "GET", target).json()["batches"])

        assert listed("dateFrom", made) == listed("dateTo", made) == 1
        if millisecond > 0:
            before = f"{second}.{millisecond - 1:03}Z"
            assert (listed("dateFrom", before), listed("dateTo", before)) == (1, 0)
        if millisecond < 999:
            after = f"{second}.{millisecond + 1:03}Z"
            assert (listed("dateFrom", after), listed("dateTo", after)) == (0, 1)
        assert listed("dateTo", "1969-12-31T23:59:59.9994Z") == 0
        assert ask(server, "GET", "/v5/batches?endpoint=events&dateTo=x").status == 400


# --- Whoever leaves ---


def all_bytes(server):
    files = sorted(p for p in server.data.rglob("*") if p.is_file())
    assert files
    return b"".join(p.read_bytes() for p in files).lower()


def test_a_deleted_contacts_requests_are_gone(tmp_path):
    with occurd.start(tmp_path, [SPACE]) as server:
        hers = batch_of(server, "contacts", [
            {"email": "leaving@example.com", "city": "Leavingham"},
            {"email": "staying@example.com", "city": "Stayingham"},
            {"email": "leaving@", "customProperties": {"leaving person": 1}}])
        batch_of(server, "events", [event("leaving@example.com", "leaving-word")])
        admin = server.reader(SECRET)
        contact = admin.contact("email=leaving@example.com")
        export = admin.get(f"/_/v1/contacts/{contact['id']}/export")
        assert export["bulk_requests"] == [
            {"email": "leaving@example.com", "city": "Leavingham"},
            occurd.exact_json(json.dumps(event("leaving@example.com", "leaving-word")))]

        reply = ask(server, "DELETE", f"/_/v1/contacts/{contact['id']}")
        assert reply.status == 204, reply
        left = items_of(server, hers)
        assert [i["request"] for i in left["responses"]] == [
            None, {"email": "staying@example.com", "city": "Stayingham"}]
        assert [(i["request"], i["response"], int(i["responseCode"])) for i in left["errors"]] == [
            (None, None, 400)]
        later = batch_of(server, "contacts", [{"email": "later@"}])
        assert items_of(server, later)["errors"][0]["request"] == {"email": "later@"}
        server.stop()
        content = all_bytes(server)
        assert b"leaving" not in content
        assert b"stayingham" in content and b"later@" in content
