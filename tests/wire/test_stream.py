"""GET /_/v1/events/stream: server-sent events, and `occurd tail`, which reads them."""

import concurrent.futures
import contextlib
import json
import signal
import socket
import subprocess
import threading

import pytest

import occurd
import openapi
import senders
import test_tls
from occurd import key, made_uuid, request_bytes
from test_metrics import scrape

SPACE = senders.engine_workspace(
    "stream", definitions=[{"name": senders.TYPE, "fields": [{"name": "n", "type": "string"}]},
                           {"name": "other", "fields": []}],
    keys=[key("send", ["events.write"]), key("admin", ["admin"]),
          key("contacts", ["contacts.read"])])
ANOTHER = senders.engine_workspace("stream-another")
TARGET = "/_/v1/events/stream"
BEARER = {"Authorization": "Bearer admin"}


@pytest.fixture
def server(tmp_path):
    with occurd.start(tmp_path, [SPACE, ANOTHER]) as server:
        yield server


def send(server, n, email="p@example.com", first=0, space=SPACE, data=""):
    for i in range(first, first + n):
        request = senders.arsel(space, email, {"n": f"{i}{data}"})
        assert server.request(*request).status == 202


class Stream:
    """A client that reads the stream, chunk by chunk."""

    def __init__(self, server, query="", headers=None, version="1.1", secret="admin"):
        self.wire = server.wire()
        data = request_bytes("GET", TARGET + query,
                             {"Authorization": "Bearer " + secret, **(headers or {})}, None)
        self.wire.send(data.replace(b"HTTP/1.1\r\n", f"HTTP/{version}\r\n".encode(), 1))
        self.reply = self.wire.reply(of_head=True)
        self.chunked = self.reply.header("Transfer-Encoding") == "chunked"
        self.text, self.ended, self.last = b"", False, None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.wire.socket.close()

    def _more(self):
        if not self.chunked:
            try:
                self.wire._more()
            except occurd.Closed:
                self.ended = True
            part, self.wire.buffer = self.wire.buffer, b""
        else:
            n = int(self.wire._until(b"\r\n"), 16)
            part = self.wire._exactly(n)
            assert self.wire._exactly(2) == b"\r\n"
            self.ended = n == 0
        self.text += part

    def block(self):
        """The lines of the next block; None at the end."""
        while b"\n\n" not in self.text:
            if self.ended:
                assert self.text == b""
                return None
            self._more()
        part, self.text = self.text.split(b"\n\n", 1)
        return part.decode().split("\n")

    def event(self):
        """The next event; None at the end."""
        while (lines := self.block()) is not None:
            fields = dict(line.split(": ", 1) for line in lines if not line.startswith(":"))
            self.last = int(fields.get("id", self.last or 0))
            if "data" in fields:
                assert set(fields) == {"id", "event", "data"} and fields["event"] == "event"
                event = json.loads(fields["data"])
                assert event["seq"] == self.last
                return event
        return None

    def events(self, n):
        return [self.event() for _ in range(n)]


def numbers(events):
    return [int(event["properties"]["n"]) for event in events]


def seqs(events):
    return [event["seq"] for event in events]


# --- What is shown ---


def test_the_shape(server):
    send(server, 1)
    with Stream(server, "?after=0") as stream:
        assert stream.reply.status == 200
        assert stream.reply.header("Content-Type") == "text/event-stream"
        assert stream.reply.header("Cache-Control") == "no-store"
        assert stream.reply.header("Content-Length") is None
        openapi.check_headers(openapi.document("native"), openapi.document("native").response(
            "GET", TARGET, 200), stream.reply, "stream")
        assert stream.block() == ["retry: 2000", "id: 0"]
        lines = stream.block()
        event = server.reader("admin").events()[0]
        assert lines[:2] == [f"id: {event['seq']}", "event: event"] and len(lines) == 3
        assert occurd.exact_json(lines[2].removeprefix("data: ")) == event


def test_from_now_on(server):
    send(server, 3)
    with Stream(server) as stream:
        send(server, 3, first=3)
        assert numbers(stream.events(3)) == [3, 4, 5]


