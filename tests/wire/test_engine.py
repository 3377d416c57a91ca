"""What must hold whatever happens: nothing lost, nothing twice, nothing invented."""

import base64
import time

import pytest

import database
import occurd
import senders
from diskfault import full_disk
from occurd import made_uuid

SENDERS = 64
EVENTS_EACH = 30


def event_id_of(reply):
    """The id, as 32 hex digits, that an answer acknowledges; None where it tells none (Omnisend)."""
    if not reply.body:
        return None
    body = reply.json()
    if "raw" in body:
        return base64.urlsafe_b64decode(body["raw"] + "==").hex()
    return (body.get("id") or body["eventId"]).replace("-", "").lower()


def event_maker(space, sender):
    """Three dialects in turn, contacts that several senders share, and types that come to be on
    the way. Every event says who sent it and as which, so that it can be told from all others."""
    def make(i):
        said = {"n": str(i), "sender": str(sender)}
        person = f"person{(sender + i) % 40}@example.com"
        if i % 3 == 0:
            return senders.arsel(space, person, said)
        if i % 3 == 1:
            return senders.omnisend(space, person, said, f"type {i % 5}")
        return senders.pristo(space, made_uuid(person), person, said)
    return make


class Acknowledged:
    """What the server said is stored: (sender, n) of each event, and its id where it was told."""

    def __init__(self):
        self.said, self.ids = [], []

    def add(self, sender_no, sender):
        for i, reply in sender.answers:
            if reply.status in (201, 202):
                self.said.append((sender_no, i))
                self.ids.append(event_id_of(reply))

    def check(self, server, nothing_else=False):
        """All of it is in the database, once. `nothing_else`: and nothing that was refused."""
        db = database.opened(server)
        rows = db.execute("SELECT lower(hex(id)), json_extract(properties, '$.sender'),"
                          " json_extract(properties, '$.n') FROM event").fetchall()
        db.close()
        stored = {(int(sender), int(n)): id_ for id_, sender, n in rows}
        assert len(stored) == len(rows), "an event is stored twice"
        lost = [s for s in self.said if s not in stored]
        assert not lost, f"{len(lost)} acknowledged events are lost: {lost[:5]} ..."
        for said, id_ in zip(self.said, self.ids):
            assert id_ in (None, stored[said]), f"{said} was acknowledged under another id"
        assert not nothing_else or len(stored) == len(self.said), "a refused event is stored"


# --- At once ---


def test_two_first_reports_are_one_contact(tmp_path):
    """In every dialect that makes contacts, and across two of them."""
    space = senders.engine_workspace("twins")
    with occurd.start(tmp_path, [space], ["--threads", "2"]) as server:
        reader = senders.reader_of(server, space)
        for i in range(15):
            mail = f"twin{i}@example.com"
            pairs = {
                "arsel": [senders.arsel(space, "a" + mail)] * 2,
                "omnisend": [senders.omnisend(space, "o" + mail, {}, "twin")] * 2,
                "pristo": [senders.pristo(space, made_uuid(i), "p" + mail)] * 2,
                "infobip": [senders.infobip(space, "i" + mail, more="&createPerson=true")] * 2,
                "mixed": [senders.arsel(space, "m" + mail),
                          senders.omnisend(space, "m" + mail, {}, "twin")],
            }
            for name, pair in pairs.items():
                replies = senders.at_once(server, pair)
                assert {r.status for r in replies} <= {201, 202}, replies
                found = reader.contact(f"email={name[0]}{mail}")
                assert found["event_count"] == "2", f"{name}: {found}"
        assert len(reader.contacts()) == 5 * 15
    database.check_all(server)


def test_many_senders_lose_and_duplicate_nothing(tmp_path):
    space = senders.engine_workspace("many")
    with occurd.start(tmp_path, [space], ["--threads", "2"]) as server:
        crowd = [senders.Sender(server, event_maker(space, s), depth=3) for s in range(SENDERS)]
        senders.in_threads([lambda s=s: s.run(EVENTS_EACH) for s in crowd])
        total = SENDERS * EVENTS_EACH
        acknowledged = Acknowledged()
        for s, sender in enumerate(crowd):
            acknowledged.add(s, sender)
        assert len(acknowledged.said) == total
        acknowledged.check(server, nothing_else=True)

        reader = senders.reader_of(server, space)
        events = reader.events()
        assert len({e["id"] for e in events}) == total
        assert [int(e["seq"]) for e in events] == list(range(total, 0, -1))
        assert reader.get("/_/v1/stats")["events"] == str(total)
        check_each_arrived_once(events, SENDERS, EVENTS_EACH)
        check_timelines(reader, total)
    database.check_all(server)


def check_each_arrived_once(events, senders_, each):
    said = sorted((int(e["properties"]["sender"]), int(e["properties"]["n"])) for e in events)
    assert said == [(s, n) for s in range(senders_) for n in range(each)]


