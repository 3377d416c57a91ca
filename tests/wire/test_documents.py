"""Destinations and automations: over /_/v1, in the provisioning file, and after a restart."""

import json
import subprocess

import pytest

import occurd
import senders
from diskfault import full_disk
from occurd import key
from test_native import ask, check_gone, check_problem

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER_SECRET = "whsec_" + "QUJD" * 8
CRM = {"name": "crm", "type": "webhook", "url": "https://crm.example/in", "secret": SECRET}
RULE = {"name": "big-order", "trigger": {"definitions": [senders.TYPE]}, "actions": [
    {"send": "crm"}]}
DESTINATIONS, AUTOMATIONS = "/_/v1/destinations", "/_/v1/automations"

SPACE = senders.engine_workspace(
    "documents", keys=[key("send", ["events.write"]), key("admin", ["admin"]),
                       key("definitions.read", ["definitions.read"]),
                       key("definitions.write", ["definitions.write"])],
    definitions=[{"name": senders.TYPE}, {"name": "visit", "fields": [
        {"name": "n", "type": "number"}]}, {"name": "other"}],
    destinations=[CRM], automations=[RULE, {
        "name": "visits", "paused": True, "trigger": {"definitions": ["visit"]},
        "actions": [{"send": "crm"}]}])
OTHER = senders.engine_workspace("documents-other")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with occurd.start(tmp_path_factory.mktemp("documents"), [SPACE, OTHER]) as server:
        yield server


def names(server, path, query=""):
    return [one["name"] for one in ask(server, "GET", path + query).json()["data"]]


def without_times(document):
    return {k: v for k, v in document.items() if k not in ("created_at", "updated_at")}


# --- Made, changed, deleted ---


def test_a_destination_from_its_making_to_its_end(server):
    path = DESTINATIONS + "/the%20log%2F1"
    made = ask(server, "POST", DESTINATIONS, {"name": "the log/1", "type": "file", "path": "a/b"})
    assert made.status == 201 and made.header("Location") == path
    shown = made.json()
    assert without_times(shown).items() >= {
        "name": "the log/1", "type": "file", "path": "a/b", "disabled": False, "ordered": False,
        "requests_per_second": 0}.items()
    assert shown["created_at"] == shown["updated_at"]
    assert ask(server, "GET", path).json() == shown
    assert shown in ask(server, "GET", DESTINATIONS).json()["data"]
    check_problem(ask(server, "POST", DESTINATIONS, {"name": "the log/1", "type": "file",
                                                     "path": "c"}), 409, ["name"])
    changed = ask(server, "PATCH", path, {"disabled": True, "name": "the log/1"})
    assert changed.status == 200 and changed.json()["updated_at"] > shown["updated_at"]
    assert without_times(changed.json()) == without_times(shown) | {"disabled": True}
    same = ask(server, "PATCH", path, {}).json()  # asked for, so it counts as a change
    assert without_times(same) == without_times(changed.json())
    assert same["updated_at"] > changed.json()["updated_at"]
    check_gone(ask(server, "DELETE", path))
    for method, body in (("GET", None), ("PATCH", {}), ("DELETE", None)):
        check_problem(ask(server, method, path, body), 404)


def test_an_automation_from_its_making_to_its_end(server):
    path = AUTOMATIONS + "/vip"
    rule = {"name": "vip", "conditions": {"any": [
        {"field": "contact.tags", "operator": "contains", "value": "vip"},
        {"count": senders.TYPE, "within_seconds": 3600, "operator": "gte", "value": 3}]},
        "delay_seconds": 60, "actions": [{"send": "crm"}]}
    made = ask(server, "POST", AUTOMATIONS, rule)
    assert made.status == 201 and made.header("Location") == path
    assert without_times(made.json()) == rule
    assert ask(server, "GET", path).json() == made.json()
    assert made.json() in ask(server, "GET", AUTOMATIONS).json()["data"]
    check_problem(ask(server, "POST", AUTOMATIONS, rule), 409, ["name"])
    paused = ask(server, "PATCH", path, {"paused": True, "delay_seconds": None})
    del rule["delay_seconds"]
    assert paused.status == 200 and without_times(paused.json()) == rule | {"paused": True}
    check_gone(ask(server, "DELETE", path))
    for method, body in (("GET", None), ("PATCH", {}), ("DELETE", None)):
        check_problem(ask(server, method, path, body), 404)