def test_each_as_it_comes(server):
    with Stream(server) as stream:
        for i in range(20):
            send(server, 1, first=i)
            assert numbers(stream.events(1)) == [i]


@pytest.mark.parametrize("how", ["after", "Last-Event-ID", "both"])
def test_resume(server, how):
    send(server, 10)
    seq = sorted(event["seq"] for event in map(plain, server.reader("admin").events()))[4]
    query = {"after": f"?after={seq}", "both": "?after=0"}.get(how, "")
    headers = {} if how == "after" else {"Last-Event-ID": str(seq)}
    with Stream(server, query, headers) as stream:
        assert numbers(stream.events(5)) == [5, 6, 7, 8, 9]


def plain(event):
    return json.loads(json.dumps(event), parse_int=int) | {"seq": int(event["seq"])}


def test_only_of_its_workspace(server):
    for i in range(5):
        send(server, 1, first=i)
        send(server, 1, space=ANOTHER)
    with Stream(server, "?after=0") as stream:
        events = stream.events(5)
        assert numbers(events) == [0, 1, 2, 3, 4] and stream.text == b""
    with Stream(server, "?after=0", secret="stream-another-reader") as stream:
        assert not set(seqs(stream.events(5))) & set(seqs(events))


def test_of_one_definition(server):
    other = senders.arsel(SPACE, "p@example.com")
    other = (*other[:3], other[3].replace(senders.TYPE.encode(), b"other"))
    with Stream(server, "?definition=other") as one, \
            Stream(server, "?after=0&definition=" + senders.TYPE) as rest:
        for i in range(3):
            send(server, 1, first=i)
            assert server.request(*other).status == 202
        assert {event["definition"] for event in one.events(3)} == {"other"}
        assert numbers(rest.events(3)) == [0, 1, 2]


@pytest.mark.parametrize("form", ["id", "number"])
def test_of_one_contact(server, form):
    send(server, 1, "a@example.com")
    contact = server.reader("admin").contact("email=a@example.com")
    with Stream(server, f"?after=0&contact={contact[form]}") as stream:
        for i in range(1, 4):
            send(server, 1, "b@example.com", first=i)
            send(server, 1, "a@example.com", first=i)
        events = stream.events(4)
        assert {event["contact_id"] for event in events} == {contact["id"]}
        assert numbers(events) == [0, 1, 2, 3]


def test_a_heartbeat(server):
    with Stream(server) as stream:
        assert stream.block()[0] == "retry: 2000"
        assert stream.block() == [":", "id: 0"]


def test_a_heartbeat_says_how_far_it_has_come(server):
    """Past events that are not meant too: who comes again need not step over them a second time."""
    with Stream(server, "?definition=other") as stream:
        assert stream.block() == ["retry: 2000", "id: 0"]
        send(server, 3)
        assert stream.block() == [":", f"id: {server.reader('admin').events()[0]['seq']}"]


# --- No ---


@pytest.mark.parametrize("query, headers, status, part", [
    ("?after=x", {}, 400, "after"), ("?after=-1", {}, 400, "after"),
    ("?after=9223372036854775808", {}, 400, "after"), ("?after=1", {}, 400, "no such event"),
    ("", {"Last-Event-ID": "x"}, 400, "Last-Event-ID"), ("", {"Last-Event-ID": "7"}, 400, "yet"),
    ("?contact=x", {}, 400, "contact"), ("?contact=" + made_uuid("nobody"), {}, 404, ""),
    ("?contact=4711", {}, 404, ""), ("?limit=1", {}, 400, "limit"),
    ("?after=0&after=0", {}, 400, "once"), ("?definition=", {}, 400, "definition"),
    ("", {"Authorization": "Bearer nobody"}, 401, ""),
    ("", {"Authorization": "Bearer send"}, 403, ""),
    ("", {"Authorization": "Bearer contacts"}, 403, "")])
def test_what_is_refused(server, query, headers, status, part):
    reply = server.request("GET", TARGET + query, {**BEARER, **headers})
    assert reply.status == status and part in reply.json().get("detail", ""), reply


