#!/usr/bin/env python3
"""Clients that mean harm, as a program: one kind, many connections, one thread over epoll.

    hostile.py KIND HOST PORT COUNT KEY [--tls]

Prints `in place N` once N connections stand, goes on until its standard input ends, and then prints
what became of it as JSON: connections opened, ended by the server, refused, bytes sent and received,
answers by status. It asks for as many files as it may have and holds no more connections than those.

Every kind keeps at it: a connection that the server ends is opened anew.
"""

import collections
import json
import os
import re
import resource
import select
import socket
import ssl
import struct
import sys
import time

SPARE_FILES = 64
TICK_S = 0.1
OPEN_A_TICK = 200  # new connections, so that the listener's queue is not what is tested
CHUNK = 64 * 1024


def head(method, target, key, *more):
    lines = [f"{method} {target} HTTP/1.1", "Host: x", "Content-Type: application/json", *more]
    if key:
        lines.append(f"Authorization: Bearer {key}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def post(key, body):
    return head("POST", "/v4/track", key, f"Content-Length: {len(body)}") + body


def event(properties):
    return (b'{"eventName":"hostile","contact":{"email":"h@example.com"},"properties":'
            + properties + b"}")


def deep_json():
    return b"[" * 40_000 + b"]" * 40_000


def colliding_keys():
    """Keys of one length that differ in few bits, and one twice at the very end."""
    keys = [b'"%020x":0' % (n << 40) for n in range(2500)]
    return event(b"{" + b",".join(keys + keys[:1]) + b"}")


def long_keys():
    return event(b"{" + b",".join(b'"%s%d":0' % (b"k" * 5000, n) for n in range(12)) + b"}")


class Client:
    """One connection: what it wants to send lies in `out`; then it waits or asks for more."""

    def __init__(self, crowd, sock):
        self.crowd, self.socket = crowd, sock
        self.out, self.since, self.got = b"", time.monotonic(), b""
        self.next = self.since + 1  # of those that do something each second
        self.shaken = not crowd.tls

    def begin(self):
        """Bytes to send at once."""
        return b""

    def tick(self, now):
        """Every TICK_S: more bytes to send, if any."""
        return b""

    def sent_all(self):
        """`out` is gone: more bytes, if any."""
        return b""

    def reads(self):
        return True

    def received(self, data):
        self.crowd.count_answers(self, data)


class Idle(Client):
    """Every other has asked once; the others never say a word."""

    def begin(self):
        return head("GET", "/healthz", "") if self.socket.fileno() % 2 else b""


class ByteASecond(Client):
    def tick(self, now):
        if now < self.next:
            return b""
        self.next = now + 1
        return b"x"


class SlowHead(ByteASecond):
    def begin(self):
        return b"POST /v4/track HTTP/1.1\r\nHost: x\r\nX-Slow: "


class SlowBody(ByteASecond):
    def begin(self):
        return head("POST", "/v4/track", self.crowd.key, "Content-Length: 60000")


class SlowReader(Client):
    """Asks for long lists again and again and takes a byte a second of the answers."""

    receive_buffer = 4096

    def begin(self):
        return head("GET", "/_/v1/events?limit=1000", self.crowd.key) * 8

    def reads(self):
        return False

    def tick(self, now):
        if now >= self.next:
            self.next = now + 1
            self.crowd.read(self, 1)
        return b""


class HalfClosed(Client):
    """Half a body, and the sending half is closed; the rest never is."""

    def begin(self):
        return head("POST", "/v4/track", self.crowd.key, "Content-Length: 1000") + b'{"eventName":'

    def sent_all(self):
        if not self.crowd.tls:
            self.socket.shutdown(socket.SHUT_WR)
        return b""


class Reset(Client):
    """Ends with a reset in the middle of a body, and comes again at once."""

    def begin(self):
        return head("POST", "/v4/track", self.crowd.key, "Content-Length: 100000") + b"x" * 50_000

    def sent_all(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.crowd.end(self)
        return b""


class Gigabyte(Client):
    """Announces a gigabyte and sends as much of it as is taken."""

    def begin(self):
        return head("POST", "/v4/track", self.crowd.key, "Content-Length: 1000000000")

    def sent_all(self):
        return b" " * CHUNK


class GigabyteChunked(Client):
    def begin(self):
        return head("POST", "/v4/track", self.crowd.key, "Transfer-Encoding: chunked")

    def sent_all(self):
        return b"%x\r\n" % CHUNK + b" " * CHUNK + b"\r\n"


class Again(Client):
    """Sends one request, awaits the answer, sends it again."""

    def begin(self):
        return self.crowd.text

    def received(self, data):
        super().received(data)
        if self.answered:
            self.answered = False
            self.crowd.push(self, self.crowd.text)

    answered = False


class DeepJson(Again):
    text = staticmethod(lambda key: post(key, deep_json()))


class HashFlood(Again):
    text = staticmethod(lambda key: post(key, colliding_keys()))


class LongKeys(Again):
    text = staticmethod(lambda key: post(key, long_keys()))


class HeaderFlood(Again):
    text = staticmethod(lambda key: head("GET", "/healthz", key,
                                         *(f"X-Flood-{n}: {'y' * 60}" for n in range(90))))


class Pipeline(Client):
    """Requests without end, one behind the other."""

    text = staticmethod(lambda key: post(key, event(b"{}")) * 64)

    def begin(self):
        return self.crowd.text

    def sent_all(self):
        return self.crowd.text


class PipelineUnread(Pipeline):
    """And takes no answer."""

    receive_buffer = 4096

    def reads(self):
        return False


class Connects(Client):
    """Opened, done, and opened anew; with TLS after its handshake."""

    def tick(self, now):
        self.crowd.end(self)
        return b""


class SlowHandshake(ByteASecond):
    """Of a greeting that announces much."""

    bare = True  # even where the others speak TLS

    def begin(self):
        return b"\x16\x03\x01\x40\x00\x01\x00\x3f\xfc\x03\x03"


KINDS = {
    "idle": Idle, "slow-head": SlowHead, "slow-body": SlowBody, "slow-reader": SlowReader,
    "half-closed": HalfClosed, "reset": Reset, "gigabyte": Gigabyte,
    "gigabyte-chunked": GigabyteChunked, "deep-json": DeepJson, "hash-flood": HashFlood,
    "long-keys": LongKeys, "header-flood": HeaderFlood, "pipeline": Pipeline,
    "pipeline-unread": PipelineUnread, "connects": Connects, "slow-handshake": SlowHandshake,
}


class Crowd:
    def __init__(self, kind, address, count, key, tls=False):
        self.kind, self.address, self.key = KINDS[kind], address, key
        self.count = min(count, allow_files() - SPARE_FILES)
        self.text = self.kind.text(key) if hasattr(self.kind, "text") else None
        self.tls = None
        if tls and not getattr(self.kind, "bare", False):
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            self.tls.check_hostname, self.tls.verify_mode = False, ssl.CERT_NONE
        self.clients = {}
        self.poll = select.epoll()
        self.seen = collections.Counter()

    # -- Connections --

    def open_one(self):
        sock = socket.socket()
        size = getattr(self.kind, "receive_buffer", None)
        if size:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
        try:
            sock.connect(self.address)
        except OSError:
            sock.close()
            self.seen["refused"] += 1
            return
        sock.setblocking(False)
        if self.tls:
            sock = self.tls.wrap_socket(sock, do_handshake_on_connect=False)
        client = self.kind(self, sock)
        self.clients[sock.fileno()] = client
        self.seen["opened"] += 1
        self.poll.register(sock, select.EPOLLIN)
        client.watched = select.EPOLLIN
        if client.shaken:
            self.push(client, client.begin())

    def end(self, client):
        fd = client.socket.fileno()
        if fd < 0:
            return
        self.poll.unregister(fd)
        del self.clients[fd]
        client.socket.close()

    def lost(self, client):
        self.seen["ended"] += 1
        self.end(client)

    # -- Bytes --

    def watch(self, client):
        if client.socket.fileno() < 0:
            return
        wanted = select.EPOLLIN if client.reads() or not client.shaken else 0
        if client.out and client.shaken:
            wanted |= select.EPOLLOUT
        if wanted != client.watched:
            client.watched = wanted
            self.poll.modify(client.socket, wanted)

    def push(self, client, data):
        client.out += data
        self.drain(client)

    def drain(self, client):
        """As much as is taken; at most a few rounds, so that the others have their turn."""
        for _ in range(4):
            if not client.out or client.socket.fileno() < 0:
                break
            try:
                n = client.socket.send(client.out)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                break
            except OSError:
                return self.lost(client)
            self.seen["bytes_sent"] += n
            client.out = client.out[n:]
            if not client.out:
                client.out = client.sent_all()
        self.watch(client)

    def read(self, client, most=CHUNK):
        try:
            data = client.socket.recv(most)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        except OSError:
            return self.lost(client)
        if not data:
            return self.lost(client)
        self.seen["bytes_received"] += len(data)
        client.received(data)

    def shake(self, client):
        try:
            client.socket.do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        except OSError:
            return self.lost(client)
        client.shaken = True
        self.seen["handshakes"] += 1
        self.push(client, client.begin())

    def count_answers(self, client, data):
        """Answers are told by their first lines; one that lies across two reads is found too."""
        client.got += data
        found = list(re.finditer(rb"HTTP/1\.1 (\d{3}) [^\r]*\r\n", client.got))
        for one in found:
            self.seen[one[1].decode()] += 1
            client.answered = True
        client.got = client.got[found[-1].end():] if found else client.got
        client.got = client.got[-100:]

    # -- The whole --

    def round(self):
        for fd, events in self.poll.poll(TICK_S, 1000):
            client = self.clients.get(fd)
            if not client:
                continue
            if not client.shaken:
                self.shake(client)
                continue
            if events & select.EPOLLOUT:
                self.drain(client)
            if events & ~select.EPOLLOUT and client.socket.fileno() >= 0:
                if client.reads():
                    self.read(client)
                elif events & (select.EPOLLHUP | select.EPOLLERR):
                    self.lost(client)

    def tick(self):
        now = time.monotonic()
        for client in list(self.clients.values()):
            more = client.tick(now) if client.shaken else b""
            if more and not client.out:
                self.push(client, more)
        for _ in range(min(OPEN_A_TICK, self.count - len(self.clients))):
            self.open_one()

    def run(self, until):
        due, told = time.monotonic(), False
        while not until():
            if time.monotonic() >= due:
                self.tick()
                due = time.monotonic() + TICK_S
                if not told and self.seen["opened"] >= self.count:
                    told = True
                    print(f"in place {self.count}", flush=True)
            self.round()


def allow_files():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard if hard != resource.RLIM_INFINITY else 1 << 20


def input_ended():
    readable, _, _ = select.select([sys.stdin], [], [], 0)
    return bool(readable) and not os.read(sys.stdin.fileno(), 1)


def main():
    kind, host, port, count, key = sys.argv[1:6]
    crowd = Crowd(kind, (host, int(port)), int(count), key, "--tls" in sys.argv[6:])
    crowd.run(input_ended)
    print(json.dumps(crowd.seen), flush=True)


if __name__ == "__main__":
    main()