def test_secrets_are_kept_and_never_shown(server):
    path = DESTINATIONS + "/signed"
    shown = [ask(server, "POST", DESTINATIONS, CRM | {"name": "signed"}),
             ask(server, "PATCH", path, {"secrets": [OTHER_SECRET, SECRET]}),
             ask(server, "PATCH", path, {"concurrency": 3}),
             ask(server, "GET", path), ask(server, "GET", DESTINATIONS),
             ask(server, "PATCH", path, {"secret": None})]
    assert [reply.json()["secrets"] for reply in shown if "secrets" in reply.json()] == [
        1, 2, 2, 2, 0]
    for reply in shown:
        assert SECRET[6:] not in reply.text and OTHER_SECRET[6:] not in reply.text
    check_problem(ask(server, "PATCH", path, {"secret": SECRET + "!"}), 400, ["secret"])
    check_gone(ask(server, "DELETE", path))


def test_lists_are_paged_newest_first(server):
    for i in range(5):
        assert ask(server, "POST", DESTINATIONS, CRM | {"name": f"page {i}"}).status == 201
    page = ask(server, "GET", DESTINATIONS + "?limit=2").json()
    assert [one["name"] for one in page["data"]] == ["page 4", "page 3"]
    rest = ask(server, "GET", f"{DESTINATIONS}?limit=1000&before={page['next_before']}").json()
    assert [one["name"] for one in rest["data"]][:3] == ["page 2", "page 1", "page 0"]
    assert rest["next_before"] is None
    for i in range(5):
        check_gone(ask(server, "DELETE", f"{DESTINATIONS}/page%20{i}"))


def test_what_an_automation_sends_to_stays(server):
    for name in ("a", "b"):
        assert ask(server, "POST", DESTINATIONS, CRM | {"name": name}).status == 201
    rule = {"name": "both", "actions": [{"send": "a"}, {"send": "b"}]}
    assert ask(server, "POST", AUTOMATIONS, rule).status == 201
    check_problem(ask(server, "DELETE", DESTINATIONS + "/b"), 409, ["both"])
    assert ask(server, "PATCH", AUTOMATIONS + "/both", {"actions": [{"send": "a"}]}).status == 200
    check_gone(ask(server, "DELETE", DESTINATIONS + "/b"))
    check_problem(ask(server, "PATCH", AUTOMATIONS + "/both", rule), 400, ["actions[1].send"])
    check_problem(ask(server, "DELETE", DESTINATIONS + "/a"), 409, ["both"])
    check_gone(ask(server, "DELETE", AUTOMATIONS + "/both"))
    check_gone(ask(server, "DELETE", DESTINATIONS + "/a"))


def test_to_pause_needs_nothing_else_to_be_right(server):
    assert ask(server, "POST", "/_/v1/definitions", {"name": "short-lived"}).status == 201
    rule = {"name": "orphan", "trigger": {"definitions": ["short-lived"]},
            "actions": [{"send": "crm"}]}
    assert ask(server, "POST", AUTOMATIONS, rule).status == 201
    check_gone(ask(server, "DELETE", "/_/v1/definitions/short-lived"))
    path = AUTOMATIONS + "/orphan"
    check_problem(ask(server, "PATCH", path, {"delay_seconds": 1}), 400,
                  ["trigger.definitions[0]"])
    assert ask(server, "PATCH", path, {"paused": True}).json()["paused"] is True
    check_problem(ask(server, "PATCH", path, {"paused": False}), 400, ["trigger.definitions[0]"])
    check_gone(ask(server, "DELETE", path))


# --- Refused ---

