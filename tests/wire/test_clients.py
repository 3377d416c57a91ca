"""The clients that the vendors' callers have: curl, Node's fetch, Python's requests, PHP's curl, what
.NET sends. Each sends the vendors' own examples; Node and Python go through each vendor's calls from
the first to the last. tools/setup installs them all.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import urllib.request

import pytest

import occurd
from occurd import key, made_uuid

CLIENTS = pathlib.Path(__file__).parent / "clients"
POPULATION = made_uuid("clients")
SECRET = "be_your_api_key"
JANE = {"identities": [{"kind": "external_id", "value": "3"},
                       {"kind": "email", "value": "jane@acme.com"}]}
CART = [{"name": "transactionId", "type": "string"}, {"name": "fromPromoCampaign", "type": "boolean"},
        {"name": "totalCost", "type": "number"},
        {"name": "itemsInCart", "type": "array", "fields": [
            {"name": "itemId", "type": "integer"}, {"name": "price", "type": "number"},
            {"name": "quantity", "type": "integer"}, {"name": "inStockSince", "type": "datetime"},
            {"name": "category", "type": "string"}]}]
SPACE = occurd.workspace(
    "clients", id=POPULATION, contacts=[JANE],
    keys=[key(SECRET, occurd.ALL_SCOPES, "backend"), key("reader", ["admin"])],
    oauth_clients=[{"id": "shop", "secret": "s3cret", "scopes": occurd.ALL_SCOPES}],
    definitions=[
        {"name": "order.completed", "fields": [
            {"name": "order_id", "type": "string", "required": True},
            {"name": "total", "type": "number", "required": True}]},
        {"name": "addToCart", "fields": CART}],
    limits={"requests_per_second": -1})

ARSEL = {"event": "order.completed", "email": "john.doe@example.com",
         "data": {"order_id": "A-1023", "total": 149.99}}
INFOBIP = {"properties": {
    "transactionId": "my-transaction-1", "fromPromoCampaign": True, "totalCost": 100,
    "itemsInCart": [
        {"itemId": 1, "price": 25, "quantity": 3,
         "inStockSince": "2023-11-17T15:47:50.4136517Z", "category": "clothes"},
        {"itemId": 2, "price": 25, "quantity": 1,
         "inStockSince": "2023-12-17T15:47:50.4138054Z", "category": "shoes"}]}}

# What each vendor's page shows, or describes where it shows nothing.
EXAMPLES = {
    "arsel": ("/v1/events/send", {"Authorization": f"Bearer {SECRET}"}, ARSEL, 202),
    "infobip": ("/peopleevents/2/persons/3/definitions/addToCart/events?identifierType=EXTERNAL_ID",
                {"Authorization": f"App {SECRET}"}, INFOBIP, 201),
    "omnisend": ("/v4/track", {"Authorization": f"Bearer {SECRET}"},
                 {"eventName": "order rated", "contact": {"email": "jane@example.com"},
                  "properties": {"stars": 5, "price": 1.23, "comment": "lorem ipsum",
                                 "day": "2021-09-01", "at": "2021-09-01T12:41:52+03:00"}}, 202),
    "pristo": (f"/v1/events/send/{POPULATION}", {"X-API-Key": SECRET},
               {"contact": {"id": made_uuid("c"), "email": "c@example.com"},
                "type": "order.completed",
                "customFields": {"channel": "web", "purchaseAmount": "12"}}, 201),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with occurd.start(tmp_path_factory.mktemp("clients"), [SPACE]) as server:
        yield server


def program(name):
    found = shutil.which(name)
    assert found, f"{name} is not installed: tools/setup test does it"
    return found


def run(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, **more)
    assert done.returncode == 0, done
    return done.stdout


CLIENT = {".mjs": ["node"], ".py": [sys.executable, "-B"], ".php": ["php"]}


def client(file, *arguments, **more):
    """What a script under clients/ prints."""
    name, *options = CLIENT[pathlib.Path(file).suffix]
    return run(program(name), *options, str(CLIENTS / file), *arguments, **more)


def base(server):
    return f"http://{server.host}:{server.port}"


def newest(server):
    return server.reader("reader").get("/_/v1/events?limit=1")["data"][0]


def check_arsel(server, id_, status):
    assert status == "accepted"
    event = newest(server)
    assert event["id"] == id_ and event["dialect"] == "arsel"
    assert event["properties"] == {"order_id": "A-1023", "total": "149.99"}


# What each vendor answers, and that it is the newest event.


def check_infobip(body, event):
    answer = json.loads(body)
    assert answer["eventId"].lower() == event["id"]
    assert answer["definitionId"] == "addToCart" == event["definition"]
    assert answer["properties"] == INFOBIP["properties"]


def check_omnisend(body, event):
    assert body == ""
    assert event["definition"] == "order rated"


def check_pristo(body, event):
    assert list(json.loads(body)) == ["ok", "status", "statusText", "body", "raw"]
    assert event["definition"] == "order.completed"


def check_example(server, vendor, status, body):
    assert status == EXAMPLES[vendor][3], body
    if vendor == "arsel":
        answer = json.loads(body)
        return check_arsel(server, answer["id"], answer["status"])
    event = newest(server)
    assert event["dialect"] == vendor
    {"infobip": check_infobip, "omnisend": check_omnisend, "pristo": check_pristo}[vendor](
        body, event)


# --- curl ---


def curl(server, path, *arguments):
    """The answer's body, and its status."""
    out = run(program("curl"), "-sS", "-X", "POST", base(server) + path, *arguments,
              "-w", "\n%{http_code}")
    body, status = out.rsplit("\n", 1)
    return body, int(status)


