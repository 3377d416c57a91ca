"""What /_/v1 changes: definitions, and the end of contacts; and what a deletion leaves on disk."""

import json

import pytest

import database
import occurd
import senders
from diskfault import full_disk
from occurd import key, made_uuid

SPACE = senders.engine_workspace(
    "native",
    keys=[key("send", ["events.write"]), key("admin", ["admin"]),
          key("contacts.read", ["contacts.read"]), key("contacts.write", ["contacts.write"]),
          key("definitions.read", ["definitions.read"]),
          key("definitions.write", ["definitions.write"])])
OTHER = senders.engine_workspace("native-other")
ONE_MIB = 1024 * 1024


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with occurd.start(tmp_path_factory.mktemp("native"), [SPACE, OTHER]) as server:
        yield server


def ask(server, method, path, body=None, secret="admin"):
    data = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
    headers = {"Authorization": "Bearer " + secret}
    if data is not None:
        headers["Content-Type"] = "application/json"
    return server.request(method, path, headers, data)


def check_problem(reply, status, errors=None):
    """RFC 9457; `errors`: the paths that are told, in this order."""
    assert reply.status == status, reply
    assert reply.header("Content-Type") == "application/problem+json", reply
    body = reply.json()
    assert body["status"] == status and body["title"], body
    assert [e["path"] for e in body.get("errors", [])] == (errors or []), body
    for error in body.get("errors", []):
        assert list(error) == ["path", "message"] and error["message"], body


def check_gone(reply):
    assert reply.status == 204 and reply.body == b"", reply
    assert reply.header("Content-Type") is None, reply


# --- Definitions ---

FIELD = {"name": "total", "type": "number", "required": True}
ITEMS = {"name": "items", "type": "array", "required": False,
         "fields": [{"name": "id", "type": "integer", "required": False}]}


def test_a_definition_from_its_making_to_its_end(server):
    path = "/_/v1/definitions/Ticket%20%2F%20sold"
    body = {"name": "Ticket / sold", "description": "d", "fields": [FIELD, ITEMS]}
    made = ask(server, "POST", "/_/v1/definitions", body)
    assert made.status == 201 and made.header("Content-Type") == "application/json"
    assert made.header("Location") == path
    shown = made.json()
    assert list(shown) == ["id", "name", "description", "inferred", "fields", "created_at",
                           "updated_at"]
    assert {**shown, **body} == shown and shown["inferred"] is False
    assert ask(server, "GET", path).json() == shown
    assert shown in ask(server, "GET", "/_/v1/definitions").json()["data"]

    check_problem(ask(server, "POST", "/_/v1/definitions", body), 409, ["name"])

    changed = ask(server, "PATCH", path, {"fields": [FIELD]})
    assert changed.status == 200
    assert {**shown, "fields": [FIELD], "updated_at": changed.json()["updated_at"]} \
        == changed.json()
    assert changed.json()["updated_at"] > shown["updated_at"]
    changed = ask(server, "PATCH", path, {"description": ""}).json()
    assert changed["description"] == "" and changed["fields"] == [FIELD]
    assert ask(server, "PATCH", path, {}).json() == changed
    assert ask(server, "GET", path).json() == changed

    check_gone(ask(server, "DELETE", path))
    for method, given in (("GET", None), ("DELETE", None), ("PATCH", {})):
        check_problem(ask(server, method, path, given), 404)
    again = ask(server, "POST", "/_/v1/definitions", {"name": "Ticket / sold"})
    assert again.status == 201 and again.json()["id"] != shown["id"]


def test_events_are_checked_against_it_at_once(server):
    def send(data):
        method, path, headers, _ = senders.arsel(SPACE, "checked@example.com")
        body = {"event": "checked", "email": "checked@example.com", "data": data}
        return server.request(method, path, headers, json.dumps(body).encode()).status
    assert send({}) == 404
    made = ask(server, "POST", "/_/v1/definitions", {"name": "checked", "fields": [FIELD]})
    assert made.status == 201
    assert send({"total": 5}) == 202 and send({}) == 422
    assert ask(server, "PATCH", "/_/v1/definitions/checked", {"fields": []}).status == 200
    assert send({}) == 202
    check_gone(ask(server, "DELETE", "/_/v1/definitions/checked"))
    assert send({}) == 404
    events = server.reader("admin").get("/_/v1/events?limit=2")["data"]
    assert [e["definition"] for e in events] == ["checked", "checked"]


