"""The OpenAPI documents: served as they are written, sound, and all of what they say exercised.

That what is served fits the documents is checked where the answers come in: table.py, occurd.py.
"""

import copy
import json
import re

import jsonschema
import pytest

import occurd
import openapi
import senders
import table
from occurd import key, made_uuid

CRM = {"name": "crm", "type": "webhook", "url": "https://crm.example/in"}
RULE = {"name": "rule", "paused": True, "actions": [{"send": "crm"}]}
SPACE = senders.engine_workspace(
    "openapi", switches={"older_generation": True}, destinations=[CRM], automations=[RULE],
    keys=[key("events", ["events.write"]), key("admin", ["admin", "operator"]),
          key("contacts", ["contacts.read"]), key("definitions", ["definitions.read"]),
          key("all", occurd.ALL_SCOPES)])
TABLES = [table.Table(f"{name}_rest.toml") for name in ("omnisend", "infobip", "arsel")]
CASES = [case for t in TABLES for case in t.runnable()]


def is_log_in(path):
    return path.startswith(("/auth/", "/oauth2/"))


OPERATIONS = [(name, method, path) for name in openapi.NAMES
              for method, path, _ in openapi.document(name).operations() if not is_log_in(path)]
NATIVE = [one for one in OPERATIONS if one[0] == "native"]

# What is documented and no table reaches: where it is exercised instead, or why it is not.
ELSEWHERE = {
    401: "test_without_a_key, for every operation but log-ins",
    403: "test_without_the_scope, for every operation that documents it but log-ins",
    410: "test_a_version_of_old, for every operation that documents it",
    429: "test_<dialect>_special.py; the rate comes before what the operation does",
    500: "test_<dialect>_special.py, a full disk; for /_/v1 the store would have to break",
    503: "test_<dialect>_special.py, a full disk; else only at a limit of memory or queue",
}

# Likewise, of one operation.
ELSEWHERE_ONE = {
    ("native", "GET", "/_/v1/contacts/{id}/export", "422"):
        "test_native.py, test_an_export_too_large_is_refused_and_says_so",
    ("native", "GET", "/_/v1/deliveries/{number}", "200"):
        "test_deliveries.py, test_tried_again_with_the_same_id",
    **{("native", "POST", "/_/v1/deliveries/{number}/replay", status): "test_replay.py, test_one"
       for status in ("202", "409")},
    ("native", "POST", "/_/v1/deliveries/replay", "409"): "test_replay.py, test_ten_at_once",
    **{("native", "DELETE", "/_/v1/replays/{number}", status): "test_replay.py, test_stopped"
       for status in ("204", "409")},
    ("native", "PATCH", "/_/v1/destinations/{name}", "409"): "only by a change that comes between",
    ("native", "PATCH", "/_/v1/automations/{name}", "409"): "only by a change that comes between",
    ("arsel", "PATCH", "/v1/events/{id}", "409"):
        "test_arsel_special.py, test_of_two_changes_at_once_the_second_is_told",
    ("infobip", "POST", "/peopleevents/2/definitions/{definitionId}", "409"):
        "test_infobip_special.py, test_of_two_updates_at_once_the_second_is_told",
    ("native", "GET", "/_/v1/events/stream", "200"): "test_stream.py: it does not end by itself",
    ("native", "PATCH", "/_/v1/definitions/{name}", "409"):
        "256 MiB of definitions would have to be made first",
    ("native", "POST", "/_/v1/keys", "409"): "65,535 keys and clients would have to be made first",
}

