"""Crowds of clients that mean harm (hostile.py) beside others that do not: the others are answered
as ever, and memory stays bounded. How long the others wait is bench/hostile's to measure."""

import contextlib
import json
import pathlib
import resource
import socket
import subprocess
import sys

import pytest

import database
import occurd
import senders
from test_tls import certificate, trusting

MIB = 1 << 20
# What the server may hold beyond what it holds at rest: little, or the budget of all requests (512
# MiB) and what stands beside it. A sanitizer adds to each piece.
LITTLE, BUDGET = 160 * MIB, 800 * MIB
PROGRAM = pathlib.Path(__file__).with_name("hostile.py")
EVENTS = 60  # of each of the others, while the crowd is there
OTHERS = 2

CROWDS = [  # kind, connections, whose key, bytes
    ("idle", 10000, None, LITTLE),
    ("slow-head", 1000, None, LITTLE),
    ("slow-body", 1000, "hostile", LITTLE),
    ("slow-body", 1000, None, LITTLE),
    ("slow-reader", 1000, "hostile", BUDGET),
    ("half-closed", 1000, "hostile", LITTLE),
    ("reset", 20, "hostile", LITTLE),
    ("gigabyte", 20, "hostile", LITTLE),
    ("gigabyte", 20, None, LITTLE),
    ("gigabyte-chunked", 20, "hostile", LITTLE),
    ("deep-json", 4, "hostile", LITTLE),
    ("hash-flood", 4, "hostile", LITTLE),
    ("long-keys", 4, "hostile", LITTLE),
    ("header-flood", 20, None, LITTLE),
    ("pipeline", 4, "hostile", LITTLE),
    ("pipeline-unread", 1000, "hostile", BUDGET),
    ("connects", 20, None, LITTLE),
]
TLS_CROWDS = [
    ("idle", 1000, None, LITTLE),
    ("connects", 20, None, LITTLE),
    ("slow-handshake", 1000, None, LITTLE),
    ("slow-reader", 200, "hostile", BUDGET),
    ("slow-body", 200, "hostile", LITTLE),
]