REFUSED = [
    ("POST", "/_/v1/definitions", b"", []),
    ("POST", "/_/v1/definitions", b"{", []),
    ("POST", "/_/v1/definitions", b"{\"name\":\"\xff\"}", []),
    ("POST", "/_/v1/definitions", b"[" * 65 + b"]" * 65, []),
    ("POST", "/_/v1/definitions", [], [""]),
    ("POST", "/_/v1/definitions", {}, ["name"]),
    ("POST", "/_/v1/definitions", {"name": " "}, ["name"]),
    ("POST", "/_/v1/definitions", {"name": "a\nb"}, ["name"]),
    ("POST", "/_/v1/definitions", {"name": "x" * 256}, ["name"]),
    ("POST", "/_/v1/definitions", {"name": 5, "more": 1, "inferred": "no"},
     ["more", "name", "inferred"]),
    ("POST", "/_/v1/definitions", {"name": "x", "description": "d" * 2001}, ["description"]),
    ("POST", "/_/v1/definitions", {"name": "x", "fields": [{"name": "a", "type": "int"}, 5]},
     ["fields[0].type", "fields[1]"]),
    ("POST", "/_/v1/definitions", {"name": "x", "fields": [{"name": "a\0b", "type": "date"}]},
     ["fields[0].name"]),
    ("POST", "/_/v1/definitions", {"name": "a\0b"}, ["name"]),
    ("POST", "/_/v1/definitions", {"name": "x", "m" * 5000: 1}, ["m" * 256]),
    ("PATCH", "/_/v1/definitions/" + senders.TYPE, {"name": "x"}, ["name"]),
    ("PATCH", "/_/v1/definitions/" + senders.TYPE, {"fields": None}, ["fields"]),
    ("PATCH", "/_/v1/definitions/" + senders.TYPE, [{}], [""]),
    ("PATCH", "/_/v1/definitions/" + senders.TYPE, b"nonsense", []),
]


@pytest.mark.parametrize("method,path,body,errors", REFUSED)
def test_bodies_that_are_refused_change_nothing(server, method, path, body, errors):
    before = server.reader("admin").definitions()
    check_problem(ask(server, method, path, body), 400, errors)
    assert server.reader("admin").definitions() == before


def test_a_megabyte_is_read_and_no_more(server):
    body = b"{\"name\":\"large\"}"
    large = body.ljust(ONE_MIB)
    assert ask(server, "POST", "/_/v1/definitions", large).status == 201
    check_problem(ask(server, "POST", "/_/v1/definitions", large + b" "), 413)
    check_gone(ask(server, "DELETE", "/_/v1/definitions/large"))


def test_another_workspaces_definitions_are_not_there(server):
    secret = OTHER["keys"][1]["secret"]
    made = ask(server, "POST", "/_/v1/definitions", {"name": "theirs"}, secret)
    assert made.status == 201
    for method, body in (("GET", None), ("PATCH", {}), ("DELETE", None)):
        check_problem(ask(server, method, "/_/v1/definitions/theirs", body), 404)
    assert ask(server, "GET", "/_/v1/definitions/theirs", None, secret).status == 200


# --- Who may ---

WHO_MAY = [
    ("POST", "/_/v1/definitions", "definitions.write"),
    ("GET", "/_/v1/definitions/none", "definitions.read"),
    ("PATCH", "/_/v1/definitions/none", "definitions.write"),
    ("DELETE", "/_/v1/definitions/none", "definitions.write"),
    ("POST", "/_/v1/keys", "admin"),
    ("GET", "/_/v1/keys", "admin"),
    ("GET", "/_/v1/keys/999", "admin"),
    ("DELETE", "/_/v1/keys/999", "admin"),
    ("DELETE", "/_/v1/contacts/" + made_uuid("x"), "contacts.write"),
    ("GET", "/_/v1/contacts/" + made_uuid("x") + "/export", "contacts.read"),
]


