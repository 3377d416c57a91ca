"""Deliveries that have ended, tried again: one, by filter, or all, at a pace; and what /_/v1/stats and
/metrics say of all of them."""

import json

import pytest

import occurd
import senders
from deliveries import deliveries, ended, send_to, space_of, track, webhook
from occurd import wait_until
from receiver import Receiver
from test_metrics import scrape


class Moody(Receiver):
    """Refuses everything, until it is told otherwise."""

    def __init__(self):
        self.good = False
        super().__init__(lambda got, n: 200 if self.good else 418)


def ask(server, space, method, path, body=None):
    headers = {"Authorization": "Bearer " + space["keys"][1]["secret"]}
    data = b""
    if body is not None:
        headers["Content-Type"] = "application/json"
        data = json.dumps(body).encode()
    return server.request(method, path, headers, data)


def replay(server, space, status=202, **body):
    reply = ask(server, space, "POST", "/_/v1/deliveries/replay", body)
    assert reply.status == status, reply
    return reply.json()


def replay_one(server, space, row, body=None):
    return ask(server, space, "POST", f"/_/v1/deliveries/{row['number']}/replay", body)


def at_end(server, space, number):
    """The replay, once it is through."""
    path = f"/_/v1/replays/{number}"
    reader = senders.reader_of(server, space)
    wait_until(lambda: reader.get(path)["state"] != "running", 30, "the end of the replay")
    return reader.get(path)


def dead(server, space, n, **params):
    wait_until(lambda: len(deliveries(server, space, state="dead")) == n, 30, f"{n} dead")
    return deliveries(server, space, state="dead", **params)


def shut(name, receiver, path="/in"):
    """All that goes there is dead at once, and no failure of the receiver's: many, quickly."""
    url = receiver.url(path).replace("127.0.0.1", "localhost")  # found to be private when it is sent to
    return webhook(name, receiver, path, retry_seconds=[], allow_private=False, url=url)


def open_up(server, space, *names):
    for name in names:
        reply = ask(server, space, "PATCH", f"/_/v1/destinations/{name}", {"allow_private": True})
        assert reply.status == 200, reply


def simple(name, receiver):
    return space_of(name, [shut("crm", receiver)], [send_to("all", "crm")])


# --- One ---


def test_one(tmp_path):
    """It keeps its id and its tries, and goes through its schedule anew."""
    with Moody() as receiver:
        space = space_of("one", [webhook("crm", receiver, retry_seconds=[1])],
                         [send_to("all", "crm")])
        with occurd.start(tmp_path, [space]) as server:
            track(server, space)
            (row,) = dead(server, space, 1)
            assert int(row["attempts"]) == 2
            reply = replay_one(server, space, row)
            assert reply.status == 202, reply
            assert reply.header("Location") == f"/_/v1/deliveries/{row['number']}"
            assert reply.json()["state"] == "pending"
            again = replay_one(server, space, row)
            assert again.status == 409 and "pending" in again.json()["detail"]
            wait_until(lambda: len(receiver.got) == 4, 30, "two more tries")
            (row,) = dead(server, space, 1)
            assert int(row["attempts"]) == 4
            receiver.good = True
            assert replay_one(server, space, row, {}).status == 202
            (row,) = ended(server, space, 1)
            one = senders.reader_of(server, space).get(f"/_/v1/deliveries/{row['number']}")
            assert replay_one(server, space, row).status == 409
            assert replay_one(server, space, row, {"state": "dead"}).status == 409
            assert replay_one(server, space, row, {"state": "done"}).status == 202
            wait_until(lambda: len(receiver.got) == 6, what="the second time")
        assert row["state"] == "done" and int(row["attempts"]) == 5
        assert [int(t["n"]) for t in one["tries"]] == [1, 2, 3, 4, 5]
        assert [int(t["status"]) for t in one["tries"]] == [418] * 4 + [200]
        assert len(set(receiver.ids())) == 1


@pytest.mark.parametrize("number, body, status", [
    (0, {}, 404), ("x", {}, 404), (99, {}, 404), (99, {"state": "pending"}, 400),
    (99, {"state": 1}, 400), (99, {"all": True}, 400), (99, [], 400)])