ID = made_uuid("nothing")
READS = [
    ("/_/v1/events", 200), ("/_/v1/events?limit=0", 400), ("/_/v1/events/<EVENT>", 200),
    ("/_/v1/events/x", 400), ("/_/v1/events/" + ID, 404), ("/_/v1/contacts", 200),
    ("/_/v1/events/stream?after=x", 400), ("/_/v1/events/stream?contact=" + ID, 404),
    ("/_/v1/contacts?email=john.doe%40example.com", 200), ("/_/v1/contacts?limit=x", 400),
    ("/_/v1/contacts/<CONTACT>", 200), ("/_/v1/contacts/x", 400), ("/_/v1/contacts/" + ID, 404),
    ("/_/v1/contacts/<CONTACT>/events", 200), ("/_/v1/contacts/x/events", 400),
    ("/_/v1/contacts/" + ID + "/events", 404), ("/_/v1/contacts/<CONTACT>/export", 200),
    ("/_/v1/contacts/x/export", 400), ("/_/v1/contacts/" + ID + "/export", 404),
    ("/_/v1/definitions", 200), ("/_/v1/definitions/" + senders.TYPE, 200),
    ("/_/v1/definitions/none", 404), ("/_/v1/destinations", 200), ("/_/v1/destinations/crm", 200),
    ("/_/v1/destinations/none", 404), ("/_/v1/automations", 200), ("/_/v1/automations/rule", 200),
    ("/_/v1/automations/none", 404), ("/_/v1/keys", 200), ("/_/v1/keys/1", 200),
    ("/_/v1/deliveries", 200), ("/_/v1/deliveries/1", 404), ("/_/v1/replays", 200),
    ("/_/v1/replays/1", 404), ("/_/v1/replays?limit=0", 400),
    ("/_/v1/keys/0", 404), ("/_/v1/stats", 200), ("/_/v1/workspaces", 200),
    ("/_/v1/workspaces/" + SPACE["id"], 200), ("/_/v1/workspaces/" + ID, 404),
]
# In this order: what one makes, the next ones change.
WRITES = [
    ("POST", "/_/v1/definitions", {"name": "new"}, 201),
    ("POST", "/_/v1/definitions", {"name": "new"}, 409), ("POST", "/_/v1/definitions", {}, 400),
    ("PATCH", "/_/v1/definitions/new", {"description": "d"}, 200),
    ("PATCH", "/_/v1/definitions/new", {"name": "x"}, 400),
    ("PATCH", "/_/v1/definitions/none", {}, 404), ("DELETE", "/_/v1/definitions/new", None, 204),
    ("DELETE", "/_/v1/definitions/new", None, 404),
    ("POST", "/_/v1/destinations", CRM | {"name": "new"}, 201),
    ("POST", "/_/v1/destinations", CRM | {"name": "new"}, 409),
    ("POST", "/_/v1/destinations", {}, 400),
    ("PATCH", "/_/v1/destinations/new", {"disabled": True}, 200),
    ("PATCH", "/_/v1/destinations/new", {"name": "x"}, 400),
    ("PATCH", "/_/v1/destinations/none", {}, 404),
    ("POST", "/_/v1/automations", RULE | {"name": "new"}, 201),
    ("POST", "/_/v1/automations", RULE | {"name": "new"}, 409),
    ("POST", "/_/v1/automations", {}, 400),
    ("PATCH", "/_/v1/automations/new", {"paused": True}, 200),
    ("PATCH", "/_/v1/automations/new", {"name": "x"}, 400),
    ("PATCH", "/_/v1/automations/none", {}, 404),
    ("POST", "/_/v1/automations/rule/test", {}, 200),
    ("POST", "/_/v1/automations/rule/test?since=x", {}, 400),
    ("POST", "/_/v1/automations/none/test", {}, 404),
    ("POST", "/_/v1/deliveries/1/replay", {}, 404),
    ("POST", "/_/v1/deliveries/1/replay", {"state": "late"}, 400),
    ("POST", "/_/v1/deliveries/replay", {"dry_run": True}, 200),
    ("POST", "/_/v1/deliveries/replay", {"destination": "none"}, 400),
    ("POST", "/_/v1/deliveries/replay", {"contact": ID}, 404),
    ("POST", "/_/v1/deliveries/replay", {"automation": "rule"}, 202),
    ("GET", "/_/v1/replays/1", None, 200), ("DELETE", "/_/v1/replays/2", None, 404),
    ("DELETE", "/_/v1/destinations/crm", None, 409),
    ("DELETE", "/_/v1/destinations/new", None, 204),
    ("DELETE", "/_/v1/destinations/new", None, 404),
    ("DELETE", "/_/v1/automations/new", None, 204),
    ("DELETE", "/_/v1/automations/new", None, 404),
    ("POST", "/_/v1/keys", {"name": "new", "scopes": ["events.write"]}, 201),
    ("POST", "/_/v1/keys", {}, 400), ("DELETE", "/_/v1/keys/<KEY>", None, 204),
    ("DELETE", "/_/v1/keys/0", None, 404), ("DELETE", "/_/v1/contacts/x", None, 400),
    ("DELETE", "/_/v1/contacts/" + ID, None, 404),
    ("DELETE", "/_/v1/contacts/<GONE>", None, 204),
    ("POST", "/_/v1/workspaces", {"name": "new", "id": made_uuid("new")}, 201),
    ("POST", "/_/v1/workspaces", {"name": "new", "id": made_uuid("new")}, 409),
    ("POST", "/_/v1/workspaces", {}, 400),
    ("PATCH", "/_/v1/workspaces/" + made_uuid("new"), {"name": "newer"}, 200),
    ("PATCH", "/_/v1/workspaces/" + made_uuid("new"), {"id": ID}, 400),
    ("PATCH", "/_/v1/workspaces/" + ID, {}, 404),
]


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    places, provision = table.provision_of(TABLES)
    with occurd.start(tmp_path_factory.mktemp("openapi"), [SPACE, *provision]) as server:
        assert server.request(*senders.arsel(SPACE, "john.doe@example.com")).status == 202
        yield server, places


