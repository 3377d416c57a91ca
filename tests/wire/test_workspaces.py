"""Workspaces under /_/v1: whose they are, how they are made and changed, what their limits do."""

import json
import re

import pytest

import occurd
import openapi
import senders
from diskfault import full_disk
from occurd import key, made_uuid

SPACE = senders.engine_workspace(
    "one", keys=[key("send", ["events.write"]), key("admin", ["admin"]),
                 key("most", [s for s in occurd.ALL_SCOPES if s != "admin"])])
OTHER = senders.engine_workspace("two", limits={}, keys=[key("other", ["admin"])])
HOUSE = senders.engine_workspace("house", keys=[key("operator", ["operator"]),
                                                key("both", ["admin", "operator"])])
PATH = "/_/v1/workspaces"
MEMBERS = ["id", "name", "limits", "switches", "contact_fields", "created_at", "updated_at"]
SWITCHES = {"strict_50": False, "contact_id_any_string": False, "auto_define_event_types": False,
            "unreachable_contacts": False, "event_answer": "generation_c",
            "older_generation": False, "error_names": "general",
            "null_removes_built_in": False, "empty_definition_list": False}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with occurd.start(tmp_path_factory.mktemp("spaces"), [SPACE, OTHER, HOUSE]) as server:
        yield server


def ask(server, method, path, body=None, secret="operator"):
    data = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
    headers = {"Authorization": "Bearer " + secret}
    if data is not None:
        headers["Content-Type"] = "application/json"
    return server.request(method, path, headers, data)


def get(server, path, secret="operator"):
    reply = ask(server, "GET", path, None, secret)
    assert reply.status == 200, reply
    return reply.json()


def check_problem(reply, status, errors=None):
    assert reply.status == status, reply
    assert reply.header("Content-Type") == "application/problem+json", reply
    assert [e["path"] for e in reply.json().get("errors", [])] == (errors or []), reply


def path_of(space):
    return f"{PATH}/{space['id']}"


def all_of(server):
    return get(server, PATH + "?limit=1000")["data"]


# --- Whose they are ---


def test_an_admin_sees_its_own_and_an_operator_all(server):
    own = get(server, PATH, "admin")
    assert list(own["data"][0]) == MEMBERS and own["next_before"] is None
    assert [(w["id"], w["name"], w["limits"]) for w in own["data"]] == \
        [(SPACE["id"], "one", {"requests_per_second": -1})]
    for secret in ("operator", "both"):
        every = get(server, PATH, secret)["data"]
        assert [w["id"] for w in every[-3:]] == [s["id"] for s in (HOUSE, OTHER, SPACE)]
        assert [get(server, path_of(s), secret) for s in (HOUSE, OTHER, SPACE)] == every[-3:]
    for id_ in (SPACE["id"], SPACE["id"].upper()):
        assert get(server, f"{PATH}/{id_}", "admin") == own["data"][0]
    assert get(server, PATH + "?before=1", "admin") == {"data": [], "next_before": None}


def test_pages(server):
    every = all_of(server)
    for limit in (1, 2, len(every), len(every) + 1):
        pages, before = [], ""
        while before is not None:
            page = get(server, f"{PATH}?limit={limit}{before}")
            assert len(page["data"]) == limit or page["next_before"] is None
            pages += page["data"]
            before = page["next_before"] and f"&before={page['next_before']}"
        assert pages == every


@pytest.mark.parametrize("id_", [OTHER["id"], made_uuid("none"), "x", "1", "%00",
                                 SPACE["id"] + "0", SPACE["id"][:-1]])
def test_what_is_anothers_is_not_there(server, id_):
    before = all_of(server)
    for method, body in (("GET", None), ("PATCH", {"name": "mine"}), ("PATCH", {})):
        check_problem(ask(server, method, f"{PATH}/{id_}", body, "admin"), 404)
        if id_ != OTHER["id"]:
            check_problem(ask(server, method, f"{PATH}/{id_}", body), 404)
    assert all_of(server) == before