def test_no_such_one(shared, number, body, status):
    server, space = shared
    assert replay_one(server, space, {"number": number}, body).status == status


# --- Many ---


def test_by_filter(tmp_path):
    with Receiver() as receiver:
        space = space_of("filter", [shut("a", receiver, "/a"), shut("b", receiver, "/b")],
                         [send_to("to-a", "a"), send_to("to-both", "a", "b")])
        with occurd.start(tmp_path, [space]) as server:
            for email in ("x@example.com", "x@example.com", "y@example.com"):
                track(server, space, email)
            rows = dead(server, space, 9)
            contact = senders.reader_of(server, space).contact("email=y@example.com")

            def count(**body):
                answer = replay(server, space, 200, dry_run=True, **body)
                assert answer["complete"] and answer["dry_run"] and answer["replay"] is None
                return answer["count"]
            assert count() == 9
            assert count(automation="to-both") == 6
            assert count(destination="b") == 3
            assert count(automation="to-a", destination="b") == 0
            assert count(contact=contact["id"]) == 3
            assert count(contact=str(contact["number"]), destination="a") == 2
            assert count(state="done") == 0
            times = sorted(row["created_at"] for row in rows)
            assert count(since=times[0]) == 9 and count(until=times[0]) == 0
            assert count(since=times[0], until="2100-01-01") == 9
            assert count(since="2100-01-01T00:00:00Z") == 0
            assert count(since="1970-01-01T00:00:00Z") == count(until="9999-12-31") == 9
            assert count(until="1970-01-01T00:00:00Z") == count(until="1969-07-20") == 0
            open_up(server, space, "a", "b")
            number = replay(server, space, until="1970-01-01", per_second=1000)["replay"]
            one = at_end(server, space, number)
            assert int(one["replayed"]) == 0
            assert one["filter"] == {"state": "dead", "until": "1970-01-01T00:00:00.000000Z"}
            number = replay(server, space, destination="b", per_second=1000)["replay"]
            assert int(at_end(server, space, number)["replayed"]) == 3
            wait_until(lambda: len(receiver.ids("/b")) == 3, what="what was replayed")
            assert len(receiver.ids("/a")) == 0
            assert {row["destination"] for row in dead(server, space, 6)} == {"a"}
            number = replay(server, space, automation="to-a", contact=contact["id"],
                            since="2020-01-01", until="2100-01-01T00:00:00Z")["replay"]
            one = at_end(server, space, number)
            assert one["filter"] == {
                "state": "dead", "automation": "to-a", "contact": contact["id"],
                "since": "2020-01-01T00:00:00.000000Z", "until": "2100-01-01T00:00:00.000000Z"}
            assert int(one["replayed"]) == 1 and int(one["per_second"]) == 50
            wait_until(lambda: count(state="done") == 4, what="four that are done")
            number = replay(server, space, state="done", per_second=1000)["replay"]
            assert int(at_end(server, space, number)["replayed"]) == 4
            wait_until(lambda: len(receiver.got) == 4 + 4, what="all once more")
            replays = senders.reader_of(server, space).pages("/_/v1/replays")
            assert [int(p["number"]) for p in replays] == [4, 3, 2, 1]


def test_all_over_a_kill(tmp_path):
    """Once it was accepted it goes on where it was, and does nothing twice."""
    with Receiver() as receiver:
        space = simple("kill", receiver)
        server = occurd.Server(tmp_path, [space])
        with server:
            ids = [track(server, space, n=n) for n in range(60)]
            dead(server, space, 60)
            open_up(server, space, "crm")
            space["destinations"][0]["allow_private"] = True
            occurd.write_provision(server.provision, [space])
            answer = replay(server, space, per_second=20)
            assert answer["count"] == 60 and answer["complete"]
            server.kill()
            server.start()
            wait_until(lambda: len(receiver.got) > 10, 30, "the first of them")
            server.kill()
            server.start()
            assert int(at_end(server, space, answer["replay"])["replayed"]) == 60
            rows = ended(server, space, 60)
        assert {row["state"] for row in rows} == {"done"}
        again = [g.event["id"] for g in receiver.got]
        assert set(again) == set(ids)
        assert len(set(receiver.ids())) == 60


