"""HTTPS: what is spoken and what is not, the certificate's files, and that all that holds for plain
connections holds for these."""

import json
import select
import shutil
import signal
import socket
import ssl
import subprocess
import time

import pytest

import occurd
import senders
from occurd import request_bytes, wait_until

SPACE = occurd.workspace("tls", limits={"requests_per_second": -1})
SEND = {"Authorization": "Bearer tls-key", "Content-Type": "application/json"}


def run(*command):
    return subprocess.run(command, capture_output=True, timeout=60)


def certificate(directory, name):
    """A self-signed certificate for localhost and its key: two paths."""
    cert, key = directory / f"{name}.pem", directory / f"{name}.key"
    done = run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
               "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext",
               "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(key), "-out", str(cert))
    assert done.returncode == 0, done
    return cert, key


def trusting(cert, **wanted):
    context = ssl.create_default_context(cafile=str(cert))
    for name, value in wanted.items():
        setattr(context, name, value)
    return context


def make_server(directory, cert, key, **more):
    server = occurd.Server(directory, [SPACE], ["--tls-cert", str(cert), "--tls-key", str(key)],
                           **more)
    server.tls = trusting(cert)
    return server


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return certificate(tmp_path_factory.mktemp("certificate"), "first")


@pytest.fixture(scope="module")
def server(tmp_path_factory, files):
    with make_server(tmp_path_factory.mktemp("server"), *files) as server:
        yield server


def event(name="seen", **members):
    return json.dumps({"eventName": name, "contact": {"email": "jane@example.com"}, **members}).encode()


def track(server, name="seen", **members):
    return server.request("POST", "/v4/track", SEND, event(name, **members))


def peer_name(wire):
    return dict(pair[0] for pair in wire.socket.getpeercert()["subject"])["commonName"]


# --- What is spoken ---