@pytest.mark.parametrize("method,path,who", [
    ("GET", PATH, {"admin", "operator", "both"}),
    ("POST", PATH, {"operator", "both"}),
    ("GET", path_of(SPACE), {"admin", "operator", "both"}),
    ("PATCH", path_of(SPACE), {"admin", "operator", "both"}),
])
def test_scopes(server, method, path, who):
    body = b"{" if method != "GET" else None
    for secret in ("send", "admin", "most", "operator", "both"):
        reply = ask(server, method, path, body, secret)
        if secret in who:
            assert reply.status == (400 if body else 200), (secret, reply)
        else:
            check_problem(reply, 403)
    check_problem(ask(server, method, path, body, "wrong"), 401)
    check_problem(server.request(method, path, {}, body), 401)


def test_an_operator_is_no_admin(server):
    for path in ("/_/v1/events", "/_/v1/contacts", "/_/v1/definitions", "/_/v1/keys",
                 "/_/v1/stats"):
        check_problem(ask(server, "GET", path), 403)
    check_problem(ask(server, "POST", "/_/v1/keys", {"name": "k", "scopes": ["admin"]}), 403)


@pytest.mark.parametrize("secret", ["admin", "both"])
def test_no_key_makes_an_operator(server, secret):
    before = get(server, "/_/v1/keys", secret)
    for scopes, wrong in ((["operator"], 0), (["admin", "operator"], 1)):
        reply = ask(server, "POST", "/_/v1/keys", {"name": "k", "scopes": scopes}, secret)
        check_problem(reply, 400, [f"scopes[{wrong}]"])
        assert "operator" not in reply.json()["errors"][0]["message"]
    assert get(server, "/_/v1/keys", secret) == before
    assert {tuple(k["scopes"]) for k in get(server, "/_/v1/keys", "both")["data"]} == \
        {("operator",), ("admin", "operator")}


def test_contact_fields_are_shown(tmp_path):
    fields = ["gender", {"name": "age", "type": "integer"}, {"name": 'a "b"', "type": "date"}]
    with occurd.start(tmp_path, [{**SPACE, "contact_fields": fields}]) as server:
        def shown():
            return get(server, path_of(SPACE), "admin")["contact_fields"]
        declared = [{"name": 'a "b"', "type": "date"}, {"name": "age", "type": "integer"},
                    {"name": "gender", "type": None}]
        assert shown() == declared
        made = ask(server, "POST", "/v1/properties",
                   {"field_key": "color", "display_name": "Color"}, "most")
        assert made.status == 201, made
        assert [f["name"] for f in shown()] == ['a "b"', "age", "color", "gender"]
        now = ask(server, "PATCH", path_of(SPACE), {"name": "x"}, "admin").json()
        assert now["contact_fields"] == shown()
        for change in ([], ["gender"], None):
            check_problem(ask(server, "PATCH", path_of(SPACE), {"contact_fields": change},
                              "admin"), 400, ["contact_fields"])


# --- Making ---


