"""The vendors' own examples, through the clients they are written for. A client that is not on this
machine is skipped, and says so."""

import json
import shutil
import subprocess
import urllib.request

import pytest

import occurd
from occurd import key, made_uuid

POPULATION = made_uuid("clients")
SECRET = "be_your_api_key"
JANE = {"identities": [{"kind": "external_id", "value": "3"},
                       {"kind": "email", "value": "jane@acme.com"}]}
SPACE = occurd.workspace(
    "clients", id=POPULATION, contacts=[JANE],
    keys=[key(SECRET, ["events.write"], "backend"), key("reader", ["admin"])],
    definitions=[
        {"name": "order.completed", "fields": [
            {"name": "order_id", "type": "string", "required": True},
            {"name": "total", "type": "number", "required": True}]},
        {"name": "addToCart", "fields": [{"name": "totalCost", "type": "number"}]}])

ARSEL = {"event": "order.completed", "email": "john.doe@example.com",
         "data": {"order_id": "A-1023", "total": 149.99}}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with occurd.start(tmp_path_factory.mktemp("clients"), [SPACE]) as server:
        yield server


def program(name):
    found = shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed: its clients were NOT tested")
    return found


def run(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, **more)
    assert done.returncode == 0, done
    return done.stdout


def base(server):
    return f"http://{server.host}:{server.port}"


def newest(server):
    return server.reader("reader").get("/_/v1/events?limit=1")["data"][0]


def check_arsel(server, id_, status):
    assert status == "accepted"
    event = newest(server)
    assert event["id"] == id_ and event["dialect"] == "arsel"
    assert event["properties"] == {"order_id": "A-1023", "total": "149.99"}


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


# --- JavaScript ---

FETCH = """
const response = await fetch(process.argv[1] + "/v1/events/send", {
  method: "POST",
  headers: {
    "Content-Type": "application/json",
    Authorization: "Bearer be_your_api_key",
  },
  body: JSON.stringify({
    event: "order.completed",
    email: "john.doe@example.com",
    data: { order_id: "A-1023", total: 149.99 },
  }),
});
const result = await response.json();
console.log(result.id, result.status);
"""


def test_javascript_fetch(server):
    node = program("node")
    if run(node, "-p", "typeof fetch").strip() != "function":
        pytest.skip("this node has no fetch: it was NOT tested")
    out = run(node, "--input-type=module", "-e", FETCH, base(server))
    check_arsel(server, *out.split())


# --- Python ---


def test_python_urllib(server):
    request = urllib.request.Request(
        base(server) + "/v1/events/send", json.dumps(ARSEL).encode(),
        {"Authorization": f"Bearer {SECRET}", "Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as response:
        assert response.status == 202
        answer = json.load(response)
    check_arsel(server, answer["id"], answer["status"])


def test_python_requests(server):
    requests = pytest.importorskip("requests", reason="requests is not installed: NOT tested")
    response = requests.post(base(server) + "/v1/events/send", timeout=20, json=ARSEL,
                             headers={"Authorization": f"Bearer {SECRET}"})
    result = response.json()
    check_arsel(server, result["id"], result["status"])


# --- PHP ---

PHP = r"""
$ch = curl_init($argv[1] . "/v1/events/send");
curl_setopt($ch, CURLOPT_HTTPHEADER, [
"Content-Type: application/json",
"Authorization: Bearer be_your_api_key"
]);
curl_setopt($ch, CURLOPT_RETURNTRANSFER, true);
curl_setopt($ch, CURLOPT_POST, true);
curl_setopt($ch, CURLOPT_POSTFIELDS, json_encode([
"event" => "order.completed",
"email" => "john.doe@example.com",
"data" => ["order_id" => "A-1023", "total" => 149.99]
]));
$response = curl_exec($ch);
echo $response;
curl_close($ch);
"""


def test_php_curl(server):
    php = program("php")
    if run(php, "-r", "echo function_exists('curl_init') ? 1 : 0;") != "1":
        pytest.skip("this php has no curl: it was NOT tested")
    answer = json.loads(run(php, "-r", PHP, "--", base(server)))
    check_arsel(server, answer["id"], answer["status"])


# --- .NET ---


def test_dotnet_style_body(server):
    """What HttpClient with a StringContent sends, byte by byte: the charset, Expect, no Accept."""
    body = json.dumps(ARSEL, separators=(",", ":")).encode()
    with server.wire() as wire:
        wire.send((f"POST /v1/events/send HTTP/1.1\r\nHost: {server.host}:{server.port}\r\n"
                   f"Authorization: Bearer {SECRET}\r\nExpect: 100-continue\r\n"
                   "Content-Type: application/json; charset=utf-8\r\n"
                   f"Content-Length: {len(body)}\r\n\r\n").encode())
        assert wire.reply().status == 100
        wire.send(body)
        answer = wire.final().json()
    check_arsel(server, answer["id"], answer["status"])
