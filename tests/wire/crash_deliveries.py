"""What must hold of deliveries when the server is killed again and again: five automations, webhooks
and a file, a receiver that refuses one in seven, and contacts that are deleted meanwhile.

- What was acknowledged is stored, and what is stored and selected is received at least once by each
  destination that it is due for; always under the same id, and no two under one.
- What was not stored is received by nobody, what was not selected neither.
- What is to happen once for a contact happens for its first event, and for no other.
- In the ledger each match has its deliveries exactly once; what it says was taken was received; of a
  contact that was deleted nothing is left.
"""

import json
import random
import sqlite3

import crash
import database
import occurd
import senders
from occurd import Closed, request_bytes, wait_until
from receiver import Receiver, SECRET

CLIENTS = 3
DEPTH = 3
PEOPLE = 40
BIG = 500  # of 1000: what one automation selects
PAUSE_S = 0.01  # between a client's rounds: the receiver has to follow
ROUNDS_PER_LIFE = 30
HOOKS = ("all", "big", "late", "once")
IN_THE_END_S = 120


def workspace(receiver):
    hooks = [{"name": name, "type": "webhook", "url": receiver.url("/" + name), "secret": SECRET,
              "allow_private": True, "retry_seconds": [1] * 20, "concurrency": 20}
             for name in HOOKS]
    big = {"field": "properties.n", "operator": "gte", "value": BIG}
    return senders.engine_workspace(
        "killed", definitions=[{"name": senders.TYPE, "fields": [{"name": "n", "type": "number"}]}],
        keys=[occurd.key("killed", ["events.write", "contacts.write"]),
              occurd.key("killed-reader", occurd.ALL_SCOPES)],
        destinations=hooks + [{"name": "log", "type": "file", "path": "log.ndjson",
                               "rotate_bytes": 65536}],
        automations=[
            {"name": "all", "actions": [{"send": "all"}, {"send": "log"}]},
            {"name": "big", "conditions": big, "actions": [{"send": "big"}]},
            {"name": "late", "delay_seconds": 1, "actions": [{"send": "late"}]},
            {"name": "once", "once_per_contact": True, "actions": [{"send": "once"}]}])


class Client:
    """Sends events of people who stay and of some who are deleted soon after."""

    def __init__(self, space, no, rng):
        self.space, self.no, self.rng = space, no, rng
        self.n = 0
        self.told = []  # ids of events that were acknowledged
        self.victims = []  # acknowledged, not yet deleted
        self.deleted = []  # acknowledged deletions

    def event(self, email):
        self.n += 1
        return senders.arsel(self.space, email, {"n": self.rng.randrange(1000)})

    def make(self):
        """(request, what to do with a good answer)"""
        if self.victims and self.rng.random() < 0.3:
            email = self.victims.pop()
            request = ("DELETE", f"/people/2/persons?identifier={email}&type=EMAIL",
                       {"Authorization": "App " + senders.key_of(self.space)}, None)
            return request, lambda reply: self.deleted.append(email)
        victim = self.rng.random() < 0.2
        email = (f"victim{self.no}-{self.n}@example.com" if victim
                 else f"person{self.rng.randrange(PEOPLE)}@example.com")

        def take(reply):
            self.told.append(reply.json()["id"].replace("-", ""))
            if victim:
                self.victims.append(email)
        return self.event(email), take

    def run_until_closed(self, server, stop):
        try:
            with server.wire() as wire:
                while not stop.wait(PAUSE_S):
                    self.round(wire)
        except (Closed, OSError):
            pass

    def round(self, wire):
        batch = [self.make() for _ in range(DEPTH)]
        wire.send(b"".join(request_bytes(*request) for request, _ in batch))
        for request, take in batch:
            reply = wire.final()
            assert reply.status in (200, 202, 404), reply
            take(reply)


class Stored:
    """What both databases hold."""

    def __init__(self, server):
        db = database.opened(server)
        rows = db.execute("SELECT e.seq, lower(hex(e.id)), e.contact, c.workspace, e.properties"
                          " FROM event e JOIN contact c ON c.no = e.contact ORDER BY e.seq").fetchall()
        db.close()
        self.ids = {id_ for _, id_, _, _, _ in rows}
        self.seqs = {seq: id_ for seq, id_, _, _, _ in rows}
        self.gone = {contact for _, _, contact, of, _ in rows if of == 0}
        # Of contacts that are still there: what each destination is due.
        there = [(id_, contact, json.loads(said)["n"]) for _, id_, contact, of, said in rows if of]
        first = {contact: id_ for id_, contact, _ in reversed(there)}
        everything = {id_ for id_, _, _ in there}
        self.small = {id_ for id_, _, n in there if n < BIG}
        self.not_first = everything - set(first.values())
        self.due = {"all": everything, "late": everything, "log": everything,
                    "big": everything - self.small, "once": set(first.values())}