REFUSED = [
    ("POST", DESTINATIONS, b"{", []),
    ("POST", DESTINATIONS, [], [""]),
    ("POST", DESTINATIONS, {}, ["name", "type"]),
    ("POST", DESTINATIONS, {"name": "x", "type": "smtp"}, ["type"]),
    ("POST", DESTINATIONS, {"name": " ", "type": "file", "path": "x"}, ["name"]),
    ("POST", DESTINATIONS, {"name": "a\nb", "type": "file", "path": "x"}, ["name"]),
    ("POST", DESTINATIONS, {"name": "x" * 101, "type": "file", "path": "x"}, ["name"]),
    ("POST", DESTINATIONS, {"name": "x", "type": "file", "path": "../x"}, ["path"]),
    ("POST", DESTINATIONS, {"name": "x", "type": "file", "path": "x", "url": "https://a"},
     ["url"]),
    ("POST", DESTINATIONS, CRM | {"url": "ftp://a"}, ["url"]),
    ("POST", DESTINATIONS, CRM | {"secret": "none"}, ["secret"]),
    ("POST", DESTINATIONS, CRM | {"retry_seconds": [0, 5]}, ["retry_seconds[0]"]),
    ("POST", DESTINATIONS, CRM | {"created_at": "2026-01-01"}, ["created_at"]),
    ("PATCH", DESTINATIONS + "/crm", {"name": "other"}, ["name"]),
    ("PATCH", DESTINATIONS + "/crm", {"name": None}, ["name"]),
    ("PATCH", DESTINATIONS + "/crm", {"url": None}, ["url"]),
    ("PATCH", DESTINATIONS + "/crm", {"type": "file"}, ["url", "secret", "path"]),
    ("PATCH", DESTINATIONS + "/crm", [], [""]),
    ("POST", AUTOMATIONS, b"", []),
    ("POST", AUTOMATIONS, {}, ["name", "actions"]),
    ("POST", AUTOMATIONS, {"name": "x", "actions": []}, ["actions"]),
    ("POST", AUTOMATIONS, {"name": "x", "actions": [{"send": "nobody"}]}, ["actions[0].send"]),
    ("POST", AUTOMATIONS, {"name": "x", "actions": [{"send": "crm", "add_tag": "x"}]},
     ["actions[0]"]),
    ("POST", AUTOMATIONS, {"name": "x", "actions": [
        {"record": {"definition": "none"}}, {"set_attributes": {"email": "a@b.co"}},
        {"remove_attributes": ["phone"]}, {"add_tag": " "}]},
     ["actions[1].set_attributes.email", "actions[2].remove_attributes[0]",
      "actions[3].add_tag"]),
    ("POST", AUTOMATIONS, {"name": "x", "actions": [
        {"record": {"definition": "none"}},
        {"record": {"definition": "visit", "properties": {"n": "one", "more": 1}}},
        {"set_attributes": {"custom": {"height": 1}}}]},
     ["actions[0].record.definition", "actions[1].record.properties.n",
      "actions[1].record.properties.more", "actions[2].set_attributes.custom.height"]),
    ("POST", AUTOMATIONS, RULE | {"name": "x", "trigger": {"definitions": ["none"]}},
     ["trigger.definitions[0]"]),
    ("POST", AUTOMATIONS, RULE | {"name": "x", "conditions": {"all": [
        {"field": "properties.x", "operator": "like", "value": 1}]}},
     ["conditions.all[0].operator"]),
    ("POST", AUTOMATIONS, RULE | {"name": "x", "conditions": {
        "count": "none", "operator": "gt", "value": 1}}, ["conditions.count"]),
    ("POST", AUTOMATIONS, RULE | {"name": "x", "once_per_contact": True, "cooldown_seconds": 1},
     ["cooldown_seconds"]),
    ("PATCH", AUTOMATIONS + "/big-order", {"name": "x"}, ["name"]),
    ("PATCH", AUTOMATIONS + "/big-order", {"actions": None}, ["actions"]),
    ("PATCH", AUTOMATIONS + "/big-order", {"paused": "yes"}, ["paused"]),
    ("PATCH", AUTOMATIONS + "/big-order", {"more": 1}, ["more"]),
]


@pytest.mark.parametrize("method,path,body,errors", REFUSED)
def test_what_is_wrong_is_told_and_changes_nothing(server, method, path, body, errors):
    def state():
        return [ask(server, "GET", where).json() for where in (DESTINATIONS, AUTOMATIONS)]
    before = state()
    check_problem(ask(server, method, path, body), 400, errors)
    assert state() == before