@pytest.mark.parametrize("method,path,scope", WHO_MAY)
def test_scopes(server, method, path, scope):
    body = b"{}" if method in ("POST", "PATCH") else None
    for declared in SPACE["keys"]:
        reply = ask(server, method, path, body, declared["secret"])
        may = declared["secret"] in ("admin", scope)
        assert (reply.status in (200, 400, 404)) if may else reply.status == 403, (declared, reply)
        if may:  # who may not, is not told of parameters
            check_problem(ask(server, method, path + "?x=1", body, declared["secret"]), 400)
        else:
            check_problem(ask(server, method, path + "?x=1", body, declared["secret"]), 403)
    check_problem(ask(server, method, path, body, "wrong"), 401)
    check_problem(server.request(method, path, {}, body), 401)


@pytest.mark.parametrize("path,allowed", [
    ("/_/v1/definitions", "GET, HEAD, POST"), ("/_/v1/contacts/1", "GET, HEAD, DELETE"),
    ("/_/v1/definitions/x", "GET, HEAD, PATCH, DELETE"), ("/_/v1/keys", "GET, HEAD, POST"),
    ("/_/v1/keys/1", "GET, HEAD, DELETE"), ("/_/v1/stats", "GET, HEAD")])
def test_methods_are_told(server, path, allowed):
    for method in ("PUT", "TRACE"):
        reply = ask(server, method, path, {})
        check_problem(reply, 405)
        assert reply.header("Allow") == allowed
    options = server.request("OPTIONS", path)
    assert options.status == 204 and options.header("Allow") == allowed


WITH_BODY = [("POST", "/_/v1/definitions"), ("PATCH", "/_/v1/definitions/" + senders.TYPE),
             ("POST", "/_/v1/keys")]


@pytest.mark.parametrize("method,path", WITH_BODY)
def test_bodies_are_json_and_said_to_be(server, method, path):
    def send(type_):
        headers = {"Authorization": "Bearer admin"}
        if type_ is not None:
            headers["Content-Type"] = type_
        return server.request(method, path, headers, b"[]")
    for type_ in ("text/plain", "application/x-www-form-urlencoded", "application/jsonp", "json",
                  "application/problem+json", "application/json, text/plain"):
        reply = send(type_)
        check_problem(reply, 415)
        assert "application/json" in reply.json()["detail"]
    for type_ in (None, "application/json", "Application/JSON ; charset=utf-8"):
        check_problem(send(type_), 400, [""])


def test_what_http_refuses_is_told(server):
    reply = server.request("POST", "/_/v1/keys", {"Content-Encoding": "gzip"}, b"x")
    check_problem(reply, 415)
    assert reply.json()["detail"]


# --- Keys ---


def test_a_key_from_its_making_to_its_end(tmp_path):
    with occurd.start(tmp_path, [SPACE, OTHER]) as server:
        made = ask(server, "POST", "/_/v1/keys",
                   {"name": "shop", "scopes": ["events.write", "contacts.read"]})
        assert made.status == 201, made
        shown = made.json()
        secret = shown.pop("secret")
        assert len(secret) == 64 and list(shown) == ["number", "name", "scopes", "publishable",
                                                     "revoked", "created_at"]
        assert made.header("Cache-Control") == "no-store" and shown["publishable"] is False
        assert shown["name"] == "shop" and shown["revoked"] is False
        assert shown["scopes"] == ["events.write", "contacts.read"]

        path = f"/_/v1/keys/{shown['number']}"
        assert made.header("Location") == path
        assert ask(server, "GET", path).json() == shown
        listed = ask(server, "GET", "/_/v1/keys")
        assert listed.json()["data"][0] == shown and secret not in listed.text
        assert [k["name"] for k in listed.json()["data"]][::-1] == \
            [k["name"] for k in SPACE["keys"]] + ["shop"]
        pages, before = [], ""
        while before is not None:
            page = ask(server, "GET", "/_/v1/keys?limit=3" + before).json()
            assert len(page["data"]) == 3 or page["next_before"] is None
            pages += page["data"]
            before = page["next_before"] and f"&before={page['next_before']}"
        assert pages == listed.json()["data"]
        theirs = ask(server, "GET", "/_/v1/keys", None, OTHER["keys"][1]["secret"]).json()["data"]
        assert len(theirs) == 2 and shown["number"] not in [k["number"] for k in theirs]

        def may():
            event = senders.arsel(SPACE, "key@example.com")
            event[2]["Authorization"] = "Bearer " + secret
            return [server.request(*event).status,
                    ask(server, "GET", "/_/v1/contacts", None, secret).status,
                    ask(server, "GET", "/_/v1/keys", None, secret).status]
        assert may() == [202, 200, 403]
        server.restart()
        assert may() == [202, 200, 403]
        for method in ("GET", "DELETE"):
            check_problem(ask(server, method, path, None, OTHER["keys"][1]["secret"]), 404)
        assert may() == [202, 200, 403]
        for _ in range(2):
            check_gone(ask(server, "DELETE", path))
            assert may() == [401, 401, 401]
        assert ask(server, "GET", path).json() == {**shown, "revoked": True}
        server.restart()
        assert may() == [401, 401, 401]
        other = ask(server, "POST", "/_/v1/keys", {"name": "shop", "scopes": ["admin"]}).json()
        assert other["number"] > shown["number"] and other["secret"] != secret
        assert ask(server, "GET", "/_/v1/keys", None, other["secret"]).status == 200
        server.stop()
        assert files_with(server, [secret, other["secret"]]) == []
        assert secret not in server.log_text()