def test_one_from_its_making_on(tmp_path):
    with occurd.start(tmp_path, [HOUSE]) as server:
        made = ask(server, "POST", PATH, {"name": "Neu & gut", "limits": {
            "requests_per_second": 1000}})
        assert made.status == 201, made
        shown = made.json()
        first = shown.pop("key")
        assert list(shown) == MEMBERS and shown["name"] == "Neu & gut"
        assert shown["limits"] == {"requests_per_second": 1000}
        assert shown["switches"] == SWITCHES and shown["contact_fields"] == []
        assert shown["created_at"] == shown["updated_at"] == first["created_at"]
        assert made.header("Location") == path_of(shown)
        secret = first.pop("secret")
        assert re.fullmatch("[0-9a-f]{64}", secret)
        assert (first["name"], first["scopes"], first["revoked"]) == ("admin", ["admin"], False)

        def check():
            assert get(server, path_of(shown), secret) == shown
            assert get(server, PATH, secret)["data"] == [shown]
            assert get(server, PATH)["data"][0] == shown
            assert get(server, "/_/v1/keys", secret)["data"][-1] == first
            assert secret not in ask(server, "GET", "/_/v1/keys", None, secret).text
            check_problem(ask(server, "POST", PATH, {"name": "x"}, secret), 403)
            check_problem(ask(server, "GET", path_of(HOUSE), None, secret), 404)
        check()

        # All that an integration needs, without a restart.
        space = {"id": shown["id"], "keys": [key(None, [])]}
        sender = ask(server, "POST", "/_/v1/keys", {"name": "shop", "scopes": ["events.write"]},
                     secret).json()
        space["keys"][0]["secret"] = sender["secret"]
        define = {"name": senders.TYPE, "fields": [{"name": "n", "type": "string"}]}
        assert ask(server, "POST", "/_/v1/definitions", define, secret).status == 201
        assert server.request(*senders.arsel(space, "a@example.com", {"n": "1"})).status == 202
        assert server.request(*senders.pristo(space, made_uuid("p"), "b@example.com")).status == 201
        assert len(get(server, "/_/v1/events", secret)["data"]) == 2
        assert get(server, "/_/v1/events", "both")["data"] == []

        server.restart()
        check()
        assert len(get(server, "/_/v1/events", secret)["data"]) == 2
        assert secret not in server.log_text()


def test_an_id_is_given_once(server):
    id_ = made_uuid("chosen")
    made = ask(server, "POST", PATH, {"name": "chosen", "id": id_.upper()})
    assert made.status == 201 and made.json()["id"] == id_
    assert made.json()["limits"] == {"requests_per_second": 0}
    before = all_of(server)
    for again in (id_, id_.upper(), SPACE["id"]):
        check_problem(ask(server, "POST", PATH, {"name": "again", "id": again}), 409, ["id"])
    assert all_of(server) == before
    another = ask(server, "POST", PATH, {"name": "chosen"})
    assert another.status == 201 and another.json()["id"] not in {w["id"] for w in before}


BAD = [({"limits": limits}, errors) for limits, errors in [
    (5, ["limits"]), (None, ["limits"]), ([], ["limits"]),
    ({"requests_per_minute": 1}, ["limits.requests_per_minute"]),
] + [({"requests_per_second": rate}, ["limits.requests_per_second"])
     for rate in (-2, 1000001, 1.5, 10 ** 30, "5", None, True, [], {})]
] + [({"switches": switches}, errors) for switches, errors in [
    (True, ["switches"]), (None, ["switches"]), (["strict_50"], ["switches"]),
    ({"": True}, ["switches."]), ({"Strict_50": True}, ["switches.Strict_50"]),
    ({"error_names": "none", "strict_50": 1}, ["switches.error_names", "switches.strict_50"]),
] + [({"strict_50": value}, ["switches.strict_50"])
     for value in (None, "true", "yes", 1, 0, [], {})]
  + [({"event_answer": value}, ["switches.event_answer"])
     for value in (None, "", "Generation_c", "generation_c ", True, False, 1, {})]
]


@pytest.mark.parametrize("body,errors", [
    (b"", []), (b"{", []), ([], [""]), ({}, ["name"]),
    ({"name": ""}, ["name"]), ({"name": " "}, ["name"]), ({"name": "a\nb"}, ["name"]),
    ({"name": None}, ["name"]), ({"name": "x" * 256}, ["name"]),
    ({"name": "x", "id": "7c9e6679"}, ["id"]), ({"name": "x", "id": 5}, ["id"]),
    ({"name": "x", "id": None}, ["id"]), ({"name": "x", "key": {}}, ["key"]),
    ({"id": "x", "limits": {"requests_per_second": "many"}, "more": 1, "switches": {"a.b": 1}},
     ["more", "id", "name", "limits.requests_per_second", "switches.a.b"]),
] + [({"name": "x", **wrong}, errors) for wrong, errors in BAD])
def test_none_is_made_of_what_is_wrong(server, body, errors):
    before = all_of(server)
    check_problem(ask(server, "POST", PATH, body), 400, errors)
    assert all_of(server) == before


