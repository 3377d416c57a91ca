"""HTTP/1.1 as such: framing, connections, and clients that are slow, broken or hostile."""

import re
import socket
import struct
import time

import pytest

import occurd
import senders
from occurd import made_uuid
from plain_http import (BODY, CHUNKED, GOOD, HEAD, HEALTH, KEY, SPACE, chunks, reader, running,
                        server, stored)
from test_metrics import scrape

IDLE_CONNECTIONS = 1000


# --- Connections ---


def test_keep_alive(server, reader):
    before = stored(reader)
    with server.wire() as wire:
        for _ in range(20):
            wire.send(GOOD)
            reply = wire.final()
            assert reply.status == 202
            assert reply.header("Connection") != "close"
    assert stored(reader) == before + 20


def test_connection_close_is_obeyed(server):
    with server.wire() as wire:
        wire.send(HEALTH.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        reply = wire.final()
        assert reply.status == 200 and reply.header("Connection").lower() == "close"
        assert wire.is_closed()


def test_http_1_0_closes_unless_it_asks_to_stay(server):
    with server.wire() as wire:
        wire.send(HEALTH.replace(b"HTTP/1.1", b"HTTP/1.0"))
        assert wire.final().status == 200
        assert wire.is_closed()
    with server.wire() as wire:
        wire.send(HEALTH.replace(b"HTTP/1.1", b"HTTP/1.0")
                  .replace(b"\r\n\r\n", b"\r\nConnection: keep-alive\r\n\r\n"))
        reply = wire.final()
        assert reply.status == 200
        if (reply.header("Connection") or "").lower() == "keep-alive":
            wire.send(HEALTH)
            assert wire.final().status == 200
        else:
            assert wire.is_closed()


def test_pipelined_requests_are_answered_in_order(server, reader):
    """Those that wait for the disk between those that do not."""
    before = stored(reader)
    bad_key = GOOD.replace(KEY.encode(), b"x" * len(KEY))
    requests, expected = [], []
    for i in range(60):
        requests += [GOOD, HEALTH, bad_key]
        expected += [202, 200, 401]
    with server.wire() as wire:
        with senders.beside([lambda _stop: wire.send(b"".join(requests))]):
            assert [wire.final().status for _ in expected] == expected
    assert stored(reader) == before + 60


def test_pipelined_events_are_stored_in_order(server, reader):
    make = lambda i: senders.arsel(SPACE, "ordered@example.com", {"n": str(i)})
    sender = senders.Sender(server, make, depth=100)
    sender.run(200)
    contact = reader.contact("email=ordered@example.com")
    assert [e["properties"]["n"] for e in reader.timeline(contact)] == \
        [str(i) for i in range(199, -1, -1)]


def test_one_byte_at_a_time(server, reader):
    before = stored(reader)
    with server.wire() as wire:
        for i in range(len(GOOD)):
            wire.send(GOOD[i:i + 1])
        assert wire.final().status == 202
        wire.send(GOOD)
        assert wire.final().status == 202
    assert stored(reader) == before + 2


def test_a_request_cut_at_every_byte(server, reader):
    """In two packets, wherever the cut is: the answer is the same."""
    before = stored(reader)
    data = CHUNKED + b"%x\r\n" % len(BODY) + BODY + b"\r\n0\r\n\r\n"
    with server.wire() as wire:
        for i in range(1, len(data)):
            wire.send(data[:i])
            time.sleep(0.0005)
            wire.send(data[i:])
            assert wire.final().status == 202
    assert stored(reader) == before + len(data) - 1


def test_empty_lines_before_a_request_are_skipped(server):
    with server.wire() as wire:
        wire.send(b"\r\n" + HEALTH)
        assert wire.final().status == 200


# --- Bodies ---


@pytest.mark.parametrize("body", [
    chunks(BODY),
    chunks(*[BODY[i:i + 1] for i in range(len(BODY))]),
    chunks(BODY[:10], BODY[10:]).replace(b"\r\n", b";name=value\r\n", 1),
    chunks(BODY).replace(b"0\r\n\r\n", b"000\r\n\r\n"),
    chunks(BODY).replace(b"0\r\n\r\n", b"0\r\nX-Trailer: x\r\n\r\n"),
    chunks(BODY).replace(b"%x" % len(BODY), b"%X" % len(BODY), 1),
], ids=["one", "bytes", "extension", "zeroes", "trailer", "upper-case"])
def test_chunked(server, reader, body):
    before = stored(reader)
    with server.wire() as wire:
        wire.send(CHUNKED + body)
        assert wire.final().status == 202
        wire.send(HEALTH)
        assert wire.final().status == 200
    assert stored(reader) == before + 1


def test_chunk_overhead_has_an_end(server, reader):
    """A body that is mostly chunk extensions is refused, though its data are few."""
    before = stored(reader)
    with server.wire() as wire:
        wire.send_what_is_taken(CHUNKED + (b"1;" + b"x" * 1000 + b"\r\n{\r\n") * 2000)
        assert 400 <= wire.final().status < 500
        assert wire.is_closed()
    assert stored(reader) == before


def test_chunked_body_over_the_limit(server, reader):
    before = stored(reader)
    with server.wire() as wire:
        wire.send_what_is_taken(CHUNKED + chunks(*[b" " * 65536] * 80))
        reply = wire.final()
        assert reply.status == 413 and reply.json()["name"] == "payload_too_large"
        assert wire.is_closed()
    assert stored(reader) == before


def test_expect_100_continue(server, reader):
    before = stored(reader)
    with server.wire() as wire:
        wire.send(HEAD + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(BODY))
        interim = wire.reply()
        assert interim.status == 100, interim
        wire.send(BODY)
        assert wire.reply().status == 202
        wire.send(HEALTH)
        assert wire.final().status == 200
    assert stored(reader) == before + 1


def test_expect_100_continue_with_the_body_in_front(server):
    with server.wire() as wire:
        wire.send(HEAD + b"Expect: 100-Continue\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY)
        assert wire.final().status == 202


def test_expect_100_continue_of_a_body_that_is_not_wanted(server):
    """The refusal comes instead of the 100, before the body was sent."""
    with server.wire() as wire:
        wire.send(HEAD + b"Expect: 100-continue\r\nContent-Length: 5000000\r\n\r\n")
        assert wire.reply().status == 413
        assert wire.is_closed()


def test_expect_100_continue_without_a_key_never_stores(server, reader):
    before = stored(reader)
    with server.wire() as wire:
        wire.send(HEAD.replace(KEY.encode(), b"wrong")
                  + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(BODY))
        reply = wire.reply()
        if reply.status == 100:
            wire.send(BODY)
            reply = wire.reply()
        assert reply.status == 401
    assert stored(reader) == before


def test_a_refused_body_does_not_become_the_next_request(server, reader):
    """The body of a request that is refused early must not be read as a request."""
    before = stored(reader)
    inner = GOOD
    outer = (f"POST /v1/nothing HTTP/1.1\r\nHost: x\r\nContent-Length: {len(inner)}\r\n\r\n"
             .encode() + inner)
    with server.wire() as wire:
        wire.send(outer)
        assert wire.final().status == 404
        wire.send_what_is_taken(HEALTH)
        try:
            assert wire.final().status == 200
        except occurd.Closed:
            pass
    assert stored(reader) == before


# --- Methods and headers ---


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_head_is_get_without_a_body(server, path):
    get, head = server.request("GET", path), server.request("HEAD", path)
    assert head.status == get.status == 200
    assert head.header("Content-Length") == get.header("Content-Length")
    assert head.header("Content-Type") == get.header("Content-Type")


def test_head_leaves_the_connection_in_step(server):
    with server.wire() as wire:
        wire.send(HEALTH.replace(b"GET", b"HEAD") + HEALTH)
        assert wire.final(of_head=True).status == 200
        assert wire.final().body


@pytest.mark.parametrize("path, allowed", [
    ("/healthz", {"GET", "HEAD"}),
    ("/_/v1/events", {"GET", "HEAD"}),
    ("/v1/events/send", {"POST"}),
    ("/v4/track", {"POST"}),
    (f"/v1/events/send/{SPACE['id']}", {"POST"}),
    ("/peopleevents/2/persons/1/definitions/x/events", {"POST"}),
])
def test_options_and_unknown_methods(server, path, allowed):
    for method, status in (("OPTIONS", 204), ("DELETE", 405), ("BREW", 405), ("TRACE", 405)):
        reply = server.request(method, path)
        assert reply.status == status, f"{method} {path}: {reply}"
        words = {w.strip() for w in reply.header("Allow").split(",")}
        assert words - {"OPTIONS"} == allowed or words | {"HEAD"} == allowed, reply


def test_options_star(server):
    reply = server.request("OPTIONS", "*")
    assert reply.status in (200, 204, 404), reply


def test_a_path_nobody_owns(server):
    reply = server.request("GET", "/nothing/here")
    assert reply.status == 404
    assert reply.header("Content-Type") == "application/problem+json"
    assert reply.json()["status"] == 404


def test_a_body_for_a_path_nobody_owns(server):
    """A small one costs nothing; a large one is not waited for, and the answer is about the path."""
    head = "POST /nothing/here HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
    with server.wire() as wire:
        wire.send((head % 4096).encode() + b"x" * 4096)
        reply = wire.final()
        assert reply.status == 404 and reply.header("Connection") is None
        wire.send((head % 4097).encode())
        reply = wire.final()
        assert reply.status == 404 and reply.header("Connection") == "close"
        assert reply.json()["status"] == 404
        assert wire.is_closed()


@pytest.mark.parametrize("target, shape", [
    ("/people/2/persons?identifier=jan\xe9@x.io&type=EMAIL", {"requestError"}),
    ("/v1/events?search=\xd8\xb7", {"status_code", "name", "message"}),
    ("/_/v1/events?x=\xe9", {"type", "title", "status", "detail"}),
    ("\xe9/v1/events", {"type", "title", "status", "detail"}),
])
def test_a_target_with_bytes_of_no_url_is_refused_as_its_owner_does(server, target, shape):
    with server.wire() as wire:
        wire.send(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode("latin-1"))
        reply = wire.final()
        assert reply.status == 400 and set(reply.json()) == shape, reply
        assert wire.is_closed()


def test_absolute_target(server):
    assert server.request("GET", "http://occurd.test/healthz").status == 200


def test_an_encoded_path_is_the_same_path(server):
    assert server.request("GET", "/health%7A").status in (200, 404)
    method, target, headers, body = senders.arsel(SPACE, "enc@example.com")
    assert server.request(method, "/v1/%65vents/send", headers, body).status in (202, 404)


def test_dates_are_imf_fixdate(server):
    date = server.request("GET", "/healthz").header("Date")
    assert re.fullmatch(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", date)


UUID = "6f1f6c3a-4b0e-4d2f-9a57-0f0c6b7f0e11"


def with_request_id(request, value):
    method, target, headers, body = request
    return method, target, {**headers, "X-Request-Id": value}, body


def test_request_id_of_pristo_is_a_uuid(server):
    request = senders.pristo(SPACE, made_uuid("request id"), "rid@example.com")
    assert server.request(*with_request_id(request, UUID)).header("X-Request-Id") == UUID
    made = {server.request(*with_request_id(request, other)).header("X-Request-Id")
            for other in ("abc", "x" * 200, "", UUID + "0", "{" + UUID + "}")}
    made.add(server.request(*request).header("X-Request-Id"))
    assert len(made) == 6
    for value in made:
        assert re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", value)


@pytest.mark.parametrize("request_", [
    senders.arsel(SPACE, "rid@example.com"),
    senders.omnisend(SPACE, "rid@example.com", {}, "request id"),
    senders.infobip(SPACE, "rid@example.com", more="&createPerson=true"),
], ids=["arsel", "omnisend", "infobip"])
def test_request_id_of_others_is_echoed(server, request_):
    for value in ("abc", UUID, "x" * 128, "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"):
        reply = server.request(*with_request_id(request_, value))
        assert reply.status in (201, 202) and reply.header("X-Request-Id") == value
    for value in ("x" * 129, "a b", "ž".encode(), ""):
        reply = server.request(*with_request_id(request_, value))
        assert reply.status in (201, 202), reply
        assert reply.header("X-Request-Id") is None, reply
    assert server.request(*request_).header("X-Request-Id") is None


@pytest.mark.parametrize("target", ["/healthz", "/readyz", "/nothing/here", "/_/v1/stats", "/_/v1/x"])
def test_request_id_is_echoed_beside_the_dialects(server, target):
    for value, echoed in (("abc", "abc"), ("a b", None)):
        reply = server.request("GET", target, {"X-Request-Id": value})
        assert reply.header("X-Request-Id") == echoed, reply


def test_request_id_comes_with_refusals_too(server):
    method, target, headers, body = senders.arsel(SPACE, "rid@example.com")
    reply = server.request(method, target, {"X-Request-Id": "mine"}, body)
    assert reply.status == 401 and reply.header("X-Request-Id") == "mine"


# --- Limits of the head ---


def test_many_headers(server):
    few = {f"X-{i}": "v" for i in range(60)}
    assert server.request("GET", "/healthz", few).status == 200
    many = {f"X-{i}": "v" for i in range(2000)}
    assert server.request("GET", "/healthz", many).status == 431


def test_an_endless_head(server):
    with server.wire() as wire:
        wire.send_what_is_taken(b"GET /healthz HTTP/1.1\r\nX: " + b"x" * 1000000)
        assert wire.final().status == 431
        assert wire.is_closed()


def test_an_endless_request_line(server):
    with server.wire() as wire:
        wire.send_what_is_taken(b"GET /" + b"x" * 1000000)
        assert wire.final().status in (414, 431)
        assert wire.is_closed()


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/_/openapi/native.json",
                                  "/_/v1/stats", "/nobody's"])
@pytest.mark.parametrize("header, status", [
    (b"Content-Length: +3", 400), (b"Transfer-Encoding: gzip", 501), (b"Expect: 200", 417),
    (b"Content-Encoding: gzip", 415)])
def test_what_is_wrong_is_told_on_every_path(server, path, header, status):
    with server.wire() as wire:
        wire.send_what_is_taken(b"POST " + path.encode() + b" HTTP/1.1\r\nHost: x\r\n" + header +
                                b"\r\n" + b"\r\n")
        reply = wire.final()
        assert reply.status == status and reply.json()["detail"], reply
        assert wire.is_closed()


# --- Slow, broken and absent clients ---


def still_serves(server):
    method, target, headers, body = senders.arsel(SPACE, "alive@example.com")
    assert server.request(method, target, headers, body).status == 202


def test_a_slow_head_cannot_stretch_its_deadline(server):
    """A byte every second: the deadline is on the total. The longest wait of the suite, and in it
    everybody else is served."""
    with server.wire(timeout=1) as wire:
        wire.send(b"GET /healthz HTTP/1.1\r\n")
        began = time.monotonic()
        while time.monotonic() - began < 12:
            try:
                wire.send(b"X")
                reply = wire.final()
                break
            except TimeoutError:
                still_serves(server)
            except (BrokenPipeError, ConnectionResetError, occurd.Closed):
                reply = None
                break
        else:
            pytest.fail("a head that takes longer than 12 s is still waited for")
        if reply is not None:
            assert reply.status == 408, reply


def test_half_closed_clients_get_their_answer(server, reader):
    """A client that has sent all and shut its side down still reads."""
    before = stored(reader)
    with server.wire() as wire:
        wire.send(GOOD)
        wire.socket.shutdown(socket.SHUT_WR)
        assert wire.final().status == 202
        assert wire.is_closed()
    assert stored(reader) == before + 1


@pytest.mark.parametrize("part", [GOOD[:10], GOOD[:100], GOOD[:-1], CHUNKED + b"3d\r\n{"],
                         ids=["line", "head", "body", "chunk"])
def test_half_a_request_is_none(server, reader, part):
    before = stored(reader)
    with server.wire() as wire:
        wire.send(part)
        wire.socket.shutdown(socket.SHUT_WR)
        try:
            assert wire.final().status >= 400
        except occurd.Closed:
            pass
    assert stored(reader) == before


def reset(wire):
    """Closes with RST instead of FIN."""
    wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wire.socket.close()


def test_clients_that_reset(server):
    for part in (b"", GOOD[:50], GOOD[:-1], CHUNKED + b"3d\r\n{", GOOD, GOOD * 50):
        for _ in range(10):
            wire = server.wire()
            wire.send(part)
            reset(wire)
    still_serves(server)


def test_clients_that_do_not_read_their_answers(server):
    """They are left waiting; nobody else is."""
    wires = [server.wire(timeout=0.2) for _ in range(5)]
    for wire in wires:
        try:
            for _ in range(200):
                wire.send(HEALTH * 500)
        except TimeoutError:
            pass
    still_serves(server)
    for wire in wires:
        reset(wire)
    still_serves(server)


BOOK = b"GET /_/openapi/omnisend.json HTTP/1.1\r\nHost: occurd.test\r\n\r\n"


def narrow_wire(server):
    """Of a client that the kernel holds little for, so that answers wait at the server."""
    with socket.socket() as plain:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        plain.connect(server.address)
        wire = occurd.Wire.__new__(occurd.Wire)
        wire.socket, wire.buffer = socket.socket(fileno=plain.detach()), b""
        wire.socket.settimeout(occurd.REPLY_S)
        return wire


def test_a_head_is_never_late_for_answers_that_wait(tmp_path):
    """Whoever takes his answers late has sent in time what he has sent in time. What never becomes
    a request ends the connection, whatever was sent behind it meanwhile."""
    with occurd.start(tmp_path, [SPACE], ["--threads", "1"]) as server:
        whole, half, line = wires = [narrow_wire(server) for _ in range(3)]
        for wire, first in (whole, HEALTH[:-9]), (half, b"G"), (line, HEALTH[:-9]):
            wire.send(BOOK * 9 + first)
        time.sleep(1)  # the answers wait
        for wire, rest in (whole, HEALTH[-9:] + HEALTH), (half, b"E"), (line, HEALTH[-9:-8]):
            wire.send(rest)
        time.sleep(11)  # a head may take ten seconds
        for wire in wires:
            assert [wire.final().status for _ in range(9)] == [200] * 9
        assert [whole.final().status for _ in range(2)] == [200] * 2
        assert line.final().status == 408
        assert half.is_closed() and line.is_closed()
        for wire in wires:
            wire.socket.close()
        occurd.wait_until(lambda: scrape(server)["occurd_connections", None] == 1)


def test_a_thousand_idle_connections(server):
    wires = [server.wire() for _ in range(IDLE_CONNECTIONS)]
    try:
        still_serves(server)
        for wire in wires[::50]:
            wire.send(GOOD)
            assert wire.final().status == 202
    finally:
        for wire in wires:
            wire.socket.close()
    still_serves(server)


def test_idle_connections_make_room(tmp_path):
    """Nobody keeps others out by just being there; the one that waits longest goes."""
    with occurd.start(tmp_path, [SPACE], ["--connections-max", "20", "--threads", "1"]) as server:
        wires = [server.wire() for _ in range(20)]
        for wire in wires:
            wire.send(HEALTH)
            assert wire.final().status == 200
        for _ in range(5):
            wires.append(server.wire())
            wires[-1].send(HEALTH)
            assert wires[-1].final().status == 200
        assert all(wire.is_closed() for wire in wires[:5])
        for wire in wires[5:]:
            wire.send(HEALTH)
            assert wire.final().status == 200
            wire.socket.close()


def test_connections_over_the_limit_are_turned_away(tmp_path):
    """And there is room again when others leave."""
    with occurd.start(tmp_path, [SPACE], ["--connections-max", "20"]) as server:
        wires = [server.wire() for _ in range(20)]
        for wire in wires:
            wire.send(HEALTH)
            assert wire.final().status == 200
            wire.send(b"G")  # the next is under way: it is not idle
        with server.wire(timeout=5) as one_more:
            one_more.send_what_is_taken(HEALTH)
            try:
                assert one_more.final().status == 503
            except (occurd.Closed, TimeoutError):
                pass
        for wire in wires:
            wire.socket.close()

        def room():
            try:
                return server.request("GET", "/healthz").status == 200
            except occurd.Closed:
                return False
        occurd.wait_until(room, what="room for a connection")
