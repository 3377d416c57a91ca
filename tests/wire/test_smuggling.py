"""What two HTTP parsers could read differently is refused, and the connection closed."""

import pytest

from plain_http import (BODY, CHUNKED, GOOD, HEAD, HEALTH, chunks, reader, running, server, stored)

CL = b"Content-Length: %d\r\n" % len(BODY)
TE = b"Transfer-Encoding: chunked\r\n"
END = b"\r\n"

SMUGGLING = {
    # framing
    "length with chunked": HEAD + CL + TE + END + chunks(BODY),
    "chunked with length": HEAD + TE + CL + END + chunks(BODY),
    "length 0 with chunked": HEAD + b"Content-Length: 0\r\n" + TE + END + chunks(BODY),
    "two lengths, unequal": HEAD + CL + b"Content-Length: 0\r\n" + END + BODY,
    "two lengths, equal": HEAD + CL + CL + END + BODY,
    "a list of lengths": HEAD + b"Content-Length: %d, %d\r\n" % (len(BODY), len(BODY)) + END + BODY,
    "length +5": HEAD + b"Content-Length: +%d\r\n" % len(BODY) + END + BODY,
    "length -1": HEAD + b"Content-Length: -1\r\n" + END + BODY,
    "length 0x3d": HEAD + b"Content-Length: 0x%x\r\n" % len(BODY) + END + BODY,
    "length 6_1": HEAD + b"Content-Length: 6_1\r\n" + END + BODY,
    "length 61.0": HEAD + b"Content-Length: %d.0\r\n" % len(BODY) + END + BODY,
    "length 6 1": HEAD + b"Content-Length: 6 1\r\n" + END + BODY,
    "length empty": HEAD + b"Content-Length: \r\n" + END + BODY,
    "length beyond 64 bits": HEAD + b"Content-Length: 18446744073709551677\r\n" + END + BODY,
    "length in quotes": HEAD + b'Content-Length: "61"\r\n' + END + BODY,
    "chunked twice": HEAD + TE + TE + END + chunks(BODY),
    "chunked, chunked": HEAD + b"Transfer-Encoding: chunked, chunked\r\n" + END + chunks(BODY),
    "gzip, chunked": HEAD + b"Transfer-Encoding: gzip, chunked\r\n" + END + chunks(BODY),
    "chunked, identity": HEAD + b"Transfer-Encoding: chunked, identity\r\n" + END + chunks(BODY),
    "identity": HEAD + b"Transfer-Encoding: identity\r\n" + CL + END + BODY,
    "xchunked": HEAD + b"Transfer-Encoding: xchunked\r\n" + END + chunks(BODY),
    "chunked with a vertical tab": HEAD + b"Transfer-Encoding: \x0bchunked\r\n" + END + chunks(BODY),
    "transfer coding empty": HEAD + b"Transfer-Encoding: \r\n" + CL + END + BODY,
    "transfer coding in 1.0": CHUNKED.replace(b"HTTP/1.1", b"HTTP/1.0") + chunks(BODY),
    # chunks
    "chunk size +3d": CHUNKED + chunks(BODY).replace(b"3d", b"+3d", 1),
    "chunk size 0x3d": CHUNKED + chunks(BODY).replace(b"3d", b"0x3d", 1),
    "chunk size 3_d": CHUNKED + chunks(BODY).replace(b"3d", b"3_d", 1),
    "chunk size -1": CHUNKED + chunks(BODY).replace(b"3d", b"-1", 1),
    "chunk size empty": CHUNKED + chunks(BODY).replace(b"3d", b"", 1),
    "chunk size beyond 64 bits": CHUNKED + chunks(BODY).replace(b"3d", b"1000000000000003d", 1),
    "chunk size with a blank before": CHUNKED + chunks(BODY).replace(b"3d", b" 3d", 1),
    "chunk size, bare LF": CHUNKED + chunks(BODY).replace(b"3d\r\n", b"3d\n", 1),
    "chunk size, bare CR": CHUNKED + chunks(BODY).replace(b"3d\r\n", b"3d\r", 1),
    "chunk data, bare LF": CHUNKED + b"3d\r\n" + BODY + b"\n0\r\n\r\n",
    "chunk data too long": CHUNKED + b"3c\r\n" + BODY + b"\r\n0\r\n\r\n",
    "chunk extension with bare LF": CHUNKED + b"3d;a\nb\r\n" + BODY + b"\r\n0\r\n\r\n",
    "chunk extension with bare CR": CHUNKED + b"3d;a\rb\r\n" + BODY + b"\r\n0\r\n\r\n",
    "chunk extension with NUL": CHUNKED + b"3d;a\0b\r\n" + BODY + b"\r\n0\r\n\r\n",
    "trailer with a bare LF": CHUNKED + b"3d\r\n" + BODY + b"\r\n0\r\nX: y\n\r\n",
    "trailer with a blank before the colon": CHUNKED + b"3d\r\n" + BODY + b"\r\n0\r\nX : y\r\n\r\n",
    # header lines
    "bare LF ends a header": GOOD.replace(b"json\r\n", b"json\n", 1),
    "bare LF ends the head": HEAD + CL + b"\n" + BODY,
    "bare CR in a header": GOOD.replace(b"json\r\n", b"json\rX: y\r\n", 1),
    "bare CR ends a header": GOOD.replace(b"json\r\n", b"json\r", 1),
    "NUL in a value": GOOD.replace(b"application/json", b"application\0json", 1),
    "NUL in a name": GOOD.replace(b"Content-Type", b"Content\0Type", 1),
    "obs-fold": GOOD.replace(b"application/json", b"application/\r\n json", 1),
    "obs-fold with a tab": GOOD.replace(b"application/json", b"application/\r\n\tjson", 1),
    "a first header that is folded": GOOD.replace(b"Host:", b" Host:", 1),
    "a blank before the colon": GOOD.replace(b"Content-Length:", b"Content-Length :", 1),
    "a tab before the colon": GOOD.replace(b"Content-Length:", b"Content-Length\t:", 1),
    "no colon": GOOD.replace(b"Content-Type: ", b"Content-Type ", 1),
    "no name": GOOD.replace(b"Content-Type:", b":", 1),
    "a name with a blank": GOOD.replace(b"Content-Type", b"Content Type", 1),
    "a name with a bracket": GOOD.replace(b"Content-Type", b"Content(Type", 1),
    "a name beyond ASCII": GOOD.replace(b"Content-Type", "Content-Typé".encode(), 1),
    "DEL in a value": GOOD.replace(b"application/json", b"application\x7fjson", 1),
    "a control character in a value": GOOD.replace(b"application/json", b"application\x01json", 1),
    # host
    "no host": GOOD.replace(b"Host: occurd.test\r\n", b"", 1),
    "two hosts": GOOD.replace(b"Host:", b"Host: a\r\nHost:", 1),
    # two judges could each believe another one
    "two keys": GOOD.replace(b"Host:", b"Authorization: Bearer a\r\nAuthorization: Bearer b\r\nHost:", 1),
    "two types": GOOD.replace(b"Host:", b"Content-Type: a/b\r\nContent-Type: text/json\r\nHost:", 1),
    "a host with a blank": GOOD.replace(b"occurd.test", b"occurd .test", 1),
    "a host with a slash": GOOD.replace(b"occurd.test", b"occurd/test", 1),
    "a host with a user": GOOD.replace(b"occurd.test", b"u@occurd.test", 1),
    # request line
    "HTTP/1.2": GOOD.replace(b"HTTP/1.1", b"HTTP/1.2", 1),
    "HTTP/2.0": GOOD.replace(b"HTTP/1.1", b"HTTP/2.0", 1),
    "HTTP/0.9": b"GET /healthz\r\n\r\n",
    "HTTP/1.10": GOOD.replace(b"HTTP/1.1", b"HTTP/1.10", 1),
    "http in lower case": GOOD.replace(b"HTTP/1.1", b"http/1.1", 1),
    "two blanks after the method": GOOD.replace(b"POST ", b"POST  ", 1),
    "a tab after the method": GOOD.replace(b"POST ", b"POST\t", 1),
    "a blank in the target": GOOD.replace(b"/send ", b"/send x ", 1),
    "a blank at the end of the line": GOOD.replace(b"HTTP/1.1\r\n", b"HTTP/1.1 \r\n", 1),
    "a control character in the target": GOOD.replace(b"/send", b"/se\x01nd", 1),
    "bytes beyond ASCII in the target": GOOD.replace(b"/send", b"/s\xc3\xa9nd", 1),
    "a fragment in the target": GOOD.replace(b"/send ", b"/send#x ", 1),
    "a target without a slash": GOOD.replace(b"/v1/", b"v1/", 1),
    "bare LF ends the request line": GOOD.replace(b"HTTP/1.1\r\n", b"HTTP/1.1\n", 1),
    "CONNECT": b"CONNECT occurd.test:80 HTTP/1.1\r\nHost: occurd.test\r\n\r\n",
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a TLS hello": bytes.fromhex("16030100f1010000ed0303") + b"\0" * 220,
    "not HTTP at all": b"\x00\x01\x02\x03\r\n\r\n",
}


def test_the_good_request_of_the_smuggling_table_is_good(server):
    assert len(BODY) == 0x3d
    for data in (GOOD, CHUNKED + chunks(BODY)):
        with server.wire() as wire:
            wire.send(data)
            assert wire.final().status == 202


@pytest.mark.parametrize("title", SMUGGLING)
def test_smuggling_is_refused_and_the_connection_closed(server, reader, title):
    """One answer, which says no, and the end; what follows on the wire is never a request."""
    before = stored(reader)
    with server.wire() as wire:
        wire.send_what_is_taken(SMUGGLING[title] + GOOD)
        reply = wire.final()
        assert 400 <= reply.status < 600, reply
        assert (reply.header("Connection") or "").lower() == "close", reply
        assert wire.is_closed(), "the connection is still open, or something else came"
    assert stored(reader) == before


def test_upgrade_is_not_taken_up(server, reader):
    with server.wire() as wire:
        wire.send(HEALTH.replace(b"\r\n\r\n", b"\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"))
        assert wire.final().status != 101
