"""One good request, whole and chunked, and the server that test_http.py and test_smuggling.py send
it to."""

import resource

import pytest

import occurd
import senders

SPACE = senders.engine_workspace("http")
KEY = senders.key_of(SPACE)
TARGET = "/v1/events/send"
BODY = b'{"event":"order.completed","email":"a@example.com","data":{}}'
HEAD = (f"POST {TARGET} HTTP/1.1\r\nHost: occurd.test\r\nAuthorization: Bearer {KEY}\r\n"
        "Content-Type: application/json\r\n").encode()
GOOD = HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: occurd.test\r\n\r\n"


def chunks(*parts):
    return b"".join(b"%x\r\n" % len(p) + p + b"\r\n" for p in parts) + b"0\r\n\r\n"


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, 4000)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    with occurd.start(tmp_path_factory.mktemp("http"), [SPACE], ["--threads", "2"]) as server:
        yield server


@pytest.fixture
def server(running):
    """Nothing that a client does here may end the server."""
    running.revive()
    yield running
    running.check_alive()


@pytest.fixture
def reader(server):
    reader = senders.reader_of(server, SPACE)
    yield reader
    reader.close()


def stored(reader):
    return int(reader.get("/_/v1/stats")["events"])