def test_head_and_other_methods(server):
    with server.wire() as wire:
        wire.send(request_bytes("HEAD", TARGET, BEARER, None))
        reply = wire.final(of_head=True)
        assert reply.status == 200 and reply.header("Content-Type") == "text/event-stream"
        assert wire.is_closed()
    assert server.request("POST", TARGET, BEARER, b"{}").status == 405


def test_so_many_and_no_more(server):
    streams = [Stream(server) for _ in range(100)]
    reply = server.request("GET", TARGET, BEARER)
    assert reply.status == 503 and reply.header("Retry-After")
    assert "occurd_streams 100\n" in server.request("GET", "/metrics").text
    send(server, 2)
    for stream in streams:
        assert numbers(stream.events(2)) == [0, 1]
    for stream in streams:
        stream.wire.socket.close()
    occurd.wait_until(lambda: "occurd_streams 0\n" in server.request("GET", "/metrics").text)
    with Stream(server, "?after=0") as stream:
        assert numbers(stream.events(2)) == [0, 1]


def test_a_key_that_is_revoked(server):
    made = server.request("POST", "/_/v1/keys", {**BEARER, "Content-Type": "application/json"},
                          b'{"name":"new","scopes":["admin"]}').json()
    with Stream(server, secret=made["secret"]) as stream:
        send(server, 1)
        assert numbers(stream.events(1)) == [0]
        assert server.request("DELETE", f"/_/v1/keys/{made['number']}", BEARER).status == 204
        send(server, 1)
        assert stream.event() is None


# --- The wire ---


def test_http_1_0_ends_with_the_connection(server):
    send(server, 2)
    with Stream(server, "?after=0", version="1.0") as stream:
        assert not stream.chunked and stream.reply.header("Transfer-Encoding") is None
        assert stream.reply.header("Connection") == "close"
        assert numbers(stream.events(2)) == [0, 1]
        server.stop()
        assert stream.event() is None
    server.start()


def test_what_is_sent_behind_it_is_dropped(server):
    with Stream(server) as stream:
        stream.wire.send(request_bytes(*senders.arsel(SPACE, "p@example.com", {"n": "77"})) * 50)
        send(server, 1)
        assert numbers(stream.events(1)) == [0]
    assert len(server.reader("admin").events()) == 1


def test_behind_another_request(server):
    with server.wire() as wire:
        wire.send(request_bytes("GET", "/_/v1/events", BEARER, None) +
                  request_bytes("GET", TARGET + "?after=0", BEARER, None))
        assert wire.final().json()["data"] == []
        head = wire.reply(of_head=True)
        assert head.status == 200 and head.header("Connection") == "close"


ASK = request_bytes("GET", TARGET + "?after=0", BEARER, None)
LIST = request_bytes("GET", "/_/v1/events", BEARER, None)
HEALTH = request_bytes("GET", "/healthz", {}, None)


@pytest.mark.parametrize("before, behind", [
    (b"", ASK), (b"", ASK * 20), (b"", LIST * 5 + ASK), (b"", HEALTH + ASK + HEALTH),
    (LIST, ASK), (LIST + HEALTH, HEALTH + LIST), (LIST * 5, ASK * 5 + HEALTH * 5)],
    ids=["two", "many", "behind-lists", "behind-others", "in-the-middle", "one", "all"])
def test_one_of_many_that_are_sent_ahead(server, before, behind):
    """Each goes to a thread of its own before it begins. The first counts, for what stood behind it
    nothing comes, and nobody else notices."""
    send(server, 1)
    for _ in range(10):
        with server.wire() as wire:
            wire.send(before + ASK + behind)
            for _ in range(before.count(b"\r\n\r\n")):
                assert wire.final().status == 200
            head = wire.reply(of_head=True)
            assert head.status == 200 and head.header("Content-Type") == "text/event-stream"
            text = b""
            while b"\n\n" not in text.partition(b"\n\n")[2]:
                text += wire._exactly(int(wire._until(b"\r\n"), 16))
                assert wire._exactly(2) == b"\r\n"
            assert wire.buffer == b"" and text.startswith(b"retry: 2000\n")
            occurd.wait_until(lambda: scrape(server)["occurd_streams", None] == 1)
        occurd.wait_until(lambda: scrape(server)["occurd_streams", None] == 0)
    occurd.wait_until(lambda: scrape(server)["occurd_connections", None] == 1)


