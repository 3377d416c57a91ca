"""Templates of what is sent: judged when they are saved, JSON whatever the event holds."""

import subprocess

import pytest

import occurd
import senders
from occurd import wait_until
from receiver import Receiver, signature_is_good
from test_deliveries import TYPE, deliveries, ended, send_to, track, webhook
from test_documents import AUTOMATIONS, DESTINATIONS
from test_native import ask, check_problem

FIELDS = [{"name": "n", "type": "number"}, {"name": "note", "type": "string"},
          {"name": "gift", "type": "boolean"}, {"name": "free", "type": "object"},
          {"name": "items", "type": "array", "fields": [{"name": "sku", "type": "string"},
                                                        {"name": "price", "type": "number"}]}]

BODY = """{
  "text": "Order of {{contact.email}}: {{properties.note}} ({{properties.n}})",
  "total": {{{event.properties.n}}},
  "note": {{{properties.note}}},{{#properties.gift}}
  "gift": "yes",{{/properties.gift}}
  "items": [{{#properties.items}}
    {"sku": "<{{sku}}>", "price": {{{price}}}, "of": "{{automation}}"}{{^-last}},{{/-last}}{{/properties.items}}],
  "{{properties.note}}": {{{properties.free}}},
  "id": "{{delivery_id}}"
}"""

NOTES = ["plain", 'say "hi", \\ and /', '", "admin": true, "x": "', "}]}", "\n\r\t\b\f", "\x00\x01\x1f\x7f",
         "{{x}} {{{y}}} {{/properties.items}}", "\u2028\u00e9\U0001f600</script>", "\\", "", "null"]


NUMBERS = [b"1.50", b"-0", b"12345678901234567890.000", b"1E+2"]


def space_of(name, destinations, automations):
    return senders.engine_workspace(
        name, destinations=destinations, automations=automations,
        definitions=[{"name": TYPE, "fields": FIELDS}],
        keys=[occurd.key(name, ["events.write", "contacts.write"]),
              occurd.key(name + "-reader", occurd.ALL_SCOPES)])


def with_body(name, destination, body, **members):
    return {"name": name, "actions": [{"send": destination, "body": body}], **members}


# --- What arrives ---


def test_it_is_json_whatever_the_event_holds(tmp_path):
    with Receiver() as receiver:
        space = space_of("hook", [webhook("crm", receiver)],
                         [with_body('"big"', "crm", BODY, trigger={"definitions": [TYPE]})])
        items = [{"sku": '"', "price": 1.5}, {"sku": "b"}]
        with occurd.start(tmp_path, [space]) as server:
            for i, note in enumerate(NOTES):
                track(server, space, n=i, note=note, gift=i % 2 == 0, items=items[:i % 3],
                      free={"note": [note]})
            rows = ended(server, space, len(NOTES))
        assert all(row["state"] == "done" for row in rows)
        got = {g.json["total"]: g for g in receiver.got}
        for i, note in enumerate(NOTES):
            body = got[i].json
            expect = {"text": f"Order of a@example.com: {note} ({i})", "total": i, "note": note,
                      "items": [{"sku": f"<{item['sku']}>", "price": item.get("price"),
                                 "of": '"big"'} for item in items[:i % 3]]}
            if i % 2 == 0:
                expect["gift"] = "yes"
            expect |= {note: {"note": [note]}, "id": got[i].id}
            assert body == expect
            assert b"\n" not in got[i].body and signature_is_good(got[i].headers, got[i].body)


def test_numbers_stay_what_was_sent(tmp_path):
    with Receiver() as receiver:
        space = space_of("numbers", [webhook("crm", receiver)],
                         [with_body("all", "crm", '[{{{properties.n}}}, "{{properties.n}}"]')])
        with occurd.start(tmp_path, [space]) as server:
            method, target, headers, body = senders.arsel(space, "a@example.com", {"n": 0})
            for number in NUMBERS:
                sent = body.replace(b'"n": 0', b'"n": ' + number)
                assert server.request(method, target, headers, sent).status == 202
            ended(server, space, len(NUMBERS))
        assert sorted(g.body for g in receiver.got) == sorted(
            b'[' + n + b',"' + n + b'"]' for n in NUMBERS)