def test_a_declaration_has_a_size(server):
    conditions = {"field": "properties.x", "operator": "equals", "value": "x" * 66000}
    reply = ask(server, "POST", AUTOMATIONS, {"name": "x", "conditions": conditions,
                                              "actions": [{"send": "crm"}]})
    assert reply.status == 400, reply
    assert "x" not in names(server, AUTOMATIONS)


@pytest.mark.parametrize("where,switch,declared", [
    (AUTOMATIONS, "paused", '{"name":"largest","actions":[{"send":"crm"}],"conditions":'
                            '{"field":"properties.x","operator":"equals","value":"x"}}'),
    (DESTINATIONS, "disabled", '{"name":"largest","type":"file","path":"p",'
                               '"body":"[\\"x\\"]"}')])
def test_the_switch_is_not_counted(server, where, switch, declared):
    """The largest that can be saved can be switched, both ways, and grow by nothing else."""
    def sized(n):
        begin, end = declared.rsplit("x", 1)
        text = begin + "x" * (n - len(begin) - len(end)) + end
        return text.encode()
    path = where + "/largest"
    check_problem(ask(server, "POST", where, sized(65537)), 400, [""])
    made = ask(server, "POST", where, sized(65536))
    assert made.status == 201, made
    for off in (True, False):
        reply = ask(server, "PATCH", path, {switch: off})
        assert reply.status == 200 and reply.json()[switch] is off
    more = {"ordered": True} if where == DESTINATIONS else {"delay_seconds": 1}
    check_problem(ask(server, "PATCH", path, more), 400, [""])
    check_gone(ask(server, "DELETE", path))


def test_all_together_have_a_size(tmp_path):
    """8 MiB, of a workspace; of another nothing is counted. What is there can be switched off all the same."""
    def rule(name, n):
        begin = f'{{"name":"{name}","actions":[{{"add_tag":"t"}}],"conditions":{{"field":' \
                '"properties.x","operator":"equals","value":"'
        return (begin + "x" * (n - len(begin) - 3) + '"}}').encode()
    empty = SPACE | {"destinations": [], "automations": []}
    with occurd.start(tmp_path, [empty, OTHER]) as server:
        for i in range(127):
            assert ask(server, "POST", AUTOMATIONS, rule(f"{i}", 65536)).status == 201
        for name, n in (("nearly", 60000), ("last", 5535)):
            assert ask(server, "POST", AUTOMATIONS, rule(name, n)).status == 201
        reply = ask(server, "POST", DESTINATIONS, {"name": "f", "type": "file", "path": "p"})
        check_problem(reply, 409, [""])
        assert reply.json()["errors"][0]["message"] == (
            "The body may have at most 8388608 bytes together with all other destinations and "
            "automations, not 8388644")
        nearly = AUTOMATIONS + "/nearly"
        check_problem(ask(server, "PATCH", nearly, {"delay_seconds": 1}), 409, [""])
        assert ask(server, "PATCH", nearly, {"paused": True}).status == 200
        assert ask(server, "PATCH", nearly, {"paused": None}).status == 200
        secret = OTHER["keys"][1]["secret"]
        assert ask(server, "POST", AUTOMATIONS, rule("more", 200), secret).status == 201
        check_gone(ask(server, "DELETE", AUTOMATIONS + "/0"))
        assert ask(server, "POST", AUTOMATIONS, rule("more", 65536)).status == 201


@pytest.mark.parametrize("method,path,readers", [
    ("GET", DESTINATIONS, []), ("GET", DESTINATIONS + "/crm", []), ("POST", DESTINATIONS, []),
    ("PATCH", DESTINATIONS + "/none", []), ("DELETE", DESTINATIONS + "/none", []),
    ("GET", AUTOMATIONS, ["definitions.read"]),
    ("GET", AUTOMATIONS + "/big-order", ["definitions.read"]), ("POST", AUTOMATIONS, []),
    ("PATCH", AUTOMATIONS + "/none", []), ("DELETE", AUTOMATIONS + "/none", []),
    ("POST", AUTOMATIONS + "/none/test", [])])