def test_stopped(tmp_path):
    with Receiver() as receiver:
        space = simple("stop", receiver)
        with occurd.start(tmp_path, [space]) as server:
            for n in range(30):
                track(server, space, n=n)
            dead(server, space, 30)
            number = replay(server, space, per_second=1)["replay"]
            path = f"/_/v1/replays/{number}"
            assert senders.reader_of(server, space).get(path)["state"] == "running"
            assert ask(server, space, "DELETE", path).status == 204
            one = senders.reader_of(server, space).get(path)
            assert one["state"] == "stopped" and int(one["replayed"]) < 30
            assert one["ended_at"] >= one["created_at"]
            assert ask(server, space, "DELETE", path).status == 409
            assert ask(server, space, "DELETE", path + "0").status == 404


def test_ten_at_once(tmp_path):
    with Receiver() as receiver:
        space = simple("ten", receiver)
        with occurd.start(tmp_path, [space]) as server:
            for n in range(200):
                track(server, space, n=n)
            dead(server, space, 200)
            numbers = [replay(server, space, per_second=1)["replay"] for _ in range(10)]
            assert "ten" in replay(server, space, 409, per_second=1)["detail"]
            assert ask(server, space, "DELETE", f"/_/v1/replays/{numbers[3]}").status == 204
            replay(server, space, per_second=1)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    space = space_of("shared", [], [])
    with occurd.start(tmp_path_factory.mktemp("shared"), [space]) as server:
        yield server, space


@pytest.mark.parametrize("body, path", [
    ({"automation": "none"}, "automation"), ({"destination": "none"}, "destination"),
    ({"automation": 1}, "automation"), ({"state": "pending"}, "state"),
    ({"per_second": 0}, "per_second"), ({"per_second": 10001}, "per_second"),
    ({"per_second": "5"}, "per_second"), ({"per_second": 1.5}, "per_second"),
    ({"per_second": None}, "per_second"), ({"since": "yesterday"}, "since"),
    ({"until": 5}, "until"), ({"dry_run": "yes"}, "dry_run"), ({"rate": 5}, "rate"), ([], "")])
def test_bodies_that_are_refused(shared, body, path):
    reply = ask(*shared, "POST", "/_/v1/deliveries/replay", body)
    assert reply.status == 400, reply
    assert path in [e["path"] for e in reply.json()["errors"]]


@pytest.mark.parametrize("contact, status", [
    ("x", 400), ("01957e3a-4b5c-7d8e-9f0a-1b2c3d4e5f6a", 404), ("12345", 404)])
def test_contacts_that_are_not_there(shared, contact, status):
    for dry_run in (True, False):
        body = {"contact": contact, "dry_run": dry_run}
        reply = ask(*shared, "POST", "/_/v1/deliveries/replay", body)
        assert reply.status == status, reply


def test_workspaces_are_apart(tmp_path):
    with Receiver() as receiver:
        mine, other = simple("mine", receiver), space_of("other", [], [])
        with occurd.start(tmp_path, [mine, other]) as server:
            track(server, mine)
            (row,) = dead(server, mine, 1)
            open_up(server, mine, "crm")
            assert replay_one(server, other, row).status == 404
            assert replay(server, other, 200, dry_run=True)["count"] == 0
            at_end(server, other, replay(server, other)["replay"])
            number = replay(server, mine)["replay"]
            path = f"/_/v1/replays/{number}"
            assert senders.reader_of(server, other).ask(path).status == 404
            assert ask(server, other, "DELETE", path).status == 404
            at_end(server, mine, number)
            wait_until(lambda: len(receiver.got) == 1, what="the second try")


# --- Seeing it ---


def stats_of(server, space):
    stats = senders.reader_of(server, space).get("/_/v1/stats")
    assert stats["delivering"] is True
    by_name = {d["name"]: d for d in stats["destinations"]}
    return by_name, {m["name"]: m for m in stats["automations"]}


def counts_of(server, space, name):
    one = stats_of(server, space)[0].get(name)
    return one and tuple(int(one[state]) for state in ("pending", "done", "dead"))