@pytest.fixture
def server(stage):
    return stage[0]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(stage, case):
    server, places = stage
    table.run(server, case, places[case.name])


# --- Served ---


@pytest.mark.parametrize("name", openapi.NAMES)
def test_a_document_is_served_as_written(server, name):
    target = f"/_/openapi/{name}.json"
    reply = server.request("GET", target)
    assert reply.status == 200 and reply.header("Content-Type") == "application/json"
    assert reply.body == (openapi.FOLDER / f"{name}.json").read_bytes()
    head = server.request("HEAD", target)
    assert head.status == 200 and int(head.header("Content-Length")) == len(reply.body)


@pytest.mark.parametrize("path", [
    "/_/openapi/", "/_/openapi/x.json", "/_/openapi/arsel", "/_/openapi/arsel.json/",
    "/_/openapi/arsel.jso", "/_/openapi/ARSEL.json", "/_/openapi", "/_/openapi/../arsel.json"])
def test_other_documents_are_not_there(server, path):
    reply = server.request("GET", path)
    assert reply.status == 404 and reply.json()["status"] == 404
    assert reply.header("Content-Type") == "application/problem+json"


def test_other_methods(server):
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        reply = server.request(method, "/_/openapi/arsel.json", {}, b"{}")
        assert reply.status == 405 and reply.header("Allow") == "GET, HEAD"
    reply = server.request("OPTIONS", "/_/openapi/arsel.json")
    assert reply.status == 204 and reply.header("Allow") == "GET, HEAD"


# --- Sound ---


def nodes(value):
    yield value
    for inner in value.values() if isinstance(value, dict) else \
            value if isinstance(value, list) else ():
        yield from nodes(inner)


def schemas(doc):
    yield from doc.data["components"]["schemas"].values()
    for node in nodes(doc.data):
        if isinstance(node, dict) and isinstance(node.get("schema"), dict) and "type" not in node:
            yield node["schema"]


@pytest.mark.parametrize("name", openapi.NAMES)
def test_a_document_is_sound(name):
    doc = openapi.document(name)
    assert doc.data["openapi"] == "3.1.0" and set(doc.data) == {
        "openapi", "info", "servers", "security", "paths", "components"}
    ids = [operation["operationId"] for _, _, operation in doc.operations()]
    assert len(set(ids)) == len(ids)
    for schema in schemas(doc):
        jsonschema.Draft202012Validator.check_schema(schema)
    used = {node["$ref"] for node in nodes(doc.data)
            if isinstance(node, dict) and isinstance(node.get("$ref"), str)}
    there = {f"#/components/{kind}/{n}" for kind, members in doc.data["components"].items()
             if kind != "securitySchemes" for n in members}
    assert used == there
    for method, path, operation in doc.operations():
        variables = set(re.findall(r"\{([^}]+)\}", path))
        given = operation.get("parameters", [])
        assert {p["name"] for p in given if p["in"] == "path"} == variables, (method, path)
        assert all(doc.resolve(r)["description"] for r in operation["responses"].values())


@pytest.mark.parametrize("name", openapi.NAMES)
def test_examples_fit(name):
    doc = openapi.document(name)
    for node in nodes(doc.data):
        if isinstance(node, dict) and "example" in node and "schema" in node:
            doc.hold(node["schema"], node["example"], name)


# --- Exercised ---