def test_the_action_goes_before_the_destination(tmp_path):
    with Receiver() as receiver:
        space = space_of("order", [webhook("own", receiver, "/own", body='{"by": "destination"}'),
                                   webhook("plain", receiver, "/plain"),
                                   {"name": "log", "type": "file", "path": "log",
                                    "body": '{\n "n": {{{properties.n}}}\n}\n'}],
                         [send_to("by-destination", "own", "plain", "log"),
                          with_body("by-action", "own", '{"by": "action"}')])
        with occurd.start(tmp_path, [space]) as server:
            track(server, space, n=5)
            ended(server, space, 4)
        own = sorted(g.body for g in receiver.got if g.path == "/own")
        assert own == [b'{"by":"action"}', b'{"by":"destination"}']
        (plain,) = [g for g in receiver.got if g.path == "/plain"]
        assert plain.event["properties"] == {"n": 5}
        assert (server.data / "out/log").read_text() == '{"n":5}\n'


def test_a_body_that_is_no_json_after_all_is_dead_and_says_why(tmp_path):
    """Nothing declares what `free` holds, so a list of numbers is not foreseen."""
    body = '[{{#properties.free.list}}{{{.}}}{{/properties.free.list}}]'
    with Receiver() as receiver:
        space = space_of("dead", [webhook("crm", receiver)], [with_body("all", "crm", body)])
        with occurd.start(tmp_path, [space]) as server:
            track(server, space, n=1, free={"list": ["a"]})
            track(server, space, n=2, free={"list": ["a", "b"]})
            track(server, space, n=3, free={"list": [[0] * 200] * 200})
            rows = ended(server, space, 3)
        assert [g.json for g in receiver.got] == [["a"]]
        assert [row["state"] for row in rows] == ["dead", "dead", "done"]
        for row in rows[:2]:
            assert row["answer"].startswith("the body is not JSON: ")
            assert row["answer"].endswith("at byte 26 of the template")


def test_a_body_that_grows_beyond_all_bounds_is_dead(tmp_path):
    lists = "{{#properties.free.l}}" * 5 + "x" + "{{/properties.free.l}}" * 5
    with Receiver() as receiver:
        space = space_of("bomb", [webhook("crm", receiver)], [
            with_body("wide", "crm", f'"{lists}"'), send_to("plain", "crm")])
        with occurd.start(tmp_path, [space]) as server:
            track(server, space, free={"l": list(range(100))})
            rows = {row["automation"]: row for row in ended(server, space, 2)}
        assert rows["plain"]["state"] == "done"
        assert rows["wide"]["state"] == "dead"
        assert rows["wide"]["answer"].startswith("the body cannot be made: it ")


def test_an_event_of_all_levels_that_there_are_holds_nobody_up(tmp_path):
    """The body of 64 levels is legal, and holds the properties on the second. What a template then makes
    of it is deeper than JSON here may be: that is the end of one delivery, and of no other."""
    templates = {"part": '{"x": {{{properties.free.x}}}}', "whole": "{{{event}}}",
                 "deeper": '{"event": {{{event}}}}'}
    deep = 0
    for _ in range(61):
        deep = [deep]
    with Receiver() as receiver:
        space = space_of("deep", [webhook("crm", receiver)], [
            with_body(name, "crm", body) for name, body in templates.items()])
        with occurd.start(tmp_path, [space]) as server:
            track(server, space, n=1, free={"x": deep})
            track(server, space, n=2, free={"x": 0})
            rows = ended(server, space, 6)
            assert "delivery_round_failed" not in server.log_text()
        dead = [row for row in rows if row["state"] == "dead"]
        assert [(row["automation"], row["answer"]) for row in dead] == [
            ("deeper", "the body is not JSON: it is nested too deep at byte 0 of the template")]
        got = [g.json for g in receiver.got]
        assert len(got) == 5 and {"x": deep} in got and {"x": 0} in got
        assert [deep] in [list(g["properties"]["free"].values()) for g in got if "properties" in g]