def test_shutdown_ends_it_cleanly(server):
    streams = [Stream(server), Stream(server, "?definition=other"), Stream(server, "?after=0")]
    send(server, 1)
    assert numbers(streams[0].events(1)) == [0]
    server.stop()
    assert streams[0].event() is None and streams[0].wire.is_closed()
    assert streams[1].event() is None
    streams[2].event()
    for stream in streams:
        stream.wire.socket.close()
    server.start()


@pytest.fixture
def lean(tmp_path):
    """A sanitizer keeps what was freed for a while: not so much of it here."""
    env = {"ASAN_OPTIONS": "quarantine_size_mb=8"}
    with occurd.start(tmp_path, [SPACE], env=env) as server:
        yield server


def test_slow_readers_cost_little(lean):
    """Ten that read nothing of 20 MB, and one that reads all of it."""
    server = lean
    filler = "x" * 50000
    slow = [Stream(server, "?after=0") for _ in range(10)]
    for stream in slow:
        stream.wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with Stream(server) as quick:
        before = server.resident()
        for i in range(400):
            send(server, 1, first=i, data=" " + filler)
            event = quick.event()
            assert event["properties"]["n"].startswith(f"{i} ")
        assert server.resident() - before < 100 << 20
    assert slow[0].event()["properties"]["n"].startswith("0 ")
    assert [int(e["properties"]["n"].split()[0]) for e in slow[0].events(3)] == [1, 2, 3]
    for stream in slow:
        stream.wire.socket.close()


HUGE = " " + "x" * (4096 * 1024 - 1000)  # nearly all that a body may have


def test_a_page_that_was_taken_is_not_kept(lean):
    """In memory for some twenty pages of this size."""
    server, n = lean, 30
    with contextlib.ExitStack() as stack:
        streams = [stack.enter_context(Stream(server)) for _ in range(n)]
        for stream in streams:
            assert stream.block() == ["retry: 2000", "id: 0"]
        before = server.resident()
        with concurrent.futures.ThreadPoolExecutor(n) as pool:
            got = [pool.submit(stream.event) for stream in streams]
            send(server, 1, data=HUGE)
            assert [future.result()["seq"] for future in got] == [1] * n
        assert server.resident() - before < 200 << 20
        late = stack.enter_context(Stream(server, "?after=0"))
        assert late.event()["properties"]["n"] == "0" + HUGE


def test_who_finds_no_memory_waits_for_it(lean):
    """The pages of those that take nothing fill it; the others come later, and miss nothing."""
    server, n = lean, 40
    with contextlib.ExitStack() as stack:
        streams = [stack.enter_context(Stream(server)) for _ in range(n)]
        for stream in streams:
            assert stream.block() == ["retry: 2000", "id: 0"]
        for i in range(4):
            send(server, 1, first=i, data=HUGE)
        occurd.wait_until(lambda: "stream_waits" in server.log_text())
        with concurrent.futures.ThreadPoolExecutor(n) as pool:
            got = [pool.submit(stream.events, 4) for stream in streams]
            assert [seqs(future.result()) for future in got] == [[1, 2, 3, 4]] * n


def test_none_is_lost_across_kills(server):
    """A client that comes again with the last id sees every event that was acknowledged, once and
    in order, whatever happens to the server."""
    seen, acknowledged = [], []
    last = 0
    for round_ in range(4):
        sender = senders.Sender(server, lambda i, r=round_: senders.arsel(
            SPACE, f"p{i % 7}@example.com", {"n": str(r * 100000 + i)}), depth=4)
        with Stream(server, headers={"Last-Event-ID": str(last)}) as stream, \
                senders.beside([sender.run_until_closed]):
            for event in stream.events(60 + round_ * 17):
                seen.append(event)
                last = event["seq"]
            server.kill()
        acknowledged += [round_ * 100000 + i for i, reply in sender.answers
                         if reply.status == 202]
        server.start()
    stored = [int(event["seq"]) for event in server.reader("admin").events()]
    with Stream(server, f"?after={last}") as stream:
        seen += stream.events(len(stored) - len(seen))
    assert seqs(seen) == sorted(stored)
    assert set(acknowledged) <= set(numbers(seen)) and len(set(numbers(seen))) == len(seen)


