"""Events of the four dialects as requests, and clients that send them: many at once, or until the
server dies."""

import contextlib
import json
import sys
import threading
import time

import openapi
from occurd import Closed, request_bytes, workspace

TYPE = "order.completed"  # of all declared definitions here


def engine_workspace(name, **members):
    """One definition that Pristo, Arsel and Infobip all find; no rate limit."""
    declared = {
        "contact_fields": ["gender"],
        "definitions": [{"name": TYPE, "fields": [
            {"name": "n", "type": "string"}, {"name": "sender", "type": "string"}]}],
        "limits": {"requests_per_second": -1},
    }
    return workspace(name, **{**declared, **members})


def key_of(space):
    return space["keys"][0]["secret"]


def reader_of(server, space):
    return server.reader(space["keys"][1]["secret"])


# Each gives (method, target, headers, body), as Server.request() takes them.


def pristo(space, contact_id, email=None, fields=None, **contact):
    person = {"id": contact_id, **({"email": email} if email else {}), **contact}
    body = {"contact": person, "type": TYPE, "customFields": fields or {}}
    return ("POST", "/v1/events/send/" + space["id"],
            {"X-API-Key": key_of(space), "Content-Type": "application/json"},
            json.dumps(body).encode())


def arsel(space, email, data=None):
    body = {"event": TYPE, "email": email, "data": data or {}}
    return ("POST", "/v1/events/send",
            {"Authorization": "Bearer " + key_of(space), "Content-Type": "application/json"},
            json.dumps(body).encode())


def omnisend(space, email, properties=None, name=TYPE):
    body = {"eventName": name, "contact": {"email": email}, "properties": properties or {}}
    return ("POST", "/v4/track",
            {"Authorization": "Bearer " + key_of(space), "Content-Type": "application/json"},
            json.dumps(body).encode())


def infobip(space, person, kind="EMAIL", properties=None, more=""):
    return ("POST", f"/peopleevents/2/persons/{person}/definitions/{TYPE}/events"
                    f"?identifierType={kind}{more}",
            {"Authorization": "App " + key_of(space), "Content-Type": "application/json"},
            json.dumps({"properties": properties or {}}).encode())


def patient(ask):
    """Tokens have a rate of their own, which is not what most tests are about."""
    while True:
        reply = ask()
        if reply.status != 429:
            return reply
        time.sleep(0.1)


# --- Many at once ---


def at_once(server, requests):
    """Sends all but the last byte of each request, each on a connection of its own, then the last
    bytes in one go: as near to the same moment as a client can get. Gives the answers."""
    wires = [server.wire() for _ in requests]
    data = [request_bytes(*r) for r in requests]
    for wire, bytes_of in zip(wires, data):
        wire.send(bytes_of[:-1])
    for wire, bytes_of in zip(wires, data):
        wire.send(bytes_of[-1:])
    replies = [wire.final() for wire in wires]
    for wire in wires:
        wire.socket.close()
    return replies


def in_one_read(server, requests):
    """Sends them all in one piece over one connection: all are judged before any of them is stored.
    Gives the answers."""
    with server.wire() as wire:
        wire.send(b"".join(request_bytes(*r) for r in requests))
        answers = [wire.final() for _ in requests]
    for (method, target, *_), answer in zip(requests, answers):
        openapi.check_served(method, target, answer)
    return answers


@contextlib.contextmanager
def beside(functions):
    """Runs them in threads of their own beside the block. Each is given an event, which is set when
    the block ends; they are waited for, and the first exception of any is raised then."""
    stop, wrong = threading.Event(), []

    def guarded(function):
        try:
            function(stop)
        except BaseException as e:  # carried over to the test's thread
            wrong.append(e)
    threads = [threading.Thread(target=guarded, args=(f,)) for f in functions]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        if wrong:
            raise wrong[0]


def in_threads(functions):
    """Runs them all in threads of their own; the first exception of any is raised here."""
    with beside([lambda _stop, f=f: f() for f in functions]):
        pass


class Sender:
    """Sends one request after another over one connection and notes what was acknowledged.

    `make(i)` gives the i-th request; an answer is (i, Reply)."""

    def __init__(self, server, make, depth=1):
        self.server, self.make, self.depth = server, make, depth
        self.answers = []
        self.sent = 0

    def run(self, n):
        """n requests, each of which must be answered."""
        with self.server.wire() as wire:
            while len(self.answers) < n:
                self._round(wire, min(self.depth, n - len(self.answers)))

    def run_until_closed(self, stop, most=sys.maxsize):
        """Until the server goes away, `stop` is set or so many were sent. What was not answered may
        be stored or not; what was answered is in `answers`."""
        try:
            with self.server.wire() as wire:
                while not stop.is_set() and self.sent < most:
                    self._round(wire, self.depth)
        except (Closed, OSError):
            pass

    def _round(self, wire, n):
        first = self.sent
        self.sent += n
        wire.send(b"".join(request_bytes(*self.make(first + i)) for i in range(n)))
        for i in range(first, first + n):
            reply = wire.final()
            if reply.status >= 300: # the many good ones would take too long
                openapi.check_served(*self.make(i)[:2], reply)
            self.answers.append((i, reply))