def steps_of_tables():
    """(dialect, method, target, status) of every step of every table; a variable is an x."""
    for file in sorted(table.CASES.glob("*.toml")):
        t = table.Table(file.name)
        for case in t.runnable():
            for step in case.steps:
                method, target = step.get("send", t.send).split(" ", 1)
                target = re.sub(r"<[^>]*>", "x", target)
                yield t.dialect, method, target, int(t.reply(step["expect"])["status"])
    for target, status in READS:
        yield "native", "GET", target, status
    for method, target, _, status in WRITES:
        yield "native", method, target, status
    for _, method, path in NATIVE:
        yield "native", method, path, 400


def is_elsewhere(one):
    """The 401 and 403 of log-ins depend on more than the key: tables have them."""
    is_access = one[3] in ("401", "403")
    return one in ELSEWHERE_ONE or int(one[3]) in ELSEWHERE and \
        not (is_access and is_log_in(one[2]))


def test_every_path_and_status_is_exercised():
    done = {(name, method, openapi.document(name).find(target), str(status))
            for name, method, target, status in steps_of_tables()}
    said = {(name, method, path, status) for name in openapi.NAMES
            for method, path, operation in openapi.document(name).operations()
            for status in operation["responses"] if status != "default"}
    missing = {one for one in said - done if not is_elsewhere(one)}
    assert not missing, sorted(missing)


def test_reads(server):
    """READS, which the test above relies on. Reader.ask() checks the answers."""
    reader = server.reader("admin")
    event = reader.events()[0]
    for target, status in READS:
        target = target.replace("<EVENT>", event["id"]).replace("<CONTACT>", event["contact_id"])
        assert reader.ask(target).status == status, target
    reader.close()


