"""What automations do themselves: attributes and tags of the contact, and events recorded for it,
exactly once, in order, and never round in circles."""

import pytest

import occurd
import senders
from deliveries import deliveries, ended, space_of, track, webhook
from occurd import wait_until
from receiver import Receiver

TYPE = senders.TYPE

DEFINITIONS = [
    {"name": TYPE, "fields": [{"name": "n", "type": "number"}]},
    {"name": "vip.reached", "fields": [{"name": "level", "type": "integer", "required": True},
                                       {"name": "since", "type": "date"}]},
    {"name": "a", "fields": []}, {"name": "b", "fields": []},
]


def space_with(name, *automations, destinations=(), **members):
    fields = [{"name": "tier", "type": "string"}, {"name": "score", "type": "number"}]
    return space_of(name, list(destinations), list(automations), contact_fields=fields,
                    **{"definitions": DEFINITIONS, **members})


def on(definition, name, *actions, **members):
    return {"name": name, "trigger": {"definitions": [definition]}, "actions": list(actions),
            **members}


def record(definition, **properties):
    return {"record": {"definition": definition, "properties": properties}}


def contact(server, space, email="a@example.com"):
    return senders.reader_of(server, space).contact("email=" + email)


def attributes(server, space):
    return contact(server, space)["attributes"]


def counted(server, space, definition):
    stats = senders.reader_of(server, space).get("/_/v1/stats")
    return {d["name"]: int(d["events"]) for d in stats["definitions"]}[definition]


def is_at_the_end(server, space, state):
    """Whether the workspace's automations are in that state and have looked at all events."""
    stats = senders.reader_of(server, space).get("/_/v1/stats")
    return [(a["state"], int(a["events_behind"])) for a in stats["automations"]] == [(state, 0)]


def pending(server, space):
    return senders.reader_of(server, space).get("/_/v1/deliveries?state=pending&limit=1")["data"]


def events(server, space, definition):
    return [e for e in senders.reader_of(server, space).events() if e["definition"] == definition]


# --- What each does ---


@pytest.mark.parametrize("before, action, after", [
    ({"city": "Bonn"}, {"set_attributes": {"city": "Berlin", "birthdate": "1990-02-28",
                                           "subscribed": True,
                                           "custom": {"tier": "gold", "score": 1.5}}},
     {"city": "Berlin", "birthdate": "1990-02-28", "subscribed": True,
      "custom": {"tier": "gold", "score": "1.5"}}),  # numbers as they stand in the answer
    ({"city": "Bonn", "gender": "f", "custom": {"tier": "gold", "other": "x"}},
     {"remove_attributes": ["city", "custom.tier", "state"]},
     {"gender": "f", "custom": {"other": "x"}}),
    ({}, {"add_tag": "vip"}, {"tags": ["vip"]}),
    ({"tags": ["a"]}, {"add_tag": "vip"}, {"tags": ["a", "vip"]}),
    ({"tags": ["vip"]}, {"add_tag": "vip"}, {"tags": ["vip"]}),
    ({"tags": ["vip", "a"]}, {"remove_tag": "vip"}, {"tags": ["a"]}),
    ({}, {"remove_tag": "vip"}, {}),
], ids=["set", "remove", "tag", "second-tag", "same-tag", "untag", "untag-nothing"])
def test_contact(tmp_path, before, action, after):
    ann = {"identities": [{"kind": "email", "value": "a@example.com"}], "attributes": before}
    space = space_with("change", on(TYPE, "rule", action), contacts=[ann])
    with occurd.start(tmp_path, [space]) as server:
        track(server, space)
        (row,) = ended(server, space, 1)
        assert row["state"] == "done" and row["destination"] is None and row["status"] is None
        assert row["action"] == next(iter(action)) and row["automation"] == "rule"
        seen = attributes(server, space)
        assert seen.pop("email", "a@example.com") == "a@example.com" and seen == after
        assert row["answer"] == ("it was so already" if before == after else "changed")