def test_scopes(server, method, path, readers):
    body = b"{}" if method in ("POST", "PATCH") else None
    for declared in SPACE["keys"]:
        secret = declared["secret"]
        reply = ask(server, method, path, body, secret)
        if secret in ("admin", *readers):
            assert reply.status in (200, 400, 404), (secret, reply)
        else:
            check_problem(reply, 403)
    check_problem(ask(server, method, path, body, "wrong"), 401)


def test_another_workspaces_are_not_there(server):
    secret = OTHER["keys"][1]["secret"]
    assert ask(server, "GET", DESTINATIONS, None, secret).json()["data"] == []
    for path in (DESTINATIONS + "/crm", AUTOMATIONS + "/big-order"):
        for method, body in (("GET", None), ("PATCH", {}), ("DELETE", None)):
            check_problem(ask(server, method, path, body, secret), 404)
    rule = {"name": "theirs", "actions": [{"send": "crm"}]}
    check_problem(ask(server, "POST", AUTOMATIONS, rule, secret), 400, ["actions[0].send"])
    assert ask(server, "POST", DESTINATIONS, CRM, secret).status == 201
    assert ask(server, "POST", AUTOMATIONS, rule, secret).status == 201
    assert names(server, DESTINATIONS) == ["crm"]


def test_of_two_that_make_the_same_one_does(server):
    replies = []
    senders.in_threads([lambda: replies.append(
        ask(server, "POST", DESTINATIONS, CRM | {"name": "raced"}).status)] * 8)
    assert sorted(replies) == [201] + [409] * 7
    check_gone(ask(server, "DELETE", DESTINATIONS + "/raced"))


# --- Tested against events that are past ---


def dry_run(server, rule, query=""):
    """Each verdict as (properties, why, path), newest first; the automation is not there after."""
    rule = {"name": "tested", "paused": True, "actions": [{"send": "crm"}]} | rule
    assert ask(server, "POST", AUTOMATIONS, rule).status == 201
    reply = ask(server, "POST", AUTOMATIONS + "/tested/test" + query, b"")
    check_gone(ask(server, "DELETE", AUTOMATIONS + "/tested"))
    assert reply.status == 200, reply
    answer = reply.json()
    assert answer["looked_at"] == len(answer["data"])
    assert answer["met"] == sum(one["met"] for one in answer["data"])
    verdicts = []
    for one in answer["data"]:
        event = ask(server, "GET", "/_/v1/events/" + one["event_id"]).json()
        assert (one["definition"], one["contact_id"]) == (event["definition"], event["contact_id"])
        assert one["met"] == (one["why"] is None)
        verdicts.append((event["properties"].get("n"), one["why"], one["path"]))
    return verdicts


@pytest.fixture(scope="module")
def past(tmp_path_factory):
    """Five events of John, n 1 to 5, and between them one of somebody else's and of another kind."""
    with occurd.start(tmp_path_factory.mktemp("past"), [SPACE]) as server:
        for n in (1, 2, 3):
            send(server, "john@example.com", n)
        send(server, "jane@example.com", 7)
        send(server, "john@example.com", 8, "other")
        for n in (4, 5):
            send(server, "john@example.com", n)
        yield server


def send(server, email, n, definition="visit"):
    body = {"event": definition, "email": email, "data": {"n": n}}
    headers = {"Authorization": "Bearer send", "Content-Type": "application/json"}
    reply = server.request("POST", "/v1/events/send", headers, json.dumps(body).encode())
    assert reply.status == 202, reply


N_GTE = {"field": "properties.n", "operator": "gte", "value": 3}
JOHN = {"field": "contact.email", "operator": "equals", "value": "john@example.com"}