def ledger_of(server):
    return sqlite3.connect(f"file:{server.data / 'deliveries.db'}?mode=ro", uri=True)


def is_worked_off(server):
    """All automations have seen the whole feed and nothing waits."""
    store, ledger = database.opened(server), ledger_of(server)
    try:
        newest = store.execute("SELECT max(seq) FROM event").fetchone()[0] or 0
        behind = ledger.execute("SELECT count(*) FROM position WHERE automation > 0 AND seq < ?",
                                (newest,)).fetchone()[0]
        waiting = ledger.execute("SELECT count(*) FROM delivery WHERE state = 0").fetchone()[0]
        return behind == 0 and waiting == 0
    finally:
        store.close()
        ledger.close()


class Life(crash.Killed):
    """One life, and what of it must hold."""

    def __init__(self, directory, rng, receiver):
        space = workspace(receiver)
        super().__init__(directory, rng, space, [Client(space, no, random.Random(rng.random()))
                                                 for no in range(CLIENTS)])
        self.receiver = receiver

    def round(self):
        self.kill()
        if list(self.server.data.glob("deliveries.db")):
            ledger = ledger_of(self.server)
            database.check_integrity(ledger)
            ledger.close()

    def end(self):
        with self.server:
            wait_until(lambda: is_worked_off(self.server), IN_THE_END_S, "the last delivery")
            wait_until(lambda: not self.left_of_the_gone(), 30, "the deletions")
        self.check()

    def left_of_the_gone(self):
        gone, ledger = Stored(self.server).gone, ledger_of(self.server)
        kept = {c for (c,) in ledger.execute("SELECT contact FROM delivery UNION"
                                             " SELECT contact FROM fired")}
        ledger.close()
        return kept & gone

    # -- What must hold --

    def received(self):
        """By destination: event -> ids of deliveries."""
        by_name = {name: {} for name in (*HOOKS, "log")}

        def note(name, event, delivery):
            by_name[name].setdefault(event["id"].replace("-", ""), set()).add(delivery)
        for got in self.receiver.got:
            note(got.path[1:], got.event, got.id)
        for path in (self.server.data / "out").glob("log.ndjson*"):
            for line in path.read_text().splitlines():
                data = whole_line(line)
                if data:
                    note("log", data["event"], data["delivery_id"])
        return by_name

    def check(self):
        stored, received = Stored(self.server), self.received()
        told = {id_ for c in self.clients for id_ in c.told}
        assert told <= stored.ids, f"acknowledged and lost: {told - stored.ids}"
        for name, events in received.items():
            assert set(events) <= stored.ids, f"{name} received what was never stored"
            missing = stored.due[name] - set(events)
            assert not missing, f"{name} never received {missing}"
            assert all(len(ids) == 1 for ids in events.values()), f"{name}: an id has changed"
        assert not set(received["big"]) & stored.small, "received without being selected"
        assert not set(received["once"]) & stored.not_first, "received twice for a contact"
        ids = [id_ for events in received.values() for (id_,) in events.values()]
        assert len(ids) == len(set(ids)), "one id for two deliveries"
        self.check_ledger(stored, received)

    def check_ledger(self, stored, received):
        ledger = ledger_of(self.server)
        database.check_integrity(ledger)
        twice = ledger.execute("SELECT automation, action, seq FROM delivery"
                               " GROUP BY 1, 2, 3 HAVING count(*) > 1").fetchall()
        assert twice == [], "decided twice"
        store = database.opened(self.server)
        names = dict(store.execute("SELECT no, name FROM document"))
        store.close()
        for destination, seq, state in ledger.execute("SELECT destination, seq, state FROM delivery"):
            assert state == 1, "one in seven is refused, and each is tried often enough"
            assert stored.seqs[seq] in received[names[destination]], "said to be taken"
        ledger.close()


def whole_line(line):
    """None: what a kill has left of a line."""
    try:
        return json.loads(line)["data"]
    except ValueError:
        return None


def run(directory, rounds, seed, say=print):
    """Gives how many events were acknowledged and how many deliveries received."""
    rng = random.Random(seed)
    acknowledged = received = 0
    for first in range(0, rounds, ROUNDS_PER_LIFE):
        where = directory / f"deliveries{first}"
        where.mkdir()
        with Receiver(lambda got, n: 500 if n % 7 == 0 else 200) as receiver:
            life = Life(where, random.Random(rng.random()), receiver)
            for _ in range(min(ROUNDS_PER_LIFE, rounds - first)):
                life.round()
            life.end()
            acknowledged += sum(len(c.told) for c in life.clients)
            received += len(receiver.got)
        say(f"{min(first + ROUNDS_PER_LIFE, rounds)} kills, {acknowledged} events acknowledged,"
            f" {received} webhooks received")
    return acknowledged, received