PAGES = {"name": "pages", "scopes": ["events.write"], "publishable": True,
         "allowed_origins": ["https://shop.example", "http://127.0.0.1:3000"]}


def test_a_key_for_pages_needs_no_restart(tmp_path):
    with occurd.start(tmp_path, [SPACE]) as server:
        shown = ask(server, "POST", "/_/v1/keys", PAGES).json()
        secret = shown.pop("secret")
        path = f"/_/v1/keys/{shown['number']}"
        assert {name: shown[name] for name in PAGES} == PAGES

        def send(origin):
            method, target, headers, body = senders.arsel(SPACE, "page@example.com")
            headers = {**headers, "Authorization": "Bearer " + secret}
            return server.request(method, target,
                                  {**headers, "Origin": origin} if origin else headers, body).status

        def preflight(origin):
            reply = server.request("OPTIONS", "/v1/events/send", {"Origin": origin})
            return reply.header("Access-Control-Allow-Origin") == origin

        def may():
            return [send(None), send("https://shop.example"), send("https://other.example"),
                    ask(server, "GET", "/_/v1/keys", None, secret).status]
        for _ in range(2):
            assert may() == [202, 202, 403, 403]
            assert preflight("http://127.0.0.1:3000") and not preflight("https://other.example")
            assert ask(server, "GET", path).json() == shown
            server.restart()
        check_gone(ask(server, "DELETE", path))
        assert may() == [401] * 4 and not preflight("https://shop.example")
        assert ask(server, "GET", path).json() == {**shown, "revoked": True}
        none = ask(server, "POST", "/_/v1/keys", {**PAGES, "allowed_origins": []}).json()
        assert none["publishable"] is True and none["allowed_origins"] == []


@pytest.mark.parametrize("body,errors", [
    (b"", []), ([], [""]), ({}, ["name", "scopes"]), ({"name": "k"}, ["scopes"]),
    ({"name": "", "scopes": ["admin"]}, ["name"]), ({"name": " ", "scopes": ["admin"]}, ["name"]),
    ({"name": "a\tb", "scopes": ["admin"]}, ["name"]),
    ({"name": "k" * 256, "scopes": ["admin"]}, ["name"]),
    ({"name": "k", "scopes": []}, ["scopes"]),
    ({"name": "k", "scopes": "admin"}, ["scopes"]),
    ({"name": "k", "scopes": ["admin", "root", 5]}, ["scopes[1]", "scopes[2]"]),
    ({"name": "k", "scopes": ["admin"], "secret": "mine"}, ["secret"]),
    ({**PAGES, "publishable": "yes"}, ["publishable", "publishable"]),
    ({**PAGES, "publishable": False}, ["publishable"]),
    ({**PAGES, "scopes": ["events.write", "contacts.read"]}, ["scopes"]),
    ({**PAGES, "scopes": ["admin"]}, ["scopes"]),
    ({**PAGES, "allowed_origins": "https://shop.example"}, ["allowed_origins"]),
    ({**PAGES, "allowed_origins": ["https://a.example", "https://B.example", "https://c.example/",
                                   "*", 5, ""]}, [f"allowed_origins[{i}]" for i in range(1, 6)]),
    ({**PAGES, "allowed_origins": ["https://a.example"] * 1001}, ["allowed_origins"]),
    ({**PAGES, "allowed_origins": ["https://" + "a" * 292, "https://" + "a" * 293]},
     ["allowed_origins[1]"]),
])
def test_keys_that_are_refused(server, body, errors):
    before = ask(server, "GET", "/_/v1/keys").json()
    check_problem(ask(server, "POST", "/_/v1/keys", body), 400, errors)
    assert ask(server, "GET", "/_/v1/keys").json() == before


