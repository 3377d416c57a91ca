"""What must hold whatever happens: nothing lost, nothing twice, nothing invented."""

import base64
import os
import random
import re
import signal
import socket
import subprocess
import threading
import time
import uuid

import pytest

import database
import occurd
import senders
from diskfault import full_disk
from occurd import made_uuid

SENDERS = 64
EVENTS_EACH = 30
KILLS = 20


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


# --- Killed ---


def test_killed_under_load_keeps_all_that_was_acknowledged(tmp_path):
    """Twenty times. The moments are drawn from a seed that is printed; OCCURD_SEED repeats it."""
    seed = int(os.environ.get("OCCURD_SEED", random.randrange(1 << 32)))
    print(f"OCCURD_SEED={seed}")
    moments = random.Random(seed)
    space = senders.engine_workspace("killed")
    server = occurd.start(tmp_path, [space])
    acknowledged = Acknowledged()
    for kill in range(KILLS):
        load_until_killed(server, space, kill, moments.uniform(0.05, 0.35), acknowledged)
        server.start()
        acknowledged.check(server)
    database.check_all(server)
    check_all_readable(server, space, acknowledged)
    server.stop()
    print(f"{len(acknowledged.said)} events were acknowledged")
    assert len(acknowledged.said) > 10 * KILLS, "hardly anything was sent: this proves nothing"
    database.check_all(server)


def load_until_killed(server, space, kill, seconds, acknowledged):
    stop = threading.Event()
    crowd = {no: senders.Sender(server, event_maker(space, no), depth=8)
             for no in range(kill * 10, kill * 10 + 4)}
    threads = [threading.Thread(target=s.run_until_closed, args=(stop,)) for s in crowd.values()]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    server.kill()
    stop.set()
    for thread in threads:
        thread.join()
    for no, sender in crowd.items():
        acknowledged.add(no, sender)