def test_an_event_is_recorded(tmp_path):
    space = space_with("record", on(TYPE, "vip", record("vip.reached", level=3)))
    with occurd.start(tmp_path, [space]) as server:
        first = track(server, space)
        (row,) = ended(server, space, 1)
        (event,) = events(server, space, "vip.reached")
        assert event["dialect"] == "automation" and event["properties"] == {"level": "3"}
        assert event["cause"] == {"event_id": first, "automations": ["vip"]}
        assert event["contact_id"] == contact(server, space)["id"] == row["contact_id"]
        assert event["occurred_at"] == event["received_at"]
        assert row["action"] == "record" and row["state"] == "done" and int(row["attempts"]) == 1
        assert row["answer"] == "recorded event " + event["id"]
        (reported,) = events(server, space, TYPE)
        assert "cause" not in reported and reported["dialect"] == "arsel"
        one = senders.reader_of(server, space).get("/_/v1/events/" + event["id"])
        assert one == event


def test_in_order_also_with_what_is_sent(tmp_path):
    """What comes behind a change sees it, whoever receives it, after every delay."""
    with Receiver() as receiver:
        space = space_with("order", on(
            TYPE, "rule", {"send": "crm"}, {"set_attributes": {"custom": {"tier": "gold"}}},
            {"send": "crm"}, {"add_tag": "vip"}, record("vip.reached", level=1), {"send": "crm"},
            delay_seconds=1), on(
            "vip.reached", "told", {"send": "other"}),
            destinations=[webhook("crm", receiver), webhook("other", receiver, "/other")])
        with occurd.start(tmp_path, [space]) as server:
            for i in range(20):
                track(server, space, f"p{i}@example.com")
            wait_until(lambda: len(deliveries(server, space)) >= 120, what="the decisions")
            pending = [r for r in deliveries(server, space, state="pending")
                       if r["action"] == "record"]
            assert all(r["due_at"] is None for r in pending)
            rows = ended(server, space, 140)
        assert {row["state"] for row in rows} == {"done"}
        seen = {}
        for got in receiver.got:
            person = got.json["data"]["contact"]
            seen.setdefault((got.path, person["id"]), []).append(
                (person["attributes"].get("custom"), person["attributes"].get("tags"),
                 int(person["event_count"])))
        gold, last = {"tier": "gold"}, ({"tier": "gold"}, ["vip"], 2)
        assert len(seen) == 40
        for (path, _), states in seen.items():
            assert last in states
            if path == "/in":  # nobody waits for what is sent, so the first may see what follows
                assert len(states) == 3 and [s[0] for s in states].count(gold) >= 2


def test_one_that_fails_does_not_hold_the_others(tmp_path):
    space = space_with("fails", on(TYPE, "rule", record("b"), {"add_tag": "done"}),
                       on("b", "again", record(TYPE, n=1)))
    with occurd.start(tmp_path, [space]) as server:
        track(server, space)
        rows = ended(server, space, 5)
        dead = [r for r in rows if r["state"] == "dead"]
        assert [(r["action"], r["answer"]) for r in dead] == [
            ("record", "a loop: the automation has led to this event itself")]
        assert attributes(server, space)["tags"] == ["done"]


def test_what_changed_since_it_was_decided(tmp_path):
    """A definition that has gone or asks for more, an automation that does something else."""
    admin = {"Authorization": "Bearer late-reader", "Content-Type": "application/json"}
    space = space_with("late", on(TYPE, "gone", record("a"), delay_seconds=4),
                       on(TYPE, "other", record("b"), delay_seconds=4))
    with occurd.start(tmp_path, [space]) as server:
        track(server, space)
        wait_until(lambda: len(deliveries(server, space)) == 2, what="two deliveries")
        reply = server.request("DELETE", "/_/v1/definitions/a", admin)
        assert reply.status == 204, reply
        reply = server.request("PATCH", "/_/v1/automations/other", admin,
                               b'{"actions": [{"add_tag": "x"}]}')
        assert reply.status == 200, reply
        rows = {r["automation"]: r for r in ended(server, space, 2)}
        assert {r["state"] for r in rows.values()} == {"dead"}
        assert rows["gone"]["answer"] == "record.definition names no event type that is defined"
        assert rows["other"]["answer"] == "the automation was changed and does not do that"
        assert events(server, space, "a") == events(server, space, "b") == []