def test_writes(server):
    """Likewise WRITES. Server.request() checks the answers."""
    def admin(method, target, body):
        headers = {"Authorization": "Bearer admin", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        return server.request(method, target, headers, data)
    assert server.request(*senders.arsel(SPACE, "gone@example.com")).status == 202
    gone = server.reader("admin").contact("email=gone@example.com")["id"]
    number = None
    for method, target, body, status in WRITES:
        target = target.replace("<GONE>", gone).replace("<KEY>", str(number))
        reply = admin(method, target, body)
        assert reply.status == status, (method, target, reply)
        if target == "/_/v1/keys" and status == 201:
            number = reply.json()["number"]


def test_unknown_parameters(server):
    """And that the native API refuses parameters that it does not have."""
    for name, method, path in NATIVE:
        reply = ask(server, name, method, path, credentials(name, "admin"), "?nonsense=1")
        assert reply.status == 400 and "nonsense" in reply.json()["detail"], (method, path)


def ask(server, name, method, path, headers, query=""):
    target = path.replace("{populationId}", SPACE["id"]) + query
    target = re.sub(r"\{[^}]+\}", "0" * 24, target)
    body = None if method == "GET" else b"{}"
    reply = server.request(method, target, {"Content-Type": "application/json", **headers}, body)
    openapi.check(name, method, target, reply)
    return reply


@pytest.mark.parametrize("name, method, path", OPERATIONS)
def test_without_a_key(server, name, method, path):
    assert ask(server, name, method, path, {}).status == 401


def documenting(status):
    return [(name, method, path) for name, method, path in OPERATIONS if status in
            openapi.document(name).data["paths"][path][method.lower()]["responses"]]


def credentials(name, secret):
    if name == "pristo":
        return {"X-API-Key": secret}
    return {"Authorization": ("App " if name == "infobip" else "Bearer ") + secret}


@pytest.mark.parametrize("name, method, path", documenting("403"))
def test_without_the_scope(server, name, method, path):
    """Of three keys with a scope each, one lacks what the operation needs."""
    statuses = {ask(server, name, method, path, credentials(name, secret)).status
                for secret in ("events", "contacts", "definitions")}
    assert 403 in statuses


@pytest.mark.parametrize("name, method, path", documenting("410"))
def test_a_version_of_old(server, name, method, path):
    old = {**credentials(name, "all"), "Omnisend-Version": "2025-01-01"}
    assert ask(server, name, method, path, old, "?email=a%40example.com").status == 410


# --- The check itself can say no ---


GOOD = {"status_code": 404, "name": "not_found", "message": "Contact not found"}
VARY = ("Vary", "Origin")
RATE = [VARY, ("ratelimit-limit", "1000"), ("ratelimit-remaining", "9"), ("ratelimit-reset", "60")]


def misfit(method="GET", target="/v1/contacts/x", status=404, body=None, headers=None,
           content_type="application/json"):
    headers = copy.copy(RATE if headers is None else headers)
    text = json.dumps(GOOD if body is None else body).encode()
    reply = occurd.Reply(status, "", headers + [("Content-Type", content_type)], text)
    try:
        openapi.check("arsel", method, target, reply)
    except openapi.Misfit as no:
        return str(no)
    return None


def test_what_fits():
    assert misfit() is None
    assert misfit(target="/api/v1/contacts/x?y=z") is None
    assert misfit("DELETE", "/v1/nothing", body=GOOD, headers=[VARY]) is None


@pytest.mark.parametrize("members, part", [
    ({"status": 402}, "not documented"), ({"status": 200}, "required"),
    ({"target": "/v1/nothing", "status": 200}, "not documented"),
    ({"target": "/v1/contacts", "status": 404}, "not documented"),
    ({"method": "PUT", "status": 200}, "not documented"),
    ({"body": {**GOOD, "more": 1}}, "more"), ({"body": {**GOOD, "name": "x"}}, "'x'"),
    ({"body": {**GOOD, "status_code": 400}}, "404"), ({"body": []}, "object"),
    ({"status": 401, "body": {**GOOD, "status_code": 401, "name": "unauthorized"}},
     "WWW-Authenticate"),
    ({"headers": [VARY, ("ratelimit-limit", "x")]}, "ratelimit-limit"),
    ({"headers": RATE[1:]}, "Vary"),
    ({"content_type": "text/plain"}, "text/plain")])
def test_what_does_not_fit(members, part):
    assert part in (misfit(**members) or "it fits")


# --- Bounds: the numbers that a document allows are those that are taken ---

OF_TYPE = {
    "rotate_bytes": {"type": "file", "path": "bounds"},
    "message_max_bytes": {"type": "kafka", "brokers": "kafka.example:9092", "topic": "bounds"},
}
REPLAYS = "/_/v1/deliveries/replay"
DOC = openapi.document("native")
REPLAY = DOC.data["paths"][REPLAYS]["post"]["requestBody"]["content"]["application/json"]["schema"]


def numbers(schema):
    """(member, its schema) of each number, and list of numbers, of an object."""
    for member, inner in schema["properties"].items():
        if "integer" in (inner.get("type"), inner.get("items", {}).get("type")):
            yield member, inner


def native_numbers():
    """(target, a body, where in it, schema)"""
    schemas_of = DOC.data["components"]["schemas"]
    for member, schema in numbers(schemas_of["NewDestination"]):
        base = {"name": "bounds"} | OF_TYPE.get(member, {"type": "webhook", "url": CRM["url"]})
        yield "/_/v1/destinations", base, [member], schema
    for member, schema in numbers(schemas_of["NewAutomation"]):
        yield "/_/v1/automations", RULE | {"name": "bounds"}, [member], schema
    for member, schema in numbers(schemas_of["NewLimits"]):
        yield "/_/v1/workspaces", {"name": "bounds", "limits": {}}, ["limits", member], schema
    for member, schema in numbers(REPLAY):
        yield REPLAYS, {"dry_run": True}, [member], schema


NUMBERS = list(native_numbers())


def with_value(base, where, value):
    body = copy.deepcopy(base)
    inner = body
    for step in where[:-1]:
        inner = inner[step]
    inner[where[-1]] = value
    return body


@pytest.mark.parametrize("target, base, where, schema", NUMBERS,
                         ids=[".".join(n[2]) for n in NUMBERS])
def test_bounds_of_numbers(server, target, base, where, schema):
    headers = {"Authorization": "Bearer admin", "Content-Type": "application/json"}

    def post(n):
        value = [n] if "items" in schema else n
        body = json.dumps(with_value(base, where, value)).encode()
        reply = server.request("POST", target, headers, body)
        if reply.status == 201 and "workspaces" not in target:
            assert server.request("DELETE", target + "/bounds", headers).status == 204
        return reply
    number = schema.get("items", schema)
    for good in (number["minimum"], number["maximum"]):
        assert post(good).status in (200, 201), good
    for bad in (number["minimum"] - 1, number["maximum"] + 1):
        reply = post(bad)
        assert reply.status == 400 and where[-1] in reply.body.decode(), (bad, reply)