@pytest.mark.parametrize("version, said", [
    (ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")])
def test_versions(server, files, version, said):
    tls = trusting(files[0], minimum_version=version, maximum_version=version)
    with occurd.Wire(server.address, tls=tls) as wire:
        assert wire.socket.version() == said
        wire.send(request_bytes("POST", "/v4/track", SEND, event(said)))
        assert wire.final().status == 202
    assert server.reader("tls-reader").get("/_/v1/events?limit=1")["data"][0]["definition"] == said


@pytest.mark.parametrize("offer", [
    ["-tls1_1", "-cipher", "ALL@SECLEVEL=0"],
    ["-tls1_2", "-cipher", "AES128-SHA"],  # no forward secrecy
    ["-tls1_2", "-cipher", "AES128-GCM-SHA256"],  # likewise
    ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"],  # no authenticated encryption
    ["-tls1_2", "-cipher", "aNULL@SECLEVEL=0"],
    ["-alpn", "h2"],
])
def test_refused_offers(server, offer):
    done = run("openssl", "s_client", "-connect", f"{server.host}:{server.port}", *offer)
    assert done.returncode != 0, done
    assert b"alert" in done.stderr or b"no ciphers available" in done.stderr, done
    assert track(server).status == 202


@pytest.mark.parametrize("offered, chosen", [
    (["http/1.1"], "http/1.1"), (["h2", "http/1.1"], "http/1.1"), ([], None)])
def test_alpn(server, files, offered, chosen):
    tls = trusting(files[0])
    if offered:
        tls.set_alpn_protocols(offered)
    with occurd.Wire(server.address, tls=tls) as wire:
        assert wire.socket.selected_alpn_protocol() == chosen
        wire.send(request_bytes("GET", "/healthz", {}, None))
        assert wire.final().status == 200


def test_no_renegotiation(server):
    client = subprocess.Popen(["openssl", "s_client", "-connect", f"{server.host}:{server.port}",
                               "-tls1_2", "-legacy_renegotiation"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    _, errors = client.communicate(b"R\n", timeout=60)
    assert b"renegotiation" in errors, errors


def test_curl(server, files):
    curl = shutil.which("curl")
    if not curl:
        pytest.skip("curl is not installed: HTTPS was NOT tested with it")
    done = run(curl, "-sS", "--cacert", str(files[0]), "-w", "%{http_code} %{ssl_verify_result}",
               "-H", f"Authorization: {SEND['Authorization']}", "-d", event("curl").decode(),
               f"https://localhost:{server.port}/v4/track", "--resolve",
               f"localhost:{server.port}:{server.host}")
    assert done.stdout == b"202 0", done


# --- What is no TLS ---


JUNK = {
    "http": request_bytes("GET", "/healthz", {}, None),
    "zeros": b"\x00" * 100,
    "too-long-a-record": b"\x16\x03\x01\xff\xff" + b"x" * 70000,
    "empty-hello": b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00",
    "one-byte": b"\x16",
    "nothing": b"",
}


@pytest.mark.parametrize("junk", JUNK.values(), ids=JUNK.keys())
def test_junk_gets_no_answer_of_ours(server, junk):
    with socket.create_connection(server.address, 20) as plain:
        got = b""
        try:
            plain.sendall(junk)
            plain.shutdown(socket.SHUT_WR)
            while data := plain.recv(65536):
                got += data
        except OSError:
            pass
    assert b"HTTP" not in got
    assert track(server).status == 202


def test_broken_record_after_the_handshake(server):
    with server.wire() as wire:
        raw = socket.socket(fileno=wire.socket.detach())
        with raw:
            raw.sendall(b"\x17\x03\x03\x00\x20" + b"y" * 32)
            raw.settimeout(20)
            try:
                while raw.recv(65536):
                    pass
            except ConnectionResetError:
                pass
    assert track(server).status == 202


def test_abandoned_handshakes(server):
    """Held while others are served, then dropped."""
    held = [socket.create_connection(server.address, 20) for _ in range(50)]
    for one in held:
        one.sendall(b"\x16\x03\x01\x02\x00\x01")
    assert track(server).status == 202
    for one in held:
        one.close()
    assert track(server).status == 202


# --- What holds for plain connections ---


def test_addresses_in_answers(server):
    batch = {"method": "POST", "endpoint": "events", "items": [json.loads(event())]}
    for _ in range(2):
        reply = server.request("POST", "/v5/batches", SEND, json.dumps(batch).encode())
        assert reply.status == 201, reply
    page = server.request("GET", "/v5/batches?endpoint=events&limit=1", SEND).json()
    assert page["paging"]["next"] == \
        "https://occurd.test/v5/batches?endpoint=events&limit=1&offset=1"


def test_pipelined(server):
    one = request_bytes("POST", "/v4/track", SEND, event("pipelined"))
    with server.wire() as wire:
        wire.send(one * 300)
        assert [wire.final().status for _ in range(300)] == [202] * 300
    assert server.reader("tls-reader").get("/_/v1/events?limit=1&definition=pipelined")["data"]


def test_byte_by_byte(server):
    with server.wire() as wire:
        for byte in request_bytes("POST", "/v4/track", SEND, event("slow")):
            wire.send(bytes([byte]))
        assert wire.final().status == 202


def test_expect_continue(server):
    with server.wire() as wire:
        body = event("expected")
        headers = {**SEND, "Expect": "100-continue", "Content-Length": str(len(body))}
        wire.send(request_bytes("POST", "/v4/track", headers, None))
        assert wire.reply().status == 100
        wire.send(body)
        assert wire.final().status == 202


def test_large_both_ways(server):
    """An answer of megabytes to who reads it late, so that writes cannot end at once."""
    text = "x" * 2000
    for _ in range(10):
        with server.wire() as wire:
            wire.send(b"".join(request_bytes("POST", "/v4/track", SEND, event(
                "large", properties={f"p{n}": text for n in range(90)})) for _ in range(4)))
            assert [wire.final().status for _ in range(4)] == [202] * 4
    ask = request_bytes("GET", "/_/v1/events?definition=large&limit=40",
                        {"Authorization": "Bearer tls-reader"}, None)
    with server.wire() as wire:
        wire.send(ask * 3)
        pages = [wire.final().json()["data"] for _ in range(3)]
    assert [len(page) for page in pages] == [40, 40, 40]
    assert all(row["properties"]["p89"] == text for row in pages[2])


@pytest.fixture(scope="module")
def huge(server):
    """So many events that a list of all has 36 MB, and in what way such a list is asked for."""
    text = "x" * 2000
    make = lambda i: ("POST", "/v4/track", SEND, event(
        "huge", properties={f"p{n}": f"{i} {text}" for n in range(90)}))
    senders.Sender(server, make, depth=4).run(200)
    return lambda limit, **headers: request_bytes(
        "GET", f"/_/v1/events?definition=huge&limit={limit}",
        {"Authorization": "Bearer tls-reader", **headers}, None)


@pytest.mark.parametrize("n, limit", [(6, 20), (3, 80), (1, 200)])
@pytest.mark.parametrize("slow", [False, True], ids=["at-once", "late"])
def test_more_than_is_encrypted_at_once(server, huge, n, limit, slow):
    """As much as there is, in answers of any size, whenever they are read; behind the last nothing."""
    with server.wire() as wire:
        wire.send(huge(limit) * n + huge(1, Connection="close") + huge(1))
        if slow:
            wait_until(lambda: select.select([wire.socket], [], [], 0)[0])
            time.sleep(0.5)
        wire.buffer = b"".join(iter(lambda: wire.socket.recv(1 << 20), b""))
        pages = [wire.final().json()["data"] for _ in range(n)]
        last = wire.final().json()["data"]
        assert wire.buffer == b""
    assert last == pages[0][:1] and len(last[0]["properties"]) == 90
    assert len(pages[0]) == limit and all(page == pages[0] for page in pages)


def test_clients_side_by_side(server):
    statuses = []

    def client():
        with server.wire() as wire:
            for _ in range(10):
                wire.send(request_bytes("POST", "/v4/track", SEND, event("many")))
                statuses.append(wire.final().status)
    senders.in_threads([client] * 30)
    assert statuses == [202] * 300


def test_end_is_said(server):
    """Without close_notify, reading the end raises."""
    with server.wire() as wire:
        wire.send(request_bytes("GET", "/healthz", {"Connection": "close"}, None))
        assert wire.final().status == 200
        assert wire.socket.recv(1) == b""


def ended_with(server, files, asked, behind):
    """What comes back from who ends TLS in the middle and sends more: a count of answers."""
    came, goes = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = trusting(files[0]).wrap_bio(came, goes, server_hostname="localhost")
    with socket.create_connection(server.address, 20) as plain:
        def until_it_has(act):
            while True:
                try:
                    return act()
                except ssl.SSLWantReadError:
                    plain.sendall(goes.read())
                    came.write(plain.recv(65536))
        until_it_has(tls.do_handshake)
        tls.write(asked)
        with pytest.raises(ssl.SSLWantReadError):
            tls.unwrap()
        plain.sendall(goes.read() + behind)
        while data := plain.recv(65536):
            came.write(data)
    text = b""
    with pytest.raises(ssl.SSLZeroReturnError):
        while True:
            text += tls.read(65536)
    return text.count(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize("behind", [b"", b"\x17\x03\x03\x00\x05abcde", b"\x17", b"GET / HTTP/1.1"],
                         ids=["nothing", "record", "byte", "text"])
@pytest.mark.parametrize("n", [0, 1, 20])
def test_what_stands_behind_the_end(server, files, n, behind):
    """It is dropped: what was asked is answered, and the connection ends."""
    ask = request_bytes("GET", "/_/openapi/omnisend.json", {}, None)
    assert ended_with(server, files, ask * n, behind) == n
    wait_until(lambda: "occurd_connections 1\n" in server.request("GET", "/metrics").text)


def test_resumed_session(server, files):
    tls = trusting(files[0])
    with occurd.Wire(server.address, tls=tls) as wire:
        wire.send(request_bytes("GET", "/healthz", {}, None))
        assert wire.final().status == 200
        session = wire.socket.session
    with socket.create_connection(server.address, 20) as plain:
        with tls.wrap_socket(plain, server_hostname="localhost", session=session) as again:
            assert again.session_reused
            again.sendall(request_bytes("GET", "/healthz", {}, None))
            assert again.recv(12) == b"HTTP/1.1 200"


# --- The files ---


def test_reload(tmp_path):
    cert, key = certificate(tmp_path, "before")
    fresh, fresh_key = certificate(tmp_path, "after")
    with make_server(tmp_path, cert, key) as server:
        kept = server.wire()
        assert peer_name(kept) == "before"

        shutil.copy(fresh, cert)  # the key is still the old one's
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "tls_reload_failed" in server.log_text(), what="the refusal")
        with server.wire() as wire:
            assert peer_name(wire) == "before"

        shutil.copy(fresh_key, key)
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: '"tls_reloaded"' in server.log_text(), what="the reload")
        server.tls = trusting(fresh)
        with server.wire() as wire:
            assert peer_name(wire) == "after"
        with kept:
            kept.send(request_bytes("GET", "/healthz", {}, None))
            assert kept.final().status == 200


def refused_start(directory, *args):
    command = [occurd.binary(), "serve", "--listen", "127.0.0.1:0", "--data",
               str(directory / "data"), *map(str, args)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60,
                          env=occurd.clean_environment({}))
    assert done.returncode != 0 and done.stdout == "", done
    return done.stderr


def test_files_that_are_no_good(tmp_path, files):
    cert, key = files
    other_cert, other_key = certificate(tmp_path, "other")
    locked = tmp_path / "locked.key"
    assert run("openssl", "pkey", "-in", str(key), "-aes256", "-passout", "pass:secret", "-out",
               str(locked)).returncode == 0
    empty = tmp_path / "empty"
    empty.write_text("")
    none = tmp_path / "none"
    for bad_cert, bad_key, named, why in [
            (none, key, none, "No such file"), (cert, none, none, "No such file"),
            (tmp_path, key, tmp_path, ""), (cert, tmp_path, tmp_path, ""),
            (empty, key, empty, ""), (key, key, key, ""), (cert, cert, cert, ""),
            (cert, locked, locked, ""), (cert, other_key, other_key, "")]:
        said = refused_start(tmp_path, "--tls-cert", bad_cert, "--tls-key", bad_key)
        assert str(named) in said and why in said, said
        assert "unknown cause" not in said and "data" not in said.splitlines()[0], said
    assert other_cert.exists()


@pytest.mark.parametrize("alone, missing", [("--tls-cert", "--tls-key"), ("--tls-key", "--tls-cert")])
def test_one_without_the_other(tmp_path, files, alone, missing):
    assert f"{missing} is missing" in refused_start(tmp_path, alone, files[0])