def test_a_dry_run_does_nothing(tmp_path):
    admin = {"Authorization": "Bearer dry-reader", "Content-Type": "application/json"}
    space = space_with("dry", on(TYPE, "rule", {"add_tag": "x"}, record("a"), paused=True))
    with occurd.start(tmp_path, [space]) as server:
        track(server, space)
        reply = server.request("POST", "/_/v1/automations/rule/test", admin, b"")
        assert reply.status == 200 and reply.json()["met"] == 1, reply
        wait_until(lambda: is_at_the_end(server, space, "paused"), what="a look at the event")
        reply = server.request("PATCH", "/_/v1/automations/rule", admin, b'{"paused": false}')
        assert reply.status == 200, reply
        wait_until(lambda: is_at_the_end(server, space, "running"), what="its going on")
        track(server, space, "b@example.com")
        rows = ended(server, space, 2)
        assert len(events(server, space, "a")) == 1 and "tags" not in attributes(server, space)
        assert len({r["event_id"] for r in rows}) == 1


def test_the_last_automation_was_deleted(tmp_path):
    """What it had decided is dead, with the reason, and holds nothing that is sent."""
    with Receiver() as receiver:
        space = space_with("last", on(TYPE, "rule", record("a"), {"add_tag": "x"}, {"send": "crm"},
                                      delay_seconds=3600), destinations=[webhook("crm", receiver)])
        with occurd.start(tmp_path, [space]) as server:
            track(server, space)
            wait_until(lambda: len(deliveries(server, space)) == 3, what="the deliveries")
            reply = server.request("DELETE", "/_/v1/automations/rule",
                                   {"Authorization": "Bearer last-reader"})
            assert reply.status == 204, reply
            rows = ended(server, space, 3)
            assert {(r["state"], r["answer"]) for r in rows} == {
                ("dead", "the automation was deleted")}
            assert events(server, space, "a") == []
        assert receiver.got == []


# --- Round in circles ---


def test_two_that_set_each_other_off(tmp_path):
    space = space_with("pair", on("a", "from-a", record("b")), on("b", "from-b", record("a")),
                       on(TYPE, "start", record("a")))
    with occurd.start(tmp_path, [space]) as server:
        id_ = track(server, space)
        rows = ended(server, space, 4)
        assert sorted(r["state"] for r in rows) == ["dead", "done", "done", "done"]
        (dead,) = [r for r in rows if r["state"] == "dead"]
        assert dead["automation"] == "from-a" and "loop" in dead["answer"]
        causes = {e["id"]: e["cause"] for e in senders.reader_of(server, space).events()
                  if e["id"] != id_}
        chains = sorted((c["automations"] for c in causes.values()), key=len)
        assert chains == [["start"], ["start", "from-a"], ["start", "from-a", "from-b"]]
        assert {c["event_id"] for c in causes.values()} == {id_} | (set(causes) - {dead["event_id"]})


def test_itself_and_a_long_chain(tmp_path):
    steps = [{"name": f"s{i}", "fields": []} for i in range(8)]
    space = space_with(
        "chain", *(on(f"s{i}", f"step-{i}", record(f"s{i + 1}")) for i in range(7)),
        on(TYPE, "first", record("s0")), {"name": "any", "actions": [record("b")]},
        definitions=DEFINITIONS + steps)
    with occurd.start(tmp_path, [space]) as server:
        track(server, space)
        # first, steps 0 to 3 and their events, the sixth in the chain dead; "any" for each event,
        # and dead for those that it led to itself, or that are deep enough.
        wait_until(lambda: len(deliveries(server, space, automation="step-4", state="dead")) == 1,
                   30, "the end of the chain")
        wait_until(lambda: not deliveries(server, space, state="pending"), 30, "all the others")
        (dead,) = deliveries(server, space, automation="step-4")
        assert dead["answer"] == \
            "a loop: five automations have led to this event, one after the other"
        assert len(events(server, space, "s4")) == 1 and events(server, space, "s5") == []
        deepest = events(server, space, "s4")[0]["cause"]["automations"]
        assert deepest == ["first", "step-0", "step-1", "step-2", "step-3"]
        for event in events(server, space, "b"):
            assert event["cause"]["automations"].count("any") == 1
        looped = deliveries(server, space, automation="any", state="dead")
        assert all("loop" in r["answer"] for r in looped) and len(looped) == 6
        before = len(senders.reader_of(server, space).events())
    with server:  # the guard is with the event, not in memory
        assert len(senders.reader_of(server, space).events()) == before


# --- Contacts that go, and queues that are full ---


