"""Relays: what comes in by any dialect goes out to any vendor. The vendor is a second occurd, or a
receiver where the vendor shall misbehave."""

import json
import socket

import pytest

import occurd
import senders
from occurd import wait_until
from receiver import Receiver
from test_deliveries import deliveries, ended, send_to

VENDORS = ["pristo", "omnisend", "infobip", "arsel"]
TYPE = senders.TYPE
PERSON = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
EMAIL = "dana@example.com"
FIELDS = [{"name": "order_id", "type": "string"}, {"name": "total", "type": "number"},
          {"name": "gift", "type": "boolean"}]
DATA = {"order_id": "A-1023", "total": 149.5, "gift": True}


def space_of(name, destinations=(), **members):
    definitions = [{"name": TYPE, "fields": FIELDS}, {"name": "renamed", "fields": FIELDS}]
    return senders.engine_workspace(
        name, definitions=definitions, destinations=list(destinations),
        automations=[send_to("to-" + d["name"], d["name"]) for d in destinations],
        keys=[occurd.key(name, ["events.write", "contacts.write"]),
              occurd.key(name + "-reader", occurd.ALL_SCOPES)], **members)


def relay(vendor, url, space, **members):
    """To that workspace of the occurd at that URL, as fast as it can."""
    own = {"population": space["id"]} if vendor == "pristo" else {}
    return {"name": vendor, "type": "relay", "vendor": vendor, "url": url,
            "key": senders.key_of(space), "allow_private": True, "retry_seconds": [1, 1, 1],
            "requests_per_second": 0, **own, **members}


def url_of(server):
    return f"http://{server.host}:{server.port}"


def text(value):
    return value if isinstance(value, str) else json.dumps(value)


def come_in(server, space, dialect, data=DATA, email=EMAIL):
    """One event about the same person, in the dialect's own types."""
    request = {
        "pristo": lambda: senders.pristo(space, PERSON, email,
                                         {k: text(v) for k, v in data.items()}, name="Dana"),
        "omnisend": lambda: senders.omnisend(space, email, data),
        "infobip": lambda: senders.infobip(space, email, "EMAIL", data, "&createPerson=true"),
        "arsel": lambda: senders.arsel(space, email, data),
    }[dialect]()
    reply = server.request(*request)
    assert reply.status in (201, 202), reply


def events(server, space):
    return senders.reader_of(server, space).events()


@pytest.fixture
def vendor_server(tmp_path):
    space = space_of("vendor")
    with occurd.start(tmp_path / "vendor", [space]) as server:
        yield server, space


@pytest.fixture(autouse=True)
def folders(tmp_path):
    (tmp_path / "vendor").mkdir()
    (tmp_path / "own").mkdir()


# --- Any dialect in, any vendor out ---


@pytest.mark.parametrize("dialect", VENDORS)
def test_in_by_one_out_to_all(tmp_path, vendor_server, dialect):
    other, there = vendor_server
    space = space_of("own", [relay(v, url_of(other), there) for v in VENDORS])
    with occurd.start(tmp_path / "own", [space]) as server:
        come_in(server, space, dialect)
        rows = ended(server, space, len(VENDORS))
        (sent,) = events(server, space)
        contact = senders.reader_of(server, space).get(f"/_/v1/contacts/{sent['contact_id']}")
    assert {row["state"] for row in rows} == {"done"}, rows
    got = {event["dialect"]: event for event in events(other, there)}
    assert sorted(got) == sorted(VENDORS) and len(events(other, there)) == len(VENDORS)
    for vendor, event in got.items():
        assert event["definition"] == TYPE
        want = {k: text(v) for k, v in DATA.items()} if vendor == "pristo" else DATA
        assert json.dumps(event["properties"]) == json.dumps(
            {k: str(v) if isinstance(v, float) else v for k, v in want.items()})
        if vendor != "infobip":  # which has no place for it
            assert event["occurred_at"][:23] == sent["occurred_at"][:23]
        check_person(other, there, vendor, event, contact)