# --- HTTPS ---


def test_over_tls(tmp_path):
    """Small and large ones, to a client that is slow at first, to a tail, and until the end."""
    cert, private = test_tls.certificate(tmp_path, "stream")
    server = occurd.Server(tmp_path, [SPACE], ["--tls-cert", str(cert), "--tls-key", str(private)])
    server.tls = test_tls.trusting(cert)
    with server.start(), Stream(server) as stream:
        for i in range(60):
            send(server, 1, first=i, data=" " + "x" * (100000 if i % 2 else 10))
        events = stream.events(60)
        assert [int(e["properties"]["n"].split()[0]) for e in events] == list(range(60))
        url = f"https://localhost:{server.port}"
        with Tail(None, "--url", url, "--cacert", str(cert), "--after", "0") as tail:
            assert [tail.line()["seq"] for _ in range(60)] == seqs(events)
            assert tail.end()[0] == 0
        with Tail(None, "--url", url, "--after", "0") as tail:
            assert "certificate" in tail.process.stderr.readline()
            assert tail.end()[0] == 0
        server.terminate()
        assert stream.event() is None
        assert server.wait() == 0
        server.check_log()


# --- occurd tail ---


class Tail:
    def __init__(self, server, *args, env=None):
        url = ["--url", f"http://127.0.0.1:{server.port}"] if server else []
        self.process = subprocess.Popen(
            [occurd.binary(), "tail", *url, *args], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
            env=occurd.clean_environment({"OCCURD_KEY": "admin"} if env is None else env))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        occurd.kill_if_left(self.process)
        self.process.stdout.close()
        self.process.stderr.close()

    def line(self):
        return json.loads(self.process.stdout.readline())

    def end(self):
        self.process.send_signal(signal.SIGINT)
        out, err = self.process.communicate(timeout=occurd.STOP_S)
        assert not any(word in err for word in occurd.SANITIZER_WORDS), err
        return self.process.returncode, out, err


def test_tail(server):
    send(server, 3)
    with Tail(server, "--after", "0") as tail:
        events = [tail.line() for _ in range(3)]
        send(server, 2, first=3)
        events += [tail.line() for _ in range(2)]
        assert numbers(events) == [0, 1, 2, 3, 4]
        assert [plain(e) for e in server.reader("admin").events()[::-1]][0]["id"] == \
            events[0]["id"]
        assert tail.end() == (0, "", "")


def test_tail_tells_its_key_to_no_proxy(server):
    env = {"OCCURD_KEY": "admin", "http_proxy": "http://127.0.0.1:1", "no_proxy": ""}
    send(server, 1)
    with Tail(server, "--after", "0", env=occurd.clean_environment(env)) as tail:
        assert numbers([tail.line()]) == [0]
        assert tail.end() == (0, "", "")


def test_tail_of_one_definition(server):
    send(server, 1)
    other = senders.arsel(SPACE, "p@example.com")
    other = (*other[:3], other[3].replace(senders.TYPE.encode(), b"other"))
    assert server.request(*other).status == 202
    with Tail(server, "--after=0", "--definition", "other") as tail:
        assert tail.line()["definition"] == "other"
        assert tail.end()[0] == 0


def test_tail_of_one_contact(server):
    send(server, 1)
    assert server.request(*senders.arsel(SPACE, "else@example.com")).status == 202
    (event, _) = server.reader("admin").events()
    with Tail(server, "--after=0", "--contact", event["contact_id"]) as tail:
        assert tail.line()["id"] == event["id"]
        assert tail.end() == (0, "", "")
    with Tail(server, "--contact", "nobody") as tail:
        _, err = tail.process.communicate(timeout=occurd.REPLY_S)
        assert tail.process.returncode == 1 and "contact" in err, err