@pytest.mark.parametrize("rule,verdicts", [
    ({}, [(n, None, None) for n in (5, 4, 8, 7, 3, 2, 1)]),
    ({"trigger": {"definitions": ["visit"]}},
     [(n, None, None) for n in (5, 4, 7, 3, 2, 1)]),
    ({"trigger": {"definitions": ["other", "order"]}, "conditions": JOHN}, None),
    ({"trigger": {"definitions": ["other"]}}, [(8, None, None)]),
    ({"conditions": {"all": [JOHN, N_GTE]}},
     [(5, None, None), (4, None, None), (8, None, None), (7, "conditions", "conditions.all[0]"),
      (3, None, None), (2, "conditions", "conditions.all[1]"),
      (1, "conditions", "conditions.all[1]")]),
    ({"trigger": {"definitions": ["visit"]}, "conditions": {
        "count": "visit", "operator": "gte", "value": 4}},
     [(5, None, None), (4, None, None), (7, "conditions", "conditions"),
      (3, "conditions", "conditions"), (2, "conditions", "conditions"),
      (1, "conditions", "conditions")]),
    ({"conditions": {"count": "other", "operator": "equals", "value": 1}},
     [(5, None, None), (4, None, None), (8, None, None), (7, "conditions", "conditions"),
      (3, "conditions", "conditions"), (2, "conditions", "conditions"),
      (1, "conditions", "conditions")]),
    ({"conditions": {"field": "event.received_at", "operator": "within_last", "value": 1}},
     [(n, None, None) for n in (5, 4, 8, 7, 3, 2, 1)]),
])
def test_a_dry_run_says_what_and_why_not(past, rule, verdicts):
    if verdicts is None:  # an automation must fit to be tested
        check_problem(ask(past, "POST", AUTOMATIONS, {"name": "x", "actions": [{"send": "crm"}]}
                          | rule), 400, ["trigger.definitions[1]"])
        return
    assert dry_run(past, rule) == verdicts


def test_a_dry_run_names_the_trigger(past):
    assert ask(past, "POST", "/_/v1/definitions", {"name": "never"}).status == 201
    rule = {"trigger": {"definitions": ["other", "never"]}}
    assert dry_run(past, rule) == [(n, None, None) if n == 8 else (n, "trigger", "trigger")
                                  for n in (5, 4, 8, 7, 3, 2, 1)]
    check_gone(ask(past, "DELETE", "/_/v1/definitions/never"))


def test_a_dry_run_begins_where_it_is_told(past):
    events = ask(past, "GET", "/_/v1/events?limit=3").json()["data"]
    since = events[2]["received_at"]
    assert [n for n, _, _ in dry_run(past, {}, "?since=" + since)] == [5, 4, 8]
    assert dry_run(past, {}, "?since=2200-01-01") == []
    for query in ("?since=yesterday", "?until=2026-01-01", "?since=2026-01-01&since=2026-01-01"):
        check_problem(ask(past, "POST", AUTOMATIONS + "/visits/test" + query, b""), 400)


def test_a_dry_run_sets_nothing_off(past):
    assert ask(past, "POST", AUTOMATIONS + "/visits/test", b"").status == 200
    before = ask(past, "GET", "/_/v1/deliveries").json()
    assert ask(past, "POST", AUTOMATIONS + "/visits/test", b"").json()["met"] == 6
    assert ask(past, "GET", "/_/v1/deliveries").json() == before


def test_a_dry_run_knows_who_is_gone(tmp_path):
    with occurd.start(tmp_path, [SPACE]) as server:
        send(server, "gone@example.com", 1)
        contact = server.reader("admin").contact("email=gone@example.com")
        send(server, "jane@example.com", 2)
        check_gone(ask(server, "DELETE", "/_/v1/contacts/" + contact["id"]))
        assert dry_run(server, {}) == [(2, None, None), (None, "contact", None)]


def test_a_dry_run_looks_at_a_thousand(tmp_path):
    with occurd.start(tmp_path, [SPACE]) as server:
        for n in range(1005):
            send(server, f"{n % 7}@example.com", n)
        answer = ask(server, "POST", AUTOMATIONS + "/visits/test", b"").json()
        assert answer["looked_at"] == answer["met"] == len(answer["data"]) == 1000
        newest = ask(server, "GET", "/_/v1/events?limit=1000").json()["data"]
        assert [e["id"] for e in newest] == [one["event_id"] for one in answer["data"]]


# --- Kept ---


def test_they_are_there_after_a_restart(tmp_path):
    with occurd.start(tmp_path, [SPACE]) as server:
        assert ask(server, "POST", DESTINATIONS, CRM | {"name": "mine"}).status == 201
        assert ask(server, "PATCH", AUTOMATIONS + "/big-order", {"paused": True}).status == 200
        before = [ask(server, "GET", where).json() for where in (DESTINATIONS, AUTOMATIONS)]
    for _ in range(2):
        with occurd.start(tmp_path, [SPACE]) as server:
            assert [ask(server, "GET", where).json()
                    for where in (DESTINATIONS, AUTOMATIONS)] == before


