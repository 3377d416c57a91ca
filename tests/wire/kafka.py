"""librdkafka's mock cluster as a child process (tests/kafka/mock_kafka.c), and a listener that speaks
just enough of Kafka's protocol over TLS to see who logs in.

    with Cluster() as cluster:
        cluster.error(PRODUCE, NOT_ENOUGH_REPLICAS)
        cluster.messages("occurd.events")
"""

import json
import os
import pathlib
import socket
import ssl
import struct
import subprocess
import threading

# Kinds of requests and errors, as Kafka's protocol numbers them.
PRODUCE, METADATA, SASL_HANDSHAKE, API_VERSIONS, INIT_PRODUCER_ID = 0, 3, 17, 18, 22
SASL_AUTHENTICATE = 36
UNKNOWN_TOPIC, MESSAGE_TOO_LARGE, NOT_ENOUGH_REPLICAS = 3, 10, 19
CLUSTER_AUTHORIZATION_FAILED, SASL_AUTHENTICATION_FAILED, INVALID_RECORD = 31, 58, 87
HANG_UP = -195


def program():
    given = os.environ.get("MOCK_KAFKA")
    return given or str(pathlib.Path(os.environ["OCCURD_BIN"]).parent / "tests/mock_kafka")


class Message:
    def __init__(self, row):
        self.partition, self.offset = row["partition"], row["offset"]
        self.key, self.headers, self.value = row["key"], row["headers"], row["value"]
        self.json = json.loads(self.value)
        self.event = self.json["data"]["event"]
        self.id = self.headers["delivery-id"]


class Cluster:
    def __init__(self):
        self.process = subprocess.Popen([program()], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.brokers = self.read()["brokers"]

    def read(self):
        line = self.process.stdout.readline()
        assert line, f"the cluster ended: {self.process.poll()}"
        return json.loads(line)

    def ask(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        return self.read()

    def error(self, api, code, n=1):
        self.ask("error", api, code, n)

    def topic(self, name, code):
        self.ask("topic", name, code)

    def rtt(self, ms):
        self.ask("rtt", ms)

    def down(self):
        self.ask("down")

    def up(self):
        self.ask("up")

    def messages(self, topic):
        return [Message(row) for row in self.ask("messages", topic)["messages"]]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        assert self.process.wait(30) == 0
        self.process.stdout.close()


def certificate(directory, name):
    """Self-signed, for localhost by that name only: the paths of certificate and key."""
    cert, key = directory / f"{name}.pem", directory / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=broker",
                    "-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out",
                    str(cert)], check=True, capture_output=True, timeout=60)
    return cert, key


def counted(text):
    return struct.pack(">h", len(text)) + text.encode()


class Listener:
    """TLS on localhost. Lets anybody say who it is, and refuses all."""

    SERVED = {METADATA: (0, 1), SASL_HANDSHAKE: (0, 1), API_VERSIONS: (0, 0),
              SASL_AUTHENTICATE: (0, 0), PRODUCE: (3, 7), INIT_PRODUCER_ID: (0, 0)}

    def __init__(self, directory, name):
        cert, key = certificate(directory, name)
        self.ca = cert.read_text()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(cert, key)
        self.connections, self.mechanisms, self.tokens = 0, set(), set()
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.brokers = f"localhost:{self.port}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        try:
            while True:
                connection = self.socket.accept()[0]
                self.connections += 1
                threading.Thread(target=self.serve, args=(connection,), daemon=True).start()
        except OSError:
            pass  # closed

    def serve(self, connection):
        try:
            with self.context.wrap_socket(connection, server_side=True) as tls:
                while self.answer(tls.makefile("rwb")):
                    pass
        except (OSError, struct.error):
            pass

    def answer(self, stream):
        (size,) = struct.unpack(">i", stream.read(4))
        request = stream.read(size)
        api, version, number, n = struct.unpack(">hhih", request[:10])
        body = self.reply(api, version, request[10 + n:])
        stream.write(struct.pack(">ii", 4 + len(body), number) + body)
        stream.flush()
        return api != SASL_AUTHENTICATE

    def reply(self, api, version, rest):
        if api == API_VERSIONS:
            served = b"".join(struct.pack(">hhh", k, *v) for k, v in self.SERVED.items())
            unsupported = 35 if version > 0 else 0
            return struct.pack(">hi", unsupported, len(self.SERVED)) + served
        if api == SASL_HANDSHAKE:
            self.mechanisms.add(rest[2:].decode())
            return struct.pack(">hi", 0, 1) + counted("PLAIN")
        assert api == SASL_AUTHENTICATE, api
        self.tokens.add(rest[4:].decode())
        return (struct.pack(">h", SASL_AUTHENTICATION_FAILED)
                + counted("wrong password, said the listener") + struct.pack(">i", 0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