def check_all_readable(server, space, acknowledged):
    reader = senders.reader_of(server, space)
    readable = {e["id"].replace("-", ""): e for e in reader.events()}
    told = [id_ for id_ in acknowledged.ids if id_]
    assert set(told) <= set(readable)
    for event_id in told[::max(1, len(told) // 20)]:
        assert reader.get(f"/_/v1/events/{uuid.UUID(event_id)}") == readable[event_id]
    check_timelines(reader, len(readable))


# --- Stopped ---


def test_sigterm_under_load_drains(tmp_path):
    """What was answered is stored, what was stored was answered or cut off, and the end is
    orderly: exit code 0, nothing for a recovery to do."""
    space = senders.engine_workspace("drained")
    server = occurd.start(tmp_path, [space], ["--threads", "2"])
    stop = threading.Event()
    crowd = [senders.Sender(server, event_maker(space, s), depth=4) for s in range(8)]
    threads = [threading.Thread(target=s.run_until_closed, args=(stop,)) for s in crowd]
    for thread in threads:
        thread.start()
    time.sleep(0.7)
    server.terminate()
    assert server.wait() == 0, server.log_text()
    stop.set()
    for thread in threads:
        thread.join()
    server.check_log()
    acknowledged = Acknowledged()
    for s, sender in enumerate(crowd):
        acknowledged.add(s, sender)
    assert len(acknowledged.said) > 8
    acknowledged.check(server)
    assert not {r.status for s in crowd for _, r in s.answers} - {201, 202, 503}
    database.check_all(server)


def test_sigterm_with_idle_and_half_sent_requests(tmp_path):
    """They do not hold up the end beyond the time that a drain may take."""
    space = senders.engine_workspace("idle")
    with occurd.start(tmp_path, [space]) as server:
        idle = [server.wire() for _ in range(20)]
        half = server.wire()
        half.send(b"POST /v1/events/send HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 15
        assert all(wire.is_closed() for wire in idle)
        half.socket.close()


def test_sigint_ends_as_well(tmp_path):
    server = occurd.start(tmp_path, [senders.engine_workspace("sigint")])
    server.process.send_signal(signal.SIGINT)
    assert server.wait() == 0


# --- Started again ---


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


def test_provisioning_updates_and_leaves_the_rest_alone(tmp_path):
    """A key that is revoked, a field that is added, a second workspace; contacts and events stay."""
    space = senders.engine_workspace("changing")
    server = occurd.start(tmp_path, [space])
    assert server.request(*senders.arsel(space, "a@example.com")).status == 202
    before = senders.reader_of(server, space).state()
    server.stop()

    old_key = senders.key_of(space)
    changed = {**space, "definitions": [{"name": "added"}], "keys": [
        {**space["keys"][0], "revoked": True}, occurd.key("another-key", ["events.write"])]}
    second = senders.engine_workspace("second")
    occurd.write_provision(server.provision, [changed, second])
    server.start()
    state = senders.reader_of(server, space).state()
    assert state["events"] == before["events"] and state["contacts"] == before["contacts"]
    assert {d["name"] for d in state["definitions"]} == {senders.TYPE, "added"}
    method, target, headers, body = senders.arsel(space, "a@example.com")
    assert server.request(method, target, headers, body).status == 401, "a revoked key"
    headers["Authorization"] = "Bearer another-key"
    assert server.request(method, target, headers, body).status == 202
    assert server.request(*senders.arsel(second, "a@example.com")).status == 202
    assert old_key != "another-key"
    assert len(senders.reader_of(server, second).contacts()) == 1
    server.stop()


# The provisioning file of the documentation, as people write YAML.
BY_HAND = """\
workspaces:
  - id: 7c9e6679-7425-40de-944b-e07fc1f90ae7      # UUID; also the Pristo populationId
    name: acme
    contact_fields: [gender, age]                  # custom contact fields
    keys:
      - secret: 0f8fad5b-d9cb-469f-a165-70867728950e
        name: backend
        scopes: [events.write, contacts.read, contacts.write, definitions.read, definitions.write, admin]
    oauth_clients:
      - { id: shop, secret: s3cret, scopes: [events.write] }
    definitions:
      - name: order.completed
        description: Fired when a customer completes checkout.
        fields:
          - { name: order_id, type: string, required: true }
          - { name: total, type: number, required: true }
          - name: items
            type: array
            fields: [ { name: sku, type: string }, { name: price, type: number } ]
    contacts:
      - identities:
          - { kind: email, value: jane@example.com }
          - { kind: external_id, value: "3" }
        attributes: { first_name: Jane, custom: { gender: f } }
    limits: { requests_per_second: 0 }
"""


def test_provisioning_by_hand(tmp_path):
    server = occurd.Server(tmp_path)
    server.provision = tmp_path / "by-hand.yaml"
    server.provision.write_text(BY_HAND)
    with server:
        reader = server.reader("0f8fad5b-d9cb-469f-a165-70867728950e")
        definition, = reader.definitions()
        assert definition["description"] == "Fired when a customer completes checkout."
        names = [(f["name"], f["type"], f["required"]) for f in definition["fields"]]
        assert names == [("order_id", "string", True), ("total", "number", True),
                         ("items", "array", False)]
        assert [f["name"] for f in definition["fields"][2]["fields"]] == ["sku", "price"]
        jane = reader.contact("external_id=3")
        assert jane["attributes"]["first_name"] == "Jane"
        assert jane["attributes"]["custom"] == {"gender": "f"}
        before = reader.state()
        reader.close()
        server.restart()
        assert server.reader("0f8fad5b-d9cb-469f-a165-70867728950e").state() == before


# What is written in place of what, and a word of the message beside file and line.
BAD_PROVISION = {
    "broken YAML": ("    name: acme", "    name: [acme", ""),
    "an unknown member": ("    name: acme", "    nmae: acme", "nmae"),
    "an id that is no UUID": ("- id: 7c9e6679-", "- id: zzzz-", "id"),
    "an unknown type": ("type: number, required", "type: float, required", "float"),
    "an unknown scope": ("[events.write, contacts.read", "[events.wrte, contacts.read", "wrte"),
    "a limit that is no number": ("requests_per_second: 0", "requests_per_second: many", "many"),
    "an identity of no kind": ("kind: email", "kind: mail", "kind"),
    "two fields of one name": ("name: total", "name: order_id", "name"),
    "a secret that is missing": ("- secret: 0f8fad5b-d9cb-469f-a165-70867728950e",
                                 "- revoked: false", "secret"),
    "attributes that are none": ("{ first_name: Jane, custom: { gender: f } }", "Jane", "attributes"),
}


@pytest.mark.parametrize("title", BAD_PROVISION)
def test_bad_provisioning_is_told_and_nothing_starts(tmp_path, title):
    """The message names the file, the line and the field; the exit code is not 0."""
    good, bad, word = BAD_PROVISION[title]
    assert BY_HAND.count(good) == 1
    file = tmp_path / "wrong.yaml"
    file.write_text(BY_HAND.replace(good, bad))
    done = run_to_the_end(["serve", "--listen", "127.0.0.1:0", "--data", str(tmp_path / "data"),
                           "--provision", str(file)])
    check_one_clear_line(done, word)
    places = [int(n) for n in re.findall(r"wrong\.yaml:(\d+)", done.stderr)]
    line = 1 + BY_HAND[:BY_HAND.index(good)].count("\n")
    # Broken YAML shows where the parser gives up, which is not where the mistake is.
    assert places and (line in places or word == "" and min(places) >= line), done.stderr


def run_to_the_end(arguments):
    return subprocess.run([occurd.binary(), *arguments], capture_output=True, text=True,
                          timeout=30, env=occurd.clean_environment({}), stdin=subprocess.DEVNULL)


def check_one_clear_line(done, *words):
    assert done.returncode > 0, done
    assert "occurd ready" not in done.stdout
    lines = [l for l in done.stderr.splitlines() if all(w in l for w in words)]
    assert lines, f"no line with {words}: {done.stderr}"
    assert not any(word in done.stderr for word in occurd.SANITIZER_WORDS), done.stderr


def test_a_second_server_on_the_same_data_refuses(tmp_path):
    space = senders.engine_workspace("alone")
    with occurd.start(tmp_path, [space]) as server:
        done = run_to_the_end(["serve", "--listen", "127.0.0.1:0", "--data", str(server.data)])
        check_one_clear_line(done, str(server.data))
        assert server.request(*senders.arsel(space, "a@example.com")).status == 202


def test_a_port_that_is_taken(tmp_path):
    """By a stranger, and by another occurd."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run_to_the_end(["serve", "--listen", f"127.0.0.1:{port}",
                               "--data", str(tmp_path / "a")])
        check_one_clear_line(done, str(port))
    with occurd.start(tmp_path, [senders.engine_workspace("first")]) as server:
        done = run_to_the_end(["serve", "--listen", f"127.0.0.1:{server.port}",
                               "--data", str(tmp_path / "b")])
        check_one_clear_line(done, str(server.port))


@pytest.mark.parametrize("arguments, word", [
    (["serve", "--listen", "nowhere"], "--listen"),
    (["serve", "--listen", "127.0.0.1:99999"], "--listen"),
    (["serve", "--threads", "0"], "--threads"),
    (["serve", "--nothing", "x"], "--nothing"),
    (["serve", "--data"], "--data"),
    (["nothing"], "nothing"),
    (["serve", "--provision", "/nowhere/at/all.yaml"], "/nowhere/at/all.yaml"),
])
def test_bad_arguments(tmp_path, arguments, word):
    if "--data" not in arguments:
        arguments = [*arguments, "--data", str(tmp_path / "data")] if arguments[0] == "serve" \
            else arguments
    check_one_clear_line(run_to_the_end(arguments), word)


def test_a_data_directory_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("not a directory")
    done = run_to_the_end(["serve", "--listen", "127.0.0.1:0", "--data", str(tmp_path / "file")])
    check_one_clear_line(done, "file")


def test_a_database_that_is_none_of_ours(tmp_path):
    """It is left as it is."""
    with occurd.start(tmp_path, [senders.engine_workspace("ours")]) as server:
        pass
    file = database.file_of(server)
    for stray in file.parent.glob(file.name + "-*"):
        stray.unlink()
    file.write_bytes(b"this is no database " * 500)
    done = run_to_the_end(["serve", "--listen", "127.0.0.1:0", "--data", str(server.data)])
    check_one_clear_line(done)
    assert file.read_bytes() == b"this is no database " * 500


def test_settings_from_the_environment(tmp_path):
    env = {"OCCURD_LISTEN": "127.0.0.1:0", "OCCURD_DATA": str(tmp_path / "data"),
           "OCCURD_THREADS": "2"}
    server = occurd.Server(tmp_path, env=env)
    server.command = lambda: [occurd.binary(), "serve"]
    with server:
        assert server.request("GET", "/readyz").status == 200
        assert (tmp_path / "data").is_dir()


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
            assert server.request(*senders.pristo(space, made_uuid(who), "same@example.com")).status == 201
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
        stop = threading.Event()
        crowd = [senders.Sender(server, event_maker(space, s), depth=4) for s in range(4)]
        threads = [threading.Thread(target=s.run_until_closed, args=(stop,)) for s in crowd]
        for thread in threads:
            thread.start()
        for _ in range(3):
            time.sleep(0.2)
            with full_disk(server):
                time.sleep(0.2)
        occurd.wait_until(lambda: server.request("GET", "/readyz").status == 200, what="/readyz")
        time.sleep(0.2)
        stop.set()
        for thread in threads:
            thread.join()
        replies = [r for s in crowd for _, r in s.answers]
        statuses = {r.status for r in replies}
        assert statuses >= {202, 503} and statuses <= {201, 202, 500, 503}, statuses
        acknowledged = Acknowledged()
        for s, sender in enumerate(crowd):
            acknowledged.add(s, sender)
        acknowledged.check(server, nothing_else=True)
    database.check_all(server)


def test_below_the_reserve_of_free_disk(tmp_path):
    """New events are refused with a time to come back; reading goes on."""
    space = senders.engine_workspace("reserve")
    with occurd.start(tmp_path, [space]) as server:
        assert server.request(*senders.arsel(space, "a@example.com")).status == 202
    server.args, server.provision = ["--disk-reserve", "1000000G"], None
    with server:
        reply = server.request(*senders.arsel(space, "b@example.com"))
        assert reply.status == 503 and int(reply.header("Retry-After")) >= 1, reply
        reply = server.request(*senders.infobip(space, "a@example.com"))
        assert reply.status == 503 and reply.header("Retry-After"), reply
        assert server.request("GET", "/readyz").status == 503
        assert server.request("GET", "/healthz").status == 200
        assert len(senders.reader_of(server, space).events()) == 1


# --- The log ---

SECRETS = ["unlikely.mail@example.com", "unlikely.mail%40example.com", "unlikely.mail",
           "37061239876", "secret-of-the-log", "wrong-secret-of-the-log", "Unlikely Name",
           made_uuid("logged person")]


def talk_about_secrets(server, space):
    mail, phone = "unlikely.mail@example.com", "+37061239876"
    wrong = {"Authorization": "Bearer wrong-secret-of-the-log"}
    server.request(*senders.pristo(space, made_uuid("logged person"), mail, phone=phone,
                                   name="Unlikely Name"))
    server.request(*senders.arsel(space, mail))
    server.request(*senders.omnisend(space, mail))
    server.request(*senders.infobip(space, "unlikely.mail%40example.com"))
    server.request(*senders.infobip(space, "%2B37061239876", "PHONE"))
    server.request(*senders.infobip(space, "%2B37061239876x", "PHONE", {"nope": mail}))
    server.request("POST", "/v1/events/send", wrong, b'{"email":"unlikely.mail@example.com"')
    server.request("GET", "/v1/unlikely.mail@example.com", wrong)
    server.request("GET", "/unlikely.mail@example.com")
    server.request("GET", "/_/v1/contacts?email=" + mail, wrong)
    reader = senders.reader_of(server, space)
    assert reader.contact("email=" + mail)
    reader.ask("/_/v1/contacts/unlikely.mail@example.com")
    with server.wire() as wire:
        wire.send(f"GET /{mail} HTTP/1.1\r\nAuthorization: {mail}\r\nbroken {phone}\r\n\r\n".encode())
        wire.final()
    with full_disk(server):
        server.request(*senders.arsel(space, mail))


@pytest.mark.parametrize("access_log", ["off", "on"])
def test_the_log_is_json_and_tells_no_secrets(tmp_path, access_log):
    space = senders.engine_workspace("logged")
    space["keys"][0]["secret"] = "secret-of-the-log"
    with occurd.start(tmp_path, [space], ["--access-log", access_log]) as server:
        talk_about_secrets(server, space)
    lines = [occurd.json.loads(line) for line in server.log]
    for line in lines:
        assert {"time", "level", "event"} <= set(line), line
    events = [line["event"] for line in lines]
    assert events[0] == "started" or "started" in events, events
    assert ("request" in events) == (access_log == "on")
    text = "\n".join(server.log)
    told = [secret for secret in SECRETS if secret in text]
    assert not told, f"{told} in:\n{text}"