def test_what_cannot_be_made_durable_is_not_done(tmp_path):
    with occurd.start(tmp_path, [SPACE]) as server:
        before = [ask(server, "GET", where).json() for where in (DESTINATIONS, AUTOMATIONS)]
        with full_disk(server):
            check_problem(ask(server, "POST", DESTINATIONS, CRM | {"name": "late"}), 500)
            check_problem(ask(server, "PATCH", DESTINATIONS + "/crm", {"disabled": True}), 500)
            check_problem(ask(server, "DELETE", AUTOMATIONS + "/big-order"), 500)
        occurd.wait_until(lambda: server.request("GET", "/readyz").status == 200, what="/readyz")
        assert [ask(server, "GET", where).json()
                for where in (DESTINATIONS, AUTOMATIONS)] == before


def spaces_with_files(one, two):
    """Each writes the file of that path."""
    return [occurd.workspace(name, destinations=[{"name": "f", "type": "file", "path": path}])
            for name, path in (("one", one), ("two", two))]


def test_a_file_is_one_workspaces(tmp_path):
    def declare(method, name, path, where=""):
        return server.request(method, DESTINATIONS + where,
                              {"Authorization": f"Bearer {name}-reader"},
                              json.dumps({"path": path} if where else
                                         {"name": "g", "type": "file", "path": path}).encode())
    with occurd.start(tmp_path, spaces_with_files("a/b", "c")) as server:
        for path in ("a/b", "a", "a/b/c"):
            check_problem(declare("POST", "two", path), 400, ["path"])
            check_problem(declare("PATCH", "two", path, "/f"), 400, ["path"])
        assert declare("POST", "one", "a/b").status == 201
        assert declare("PATCH", "two", "a/c", "/f").status == 200
        assert declare("POST", "two", "c").status == 201
        server.stop()
        # What one gives away another may have, in whatever order the file tells.
        occurd.write_provision(server.provision, spaces_with_files("d", "e"))
        server.start().stop()
        occurd.write_provision(server.provision, spaces_with_files("e", "d"))
        server.start()


def test_a_provisioning_file_keeps_files_apart(tmp_path):
    file = tmp_path / "wrong.yaml"
    occurd.write_provision(file, spaces_with_files("a", "a/b"))
    done = subprocess.run(
        [occurd.binary(), "serve", "--listen", "127.0.0.1:0", "--data", tmp_path / "data",
         "--provision", file], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0 and done.stdout == ""
    assert done.stderr.strip().endswith(
        ": workspaces[0].destinations[0].path: may not stand together with a file of another"
        " workspace, there or on the way"), done.stderr


@pytest.mark.parametrize("automation,said", [
    (RULE | {"actions": [{"send": "none"}]},
     "workspaces[0].automations[0].actions[0].send: names no destination that is there"),
    (RULE | {"trigger": {"definitions": ["none"]}},
     "workspaces[0].automations[0].trigger.definitions[0]: names no event type that is defined"),
    (RULE | {"actions": [{"record": {"definition": "none"}}]},
     "workspaces[0].automations[0].actions[0].record.definition: names no event type that is"
     " defined"),
    (RULE | {"more": 1}, "workspaces[0].automations[0].more: is not a member that is known here"),
])
def test_a_file_that_is_wrong_starts_nothing(tmp_path, automation, said):
    file = tmp_path / "wrong.yaml"
    occurd.write_provision(file, [SPACE | {"automations": [automation]}])
    line = 1 + file.read_text().split("\n").index('   "automations": [') + 1
    done = subprocess.run(
        [occurd.binary(), "serve", "--listen", "127.0.0.1:0", "--data", tmp_path / "data",
         "--provision", file], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0 and done.stdout == ""
    assert done.stderr.strip().endswith(f"{file}:{line}: {said}"), done.stderr
    assert json.loads(file.read_text())  # what stands there is JSON, and so its lines are known