def check_person(other, there, vendor, event, contact):
    """By what the vendor knows people by, and with what its call brings along."""
    reader = senders.reader_of(other, there)
    person = reader.get(f"/_/v1/contacts/{event['contact_id']}")
    had = {i["kind"]: i["value"] for i in contact["identities"]}
    has = {i["kind"]: i["value"] for i in person["identities"]}
    if vendor == "pristo":
        assert has["external_id"] == had.get("external_id", contact["id"])
        assert person["attributes"]["email"] == EMAIL
    elif vendor == "infobip" and "external_id" in had:
        assert has["external_id"] == had["external_id"]
    else:  # the e-mail may have become somebody else's, by what came first from another vendor
        assert EMAIL in (has.get("email"), person["attributes"].get("email"))
    if "first_name" in contact["attributes"] and vendor in ("pristo", "omnisend"):
        assert person["attributes"]["first_name"] == contact["attributes"]["first_name"]


def test_another_name_there(tmp_path, vendor_server):
    other, there = vendor_server
    space = space_of("own", [relay(v, url_of(other), there, names={TYPE: "renamed"})
                             for v in VENDORS])
    with occurd.start(tmp_path / "own", [space]) as server:
        come_in(server, space, "arsel")
        ended(server, space, len(VENDORS))
    assert [e["definition"] for e in events(other, there)] == ["renamed"] * len(VENDORS)


def test_the_time_is_kept(tmp_path, vendor_server):
    other, there = vendor_server
    space = space_of("own", [relay("infobip", url_of(other), there, keep_time=True)])
    with occurd.start(tmp_path / "own", [space]) as server:
        come_in(server, space, "omnisend")
        (row,) = ended(server, space, 1)
        (sent,) = events(server, space)
    assert row["state"] == "done" and row["note"] is None
    (got,) = events(other, there)
    assert got["occurred_at"][:23] == sent["occurred_at"][:23]
    assert json.dumps(got["properties"]) == json.dumps(sent["properties"])


def test_what_has_no_counterpart_is_noted(tmp_path, vendor_server):
    other, there = vendor_server
    space = space_of("own", [relay(v, url_of(other), there) for v in VENDORS])
    data = {"order_id": "A", "long": "x" * 256, "list": [1, 2], "a-b": 5}
    with occurd.start(tmp_path / "own", [space]) as server:
        come_in(server, space, "pristo", {})
        come_in(server, space, "arsel", data)
        rows = {row["destination"]: row for row in ended(server, space, 2 * len(VENDORS))[:4]}
    notes = {vendor: row["note"] for vendor, row in rows.items()}
    assert notes["pristo"] == ("left out: properties.long (longer than 255 characters), "
                               "properties.list (not a plain value)")
    assert notes["omnisend"] == "left out: properties.a-b (its name), contact.external_id"
    assert notes["arsel"] == "left out: contact.first_name"
    assert "properties.list (a list of other things than flat objects)" in notes["infobip"]
    assert rows["infobip"]["state"] == "dead"  # its definition knows none of the others
    assert {rows[v]["state"] for v in ("pristo", "omnisend", "arsel")} == {"done"}


def test_nobody_the_vendor_could_know(tmp_path, vendor_server):
    other, there = vendor_server
    space = space_of("own", [relay(v, url_of(other), there) for v in VENDORS])
    contact = {"identities": [{"kind": "line", "value": "L1"}]}
    with occurd.start(tmp_path / "own", [{**space, "contacts": [contact]}]) as server:
        reply = server.request(*senders.infobip(space, "L1", "LINE", {}))
        assert reply.status == 201, reply
        rows = {row["destination"]: row for row in ended(server, space, len(VENDORS))}
    assert {row["state"] for row in rows.values()} == {"dead"}
    for vendor in ("pristo", "omnisend", "arsel"):
        assert " needs an " in rows[vendor]["answer"] and rows[vendor]["status"] is None
    assert int(rows["infobip"]["status"]) == 404  # it was asked: nobody there has that LINE id
    assert events(other, there) == []