def test_changed_while_deliveries_wait(tmp_path):
    """What is waiting is sent as the automation says when it is sent; an action that is gone leaves
    its deliveries what the destination says."""
    with Receiver() as receiver:
        space = space_of("later", [webhook("crm", receiver, disabled=True, body='"destination"'),
                                   webhook("other", receiver)],
                         [{"name": "two", "actions": [{"send": "crm", "body": '"first"'},
                                                      {"send": "crm", "body": '"second"'}]}])
        with occurd.start(tmp_path, [space]) as server:
            track(server, space)
            wait_until(lambda: len(deliveries(server, space)) == 2, 10, "two deliveries")
            for path, change in ((f"{AUTOMATIONS}/two", {"actions": [{"send": "crm",
                                                                      "body": '"changed"'}]}),
                                 (f"{DESTINATIONS}/crm", {"disabled": False})):
                secret = space["keys"][1]["secret"]
                assert ask(server, "PATCH", path, change, secret=secret).status == 200
            ended(server, space, 2)
        assert sorted(g.body for g in receiver.got) == [b'"changed"', b'"destination"']


# --- What is refused ---

SPACE = space_of("refused", [{"name": "log", "type": "file", "path": "log"}],
                 [with_body("there", "log", '{"n": {{{properties.n}}}}', paused=True)])
ADMIN = SPACE["keys"][1]["secret"]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with occurd.start(tmp_path_factory.mktemp("templates"), [SPACE]) as server:
        yield server


REFUSED = [
    ("{{x", "a tag is not closed, at byte 0"),
    ("[{{#a}}]", "a section is not closed, at byte 1"),
    ("[{{> part}}]", "there are no partials, at byte 1"),
    ("[{{=<% %>=}}]", "delimiters cannot be changed, at byte 1"),
    ('{"n": {{properties.n}}}', "{{...}} is text and stands between quotes; for a JSON value write "
                                "{{{...}}}, at byte 6"),
    ('{"n": "{{{properties.n}}}"}', "{{{...}}} is a JSON value and stands outside of quotes; for text "
                                    "write {{...}}, at byte 7"),
    ('{"n": 1,}', "it makes no JSON of an event without properties: ..., at byte 7"),
    ("[{{#properties.items}}{{{sku}}}{{/properties.items}}]",
     f"it makes no JSON of a sample of {TYPE}: ..., at byte 22"),
]


@pytest.mark.parametrize("body, why", REFUSED, ids=range(len(REFUSED)))
def test_refused_when_it_is_saved(server, body, why):
    rule = {"name": "new", "trigger": {"definitions": [TYPE]},
            "actions": [{"send": "log"}, {"send": "log", "body": body}]}
    for method, path in (("POST", AUTOMATIONS), ("PATCH", f"{AUTOMATIONS}/there")):
        reply = ask(server, method, path, rule | {"name": path.removeprefix(AUTOMATIONS + "/")},
                    secret=ADMIN)
        check_problem(reply, 400, ["actions[1].body"])
        begin, end = why.split(": ...") if ": ..." in why else (why, "")
        message = reply.json()["errors"][0]["message"]
        assert message.startswith("actions[1].body cannot be a template: " + begin), message
        assert message.endswith(end), message
    reply = ask(server, "PATCH", f"{DESTINATIONS}/log", {"body": body}, secret=ADMIN)
    if "sample of" in why:
        assert reply.status == 200 and reply.json()["body"] == body
    else:
        check_problem(reply, 400, ["body"])


WHOLE = '{"cents": {{#properties.whole}}{{{properties.whole}}}00{{/properties.whole}}' \
        '{{^properties.whole}}0{{/properties.whole}}}'


def test_what_was_taken_can_be_switched_off(server):
    """It makes JSON of a whole number, as its definition says there is, and of nothing else."""
    made = ask(server, "POST", "/_/v1/definitions", {
        "name": "whole", "fields": [{"name": "whole", "type": "integer"}]}, secret=ADMIN)
    assert made.status == 201
    rule = with_body("whole", "log", WHOLE, trigger={"definitions": ["whole"]})
    path = f"{AUTOMATIONS}/whole"
    assert ask(server, "POST", AUTOMATIONS, rule, secret=ADMIN).status == 201
    for paused in (True, False):
        reply = ask(server, "PATCH", path, {"paused": paused}, secret=ADMIN)
        assert reply.status == 200 and reply.json()["paused"] is paused, reply
    check_problem(ask(server, "PATCH", path, {"trigger": None}, secret=ADMIN), 400,
                  ["actions[0].body"])