def check_timelines(reader, total):
    contacts = reader.contacts()
    assert sum(int(c["event_count"]) for c in contacts) == total
    for contact in contacts:
        timeline = reader.timeline(contact)
        assert len(timeline) == int(contact["event_count"])
        assert {e["contact_id"] for e in timeline} == {contact["id"]}
        seqs = [int(e["seq"]) for e in timeline]
        assert seqs == sorted(seqs, reverse=True)
        assert timeline[0]["received_at"] == contact["last_event_at"]


# --- Stopped ---


def test_sigterm_under_load_drains(tmp_path):
    """What was answered is stored, what was stored was answered or cut off, and the end is
    orderly: exit code 0, nothing for a recovery to do."""
    space = senders.engine_workspace("drained")
    server = occurd.start(tmp_path, [space], ["--threads", "2"])
    crowd = [senders.Sender(server, event_maker(space, s), depth=4) for s in range(8)]
    with senders.beside([s.run_until_closed for s in crowd]):
        time.sleep(0.7)
        server.terminate()
        assert server.wait() == 0, server.log_text()
    server.check_log()
    acknowledged = Acknowledged()
    for s, sender in enumerate(crowd):
        acknowledged.add(s, sender)
    assert len(acknowledged.said) > 8
    acknowledged.check(server)
    assert not {r.status for s in crowd for _, r in s.answers} - {201, 202, 503}
    database.check_all(server)


# --- Started again ---


def test_a_name_given_a_new_secret_ends_the_old_one(tmp_path):
    """And two secrets under one name both hold, while callers change over."""
    other = occurd.key("other", ["events.write"])

    def space(*secrets):
        return senders.engine_workspace("rotated", keys=[
            *(occurd.key(s, ["events.write"], name="shop") for s in secrets), other])

    server = occurd.start(tmp_path, [space("leaked")])
    for secrets, good, bad in [(["leaked", "fresh"], ["leaked", "fresh", "other"], []),
                               (["fresh"], ["fresh", "other"], ["leaked"]),
                               ([], ["fresh", "other"], ["leaked"])]:
        occurd.write_provision(server.provision, [space(*secrets)])
        server.restart()
        for secret in good + bad:
            request = senders.arsel({"keys": [{"secret": secret}]}, "a@example.com")
            assert server.request(*request).status == (202 if secret in good else 401), secret
    server.stop()


def test_restart_keeps_everything(tmp_path):
    """Keys, definitions, also inferred ones, contacts, events; with the provisioning file and
    without it; and the numbering goes on."""
    space = senders.engine_workspace("kept")
    server = occurd.start(tmp_path, [space])
    for i in range(5):
        assert server.request(*senders.arsel(space, f"{i % 2}@example.com")).status == 202
    assert server.request(*senders.omnisend(space, "0@example.com", {"v": 1}, "kept")).status == 202
    before = senders.reader_of(server, space).state()

    server.restart()
    assert senders.reader_of(server, space).state() == before, "provisioning again changed something"

    server.provision = None
    server.restart()
    reader = senders.reader_of(server, space)
    assert reader.state() == before
    clash = senders.omnisend(space, "0@example.com", {"v": "x"}, "kept")
    assert server.request(*clash).status == 400
    assert server.request(*senders.arsel(space, "0@example.com")).status == 202
    newest = reader.events()[0]
    assert int(newest["seq"]) == len(before["events"]) + 1
    assert newest["contact_id"] == reader.contact("email=0@example.com")["id"]
    server.stop()
    database.check_all(server)


# --- Shared ---


@pytest.mark.parametrize("first", range(3))
def test_one_contact_through_all_four_dialects(tmp_path, first):
    """Whoever reports it first; Infobip, whose persons must exist, reports last."""
    space = senders.engine_workspace("shared")
    mail = "jane@example.com"
    reports = [("pristo", senders.pristo(space, made_uuid("jane"), mail), 201),
               ("arsel", senders.arsel(space, mail), 202),
               ("omnisend", senders.omnisend(space, mail), 202)]
    reports = reports[first:] + reports[:first]
    reports.append(("infobip", senders.infobip(space, "jane%40example.com"), 201))
    with occurd.start(tmp_path, [space]) as server:
        for dialect, request, status in reports:
            assert server.request(*request).status == status, dialect
        reader = senders.reader_of(server, space)
        contact, = reader.contacts()
        timeline = reader.timeline(contact)
        assert [e["dialect"] for e in reversed(timeline)] == [r[0] for r in reports]
        assert {e["definition"] for e in timeline} == {senders.TYPE}
        assert {i["kind"] for i in contact["identities"]} == {"email", "external_id"}
        db = database.opened(server)
        rows = db.execute("SELECT dialect FROM events ORDER BY seq").fetchall()
        assert rows == [(r[0],) for r in reports]
        db.close()


def test_two_pristo_ids_with_one_email_are_two_contacts(tmp_path):
    """pristo.md decision 15: the id alone tells who it is."""
    space = senders.engine_workspace("ids")
    with occurd.start(tmp_path, [space]) as server:
        for who in "one", "two":
            report = senders.pristo(space, made_uuid(who), "same@example.com")
            assert server.request(*report).status == 201
        assert len(senders.reader_of(server, space).contacts()) == 2


