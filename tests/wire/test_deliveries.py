"""What an event sets off: automations that select, webhooks and files that receive, deliveries that
are never lost and never hidden."""

import base64
import contextlib
import json
import shutil
import sqlite3
import threading
import time
from email.utils import formatdate

import pytest

import occurd
import senders
from deliveries import TYPE, api, deliveries, ended, send_to, space_of, track, webhook
from occurd import wait_until
from receiver import SECRET, Receiver, signature_is_good
from test_tls import certificate

# --- Selecting and sending ---


def test_a_webhook_gets_what_was_selected(tmp_path):
    with Receiver() as receiver:
        space = space_of("hook", [webhook("crm", receiver)], [
            send_to("big-order", "crm", trigger={"definitions": [TYPE]},
                    conditions={"all": [{"field": "properties.n", "operator": "gte", "value": 100}]})])
        with occurd.start(tmp_path, [space]) as server:
            ids = [track(server, space, n=n) for n in (99, 100, 250)]
            (second, first) = ended(server, space, 2)
        assert {g.event["id"] for g in receiver.got} == set(ids[1:])
        got = next(g for g in receiver.got if g.event["id"] == ids[1])
        assert signature_is_good(got.headers, got.body)
        assert got.headers["content-type"] == "application/json"
        assert got.json["type"] == TYPE and got.json["timestamp"] == got.event["occurred_at"]
        data = got.json["data"]
        assert data["automation"] == "big-order" and data["delivery_id"] == got.id
        assert data["contact"]["attributes"] == {"email": "a@example.com"}
        assert got.event["properties"] == {"n": 100}
        assert first["state"] == "done" and int(first["status"]) == 200 and int(first["attempts"]) == 1
        assert first["automation"] == "big-order" and first["destination"] == "crm"
        assert first["id"] == got.id  # so that what a receiver complains about can be found
        assert first["event_id"] == ids[1] and first["answer"] == '{"said": 200}'
        assert first["due_at"] is None and first["ended_at"] >= first["created_at"]
        assert second["event_id"] == ids[2]


def test_a_file_gets_a_line_each(tmp_path):
    space = space_of("file", [{"name": "log", "type": "file", "path": "a/events.ndjson"}],
                     [send_to("all", "log")])
    with occurd.start(tmp_path, [space]) as server:
        ids = [track(server, space, n=n) for n in range(20)]
        ended(server, space, 20)
    lines = (server.data / "out/a/events.ndjson").read_text().splitlines()
    assert sorted(json.loads(line)["data"]["event"]["id"] for line in lines) == sorted(ids)


LARGEST = 4 * 1024 * 1024 - 1024