# --- The vendor's limit ---


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_vendors_limit_is_respected(tmp_path, vendor):
    there = space_of("vendor", limits={"requests_per_second": 2})
    with occurd.start(tmp_path / "vendor", [there]) as other:
        space = space_of("own", [relay(vendor, url_of(other), there, concurrency=1,
                                       retry_seconds=[1] * 10)])
        with occurd.start(tmp_path / "own", [space]) as server:
            for n in range(8):
                come_in(server, space, "arsel", {"total": n})
            rows = ended(server, space, 8)
            tries = [senders.reader_of(server, space).get(f"/_/v1/deliveries/{row['number']}")
                     for row in rows]
        assert {row["state"] for row in rows} == {"done"}
        assert len(events(other, there)) == 8
    refused = sum(t["status"] == "429" for one in tries for t in one["tries"])
    assert refused > 0, "the limit was never met"
    assert refused <= 8, "it went on asking"


# --- Never twice ---


def counts(server, space):
    """How often each number came."""
    found = {}
    for event in events(server, space):
        n = event["properties"]["order_id"]
        found[n] = found.get(n, 0) + 1
    return found


@pytest.mark.parametrize("vendor", VENDORS)
def test_killed_again_and_again_nothing_goes_twice(tmp_path, vendor_server, vendor):
    other, there = vendor_server
    space = space_of("own", [relay(vendor, url_of(other), there, retry_seconds=[1] * 5)])
    server = occurd.Server(tmp_path / "own", [space])
    sent = 0
    for _ in range(4):
        server.start()
        want = len(events(other, there)) + 15
        first = sent
        sender = senders.Sender(
            server, lambda i: senders.arsel(space, EMAIL, {"order_id": str(first + i)}), depth=4)
        with senders.beside([sender.run_until_closed]):
            wait_until(lambda: len(events(other, there)) > want, 30, "some events there")
            server.kill()
        sent += sender.sent
    with server:
        wait_until(lambda: not deliveries(server, space, state="pending"), 60, "the rest")
        rows = deliveries(server, space)
        own = {e["id"]: e["properties"]["order_id"] for e in events(server, space)}
    assert set(own.values()) <= {str(n) for n in range(sent)}
    got = counts(other, there)
    assert max(got.values()) == 1
    for row in rows:
        n = own[row["event_id"]]
        if row["state"] == "done":
            assert got[n] == 1
        else:
            assert vendor in ("pristo", "omnisend") and "unknown whether" in row["answer"], row
    assert set(got) <= set(own.values()) and len(rows) == len(own)


def fake(receiver, vendor, **members):
    return relay(vendor, receiver.url(""), space_of("vendor"), **members)


def one_event(tmp_path, destination, n=1):
    space = space_of("own", [destination])
    with occurd.start(tmp_path / "own", [space]) as server:
        for i in range(n):
            come_in(server, space, "arsel")
        return ended(server, space, n)


def repeats_by(vendor, got):
    return got.headers["idempotency-key"] if vendor == "arsel" else got.json["eventId"]


def vendor_of(got):
    return next(v for v in VENDORS if got.path.startswith("/" + v))


def one_event_to_all(tmp_path, what, **members):
    """The first request to each vendor is dealt with like that. What came of it, by vendor, and what
    each vendor got."""
    first = set()

    def behave(got, _):
        new = vendor_of(got) not in first
        first.add(vendor_of(got))
        return what if new else 202
    with Receiver(behave) as receiver:
        space = space_of("own", [relay(v, receiver.url("/" + v), space_of("vendor"), **members)
                                 for v in VENDORS])
        with occurd.start(tmp_path / "own", [space]) as server:
            come_in(server, space, "arsel")
            rows = {row["destination"]: row for row in ended(server, space, len(VENDORS))}
        return rows, {v: [g for g in receiver.got if vendor_of(g) == v] for v in VENDORS}