def test_a_deleted_contact(tmp_path):
    space = space_with("gone", on(TYPE, "rule", {"add_tag": "x"}, record("a"), delay_seconds=4))
    with occurd.start(tmp_path, [space]) as server:
        track(server, space)
        track(server, space, "b@example.com")
        wait_until(lambda: len(deliveries(server, space)) == 4, what="the deliveries")
        gone = contact(server, space)
        reply = server.request("DELETE", f"/_/v1/contacts/{gone['id']}",
                               {"Authorization": "Bearer gone-reader"})
        assert reply.status == 204, reply
        wait_until(lambda: len(deliveries(server, space)) == 2, what="their going")
        rows = ended(server, space, 2)
        assert {r["state"] for r in rows} == {"done"}
        assert gone["id"] not in {r["contact_id"] for r in rows}
        assert [e["contact_id"] for e in events(server, space, "a")] == \
            [contact(server, space, "b@example.com")["id"]]


def test_a_contact_that_is_full(tmp_path):
    custom = {f"f{i}": i for i in range(1000)}
    ann = {"identities": [{"kind": "email", "value": "a@example.com"}],
           "attributes": {"custom": custom}}
    space = space_with("full", on(TYPE, "rule", {"set_attributes": {"custom": {"tier": "x"}}}),
                       contacts=[ann])
    with occurd.start(tmp_path, [space]) as server:
        track(server, space)
        (row,) = ended(server, space, 1)
        assert row["state"] == "dead" and "1000 custom attributes of one contact" in row["answer"]


def test_many_of_several_workspaces(tmp_path):
    """More than may be under way at once; nobody's clients wait for them."""
    spaces = [space_with(f"many{i}", on(TYPE, "rule", record("vip.reached", level=1),
                                        {"add_tag": "t"})) for i in range(3)]
    with occurd.start(tmp_path, spaces) as server:
        for space in spaces:
            sender = senders.Sender(
                server, lambda i, space=space: senders.arsel(
                    space, f"p{i % 50}@example.com", {"n": i}), depth=50)
            sender.run(1000)
            assert {r.status for _, r in sender.answers} == {202}
        for space in spaces:
            wait_until(lambda space=space: counted(server, space, "vip.reached") == 1000, 60,
                       "the recorded ones")
            wait_until(lambda space=space: not pending(server, space), 60, "all of them")
            caused = [e["cause"]["event_id"] for e in events(server, space, "vip.reached")]
            assert len(set(caused)) == 1000
            assert deliveries(server, space, state="dead") == []


# --- Crashes ---


def test_killed_again_and_again_each_is_recorded_once(tmp_path):
    with Receiver() as receiver:
        space = space_with("crash", on(TYPE, "vip", {"add_tag": "t"}, record("vip.reached", level=1),
                                       {"send": "crm"}),
                           on("vip.reached", "next", record("a")),
                           destinations=[webhook("crm", receiver, concurrency=20)])
        server = occurd.Server(tmp_path, [space])
        acknowledged = []
        for round_no in range(6):
            server.start()
            sender = senders.Sender(
                server, lambda i: senders.arsel(space, f"p{i % 30}@example.com",
                                                {"n": 1000 * round_no + i}))
            with senders.beside([sender.run_until_closed]):
                want = len(receiver.got) + 20
                wait_until(lambda: len(receiver.got) > want, 30, "some deliveries")
                server.kill()
            acknowledged += [r.json()["id"] for _, r in sender.answers if r.status == 202]
        with server:
            wait_until(lambda: counted(server, space, "a") == counted(server, space, TYPE), 60,
                       "the last ones")
            wait_until(lambda: not pending(server, space), 60, "what is sent")
            everything = senders.reader_of(server, space).events()
            assert deliveries(server, space, state="dead") == []
        ids = {d: [e["id"] for e in everything if e["definition"] == d]
               for d in (TYPE, "vip.reached", "a")}
        causes = {d: sorted(e["cause"]["event_id"] for e in everything if e["definition"] == d)
                  for d in ("vip.reached", "a")}
        assert set(acknowledged) <= set(ids[TYPE]) and len(acknowledged) > 60
        assert causes["vip.reached"] == sorted(ids[TYPE])
        assert causes["a"] == sorted(ids["vip.reached"])
