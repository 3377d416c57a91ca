"""A webhook receiver that does what it is told: answers, delays, resets, drips, and worse."""

import base64
import hashlib
import hmac
import http.server
import json
import socket
import ssl
import struct
import threading
import time

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def signature_is_good(headers, body, secret=SECRET):
    """Standard Webhooks 1.0.0, by Python's own hmac."""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expect = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return f"v1,{expect}" in headers["webhook-signature"].split(" ")


HALF = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"


class Got:
    def __init__(self, path, headers, body):
        self.path, self.headers, self.body, self.at = path, headers, body, time.time()
        self.json = json.loads(body)
        self.id = headers.get("webhook-id")  # a vendor's request has none

    @property
    def event(self):
        return self.json["data"]["event"]


class Receiver:
    """`behave(got, n)` says what to do with the n-th request of that path (from 1): a status, or
    (status, headers), or (status, headers, body), or bytes as they are and then the end, or "reset",
    "hang", "drip", "half" (of an answer), "silent" (the end, and no answer).
    `certificate`: (file, key), then it is HTTPS."""

    def __init__(self, behave=lambda got, n: 200, certificate=None):
        self.behave, self.got, self.counts = behave, [], {}
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                outer.serve(self)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 512

            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.scheme = "https" if certificate else "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, path="/in"):
        return f"{self.scheme}://127.0.0.1:{self.server.server_address[1]}{path}"

    def serve(self, handler):
        body = handler.rfile.read(int(handler.headers["content-length"]))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        got = Got(handler.path, headers, body)
        with self.lock:
            self.got.append(got)
            n = self.counts[handler.path] = self.counts.get(handler.path, 0) + 1
        what = self.behave(got, n)
        if what == "reset":
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                          struct.pack("ii", 1, 0))
            handler.connection.close()
            handler.close_connection = True
        elif what == "hang":
            self.stopping.wait(60)
        elif what == "drip":
            self.drip(handler)
        elif what in ("half", "silent"):
            self.end(handler, HALF if what == "half" else b"")
        elif isinstance(what, bytes):
            self.end(handler, what)
        else:
            self.answer(handler, *(what if isinstance(what, tuple) else (what, {})))

    def end(self, handler, data):
        """These bytes, and then only this half of the connection ends."""
        handler.wfile.write(data)
        handler.connection.shutdown(socket.SHUT_WR)
        handler.close_connection = True
        self.stopping.wait(0.2)

    def answer(self, handler, status, headers, body=None):
        body = json.dumps({"said": status}).encode() if body is None else body
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        if status == 204:
            body = b""
        else:
            handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def drip(self, handler):
        try:
            for byte in b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n" + b"x" * 100000:
                handler.wfile.write(bytes([byte]))
                handler.wfile.flush()
                if self.stopping.wait(0.05):
                    return
        except OSError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.server.shutdown()
        self.server.server_close()

    def ids(self, path="/in"):
        return [g.id for g in self.got if g.path == path]