@pytest.mark.parametrize("what", ["reset", 502, 504])
def test_repeated_only_for_who_recognises_it(tmp_path, what):
    rows, got = one_event_to_all(tmp_path, what)
    for vendor in ("arsel", "infobip"):
        assert rows[vendor]["state"] == "done" and int(rows[vendor]["attempts"]) == 2
        assert len(got[vendor]) == 2
        assert len({repeats_by(vendor, g) for g in got[vendor]}) == 1
    for vendor in ("pristo", "omnisend"):
        assert rows[vendor]["state"] == "dead" and int(rows[vendor]["attempts"]) == 1
        assert rows[vendor]["answer"].startswith("unknown whether it was taken: ")
        assert len(got[vendor]) == 1


def test_repeated_when_that_is_wanted(tmp_path):
    rows, got = one_event_to_all(tmp_path, "reset", at_least_once=True)
    assert {row["state"] for row in rows.values()} == {"done"}
    assert [len(g) for g in got.values()] == [2] * len(VENDORS)
    assert len({g.headers["x-request-id"] for g in got["pristo"]}) == 1
    assert len({(g.json["eventID"], g.json["eventTime"]) for g in got["omnisend"]}) == 1


def test_what_was_not_sent_is_sent_again(tmp_path):
    """Nobody listens there."""
    holder = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{holder.getsockname()[1]}"
    holder.close()
    space = space_of("own", [relay(v, url, space_of("vendor"), retry_seconds=[1])
                             for v in VENDORS])
    with occurd.start(tmp_path / "own", [space]) as server:
        come_in(server, space, "arsel")
        rows = ended(server, space, len(VENDORS))
    for row in rows:
        assert row["state"] == "dead" and int(row["attempts"]) == 2
        assert "unknown whether" not in row["answer"]


@pytest.mark.parametrize("status", [301, 401, 403, 408, 429, 500, 503])
def test_refused_for_now(tmp_path, status):
    rows, got = one_event_to_all(tmp_path, status)
    assert {row["state"] for row in rows.values()} == {"done"}
    assert [len(g) for g in got.values()] == [2] * len(VENDORS)


@pytest.mark.parametrize("status", [400, 404, 409, 422])
def test_refused_for_good(tmp_path, status):
    rows, got = one_event_to_all(tmp_path, status)
    for row in rows.values():
        assert row["state"] == "dead" and int(row["status"]) == status
        assert row["answer"] == json.dumps({"said": status})
    assert [len(g) for g in got.values()] == [1] * len(VENDORS)


def test_the_vendor_knows_it_already(tmp_path):
    """What goes out anew may differ, as the contact has changed since; Arsel then says 409."""
    with Receiver(lambda got, n: "reset" if n == 1 else 409) as receiver:
        (row,) = one_event(tmp_path, fake(receiver, "arsel"))
        assert row["state"] == "done" and int(row["status"]) == 409 and len(receiver.got) == 2


def test_the_pause_holds_for_all(tmp_path):
    def behave(got, n):
        return (429, {"Retry-After": "2"}) if n == 1 else 202
    with Receiver(behave) as receiver:
        rows = one_event(tmp_path, fake(receiver, "omnisend", concurrency=1), n=5)
        assert {row["state"] for row in rows} == {"done"} and len(receiver.got) == 6
        first, *others = [got.at for got in receiver.got]
        assert min(others) - first > 1.9