def test_the_provisioning_file_is_judged_as_a_post_is(tmp_path):
    space = space_of("whole", [{"name": "log", "type": "file", "path": "log"}],
                     [with_body("whole", "log", WHOLE, trigger={"definitions": ["whole"]})])
    space["definitions"].append({"name": "whole", "fields": [{"name": "whole", "type": "integer"}]})
    with occurd.start(tmp_path, [space]) as server:
        reply = ask(server, "GET", f"{AUTOMATIONS}/whole", secret=space["keys"][1]["secret"])
        assert reply.status == 200 and reply.json()["actions"][0]["body"] == WHOLE


def test_what_a_template_is_sent_to_becomes_no_relay(server):
    relay = {"type": "relay", "vendor": "omnisend", "key": "k", "path": None}
    path = f"{DESTINATIONS}/turns"
    assert ask(server, "POST", DESTINATIONS, {"name": "turns", "type": "file", "path": "turns"},
               secret=ADMIN).status == 201
    for rule in (send_to("plain", "turns"), with_body("says", "turns", "{}")):
        assert ask(server, "POST", AUTOMATIONS, rule, secret=ADMIN).status == 201
    reply = ask(server, "PATCH", path, relay, secret=ADMIN)
    check_problem(reply, 400, ["type"])
    assert reply.json()["errors"][0]["message"] == \
        'type may not stand together with the body that the automation "says" has for it'
    says = f"{AUTOMATIONS}/says"
    assert ask(server, "PATCH", says, {"paused": True}, secret=ADMIN).status == 200
    assert ask(server, "PATCH", path, {"disabled": True}, secret=ADMIN).status == 200
    assert ask(server, "PATCH", says, {"actions": [{"send": "turns"}]}, secret=ADMIN).status == 200
    assert ask(server, "PATCH", path, relay, secret=ADMIN).json()["type"] == "relay"
    for switch in ({"disabled": False}, {"vendor": "pristo", "key": "k", "population":
                                         "11111111-1111-4111-8111-111111111111"}):
        assert ask(server, "PATCH", path, switch, secret=ADMIN).status == 200


def test_a_relay_has_none(server):
    relay = {"name": "vendor", "type": "relay", "vendor": "omnisend", "key": "k"}
    check_problem(ask(server, "POST", DESTINATIONS, relay | {"body": "{}"}, secret=ADMIN), 400, ["body"])
    assert ask(server, "POST", DESTINATIONS, relay, secret=ADMIN).status == 201
    check_problem(ask(server, "POST", AUTOMATIONS, with_body("a", "vendor", "{}"), secret=ADMIN), 400,
                  ["actions[0].body"])
    assert ask(server, "POST", AUTOMATIONS, send_to("a", "vendor"), secret=ADMIN).status == 201


def test_shown_as_it_was_saved(server):
    body = '{\n  "é": "{{contact.email}}"\n}'
    made = ask(server, "POST", AUTOMATIONS, with_body("shown", "log", body), secret=ADMIN)
    assert made.status == 201 and made.json()["actions"] == [{"send": "log", "body": body}]
    changed = ask(server, "PATCH", f"{DESTINATIONS}/log", {"body": body}, secret=ADMIN)
    assert changed.status == 200 and changed.json()["body"] == body
    assert "body" not in ask(server, "PATCH", f"{DESTINATIONS}/log", {"body": None},
                             secret=ADMIN).json()


def test_refused_in_the_provisioning_file(tmp_path):
    space = space_of("bad", [{"name": "log", "type": "file", "path": "log"}],
                     [with_body("all", "log", "[{{#properties.items}}{{{sku}}}{{/properties.items}}]",
                                trigger={"definitions": [TYPE]})])
    file = tmp_path / "wrong.yaml"
    occurd.write_provision(file, [space])
    done = subprocess.run(
        [occurd.binary(), "serve", "--listen", "127.0.0.1:0", "--data", tmp_path / "data",
         "--provision", file], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0 and done.stdout == ""
    assert ": workspaces[0].automations[0].actions[0].body: cannot be a template: it makes no JSON " \
           f"of a sample of {TYPE}: " in done.stderr
    assert done.stderr.endswith(", at byte 22\n"), done.stderr