# --- Changing ---


def test_changes_are_what_is_named(server):
    made = ask(server, "POST", PATH, {"name": "changing"}).json()
    admin, was = made.pop("key")["secret"], made
    for secret, change in (("operator", {"name": "x" * 255}),
                           (admin, {"limits": {"requests_per_second": 1000000}}),
                           ("both", {"name": "y", "limits": {"requests_per_second": -1}}),
                           (admin, {"name": "z"}),
                           (admin, {"limits": {"requests_per_second": 0.0}})):
        now = ask(server, "PATCH", path_of(made), change, secret)
        assert now.status == 200, now
        now = now.json()
        assert now == {**was, **change, "updated_at": now["updated_at"]}
        assert now["updated_at"] > was["updated_at"]
        assert get(server, path_of(made)) == now
        was = now
    for nothing in ({}, {"name": "z"}, {"limits": {}}, {"limits": {"requests_per_second": 0}}):
        assert ask(server, "PATCH", path_of(made), nothing, admin).json() == was


@pytest.mark.parametrize("body,errors", [
    (b"", []), ([{}], [""]), ({"name": ""}, ["name"]), ({"name": "\t"}, ["name"]),
    ({"name": None}, ["name"]), ({"name": "x" * 256}, ["name"]),
    ({"id": made_uuid("x")}, ["id"]), ({"created_at": ""}, ["created_at"]),
] + [({"name": "x", **wrong}, errors) for wrong, errors in BAD])
def test_nothing_changes_by_what_is_wrong(server, body, errors):
    before = all_of(server)
    for secret in ("operator", "admin"):
        check_problem(ask(server, "PATCH", path_of(SPACE), body, secret), 400, errors)
    assert all_of(server) == before


def test_methods_and_types(server):
    for path, allowed in ((PATH, "GET, HEAD, POST"), (path_of(SPACE), "GET, HEAD, PATCH")):
        for method in ("PUT", "DELETE"):
            reply = ask(server, method, path, {})
            check_problem(reply, 405)
            assert reply.header("Allow") == allowed
    for method, path in (("POST", PATH), ("PATCH", path_of(SPACE))):
        headers = {"Authorization": "Bearer operator", "Content-Type": "text/plain"}
        check_problem(server.request(method, path, headers, b"{}"), 415)


# --- Switches ---


def test_switches_that_are_named_are_set(tmp_path):
    declared = {**OTHER, "switches": {"error_names": "specific"}}
    with occurd.start(tmp_path, [declared, HOUSE]) as server:
        was = get(server, path_of(OTHER), "other")
        assert was["switches"] == {**SWITCHES, "error_names": "specific"}
        for secret, change in (("other", {"strict_50": True, "event_answer": "generation_b"}),
                               ("operator", {"event_answer": "generation_c"}),
                               ("other", {"empty_definition_list": True, "strict_50": False})):
            now = ask(server, "PATCH", path_of(OTHER), {"switches": change}, secret)
            assert now.status == 200, now
            now = now.json()
            assert now["switches"] == {**was["switches"], **change}
            assert {**now, "switches": was["switches"], "updated_at": was["updated_at"]} == was
            assert now["updated_at"] > was["updated_at"]
            was = now
        for nothing in ({}, {"switches": {}}, {"switches": {"error_names": "specific"}}):
            assert ask(server, "PATCH", path_of(OTHER), nothing, "other").json() == was
        server.restart()
        assert get(server, path_of(OTHER), "other") == was