def test_curl_arsel(server):
    body, status = curl(server, "/v1/events/send", "-H", f"Authorization: Bearer {SECRET}",
                        "-H", "Content-Type: application/json", "-d", """{
"event": "order.completed",
"email": "john.doe@example.com",
"data": { "order_id": "A-1023", "total": 149.99 }
}""")
    assert status == 202
    answer = json.loads(body)
    assert list(answer) == ["id", "status"]
    check_arsel(server, answer["id"], answer["status"])


def test_curl_pristo(server):
    body, status = curl(
        server, f"/v1/events/send/{POPULATION}", "-H", f"X-API-Key: {SECRET}",
        "-H", "Content-Type: application/json",
        "-d", json.dumps({"contact": {"id": made_uuid("c"), "email": "c@example.com"},
                          "type": "order.completed", "customFields": {"channel": "web"}}))
    assert status == 201 and list(json.loads(body)) == ["ok", "status", "statusText", "body", "raw"]


def test_curl_omnisend(server):
    body, status = curl(
        server, "/v4/track", "-H", f"Authorization: Bearer {SECRET}",
        "-H", "Content-Type: application/json",
        "-d", '{"eventName":"order rated","contact":{"email":"jane@example.com"},'
              '"properties":{"stars":5,"comment":"fine"}}')
    assert (body, status) == ("", 202)


def test_curl_infobip(server):
    body, status = curl(
        server, "/peopleevents/2/persons/3/definitions/addToCart/events?identifierType=EXTERNAL_ID",
        "-H", f"Authorization: App {SECRET}", "-H", "Content-Type: application/json",
        "-d", '{"properties":{"totalCost":100}}')
    assert status == 201 and json.loads(body)["properties"] == {"totalCost": 100}


def test_curl_basic(server):
    body, status = curl(
        server, "/peopleevents/2/persons/jane@acme.com/definitions/addToCart/events"
                "?identifierType=EMAIL", "-u", f"backend:{SECRET}", "-d", "{}",
        "-H", "Content-Type: application/json")
    assert status == 201, body


def test_curl_expect_and_chunks(server, tmp_path):
    """A body beyond a megabyte makes curl ask with Expect: 100-continue; from a pipe it is sent in
    chunks."""
    big = {**ARSEL, "data": {**ARSEL["data"], "note": "x" * 2000000}}
    file = tmp_path / "body.json"
    file.write_text(json.dumps(big))
    headers = ["-H", f"Authorization: Bearer {SECRET}", "-H", "Content-Type: application/json"]
    body, status = curl(server, "/v1/events/send", *headers, "--data-binary", f"@{file}")
    assert status == 202, body
    body, status = curl(server, "/v1/events/send", *headers, "-H", "Transfer-Encoding: chunked",
                        "-H", "Expect: 100-continue", "--data-binary", f"@{file}")
    assert status == 202, body


def test_curl_reuses_its_connection(server):
    """Three requests in one run, over one connection."""
    url = base(server) + "/healthz"
    out = run(program("curl"), "-sS", "-o", "/dev/null", "-o", "/dev/null", "-o", "/dev/null",
              "-w", "%{http_code} %{num_connects}\n", url, url, url)
    assert out.split() == ["200", "1", "200", "0", "200", "0"]


# --- Scripts in JavaScript, Python and PHP ---


@pytest.mark.parametrize("file", ["arsel_example.mjs", "arsel_example.py", "arsel_example.php"])
def test_arsel_example(server, file):
    check_arsel(server, *client(file, base(server)).split())


@pytest.mark.parametrize("vendor", EXAMPLES)
@pytest.mark.parametrize("file", ["send.mjs", "send.py", "send.php"])
def test_examples(server, file, vendor):
    path, headers, body, _ = EXAMPLES[vendor]
    asked = json.dumps([{"url": base(server) + path, "headers": headers, "body": body}])
    [answer] = json.loads(client(file, input=asked))
    check_example(server, vendor, answer["status"], answer["body"])


@pytest.mark.parametrize("vendor", EXAMPLES)
@pytest.mark.parametrize("file", ["journey.mjs", "journey.py"])
def test_from_the_first_call_to_the_last(server, file, vendor):
    """The script judges the answers; here: what is stored is two events of its contact, each once."""
    email = client(file, base(server), vendor, POPULATION).strip()
    reader = server.reader("reader")
    [contact] = reader.get(f"/_/v1/contacts?email={email}")["data"]
    events = reader.get(f"/_/v1/contacts/{contact['id']}/events")["data"]
    assert [e["dialect"] for e in events] == [vendor] * 2


def test_python_urllib(server):
    request = urllib.request.Request(
        base(server) + "/v1/events/send", json.dumps(ARSEL).encode(),
        {"Authorization": f"Bearer {SECRET}", "Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as response:
        assert response.status == 202
        answer = json.load(response)
    check_arsel(server, answer["id"], answer["status"])


# --- .NET ---


@pytest.mark.parametrize("vendor", EXAMPLES)
def test_dotnet_style_body(server, vendor):
    """What HttpClient with a StringContent sends, byte by byte: UTF-8 without a byte order mark, the
    charset, Expect, no Accept."""
    path, headers, body, _ = EXAMPLES[vendor]
    [(name, value)] = headers.items()
    body = json.dumps(body, separators=(",", ":")).encode()
    with server.wire() as wire:
        wire.send((f"POST {path} HTTP/1.1\r\nHost: {server.host}:{server.port}\r\n"
                   f"{name}: {value}\r\nExpect: 100-continue\r\n"
                   "Content-Type: application/json; charset=utf-8\r\n"
                   f"Content-Length: {len(body)}\r\n\r\n").encode())
        assert wire.reply().status == 100
        wire.send(body)
        answer = wire.final()
    check_example(server, vendor, answer.status, answer.text)