def test_an_external_id_is_shared(tmp_path):
    """The id that Pristo's caller chose is the EXTERNAL_ID of Infobip's."""
    space = senders.engine_workspace("external")
    with occurd.start(tmp_path, [space]) as server:
        id_ = made_uuid("external")
        assert server.request(*senders.pristo(space, id_, "jane@example.com")).status == 201
        assert server.request(*senders.infobip(space, id_, "EXTERNAL_ID")).status == 201
        contact, = senders.reader_of(server, space).contacts()
        assert contact["event_count"] == "2"


def test_workspaces_do_not_see_each_other(tmp_path):
    a, b = senders.engine_workspace("a"), senders.engine_workspace("b")
    with occurd.start(tmp_path, [a, b]) as server:
        assert server.request(*senders.arsel(a, "jane@example.com")).status == 202
        assert server.request(*senders.arsel(b, "jane@example.com")).status == 202
        in_a, in_b = senders.reader_of(server, a), senders.reader_of(server, b)
        one, = in_a.contacts()
        other, = in_b.contacts()
        assert one["id"] != other["id"]
        assert in_a.ask("/_/v1/contacts/" + other["id"]).status == 404
        assert in_a.ask(f"/_/v1/contacts/{other['number']}").status == 404
        assert in_a.ask(f"/_/v1/contacts/{other['id']}/events").status == 404
        event, = in_b.events()
        assert in_a.ask("/_/v1/events/" + event["id"]).status == 404
        reply = server.request(*senders.infobip(a, other["number"], "ID"))
        assert reply.status == 404, reply


# --- The disk ---


def test_a_disk_that_fails_under_load(tmp_path):
    """Acknowledged is stored, refused is not, and afterwards life goes on."""
    space = senders.engine_workspace("disk")
    with occurd.start(tmp_path, [space]) as server:
        crowd = [senders.Sender(server, event_maker(space, s), depth=4) for s in range(4)]
        with senders.beside([s.run_until_closed for s in crowd]):
            for _ in range(3):
                time.sleep(0.2)
                with full_disk(server):
                    time.sleep(0.2)
            occurd.wait_until(lambda: server.request("GET", "/readyz").status == 200,
                              what="/readyz")
            time.sleep(0.2)
        replies = [r for s in crowd for _, r in s.answers]
        statuses = {r.status for r in replies}
        assert statuses >= {202, 503} and statuses <= {201, 202, 500, 503}, statuses
        acknowledged = Acknowledged()
        for s, sender in enumerate(crowd):
            acknowledged.add(s, sender)
        acknowledged.check(server, nothing_else=True)
    database.check_all(server)


def test_below_the_reserve_of_free_disk(tmp_path):
    """New events are refused with a time to come back; a start and reading go on."""
    space = senders.engine_workspace("reserve")
    with occurd.start(tmp_path, [space]) as server:
        assert server.request(*senders.arsel(space, "a@example.com")).status == 202
    server.args = ["--disk-reserve", "1000000G"]
    with server:
        reply = server.request(*senders.arsel(space, "b@example.com"))
        assert reply.status == 503 and int(reply.header("Retry-After")) >= 1, reply
        reply = server.request(*senders.infobip(space, "a@example.com"))
        assert reply.status == 503 and reply.header("Retry-After"), reply
        assert server.request("GET", "/readyz").status == 503
        assert server.request("GET", "/healthz").status == 200
        assert len(senders.reader_of(server, space).events()) == 1


def test_a_flood_does_not_starve_others(tmp_path):
    """One key offers more than the queue holds, again and again: each request is done or told to
    come back, and what another asks meanwhile is done."""
    connections, depth = 400, 64  # 25,600 at once
    crowd, other = senders.engine_workspace("flood"), senders.engine_workspace("calm")
    one = occurd.request_bytes(*senders.arsel(crowd, "a@example.com"))
    calm = []

    with occurd.start(tmp_path, [crowd, other]) as server:
        def ask_on_and_on(stop):
            ask = senders.pristo(other, made_uuid("calm"), "c@example.com")
            while not stop.is_set():
                calm.append(server.request(*ask))

        with senders.beside([ask_on_and_on]):
            wires = [server.wire() for _ in range(connections)]
            for wire in wires:
                wire.send(one * depth)
            answers = [wire.final() for wire in wires for _ in range(depth)]
        for wire in wires:
            wire.socket.close()
        assert {r.status for r in calm} == {201}, [r for r in calm if r.status != 201][:3]
        refused = [r for r in answers if r.status != 202]
        assert all(r.status == 503 and int(r.header("Retry-After")) >= 1 for r in refused)
        stored = senders.reader_of(server, crowd).get("/_/v1/stats")["events"]
        assert int(stored) == len(answers) - len(refused) > 0