def test_keys_and_addresses(tmp_path):
    """Each vendor is asked as it wants to be asked."""
    with Receiver(lambda got, n: 202) as receiver:
        space = space_of("own", [fake(receiver, vendor, key="k-" + vendor) for vendor in VENDORS])
        with occurd.start(tmp_path / "own", [space]) as server:
            come_in(server, space, "arsel")
            ended(server, space, len(VENDORS))
            shown = server.request("GET", "/_/v1/destinations",
                                   {"Authorization": "Bearer own-reader"}).text
        assert "k-" not in shown
        got = {g.path.split("?")[0]: g for g in receiver.got}
        assert got["/v1/events/send"].headers["authorization"] == "Bearer k-arsel"
        assert got["/api/events"].headers["authorization"] == "Omnisend-API-Key k-omnisend"
        assert got["/api/events"].headers["omnisend-version"] == "2026-03-15"
        pristo = got["/v1/events/send/" + space_of("vendor")["id"]]
        assert pristo.headers["x-api-key"] == "k-pristo"
        infobip = got[f"/peopleevents/2/persons/dana%40example.com/definitions/{TYPE}/events"]
        assert infobip.headers["authorization"] == "App k-infobip"
        assert infobip.path.endswith("?identifierType=EMAIL&createPerson=true")


def test_a_large_event_stops_nobody(tmp_path, vendor_server):
    """Of nearly as much as a request may have, once in many small values: it goes out, or is told."""
    other, there = vendor_server
    space = space_of("own", [relay("arsel", url_of(other), there, retry_seconds=[1])])
    with occurd.start(tmp_path / "own", [space]) as server:
        come_in(server, space, "arsel", {"order_id": "a", "text": "x" * 4_000_000})
        come_in(server, space, "arsel", {"order_id": "b", "list": [1] * 1_300_000})
        come_in(server, space, "arsel", {"order_id": "c"})
        rows = ended(server, space, 3)
    got = counts(other, there)
    assert got["a"] == got["c"] == 1
    assert rows[0]["state"] == "done" and rows[2]["state"] == "done"
    assert rows[1]["state"] == "done" or rows[1]["answer"] == "there was no memory for it"


def test_a_wrong_key_loses_nothing(tmp_path, vendor_server):
    """It waits until the key is put right."""
    other, there = vendor_server
    space = space_of("own", [relay("arsel", url_of(other), there, key="wrong",
                                   retry_seconds=[1] * 20)])
    with occurd.start(tmp_path / "own", [space]) as server:
        come_in(server, space, "arsel")
        wait_until(lambda: [r["status"] for r in deliveries(server, space)] == ["401"], what="401")
        assert deliveries(server, space)[0]["state"] == "pending"
        reply = server.request(
            "PATCH", "/_/v1/destinations/arsel",
            {"Authorization": "Bearer own-reader", "Content-Type": "application/json"},
            json.dumps({"key": senders.key_of(there)}).encode())
        assert reply.status == 200 and "key" not in reply.json(), reply
        (row,) = ended(server, space, 1)
    assert row["state"] == "done" and len(events(other, there)) == 1


def test_a_replay_does_not_send_it_twice(tmp_path):
    """Unless the declaration has come to say so."""
    with Receiver(lambda got, n: "reset" if n == 1 else 201) as receiver:
        space = space_of("own", [fake(receiver, "pristo")])
        admin = {"Authorization": "Bearer own-reader", "Content-Type": "application/json"}
        with occurd.start(tmp_path / "own", [space]) as server:
            come_in(server, space, "arsel")
            (row,) = ended(server, space, 1)

            def replay():
                reply = server.request("POST", f"/_/v1/deliveries/{row['number']}/replay", admin, b"")
                assert reply.status == 202, reply
                return ended(server, space, 1)[0]
            again = replay()
            assert again["state"] == "dead" and int(again["attempts"]) == 2
            assert again["answer"].startswith("unknown whether") and len(receiver.got) == 1
            reply = server.request("PATCH", "/_/v1/destinations/pristo", admin,
                                   json.dumps({"at_least_once": True}).encode())
            assert reply.status == 200, reply
            assert replay()["state"] == "done" and len(receiver.got) == 2