def test_tail_goes_on_after_a_restart(server):
    server.args = ["--listen", f"127.0.0.1:{server.port}"]
    with Tail(server, "--after", "0") as tail:
        send(server, 2)
        assert numbers([tail.line(), tail.line()]) == [0, 1]
        server.kill()
        server.start()
        send(server, 2, first=2)
        assert numbers([tail.line(), tail.line()]) == [2, 3]
        code, out, err = tail.end()
        assert (code, out) == (0, "") and "trying again" in err


@pytest.mark.parametrize("slashes", ["", "/", "///"])
def test_tail_of_an_address_with_a_slash(server, slashes):
    send(server, 1)
    with Tail(None, "--url", f"http://127.0.0.1:{server.port}{slashes}", "--after", "0") as tail:
        assert numbers([tail.line()]) == [0]
        assert tail.end() == (0, "", "")


class Impostor:
    """A server of streams, each connection as the next of `scripts` says: what is sent, and seconds
    of silence between."""

    def __init__(self, *scripts):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(occurd.REPLY_S)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.scripts, self.asked, self.open = scripts, [], []
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        for script in self.scripts:
            client, _ = self.listener.accept()
            self.open.append(client)
            self.asked.append(client.recv(65536).decode().split("\r\n")[0])
            with contextlib.suppress(OSError):  # who has gone too soon comes again
                for step in script:
                    if isinstance(step, bytes):
                        client.sendall(step)
                    elif self.over.wait(step):
                        return

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        for sock in self.open + [self.listener]:
            sock.close()


EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


def test_tail_is_patient_with_a_quiet_server():
    """However little comes, and that is less than a byte a second."""
    quiet = [EVENTS] + [4, b"\n"] * 4 + [b'id: 7\ndata: {"seq":7}\n\n', 60]
    again = [EVENTS + b'id: 8\ndata: {"seq":8}\n\n', 60]
    with Impostor(quiet, again) as server, \
            Tail(None, "--url", server.url, "--silence", "8") as tail:
        assert tail.line() == {"seq": 7}
        assert len(server.asked) == 1
        assert tail.end() == (0, "", "")


@pytest.mark.parametrize("silent", [[], [EVENTS], [EVENTS + b'id: 7\ndata: {"seq":7}\n\n']],
                         ids=["at-once", "behind-the-head", "behind-an-event"])
def test_tail_leaves_a_silent_server(silent):
    again = [EVENTS + b'id: 8\ndata: {"seq":8}\n\n', 60]
    with Impostor(silent, again) as server, \
            Tail(None, "--url", server.url, "--silence", "1") as tail:
        seqs = [tail.line()["seq"]]
        while seqs[-1] != 8:
            seqs.append(tail.line()["seq"])
        code, _, err = tail.end()
        assert (code, err) == (0, "occurd tail: nothing came for 1 s; trying again\n")
        assert ("after=7" in server.asked[1]) == (seqs == [7, 8])


@pytest.mark.parametrize("args, env, code, part", [
    (["--silence", "0"], None, 2, "--silence"), (["--silence", "1h"], None, 2, "--silence"),
    (["--silence=86401"], None, 2, "--silence"), ([], {}, 2, "a key is needed"),
    (["--after", "x"], None, 2, "--after"),
    (["--nonsense"], None, 2, "--nonsense"), (["--url", "ftp://x"], None, 2, "no address"),
    (["--key", "nobody"], None, 1, "401"), (["--key", "send"], None, 1, "403"),
    (["--after", "77"], None, 1, "no such event")])
def test_tail_is_refused(server, args, env, code, part):
    with Tail(server, *args, env=env) as tail:
        out, err = tail.process.communicate(timeout=occurd.REPLY_S)
        assert (tail.process.returncode, out) == (code, "") and part in err, err


def test_tail_says_how():
    with Tail(None, "--help") as tail:
        out, err = tail.process.communicate(timeout=occurd.REPLY_S)
        assert tail.process.returncode == 0 and "--definition" in out and err == ""