def test_counts_and_states(tmp_path):
    def behave(got, n):
        return {"/good": 200, "/bad": 500, "/gone": 410, "/dead": 418}[got.path]
    with Receiver(behave) as receiver:
        space = space_of("seen", [
            webhook("good", receiver, "/good"), webhook("gone", receiver, "/gone"),
            webhook("bad", receiver, "/bad", retry_seconds=[3600]),
            webhook("dead", receiver, "/dead", retry_seconds=[]),
            webhook("off", receiver, "/good", disabled=True)],
            [send_to("rest", "good", "gone", "bad", "dead", "off"),
             send_to("idle", "good", paused=True)])
        other = space_of("unseen", [webhook("theirs", receiver)], [])
        server = occurd.Server(tmp_path, [space, other])
        want = {"good": (6, 0, "open"), "gone": (0, 0, "disabled"), "bad": (0, 0, "broken"),
                "dead": (0, 6, "broken"), "off": (0, 0, "disabled")}

        def is_right():
            seen, rules = stats_of(server, space)
            return len(seen) == 5 and all(
                (int(d["pending"]), int(d["done"]), int(d["dead"]), d["state"]) ==
                (6 - done - dead, done, dead, state)
                for d, (done, dead, state) in ((seen[n], w) for n, w in want.items())) and \
                all(int(m["events_behind"]) == 0 for m in rules.values()) and \
                float(seen["bad"]["lag_seconds"]) == 0  # all tried once, and due in an hour
        with server:
            for n in range(6):
                track(server, space, n=n)
            wait_until(is_right, 30, "counts that are right")
            seen, rules = stats_of(server, space)
            assert {n: m["state"] for n, m in rules.items()} == {"rest": "running",
                                                                 "idle": "paused"}
            assert float(seen["off"]["lag_seconds"]) > 0 == float(seen["good"]["lag_seconds"])
            assert counts_of(server, other, "theirs") == (0, 0, 0)
            values = scrape(server)
            ours = f'workspace="{space["id"]}",destination='
            for name, (done, dead_, state) in want.items():
                for key, n in (("pending", 6 - done - dead_), ("done", done), ("dead", dead_)):
                    assert values["occurd_deliveries", f'{ours}"{name}",state="{key}"'] == n
                for key in ("open", "broken", "disabled"):
                    label = f'{ours}"{name}",state="{key}"'
                    assert values["occurd_destination_state", label] == (key == state)
            assert values["occurd_delivery_lag_seconds", ours + '"off"'] > 0
            assert values["occurd_automation_events_behind",
                          f'workspace="{space["id"]}",automation="rest"'] == 0
            assert values["occurd_delivering", None] == 1
            server.kill()
            server.start()
            wait_until(lambda: counts_of(server, space, "good") == (0, 6, 0), what="them after it")
            assert counts_of(server, space, "dead") == (0, 0, 6)
            (first, *_) = deliveries(server, space, destination="dead")
            assert replay_one(server, space, first).status == 202
            wait_until(lambda: [int(d["attempts"]) for d in deliveries(
                server, space, destination="dead", state="dead")].count(2) == 1, 30,
                "one that died twice")
            assert counts_of(server, space, "dead") == (0, 0, 6)
            contact = senders.reader_of(server, space).contact("email=a@example.com")
            assert ask(server, space, "DELETE", f"/_/v1/contacts/{contact['id']}").status == 204
            wait_until(lambda: counts_of(server, space, "dead") == (0, 0, 0), what="none")


def test_without_its_ledger(tmp_path):
    """Events are taken; nothing is said to have been replayed, and what is off is seen."""
    space = space_of("broken", [], [])
    server = occurd.Server(tmp_path, [space])
    server.data.mkdir(parents=True, exist_ok=True)
    (server.data / "deliveries.db").write_bytes(b"no database" * 100)
    with server:
        track(server, space)
        stats = senders.reader_of(server, space).get("/_/v1/stats")
        assert stats["delivering"] is False and stats["destinations"] == []
        assert scrape(server)["occurd_delivering", None] == 0
        assert ask(server, space, "POST", "/_/v1/deliveries/replay", {}).status == 500
        assert "delivery_round_failed" in server.log_text()