class Crowd:
    def __init__(self, server, kind, count, key, tls):
        command = [sys.executable, "-B", PROGRAM, kind, server.host, str(server.port), str(count), key]
        self.process = subprocess.Popen(command + ["--tls"] * tls, text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        line = self.process.stdout.readline()
        assert line.startswith("in place "), "the hostile clients ended"
        self.count = int(line.split()[2])

    def end(self):
        out, _ = self.process.communicate("", timeout=60)
        return json.loads(out)


def event(space):
    def make(i):
        return senders.arsel(space, f"{i % 10}@example.com", {"n": str(i)})
    return make


def enough_files(count):
    """The server's files are limited as ours are; it says so and takes fewer connections."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    room = (1 << 20 if hard == resource.RLIM_INFINITY else hard) - 256
    return min(count, room)


def suffer(server, calm, foe, kind, count, whose, bytes_max, tls=False):
    """The others send while the crowd is there; each is answered, and all they sent is stored."""
    before = server.resident()
    stored = int(senders.reader_of(server, calm).get("/_/v1/stats")["events"])
    key = foe["keys"][1]["secret"] if whose else "nobody's"
    wanted = enough_files(count)
    crowd = Crowd(server, kind, wanted, key, tls)
    try:
        others = [senders.Sender(server, event(calm)) for _ in range(OTHERS)]
        senders.in_threads([lambda s=s: s.run(EVENTS) for s in others])
        assert {r.status for s in others for _, r in s.answers} == {202}
        assert server.request("GET", "/readyz").status == 200
        reader = senders.reader_of(server, calm)
        total = int(reader.get("/_/v1/stats")["events"])
        assert total == stored + EVENTS * OTHERS
        assert len(reader.get("/_/v1/events?limit=10")["data"]) == 10
        reader.close()
        held = server.resident() - before
    finally:
        seen = crowd.end()
    assert seen["opened"] >= wanted
    assert held < bytes_max, f"{held / MIB:.0f} MiB beyond {before / MIB:.0f} for {seen}"
    server.check_alive()
    failed = [line for line in server.log if '"level":"error"' in line]
    assert not failed, f"what clients do is no failure of ours: {failed[:3]}"
    if wanted < count:
        pytest.skip(f"files are limited: tested with {wanted} connections, NOT with {count}")


def spaces():
    return senders.engine_workspace("calm"), senders.engine_workspace("hostile")


def fill(server, space):
    """Something to read for those who read slowly."""
    padding = "x" * 300
    sender = senders.Sender(server, lambda i: senders.arsel(
        space, f"{i % 10}@example.com", {"padding": padding}), depth=32)
    sender.run(1000)


# Freed memory goes back at once: what is resident is what is held.
ENV = {"ASAN_OPTIONS": "quarantine_size_mb=1:thread_local_quarantine_size_kb=16"}


@pytest.fixture(scope="module", params=[1, 2], ids=["1-thread", "2-threads"])
def server(request, tmp_path_factory):
    directory = tmp_path_factory.mktemp("server")
    with occurd.start(directory, spaces(), ["--threads", str(request.param)], ENV) as server:
        fill(server, spaces()[1])
        yield server
    database.check_all(server)


@pytest.fixture(scope="module")
def tls_server(tmp_path_factory):
    directory = tmp_path_factory.mktemp("tls")
    cert, key = certificate(directory, "hostile")
    args = ["--threads", "2", "--tls-cert", str(cert), "--tls-key", str(key)]
    server = occurd.Server(directory, spaces(), args, ENV)
    server.tls = trusting(cert)
    with server:
        fill(server, spaces()[1])
        yield server


@pytest.mark.parametrize("kind, count, whose, bytes_max", CROWDS,
                         ids=[f"{c[0]}-{c[2] or 'stranger'}" for c in CROWDS])
def test_crowd(server, kind, count, whose, bytes_max):
    suffer(server, *spaces(), kind, count, whose, bytes_max)


@pytest.mark.parametrize("kind, count, whose, bytes_max", TLS_CROWDS,
                         ids=[f"{c[0]}-{c[2] or 'stranger'}" for c in TLS_CROWDS])
def test_crowd_over_tls(tls_server, kind, count, whose, bytes_max):
    suffer(tls_server, *spaces(), kind, count, whose, bytes_max, tls=True)


def list_request(space):
    key = space["keys"][1]["secret"]
    return "GET", "/_/v1/events?limit=1000", {"Authorization": f"Bearer {key}"}


def test_answers_of_one_key_that_nobody_takes(tmp_path):
    """They hold as much memory as one key may, and there is room for another key's answers."""
    calm, foe = spaces()
    with occurd.start(tmp_path, [calm, foe], [], ENV) as server, contextlib.ExitStack() as unread:
        for space, size in (calm, 300), (foe, 3000):
            senders.Sender(server, lambda i, space=space, size=size: senders.arsel(
                space, f"{i % 10}@example.com", {"padding": "x" * size}), depth=32).run(1000)
        for _ in range(500):
            sock = unread.enter_context(socket.socket())
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.connect(server.address)
            sock.sendall(occurd.request_bytes(*list_request(foe), None))
            reply = server.request(*list_request(foe))
            if reply.status == 503:
                break
        assert reply.status == 503 and reply.header("Retry-After")
        reply = server.request(*list_request(calm))
        assert reply.status == 200 and len(reply.json()["data"]) == 1000
        assert server.request(*event(foe)(1)).status == 202, "what is small is never refused for it"


def test_more_connections_than_there_may_be(tmp_path):
    """Idle strangers hold every connection there may be: a new one is served all the same."""
    calm, foe = spaces()
    with occurd.start(tmp_path, [calm, foe], ["--connections-max", "200"], ENV) as server:
        crowd = Crowd(server, "idle", 200, "", False)
        try:
            for i in range(50):
                assert server.request(*event(calm)(i)).status == 202
        finally:
            crowd.end()