@pytest.mark.parametrize("large", ["x" * LARGEST, "," * LARGEST, [[]] * (LARGEST // len("[], "))],
                         ids=["letters", "commas", "lists"])
def test_the_largest_events_arrive_and_hold_nobody_up(tmp_path, large):
    """A request of Arsel's may have 4 MiB, all of it one property, whatever it takes to parse."""
    templated = {"body": '{"event": {{{event.id}}}, "plan": {{{properties.n}}}}'}
    there = {"field": "properties.large", "operator": "exists"}
    with Receiver() as receiver:
        space = space_of("large", [webhook("crm", receiver), webhook("plan", receiver, "/plan", **templated),
                                   {"name": "log", "type": "file", "path": "log"}],
                         [send_to("all", "crm", "log", "plan"), send_to("some", "log", conditions=there)])
        with occurd.start(tmp_path, [space]) as server:
            ids = [track(server, space, large=large), track(server, space, n=1)]
            rows = ended(server, space, 7)
            assert {row["state"] for row in rows} == {"done"}, rows
            reader = senders.reader_of(server, space)
            assert [e["id"] for e in reader.get("/_/v1/events?limit=5")["data"]] == ids[::-1]
            assert reader.get("/_/v1/events/" + ids[0])["properties"] == {"large": large}
            contact = reader.contact("email=a@example.com")
            assert len(reader.get(f"/_/v1/contacts/{contact['id']}/export")["events"]) == 2
            tried = api(server, space, "POST", "automations/some/test", {})
            assert (tried.status, tried.json()["met"], tried.json()["looked_at"]) == (200, 1, 2)
        got = {g.json["event"] if g.path == "/plan" else g.event["id"] for g in receiver.got}
        assert got == set(ids) and len(receiver.got) == 4
        got = next(g for g in receiver.got if g.path == "/in" and g.event["id"] == ids[0])
        assert got.event["properties"] == {"large": large}
        assert len((server.data / "out/log").read_text()) > 2 * len(json.dumps(large, separators=(",", ":")))


def test_nothing_of_before_and_nothing_of_others(tmp_path):
    """An automation begins with the events behind it; a workspace sees its own alone."""
    with Receiver() as receiver:
        plain, other = space_of("plain", [], []), space_of("other", [], [])
        with occurd.start(tmp_path, [plain, other]) as server:
            track(server, plain)
        ruled = space_of("plain", [webhook("crm", receiver)], [send_to("all", "crm")])
        occurd.write_provision(server.provision, [ruled, other])
        with server:
            track(server, other)
            id_ = track(server, plain)
            (row,) = ended(server, plain, 1)
            assert row["event_id"] == id_
            assert deliveries(server, other) == []
        assert [g.event["id"] for g in receiver.got] == [id_]


def test_once_per_contact_and_cool_down(tmp_path):
    with Receiver() as receiver:
        space = space_of("once", [webhook("a", receiver, "/once"), webhook("b", receiver, "/cool")], [
            send_to("once", "a", once_per_contact=True),
            send_to("cool", "b", cooldown_seconds=3600)])
        with occurd.start(tmp_path, [space]) as server:
            for email in ("a@example.com", "b@example.com", "a@example.com"):
                track(server, space, email)
            ended(server, space, 4)
        with server:  # it is remembered
            track(server, space, "a@example.com")
            track(server, space, "c@example.com")
            ended(server, space, 6)
        for path in ("/once", "/cool"):
            contacts = [g.event["contact_id"] for g in receiver.got if g.path == path]
            assert len(contacts) == len(set(contacts)) == 3


def test_delayed(tmp_path):
    with Receiver() as receiver:
        space = space_of("late", [webhook("crm", receiver)],
                         [send_to("late", "crm", delay_seconds=2)])
        with occurd.start(tmp_path, [space]) as server:
            track(server, space)
            wait_until(lambda: len(deliveries(server, space)) == 1, what="the delivery")
            (row,) = deliveries(server, space)
            assert row["state"] == "pending" and int(row["attempts"]) == 0
            assert row["due_at"] > row["created_at"]
            ended(server, space, 1)


# --- Receivers that do not take it ---


FAILURES = [  # what the receiver does, and of the try: the status, the answer (None: a phrase)
    (500, 500, '{"said": 500}'), ((503, {"Retry-After": "1"}), 503, '{"said": 503}'),
    (301, 301, '{"said": 301}'), ((302, {"Location": "/other"}), 302, '{"said": 302}'),
    (404, 404, '{"said": 404}'), ((422, {}, b"x" * 2000), 422, "x" * 512),
    ((500, {}, "\u20ac".encode() * 300), 500, "\u20ac" * 170),
    ((500, {}, b"so \xff\xfe far"), 500, "so \ufffd\ufffd far"), ((500, {}, b""), 500, ""),
    ("reset", None, None), ("half", None, None), ("silent", None, None),
    (b"220 mail.example ESMTP\r\n", None, None)]


def test_tried_again_with_the_same_id(tmp_path):
    """A receiver for each, as libcurl sends once more by itself over a kept connection that ends."""
    names = [str(i) for i in range(len(FAILURES))]
    with contextlib.ExitStack() as stack:
        receivers = {name: stack.enter_context(Receiver(lambda got, n, what=what: what if n <= 2 else 204))
                     for name, (what, _, _) in zip(names, FAILURES)}
        space = space_of("flaky", [webhook(name, receivers[name]) for name in names],
                         [send_to("first", *names[:10]), send_to("rest", *names[10:])])
        with occurd.start(tmp_path, [space]) as server:
            track(server, space)
            rows = {row["destination"]: row for row in ended(server, space, len(names))}
            reader = senders.reader_of(server, space)
            ones = {n: reader.get(f"/_/v1/deliveries/{row['number']}") for n, row in rows.items()}
    for name, (what, status, said) in zip(names, FAILURES):
        assert rows[name]["state"] == "done" and int(rows[name]["attempts"]) == 3, what
        ids, got = receivers[name].ids(), receivers[name].got
        assert len(set(ids)) == 1 and len(ids) == len(got) == 3, what  # and none was followed
        assert all(signature_is_good(g.headers, g.body) for g in got), what
        tries = ones[name]["tries"]
        assert [int(t["n"]) for t in tries] == [1, 2, 3], what
        assert [t["status"] and int(t["status"]) for t in tries] == [status, status, 204], what
        assert all(t["answer"] if said is None else t["answer"] == said for t in tries[:2]), what


def test_not_before_retry_after(tmp_path):
    """The pause of the schedule is a second; the receiver asks for three. A date counts in whole
    seconds."""
    until = {}

    def behave(got, n):
        if n > 1:
            return 200
        status, form = got.path[1:].split("-")
        until[got.path] = int(time.time()) + 3
        date = formatdate(until[got.path], usegmt=True)
        return int(status), {"Retry-After": "3" if form == "seconds" else date}
    names = ["429-seconds", "429-date", "503-seconds", "503-date"]
    with Receiver(behave) as receiver:
        space = space_of("later", [webhook(name, receiver, "/" + name) for name in names],
                         [send_to("all", *names)])
        with occurd.start(tmp_path, [space]) as server:
            track(server, space)
            rows = ended(server, space, len(names))
        assert all(row["state"] == "done" and int(row["attempts"]) == 2 for row in rows)
        for name in names:
            (first, second) = (g.at for g in receiver.got if g.path == "/" + name)
            assert first < until["/" + name] - 1 <= second, name


def test_too_slow_is_a_failure(tmp_path):
    """Of all of an answer, however it is stretched."""
    with Receiver(lambda got, n: got.path[1:]) as receiver:
        space = space_of("slow", [webhook(name, receiver, "/" + name, retry_seconds=[])
                                  for name in ("hang", "drip")], [send_to("all", "hang", "drip")])
        with occurd.start(tmp_path, [space]) as server:
            track(server, space)
            rows = ended(server, space, 2)
        assert {row["state"] for row in rows} == {"dead"}
        assert {row["status"] for row in rows} == {None}
        assert {row["answer"] for row in rows} == {"Timeout was reached"}
        assert len(receiver.got) == 2


@pytest.mark.parametrize("fault", ["self-signed", "plain"])
def test_who_is_not_known_gets_nothing(tmp_path, fault):
    """Neither one whose certificate nobody vouches for, nor one that speaks no TLS at all."""
    known = certificate(tmp_path, "receiver") if fault == "self-signed" else None
    with Receiver(certificate=known) as receiver:
        url = receiver.url().replace("http:", "https:")
        space = space_of("tls", [webhook("crm", receiver, url=url, retry_seconds=[1])],
                         [send_to("all", "crm")])
        with occurd.start(tmp_path, [space]) as server:
            track(server, space)
            (row,) = ended(server, space, 1)
        assert row["state"] == "dead" and int(row["attempts"]) == 2 and row["status"] is None
        assert ("certificate" in row["answer"]) == (fault == "self-signed"), row["answer"]
        assert receiver.got == []


def test_both_secrets_sign(tmp_path):
    new = "whsec_" + base64.b64encode(b"another secret of 32 bytes here!").decode()
    with Receiver() as receiver:
        crm = webhook("crm", receiver, secrets=[new, SECRET])
        del crm["secret"]
        space = space_of("rotate", [crm], [send_to("all", "crm")])
        with occurd.start(tmp_path, [space]) as server:
            track(server, space)
            ended(server, space, 1)
        (got,) = receiver.got
        assert signature_is_good(got.headers, got.body, new)
        assert signature_is_good(got.headers, got.body, SECRET)
        assert not signature_is_good(got.headers, got.body + b" ", SECRET)
        assert len(got.headers["webhook-signature"].split(" ")) == 2


@pytest.mark.parametrize("change", [{}, {"webhook-id": "msg_x"}, {"webhook-timestamp": "1614265331"},
                                    {"webhook-signature": "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}])
def test_the_judge_knows_the_example_of_the_specification(change):
    """That of the libraries which the Standard Webhooks specification comes with."""
    headers = {"webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": "1614265330",
               "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", **change}
    assert signature_is_good(headers, b'{"test": 2432232314}', SECRET) == (not change)


def test_dead_after_the_last_try_with_the_reason(tmp_path):
    with Receiver(lambda got, n: (418, {})) as receiver:
        space = space_of("dead", [webhook("crm", receiver, retry_seconds=[1])],
                         [send_to("all", "crm")])
        with occurd.start(tmp_path, [space]) as server:
            track(server, space)
            (row,) = ended(server, space, 1)
            assert row["state"] == "dead" and int(row["status"]) == 418
            assert "418" in row["answer"]
            assert deliveries(server, space, state="dead") == [row]
            assert deliveries(server, space, state="done") == []
        assert len(receiver.got) == 2


def test_in_order_and_once(tmp_path):
    """Each contact's go one after the other, others beside them; and none goes again."""
    contacts, each, failing = 15, 20, 3

    def behave(got, n):
        fails = got.event["properties"] == {"n": failing, "c": 0}
        return 500 if fails and receiver.ids().count(got.id) == 1 else 200

    with Receiver(behave) as receiver:
        space = space_of("order", [webhook("crm", receiver, ordered=True, retry_seconds=[1, 1])],
                         [send_to("all", "crm")])
        with occurd.start(tmp_path, [space]) as server:
            for n in range(each):
                for c in range(contacts):
                    track(server, space, f"c{c}@example.com", n=n, c=c)
            ended(server, space, contacts * each)
    for c in range(contacts):
        taken = [g.event["properties"]["n"] for g in receiver.got if g.event["properties"]["c"] == c]
        assert taken == sorted([*range(each), *([failing] if c == 0 else [])]), c


def test_gone_disables_the_destination(tmp_path):
    """What waits for it goes on waiting, also over a start; nobody asks it again until it is
    changed."""
    with Receiver(lambda got, n: 410 if got.path == "/in" else 200) as receiver:
        space = space_of("gone", [webhook("crm", receiver)], [send_to("all", "crm")])
        server = occurd.Server(tmp_path, [space])
        with server:
            track(server, space)
            wait_until(lambda: receiver.got, what="the first try")
            for n in range(5):
                track(server, space, n=n)
            wait_until(lambda: len(deliveries(server, space)) == 6, what="six deliveries")
            assert {row["state"] for row in deliveries(server, space)} == {"pending"}
        assert len(receiver.got) == 1
        with server:
            track(server, space)
            wait_until(lambda: len(deliveries(server, space)) == 7, what="seven deliveries")
            assert len(receiver.got) == 1
            reply = api(server, space, "PATCH", "destinations/crm", {"url": receiver.url("/new")})
            assert reply.status == 200, reply
            ended(server, space, 7)
        assert len(receiver.ids("/new")) == 7


def test_gone_again_and_again(tmp_path):
    """Each time that somebody says so it is asked anew, though what is declared stays the same."""
    status = 410
    with Receiver(lambda got, n: status) as receiver:
        space = space_of("gone", [webhook("crm", receiver, disabled=False)],
                         [send_to("all", "crm")])
        server = occurd.Server(tmp_path, [space])

        def enable():
            reply = api(server, space, "PATCH", "destinations/crm", {"disabled": False})
            assert reply.status == 200, reply
            return reply.json()["updated_at"]

        def refused(n):
            wait_until(lambda: [row["attempts"] for row in deliveries(server, space)] == [str(n)],
                       what=f"refusal {n}")

        with server:
            track(server, space)
            changes = []
            for n in range(1, 4):
                refused(n)
                changes.append(enable())
            refused(4)
            assert changes == sorted(set(changes))
        status = 200
        with server:  # a start is no change
            track(server, space)
            wait_until(lambda: len(deliveries(server, space)) == 2, what="two deliveries")
            assert len(receiver.got) == 4
            enable()
            ended(server, space, 2)


def test_the_address_of_before_disables_nothing(tmp_path):
    """It says 410 after the destination was changed: what it was asked for goes to the new one."""
    changed = threading.Event()

    def behave(got, n):
        return 410 if got.path == "/in" and changed.wait(10) else 200

    with Receiver(behave) as receiver:
        space = space_of("gone", [webhook("crm", receiver)], [send_to("all", "crm")])
        with occurd.start(tmp_path, [space]) as server:
            first = track(server, space)
            wait_until(lambda: receiver.got, what="the first try")
            reply = api(server, space, "PATCH", "destinations/crm", {"url": receiver.url("/new")})
            assert reply.status == 200, reply
            second = track(server, space)
            wait_until(lambda: receiver.ids("/new"), what="one at the new address")
            changed.set()
            ended(server, space, 2)
            third = track(server, space)
            ended(server, space, 3)
        assert {g.event["id"] for g in receiver.got if g.path == "/new"} == {first, second, third}


def test_a_deleted_destination_ends_what_waits_for_it(tmp_path):
    with Receiver() as receiver:
        space = space_of("gone", [webhook("crm", receiver, disabled=True), webhook("b", receiver)],
                         [send_to("all", "crm"), send_to("other", "b", delay_seconds=600)])
        with occurd.start(tmp_path, [space]) as server:
            for n in range(3):
                track(server, space, n=n)
            wait_until(lambda: len(deliveries(server, space)) == 6, what="six deliveries")
            admin = {"Authorization": "Bearer gone-reader"}
            for path in ("automations/all", "destinations/crm"):
                assert server.request("DELETE", "/_/v1/" + path, admin).status == 204
            wait_until(lambda: len(deliveries(server, space, state="dead")) == 3, what="their end")
            rows = deliveries(server, space, state="dead")
            assert {row["answer"] for row in rows} == {"the destination was deleted"}
            assert {(row["destination"], row["attempts"]) for row in rows} == {(None, "0")}
            path = f"/_/v1/deliveries/{rows[0]['number']}/replay"
            assert server.request("POST", path, admin, b"").status == 202
            wait_until(lambda: len(deliveries(server, space, state="dead")) == 3, what="that again")
            pending = deliveries(server, space, state="pending")
            assert {row["destination"] for row in pending} == {"b"} and len(pending) == 3
        assert receiver.got == []


def test_a_private_address_is_refused(tmp_path):
    with Receiver() as receiver:
        space = space_of("ssrf", [webhook(name, receiver, allow_private=False,
                                          url=receiver.url().replace("127.0.0.1", host))
                                  for name, host in (("named", "localhost"),
                                                     ("odd", "2130706433"))],
                         [send_to("all", "named", "odd")])
        with occurd.start(tmp_path, [space]) as server:
            plain = webhook("plain", receiver, allow_private=False)
            refused = api(server, space, "POST", "destinations", plain)
            assert refused.status == 400, refused
            assert refused.json()["errors"] == [
                {"path": "url",
                 "message": "url must be a public address, unless allow_private is true"}]
            track(server, space)
            rows = ended(server, space, 2)
        assert {row["state"] for row in rows} == {"dead"}
        assert {row["answer"] for row in rows} == {"the address is private"}
        assert receiver.got == []


def test_a_dead_destination_costs_the_others_nothing(tmp_path):
    def behave(got, n):
        return {"/hang": "hang", "/drip": "drip"}.get(got.path, 200)
    with Receiver(behave) as receiver:
        space = space_of("mixed", [webhook("good", receiver), webhook("hang", receiver, "/hang"),
                                   webhook("drip", receiver, "/drip"),
                                   {**webhook("off", receiver), "url": "http://127.0.0.1:9/"}],
                         [send_to(f"to-{d}", d) for d in ("hang", "drip", "off", "good")])
        with occurd.start(tmp_path, [space]) as server:
            ids = [track(server, space, n=n) for n in range(40)]
            wait_until(lambda: len(receiver.ids()) == 40, 30, "the good one's")
            assert sorted(g.event["id"] for g in receiver.got if g.path == "/in") == sorted(ids)
            wait_until(lambda: len(deliveries(server, space, destination="good", state="done"))
                       == 40, what="their outcomes")
            pending = deliveries(server, space, state="pending")
            assert {row["destination"] for row in pending} <= {"hang", "drip", "off"}


# --- Privacy ---


def test_a_deleted_contact_leaves_the_ledger(tmp_path):
    with Receiver(lambda got, n: 500) as receiver:
        space = space_of("erase", [webhook("crm", receiver, retry_seconds=[1, 3600])],
                         [send_to("all", "crm")])
        with occurd.start(tmp_path, [space]) as server:
            track(server, space, "gone@example.com")
            track(server, space, "kept@example.com")
            wait_until(lambda: len(deliveries(server, space)) == 2, what="two deliveries")
            reader = senders.reader_of(server, space)
            gone = reader.contact("email=gone@example.com")
            kept = reader.contact("email=kept@example.com")
            reply = server.request("DELETE", f"/_/v1/contacts/{gone['id']}",
                                   {"Authorization": "Bearer erase-reader"})
            assert reply.status == 204, reply
            wait_until(lambda: len(deliveries(server, space)) == 1, what="the erasure")
            (row,) = deliveries(server, space)
            assert row["contact_id"] == kept["id"]
            assert len(deliveries(server, space, contact=kept["id"])) == 1


def declare_anew(server, name, **members):
    """As another version of occurd wrote it into the store of a server that is stopped."""
    with contextlib.closing(sqlite3.connect(server.data / "occurd.db")) as db, db:
        [(body,)] = db.execute("SELECT body FROM document WHERE name = ?", (name,))
        body = {n: v for n, v in {**json.loads(body), **members}.items() if v is not None}
        db.execute("UPDATE document SET body = ? WHERE name = ?",
                   (json.dumps(body, separators=(",", ":")), name))


@pytest.mark.parametrize("action", [{"send": "crm"}, {"add_tag": "vip"}], ids=lambda a: next(iter(a)))
def test_what_is_due_waits_for_an_automation_that_cannot_be_read(tmp_path, action):
    """Until it can be again; also where the workspace has no other."""
    with Receiver() as receiver:
        space = space_of("older", [webhook("crm", receiver)],
                         [{"name": "r", "delay_seconds": 1, "actions": [action]}])
        server = occurd.start(tmp_path, [space])
        track(server, space)
        wait_until(lambda: deliveries(server, space), what="a decision")
        server.stop()
        server.provision = None
        declare_anew(server, "r", of_a_newer_version=1)
        with server:
            wait_until(lambda: deliveries(server, space)[0]["answer"], what="what it waits for")
            [row] = deliveries(server, space)
            assert row["answer"] == "the automation cannot be read", row
            assert row["state"] == "pending" and row["attempts"] == "0", row
            number = row["number"]
            tries = senders.reader_of(server, space).get(f"/_/v1/deliveries/{number}")["tries"]
            assert tries == [] and not receiver.got
        declare_anew(server, "r", of_a_newer_version=None)
        with contextlib.closing(sqlite3.connect(server.data / "deliveries.db")) as db, db:
            db.execute("UPDATE delivery SET due_at = 1")  # as after a minute
        with server:
            [row] = ended(server, space, 1)
            assert row["state"] == "done" and row["attempts"] == "1", row


def test_an_automation_stands_still_while_its_destination_cannot_be_read(tmp_path):
    """And goes on from there when it can be, while the others go."""
    with Receiver() as receiver:
        space = space_of("older", [webhook("crm", receiver), webhook("log", receiver, "/log")],
                         [send_to("r", "log", "crm"), send_to("s", "log")])

        def states():
            stats = senders.reader_of(server, space).get("/_/v1/stats")
            return {a["name"]: a["state"] for a in stats.get("automations", [])}

        def posted(path):
            return [g.json["data"]["event"]["properties"]["n"] for g in receiver.got
                    if g.path == path]

        server = occurd.start(tmp_path, [space])
        track(server, space, n=1)
        ended(server, space, 3)
        server.stop()
        server.provision = None
        declare_anew(server, "crm", of_a_newer_version=1)
        with server:
            track(server, space, n=2)
            ended(server, space, 4)
            wait_until(lambda: states() == {"r": "held", "s": "running"}, what="to be shown")
        declare_anew(server, "crm", of_a_newer_version=None)
        with server:
            track(server, space, n=3)
            ended(server, space, 9)
        assert sorted(posted("/in")) == [1, 2, 3]
        assert sorted(posted("/log")) == [1, 1, 2, 2, 3, 3]


def test_after_a_store_was_put_back_nobody_elses_event_is_sent(tmp_path):
    """What had been decided about an event that is gone ends, also where another one has its place."""
    with Receiver(lambda got, n: 500 if n == 2 else 200) as receiver:
        one = space_of("one", [webhook("crm", receiver, retry_seconds=[3])], [send_to("r", "crm")])
        two = space_of("two", [], [])
        server = occurd.start(tmp_path, [one, two])
        track(server, one, n=1)
        ended(server, one, 1)
        server.stop()
        shutil.copy(server.data / "occurd.db", tmp_path / "before.db")
        server.start()
        track(server, one, n=2)
        wait_until(lambda: len(receiver.got) == 2, what="a try that fails")
        server.stop()
        shutil.copy(tmp_path / "before.db", server.data / "occurd.db")
        with server:
            track(server, two, "b@example.com", n=3)
            lost, kept = ended(server, one, 2)
            assert lost["state"] == "dead" and "not there" in lost["answer"], lost
            assert lost["id"] is lost["event_id"] is lost["contact_id"] is None, lost
            assert kept["state"] == "done" and kept["event_id"], kept
            track(server, one, n=4)
            ended(server, one, 3)
        sent = [g.json["data"]["event"]["properties"]["n"] for g in receiver.got]
        assert sent == [1, 2, 4], sent
        assert any("store_was_put_back" in line for line in server.log), server.log_text()


def test_a_stop_forgets_who_was_deleted(tmp_path):
    """Also with what the receiver said, in every file of the ledger."""
    said = "here nobody is called"
    with Receiver(lambda got, n: (418, {}, said.encode())) as receiver:
        space = space_of("erase", [webhook("crm", receiver)], [send_to("all", "crm")])
        with occurd.start(tmp_path, [space]) as server:
            track(server, space, "gone@example.com")
            ended(server, space, 1)
            assert said in deliveries(server, space)[0]["answer"]
            contact = senders.reader_of(server, space).contact("email=gone@example.com")
            reply = server.request("DELETE", f"/_/v1/contacts/{contact['id']}",
                                   {"Authorization": "Bearer erase-reader"})
            assert reply.status == 204, reply
        files = list(server.data.glob("deliveries.db*"))
        assert files and all(said.encode() not in file.read_bytes() for file in files)


# --- Asking for them ---


@pytest.mark.parametrize("query, status", [
    ("state=late", 400), ("contact=x", 400), ("colour=red", 400), ("limit=0", 400),
    ("automation=none", 200), ("destination=none", 200),
    ("contact=01957e3a-4b5c-7d8e-9f0a-1b2c3d4e5f6a", 200)])
def test_questions(tmp_path_factory, query, status):
    space = space_of("ask", [], [])
    with occurd.start(tmp_path_factory.mktemp("ask"), [space]) as server:
        reader = senders.reader_of(server, space)
        reply = reader.ask("/_/v1/deliveries?" + query)
        assert reply.status == status, reply
        if status == 200:
            assert reply.json() == {"data": [], "next_before": None}
        for path in ("/_/v1/deliveries/1", "/_/v1/deliveries/0", "/_/v1/deliveries/x"):
            assert reader.ask(path).status == 404
        assert server.reader("ask").ask("/_/v1/deliveries").status == 403
        assert server.request("GET", "/_/v1/deliveries").status == 401


def test_a_ledger_that_cannot_be_opened_is_waited_for(tmp_path):
    """Events are taken meanwhile, and set off what they should once it can be."""
    space = space_of("shut", [{"name": "log", "type": "file", "path": "log"}], [send_to("all", "log")])
    server = occurd.Server(tmp_path, [space])
    with server:
        track(server, space)
        ended(server, space, 1)
    kept, at = tmp_path / "kept.db", server.data / "deliveries.db"
    at.rename(kept)
    at.mkdir()
    with server:
        for n in range(5):
            track(server, space, n=n)
        assert server.request("GET", "/readyz").status == 200
        wait_until(lambda: "delivery_round_failed" in server.log_text(), 30, "the log line")
        at.rmdir()
        kept.rename(at)
        ended(server, space, 6)
        assert "deliveries_go_on" in server.log_text()
