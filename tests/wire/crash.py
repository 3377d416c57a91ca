"""Lives that end by SIGKILL: clients that remember what they were told, and what must hold of the
database after each kill.

- What was acknowledged is stored, once, under the id that was told.
- What was not acknowledged is stored whole or not at all; of one request all or nothing.
- What has an id of its own (Idempotency-Key, eventId) is sent again after the kill, and then there
  once.
- An acknowledged deletion holds.
- `occurd check` has nothing to find: lists, counts, saved positions, identities, the file.
"""

import functools
import json
import random
import signal
import subprocess
import time

import database
import occurd
import senders
from occurd import Closed, made_uuid, request_bytes

CLIENTS = 4
DEPTH = 6
ROUNDS_PER_LIFE = 30  # then a new directory, so that looking at all of it stays quick


class Intent:
    """One request: the events it is about, each with a tag in its properties, and its fate."""

    def __init__(self, request, tags, again=False, erases=None):
        self.request, self.tags, self.again, self.erases = request, tags, again, erases
        self.told = None  # ids, where the answer has some; None: not acknowledged


def tagged(client, n):
    return {"sender": str(client), "n": str(n)}


class Client:
    def __init__(self, space, no, rng):
        self.space, self.no, self.rng = space, no, rng
        self.n = 0
        self.intents = []  # all that was ever sent
        self.waiting = []  # not acknowledged before the kill, and safe to send again

    # -- What is sent --

    def tag(self):
        self.n += 1
        return self.no, self.n

    def make(self):
        kind = self.rng.choice([self.arsel, self.arsel, self.omnisend, self.pristo, self.batch,
                                self.idempotent, self.infobip, self.victim])
        intent = kind()
        self.intents.append(intent)
        return intent

    def person(self):
        return f"person{self.rng.randrange(40)}@example.com"

    def arsel(self):
        tag = self.tag()
        return Intent(senders.arsel(self.space, self.person(), tagged(*tag)), [tag])

    def omnisend(self):
        tag = self.tag()
        return Intent(senders.omnisend(self.space, self.person(), tagged(*tag),
                                       f"type {tag[1] % 5}"), [tag])

    def pristo(self):
        tag, person = self.tag(), self.person()
        return Intent(senders.pristo(self.space, made_uuid(person), person, tagged(*tag)), [tag])

    def batch(self):
        tags = [self.tag() for _ in range(3)]
        method, target, headers, _ = senders.arsel(self.space, "")
        items = [{"event": senders.TYPE, "email": self.person(), "data": tagged(*t)} for t in tags]
        return Intent((method, target, headers, json.dumps({"events": items}).encode()), tags)

    def idempotent(self):
        tag = self.tag()
        method, target, headers, body = senders.arsel(self.space, self.person(), tagged(*tag))
        headers = {**headers, "Idempotency-Key": "%d-%d" % tag}
        return Intent((method, target, headers, body), [tag], again=True)

    def infobip(self):
        tag = self.tag()
        method, target, headers, body = senders.infobip(
            self.space, self.person(), properties=tagged(*tag), more="&createPerson=true")
        body = json.dumps({**json.loads(body), "eventId": "%d-%d" % tag}).encode()
        return Intent((method, target, headers, body), [tag], again=True)

    def victim(self):
        """Half of them: a contact that the next of these deletes."""
        last = next((i for i in reversed(self.intents) if i.erases), None)
        if last and last.request[0] == "POST" and last.told is not None:
            key = self.space["keys"][1]["secret"]
            return Intent(("DELETE", f"/people/2/persons?identifier={last.erases}&type=EMAIL",
                           {"Authorization": "App " + key}, None), [], erases=last.erases)
        tag = self.tag()
        email = "victim%d-%d@example.com" % tag
        return Intent(senders.arsel(self.space, email, tagged(*tag)), [tag], erases=email)

    # -- Sending --

    def run_until_closed(self, server, stop):
        try:
            with server.wire() as wire:
                while not stop.is_set():
                    self.round(wire)
        except (Closed, OSError):
            pass
        self.waiting = [i for i in self.intents if i.again and i.told is None]

    def round(self, wire):
        batch = self.waiting[:DEPTH]
        self.waiting = self.waiting[len(batch):]
        while len(batch) < DEPTH:
            batch.append(self.make())
        wire.send(b"".join(request_bytes(*i.request) for i in batch))
        for intent in batch:
            intent.told = self.ids_in(wire.final(), intent)

    def ids_in(self, reply, intent):
        """What an answer acknowledges; None: nothing."""
        if intent.request[0] == "DELETE" and reply.status in (200, 404):
            return []
        assert reply.status in (201, 202), reply
        if not reply.body:
            return []
        body = reply.json()
        if "results" in body:
            return [r["id"].replace("-", "") for r in body["results"]]
        if "eventId" in body or "raw" in body:
            return []  # the caller's own, or base64url: test_engine.py looks at those
        return [body["id"].replace("-", "")]


# --- After a kill ---