@pytest.mark.parametrize("number", ["0", "999", "65536", "-1", "x", "1.0", "9" * 30])
def test_keys_that_are_none(server, number):
    for method in ("GET", "DELETE"):
        check_problem(ask(server, method, "/_/v1/keys/" + number), 404)


# --- Contacts ---


def sent(server, email, n, **more):
    for i in range(n):
        request = senders.arsel(SPACE, email, {"n": f"{email} {i}", **more})
        assert server.request(*request).status == 202
    return server.reader("admin").contact("email=" + email)


@pytest.mark.parametrize("events", [0, 1, 1000, 1001])
def test_an_export_is_all_of_it(server, events):
    email = f"export{events}@example.com"
    if events == 0:
        made = ask(server, "POST", "/v1/contacts", {"email": email}, "contacts.write")
        assert made.status == 201, made
    with server.wire() as wire:
        for i in range(events):
            wire.send(occurd.request_bytes(*senders.arsel(SPACE, email, {"n": str(i)})))
            assert wire.final().status == 202
    admin = server.reader("admin")
    contact = admin.contact("email=" + email)
    export = admin.get(f"/_/v1/contacts/{contact['id']}/export")
    assert list(export) == ["contact", "events", "bulk_requests"]
    assert export["bulk_requests"] == []
    assert export["contact"] == contact
    assert len(export["events"]) == events
    assert export["events"] == admin.timeline(contact)[::-1]
    assert admin.get(f"/_/v1/contacts/{contact['number']}/export") == export


def test_an_export_too_large_is_refused_and_says_so(server):
    contact = sent(server, "large@example.com", 1)
    data = {"sender": "s" * 3_000_000}
    with server.wire() as wire:
        for _ in range(50):
            wire.send(occurd.request_bytes(*senders.arsel(SPACE, "large@example.com", data)))
            assert wire.final().status == 202
    reply = ask(server, "GET", f"/_/v1/contacts/{contact['id']}/export")
    check_problem(reply, 422)
    assert "/events" in reply.json()["detail"]
    assert len(server.reader("admin").get(f"/_/v1/contacts/{contact['id']}/events?limit=9")["data"])
    check_gone(ask(server, "DELETE", "/_/v1/contacts/" + contact["id"]))


@pytest.mark.parametrize("form", ["id", "number"])
def test_a_deleted_contact_is_not_found(server, form):
    email = f"gone-{form}@example.com"
    contact = sent(server, email, 3)
    other = sent(server, f"stays-{form}@example.com", 1)
    admin = server.reader("admin")
    first = admin.timeline(contact)[0]
    path = f"/_/v1/contacts/{contact[form]}"
    check_gone(ask(server, "DELETE", path))
    for method, more in (("GET", ""), ("GET", "/events"), ("GET", "/export"), ("DELETE", "")):
        check_problem(ask(server, method, path + more), 404,
                      [""] if method == "DELETE" else [])
    assert admin.contact("email=" + email) is None
    assert email not in json.dumps(admin.contacts())
    assert admin.contact(f"email=stays-{form}@example.com") == other
    occurd.wait_until(lambda: admin.get("/_/v1/events/" + first["id"])["properties"] == {},
                      what="the end of the properties")
    assert admin.get("/_/v1/events/" + first["id"]) == {**first, "properties": {}}
    again = sent(server, email, 1)
    assert again["id"] != contact["id"] and again["event_count"] == "1"