def test_a_switch_holds_from_the_next_request_on(server):
    made = ask(server, "POST", PATH, {"name": "switched", "switches": {
        "auto_define_event_types": True}}).json()
    assert made["switches"] == {**SWITCHES, "auto_define_event_types": True}
    admin = made["key"]["secret"]
    sender = ask(server, "POST", "/_/v1/keys", {"name": "s", "scopes": ["events.write"]},
                 admin).json()["secret"]

    def send(type_):
        space = {"id": made["id"], "keys": [key(sender, [])]}
        method, path, headers, body = senders.pristo(space, made_uuid("p"), "p@example.com")
        body = json.dumps({**json.loads(body), "type": type_}).encode()
        return server.request(method, path, headers, body)
    assert send("first").status == 201
    for value, answer in (("generation_b", "eventId"), ("generation_c", "ok")):
        change = {"switches": {"event_answer": value}}
        assert ask(server, "PATCH", path_of(made), change, admin).status == 200
        assert answer in send("first").json()
    off = {"switches": {"auto_define_event_types": False}}
    assert ask(server, "PATCH", path_of(made), off, admin).status == 200
    assert send("second").status == 400 and send("first").status == 201


def test_the_documents_know_all_switches():
    schemas = openapi.document("native").data["components"]["schemas"]
    page = (occurd.ROOT / "docs/switches.md").read_text("utf-8")
    for schema in (schemas["Switches"], schemas["NewSwitches"]):
        assert list(schema["properties"]) == list(SWITCHES)
    assert re.findall(r"^\| `(\w+)` \|", page, re.M) == list(SWITCHES)


# --- What limits do ---


def sent(server, n, email="limited@example.com"):
    """The statuses of n events on one connection, and the limit that the last answer told."""
    with server.wire() as wire:
        replies = []
        for _ in range(n):
            space = {"id": OTHER["id"], "keys": [key("limited", [])]}
            wire.send(occurd.request_bytes(*senders.arsel(space, email)))
            replies.append(wire.final())
    return [r.status for r in replies], replies[-1].header("ratelimit-limit")


def test_a_limit_holds_from_the_next_request_on(tmp_path):
    spaces = [{**OTHER, "keys": OTHER["keys"] + [key("limited", ["events.write"])]}, HOUSE]
    with occurd.start(tmp_path, spaces, args=["--threads", "4"]) as server:
        def limit(rate):
            change = {"limits": {"requests_per_second": rate}}
            assert ask(server, "PATCH", path_of(OTHER), change, "other").status == 200
        # Connections are spread over the loops; each must know at once.
        for rate in (5000, 300000, 400, 1000000):
            limit(rate)
            for _ in range(8):
                statuses, told = sent(server, 2)
                assert statuses == [202, 202] and told == str(rate)
        limit(-1)
        statuses, told = sent(server, 50)
        assert statuses == [202] * 50 and told is None
        limit(1)
        statuses, told = sent(server, 200)
        assert 429 in statuses and told == "1"
        limit(-1)
        assert sent(server, 50)[0] == [202] * 50
        # What was counted in seconds is not held against the vendor's minutes, nor otherwise.
        limit(1000000)
        assert sent(server, 1500)[0] == [202] * 1500
        limit(0)
        statuses, told = sent(server, 100)
        assert statuses == [202] * 100 and told not in ("1000000", "1", None)


# --- A full disk ---


def test_a_change_that_cannot_be_made_durable_is_none(tmp_path):
    with occurd.start(tmp_path, [SPACE, HOUSE]) as server:
        before = all_of(server)
        changes = [("POST", PATH, {"name": "late", "id": made_uuid("late")}),
                   ("PATCH", path_of(SPACE), {"name": "late"})]
        with full_disk(server):
            for change in changes:
                check_problem(ask(server, *change), 500)
        occurd.wait_until(lambda: server.request("GET", "/readyz").status == 200, what="/readyz")
        assert all_of(server) == before
        assert [ask(server, *change).status for change in changes] == [201, 200]