class Ledger:
    """What was found stored so far; each look reads only what is new."""

    def __init__(self):
        self.stored, self.last_seq = {}, 0  # tag -> id
        self.ids = set()

    def read(self, server, clients):
        sent = {tag for c in clients for i in c.intents for tag in i.tags}
        db = database.opened(server)
        try:
            for seq, id_, properties, workspace in db.execute(
                    "SELECT e.seq, lower(hex(e.id)), e.properties, c.workspace FROM event e"
                    " JOIN contact c ON c.no = e.contact WHERE seq > ?", (self.last_seq,)):
                self.last_seq = seq
                self.ids.add(id_)
                said = json.loads(properties)
                if workspace == 0 and not said:
                    continue  # of a deleted contact
                tag = (int(said["sender"]), int(said["n"]))
                assert len(said) == 2 and tag in sent, f"nobody sent {said}"
                assert tag not in self.stored, f"{tag} is stored twice"
                self.stored[tag] = id_
            self.check_deletions(db, clients)
        finally:
            db.close()

    def check_deletions(self, db, clients):
        for client in clients:
            for intent in client.intents:
                if intent.request[0] == "DELETE" and intent.told is not None:
                    found = db.execute("SELECT 1 FROM identity WHERE key = ?",
                                       (intent.erases,)).fetchall()
                    assert not found, f"{intent.erases} was deleted and is there"

    def check(self, clients):
        for intent in (i for c in clients for i in c.intents):
            there = [tag in self.stored for tag in intent.tags]
            if intent.told is not None and not intent.erases:
                assert all(there), f"acknowledged and lost: {intent.tags}"
            assert all(there) or not any(there), f"stored by half: {intent.tags}"
            for id_ in intent.told or []:
                assert id_ in self.ids, f"acknowledged and lost: event {id_} of {intent.tags}"


def check_store(server):
    done = subprocess.run([occurd.binary(), "check", "--data", str(server.data)],
                          capture_output=True, text=True, timeout=600,
                          env=occurd.clean_environment({}), stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout + done.stderr


# --- Lives ---


class Killed:
    """One directory, whose server is killed many times under clients of its own."""

    STARTING_S = 0.3  # at most, until it is killed while it starts
    LOAD_S = (0.02, 0.5)  # of work, before it is killed under load

    def __init__(self, directory, rng, space, clients):
        self.rng, self.space, self.clients = rng, space, clients
        self.server = occurd.Server(directory, [space])

    def kill_while_starting(self):
        """Before it says that it is ready, or soon after."""
        process = subprocess.Popen(self.server.command(), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
                                   env=occurd.clean_environment({}))
        time.sleep(self.rng.uniform(0, self.STARTING_S))
        process.send_signal(signal.SIGKILL)
        process.wait()

    def kill_under_load(self):
        self.server.start()
        with senders.beside([functools.partial(c.run_until_closed, self.server)
                             for c in self.clients]):
            time.sleep(self.rng.uniform(*self.LOAD_S))
            self.server.kill()

    def kill(self):
        if self.rng.random() < 0.2:
            self.kill_while_starting()
        else:
            self.kill_under_load()


class Life(Killed):
    """One life, and what of it must hold."""

    STARTING_S = 0.12
    LOAD_S = (0.01, 0.25)

    def __init__(self, directory, rng):
        space = senders.engine_workspace("killed")
        super().__init__(directory, rng, space, [Client(space, no, random.Random(rng.random()))
                                                 for no in range(CLIENTS)])
        self.ledger = Ledger()

    def round(self):
        self.kill()
        if not self.server.data.exists() or not list(self.server.data.glob("occurd.db")):
            return  # killed before there was anything
        check_store(self.server)
        if self.acknowledged() or self.ledger.last_seq:
            self.ledger.read(self.server, self.clients)
            self.ledger.check(self.clients)

    def check_readable(self):
        """Through the reading API, too."""
        reader = senders.reader_of(self.server, self.space)
        db = database.opened(self.server)
        assert reader.get("/_/v1/stats")["events"] == str(
            db.execute("SELECT count(*) FROM event").fetchone()[0])
        db.close()
        for contact in reader.get("/_/v1/contacts?limit=5")["data"]:
            timeline = reader.timeline(contact)
            assert len(timeline) == int(contact["event_count"])
            assert timeline[0]["received_at"] == contact["last_event_at"]

    def acknowledged(self):
        return sum(i.told is not None for c in self.clients for i in c.intents)

    def end(self):
        """All that could be sent again is there; the end is an orderly one."""
        with self.server:
            for client in self.clients:
                with self.server.wire() as wire:
                    while client.waiting:
                        client.round(wire)
            self.check_readable()
        check_store(self.server)
        self.ledger.read(self.server, self.clients)
        self.ledger.check(self.clients)


def run(directory, rounds, seed, say=print):
    """Gives how many requests were acknowledged."""
    rng = random.Random(seed)
    acknowledged = 0
    for first in range(0, rounds, ROUNDS_PER_LIFE):
        where = directory / f"life{first}"
        where.mkdir()
        life = Life(where, random.Random(rng.random()))
        for _ in range(min(ROUNDS_PER_LIFE, rounds - first)):
            life.round()
        life.end()
        acknowledged += life.acknowledged()
        say(f"{min(first + ROUNDS_PER_LIFE, rounds)} kills, {acknowledged} requests acknowledged")
    return acknowledged
