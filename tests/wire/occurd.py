"""The server under test as a child process, and the ways to talk to it.

    with start(tmp_path, provision) as server:
        reply = server.request("POST", "/v4/track", {"Authorization": "Bearer k"}, b"{}")

A server is stopped by SIGTERM at the end of its `with` block; it must then exit with 0 and must
not have written anything that a sanitizer would write. The binary is that of OCCURD_BIN, else
build/asan/occurd, else build/occurd.
"""

import atexit
import json
import os
import pathlib
import select
import signal
import socket
import subprocess
import threading
import time
import uuid

import openapi
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
START_S = 30  # until the ready line
STOP_S = 30  # from SIGTERM to the end
REPLY_S = 20  # for one answer

# Where in the source a failure was met: for the log, not for who reads a sentence on a terminal.
SOURCE_PLACE = re.compile(r"\.c:\d+")

SANITIZER_WORDS = ("AddressSanitizer", "LeakSanitizer", "ThreadSanitizer", "runtime error:",
                   "MemorySanitizer")
# What a server holds is told as it would be without ThreadSanitizer, which keeps four bytes and more
# beside each.
SHADOW = 6 if os.environ.get("OCCURD_SANITIZE") == "thread" else 1
ALL_SCOPES = ["events.write", "contacts.read", "contacts.write", "definitions.read",
              "definitions.write", "admin"]


def binary():
    given = os.environ.get("OCCURD_BIN")
    if given:
        return given
    candidates = [ROOT / "build/asan/occurd", ROOT / "build/occurd"]
    for path in candidates:
        if path.exists():
            return str(path)
    raise FileNotFoundError("no occurd binary: set OCCURD_BIN or build " + str(candidates[0]))


# --- Provisioning ---


def made_uuid(*words):
    """The same words give the same UUID (of version 4's looks), so that failures can be repeated."""
    raw = uuid.uuid5(uuid.NAMESPACE_URL, " ".join(map(str, words))).bytes
    return str(uuid.UUID(bytes=raw, version=4))


def workspace(name, **members):
    """A workspace as the provisioning file declares it, with a key that may send, <name>-key, and
    one that may read everything back, <name>-reader, unless `keys` says otherwise."""
    declared = {
        "id": made_uuid(name),
        "name": name,
        "keys": [key(name + "-key", ["events.write"]), key(name + "-reader", ALL_SCOPES)],
    }
    declared.update(members)
    return declared


def key(secret, scopes, name=None, **members):
    return {"secret": secret, "name": name or secret, "scopes": scopes, **members}


def write_provision(path, workspaces):
    """YAML 1.1 and 1.2 both contain JSON as the standard library writes it."""
    path.write_text(json.dumps({"workspaces": workspaces}, indent=1), "utf-8")


# --- One answer ---


class Reply:
    def __init__(self, status, reason, headers, body=b""):
        self.status, self.reason, self.headers, self.body = status, reason, headers, body

    def all(self, name):
        return [v for n, v in self.headers if n.lower() == name.lower()]

    def header(self, name):
        """The value of a header that may be there once, or None."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} {len(values)} times: {values}"
        return values[0] if values else None

    @property
    def text(self):
        return self.body.decode("utf-8")

    def json(self):
        return json.loads(self.text)

    def __repr__(self):
        return f"<{self.status} {self.headers} {self.body[:400]!r}>"


class Closed(Exception):
    """The server ended the connection where an answer was awaited."""


class Wire:
    """One connection, byte by byte. Leaves it to the test what a request looks like."""

    def __init__(self, address, timeout=REPLY_S, tls=None):
        self.socket = socket.create_connection(address, timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def send_what_is_taken(self, data):
        """For requests that the server may refuse before their end."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def _more(self):
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError as reset:
            raise Closed("reset") from reset
        if not data:
            raise Closed(f"end of stream after {self.buffer[:200]!r}")
        self.buffer += data

    def _until(self, mark):
        while mark not in self.buffer:
            self._more()
        part, self.buffer = self.buffer.split(mark, 1)
        return part

    def _exactly(self, n):
        while len(self.buffer) < n:
            self._more()
        part, self.buffer = self.buffer[:n], self.buffer[n:]
        return part

    def reply(self, of_head=False):
        """The next answer, an interim one (1xx) too."""
        lines = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        version, status, *reason = lines[0].split(" ", 2)
        assert version in ("HTTP/1.1", "HTTP/1.0"), lines[0]
        headers = []
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            assert colon and name == name.strip() and name, f"malformed header {line!r}"
            headers.append((name, value.strip(" \t")))
        reply = Reply(int(status), reason[0] if reason else "", headers)
        reply.body = b"" if of_head else self._body(reply)
        return reply

    def _body(self, reply):
        length = reply.header("Content-Length")
        if reply.status < 200 or reply.status in (204, 304):
            assert length is None, f"Content-Length in a {reply.status}"
            return b""
        assert reply.header("Transfer-Encoding") is None, "occurd sends lengths"
        assert length is not None, f"an answer of unknown length: {reply}"
        return self._exactly(int(length))

    def final(self, of_head=False):
        while True:
            reply = self.reply(of_head)
            if reply.status >= 200:
                return reply

    def is_closed(self, within=REPLY_S):
        """Whether the server ends the connection in time, and sends nothing more before."""
        self.socket.settimeout(within)
        try:
            if self.buffer:
                return False
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False