@pytest.mark.parametrize("given,status", [
    ("x", 400), ("0", 404), ("99999999", 404), ("9" * 19, 404), ("-1", 400), ("1.0", 400),
    ("a" * 24, 404), ("g" * 24, 404), ("a" * 23, 400), (made_uuid("nobody"), 404),
    ("person@example.com", 400), ("%00", 400),
])
@pytest.mark.parametrize("method,more", [("DELETE", ""), ("GET", "/export")])
def test_ids_that_are_none(server, method, more, given, status):
    reply = ask(server, method, f"/_/v1/contacts/{given}{more}")
    assert reply.status == status, reply
    assert reply.header("Content-Type") == "application/problem+json"


def test_another_workspaces_contact_is_not_there(server):
    contact = sent(server, "ours@example.com", 1)
    secret = OTHER["keys"][1]["secret"]
    for form in ("id", "number"):
        path = f"/_/v1/contacts/{contact[form]}"
        assert ask(server, "DELETE", path, None, secret).status == 404
        assert ask(server, "GET", path + "/export", None, secret).status == 404
    assert server.reader("admin").contact("email=ours@example.com") == contact


def test_what_cannot_be_made_durable_is_not_done(tmp_path):
    with occurd.start(tmp_path, [SPACE]) as server:
        contact = sent(server, "stays@example.com", 2)
        before = server.reader("admin").state()
        changes = [("DELETE", "/_/v1/contacts/" + contact["id"], None),
                   ("POST", "/_/v1/definitions", {"name": "late"}),
                   ("PATCH", "/_/v1/definitions/" + senders.TYPE, {"description": "late"}),
                   ("DELETE", "/_/v1/definitions/" + senders.TYPE, None)]
        with full_disk(server):
            for change in changes:
                check_problem(ask(server, *change), 500)
        occurd.wait_until(lambda: server.request("GET", "/readyz").status == 200, what="/readyz")
        assert server.reader("admin").state() == before
        assert [ask(server, *change).status for change in changes] == [204, 201, 200, 204]


# --- What is left on the disk ---


def files_with(server, words):
    """Where any of the words still stands, in upper or lower case."""
    found = []
    for file in sorted(p for p in server.data.rglob("*") if p.is_file()):
        content = file.read_bytes().lower()
        found += [(file.name, word) for word in words if word.lower().encode() in content]
    return found


def test_after_a_deletion_and_a_clean_end_no_byte_of_it_is_left(tmp_path):
    words = ["zq-mail-4711", "zq-name-4711", "zq-prop-4711", "zq-sender-4711",
             made_uuid("zq"), "4915550004711"]
    email = words[0] + "@example.com"
    server = occurd.start(tmp_path, [SPACE])
    sent(server, "bystander@example.com", 20)
    assert server.request(*senders.pristo(SPACE, words[4], email, {"n": words[2]},
                                          name=words[1],
                                          phone="+" + words[5])).status == 201
    assert server.request(*senders.arsel(SPACE, email, {"sender": words[3] + "x" * 9000}))\
        .status == 202
    sent(server, "bystander@example.com", 20)
    admin = server.reader("admin")
    contact = admin.contact("email=" + email)
    assert contact["event_count"] == "2", contact
    everything = json.dumps(admin.get(f"/_/v1/contacts/{contact['id']}/export"))
    assert all(word in everything for word in words), everything
    server.restart()  # what follows finds it in the database itself, not only in the log
    assert {word for _, word in files_with(server, words)} == set(words)

    check_gone(ask(server, "DELETE", "/_/v1/contacts/" + contact["id"]))
    assert server.reader("admin").contact("email=bystander@example.com")["event_count"] == "40"
    server.stop()
    assert files_with(server, words) == []
    assert files_with(server, ["bystander@example.com"])
    assert not any(word.lower() in server.log_text().lower() for word in words)
    check_lists_and_integrity(server)


def check_lists_and_integrity(server):
    db = database.opened(server)
    try:
        database.check_integrity(db)
        database.check_sequence(db)
        database.check_lists(db)
    finally:
        db.close()