def request_bytes(method, target, headers, body, host="occurd.test"):
    """`headers`: name -> value, or list of values, or False for one that shall not be sent."""
    fields = {"Host": host, **headers}
    if body is not None and not any(n.lower() == "content-length" for n in fields):
        fields["Content-Length"] = str(len(body))
    lines = [f"{method} {target} HTTP/1.1".encode("latin-1")]
    for name, value in fields.items():
        if value is False:
            continue
        for one in value if isinstance(value, list) else [value]:
            one = one if isinstance(one, bytes) else str(one).encode("latin-1")
            lines.append(name.encode("latin-1") + b": " + one)
    return b"\r\n".join(lines) + b"\r\n\r\n" + (body or b"")


# --- The process ---


def kill_if_left(process):
    """A test that failed half-way may have left its server; it ends with the tests."""
    if process.poll() is None:
        process.kill()
        process.wait()


class Server:
    def __init__(self, directory, provision=None, args=(), env=None, preexec=None):
        self.directory = pathlib.Path(directory)
        self.data = self.directory / "data"
        self.args, self.env, self.preexec = list(args), dict(env or {}), preexec
        self.provision = None
        if provision is not None:
            self.provision = self.directory / "provision.yaml"
            write_provision(self.provision, provision)
        self.tls = None  # an ssl.SSLContext to talk through
        self.process = None
        self.log = []  # lines of standard error, of all starts
        self.exit_codes = []
        self._readers = []

    # -- Life --

    def command(self):
        line = [binary(), "serve", "--listen", "127.0.0.1:0", "--data", str(self.data)]
        if self.provision:
            line += ["--provision", str(self.provision)]
        return line + self.args

    def start(self):
        assert self.process is None
        self.process = subprocess.Popen(
            self.command(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=clean_environment(self.env), preexec_fn=self.preexec)
        atexit.register(kill_if_left, self.process)
        self._collect(self.process.stderr)
        line = self._ready_line()
        scheme = "https" if self.tls else "http"
        assert line.startswith(f"occurd ready {scheme}://"), line
        self.host, port = line.partition("://")[2].rsplit(":", 1)
        self.port = int(port)
        return self

    def _collect(self, pipe):
        def run():
            for line in pipe:
                self.log.append(line.decode("utf-8", "replace").rstrip("\n"))
            pipe.close()
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        self._readers.append(thread)

    def _ready_line(self):
        readable, _, _ = select.select([self.process.stdout], [], [], START_S)
        line = self.process.stdout.readline().decode() if readable else ""
        if not line.startswith("occurd ready http"):
            self.process.kill()
            self._ended()
            raise AssertionError(f"no ready line but {line!r}; log:\n" + "\n".join(self.log))
        return line.strip()

    def _ended(self):
        code = self.process.wait(STOP_S)
        for thread in self._readers:
            thread.join(STOP_S)
        self._readers = []
        self.process.stdout.close()
        self.process = None
        self.exit_codes.append(code)
        return code

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def wait(self):
        """The exit code of a server that is on its way out."""
        try:
            return self._ended()
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"still there {STOP_S} s after SIGTERM:\n" + self.log_text())

    def stop(self):
        """The orderly end, which every test's server must be able to take."""
        self.check_alive()
        self.terminate()
        code = self.wait()
        assert code == 0, f"exit code {code} after SIGTERM:\n" + self.log_text()
        self.check_log()

    def kill(self):
        self.process.kill()
        return self._ended()

    def restart(self):
        if self.process:
            self.stop()
        return self.start()

    def check_log(self):
        for line in self.log:
            assert not any(word in line for word in SANITIZER_WORDS), self.log_text()

    def log_text(self):
        return "\n".join(self.log[-200:])

    def __enter__(self):
        return self if self.process else self.start()

    def __exit__(self, kind, *_):
        if not self.process:
            return
        if kind is None:
            self.stop()
            return
        self.terminate()  # the test has failed already: say what the server said
        self.wait()
        print("occurd's log:\n" + self.log_text())

    # -- Talk --

    @property
    def address(self):
        return self.host, self.port

    def resident(self):
        """Bytes of memory that it holds."""
        with open(f"/proc/{self.process.pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // SHADOW

    def wire(self, timeout=REPLY_S):
        try:
            return Wire(self.address, timeout, self.tls)
        except ConnectionRefusedError:
            self.check_alive()
            raise

    def check_alive(self):
        code = self.process.poll()
        assert code is None, f"the server has ended by itself with {code}:\n" + self.log_text()

    def revive(self):
        """Starts it again if a test has killed it, so that the others can still tell something."""
        if self.process.poll() is not None:
            self._ended()
            self.log.clear()
            self.start()

    def request(self, method, target, headers=None, body=None):
        """One request on a connection of its own."""
        with self.wire() as wire:
            wire.send_what_is_taken(request_bytes(method, target, headers or {}, body))
            reply = wire.final(of_head=method == "HEAD")
        openapi.check_served(method, target, reply)
        return reply

    def reader(self, secret):
        return Reader(self, secret)


def clean_environment(extra):
    env = {n: v for n, v in os.environ.items() if not n.startswith("OCCURD_")}
    env.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
    env.update(extra)
    return env


def start(directory, provision=None, args=(), env=None, preexec=None):
    return Server(directory, provision, args, env, preexec).start()


# --- Reading back ---


class Number(str):
    """A JSON number as the text that was sent: 4.0 is not 4."""


def exact_json(text):
    return json.loads(text, parse_float=Number, parse_int=Number)


class Reader:
    """The reading API, /_/v1, seen through one key. Keeps its connection."""

    def __init__(self, server, secret):
        self.server, self.secret, self.wire = server, secret, None

    def ask(self, path, **headers):
        given = {"Authorization": "Bearer " + self.secret, **headers}
        data = request_bytes("GET", path, given, None)
        for attempt in (1, 2):  # a kept connection may have ended meanwhile
            if self.wire is None:
                self.wire, attempt = self.server.wire(), 2
            try:
                self.wire.send(data)
                reply = self.wire.final()
                if path.startswith("/_/v1/"):
                    openapi.check("native", "GET", path, reply)
                if reply.header("Connection") == "close":
                    self.close()
                return reply
            except (Closed, BrokenPipeError, ConnectionResetError):
                self.close()
                if attempt == 2:
                    raise

    def close(self):
        if self.wire:
            self.wire.socket.close()
        self.wire = None

    def get(self, path):
        reply = self.ask(path)
        assert reply.status == 200, f"GET {path}: {reply}"
        assert reply.header("Content-Type") == "application/json", reply
        return exact_json(reply.text)

    def pages(self, path):
        """All of a list, newest first."""
        joint = "&" if "?" in path else "?"
        rows, before = [], ""
        while True:
            page = self.get(f"{path}{joint}limit=1000{before}")
            rows += page["data"]
            if page["next_before"] is None:
                return rows
            before = f"&before={page['next_before']}"

    def events(self):
        return self.pages("/_/v1/events")

    def contacts(self):
        return self.pages("/_/v1/contacts")

    def definitions(self):
        return self.pages("/_/v1/definitions")

    def contact(self, find):
        """`find`: "email=..." as in the query; None when there is no such contact. A literal +
        is written %2B here, as everywhere in a query."""
        reply = self.ask("/_/v1/contacts?" + find.replace("+", "%2B"))
        if reply.status == 404:
            return None
        assert reply.status == 200, reply
        answer = exact_json(reply.text)
        rows = answer["data"] if "data" in answer else [answer]
        assert len(rows) <= 1, f"{find} finds {len(rows)} contacts"
        return rows[0] if rows else None

    def timeline(self, contact):
        return self.pages(f"/_/v1/contacts/{contact['id']}/events")

    def state(self):
        """All there is in the workspace, to be compared."""
        return {"events": self.events(), "contacts": self.contacts(),
                "definitions": self.definitions()}


def wait_until(condition, seconds=10, what="the condition"):
    """For what the server does on its own time; never for what it promises at once."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come true in {seconds} s"
        time.sleep(0.02)
