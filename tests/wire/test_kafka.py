"""Deliveries to Kafka, by the real binary to librdkafka's mock cluster."""

import contextlib
import json

import pytest

import kafka
import occurd
import senders
from deliveries import api, deliveries, ended, send_to, space_of, track
from kafka import Cluster, Listener
from occurd import wait_until

TOPIC = "occurd.events"


def bus(name, brokers, **members):
    return {"name": name, "type": "kafka", "brokers": brokers, "topic": TOPIC,
            "allow_private": True, "retry_seconds": [1, 1, 1], **members}


def tries_of(server, space, row):
    return senders.reader_of(server, space).get(f"/_/v1/deliveries/{row['number']}")["tries"]


# --- What arrives ---


def test_a_topic_gets_what_was_selected(tmp_path):
    with Cluster() as cluster:
        space = space_of("bus", [bus("bus", cluster.brokers)], [
            send_to("big-order", "bus",
                    conditions={"field": "properties.n", "operator": "gte", "value": 100})])
        with occurd.start(tmp_path, [space]) as server:
            ids = [track(server, space, n=n) for n in (99, 100, 250)]
            rows = ended(server, space, 2)
        messages = cluster.messages(TOPIC)
        assert {m.event["id"] for m in messages} == set(ids[1:]) and len(messages) == 2
        for m in messages:
            assert m.key == m.event["contact_id"] == m.json["data"]["contact"]["id"]
            assert m.headers == {"content-type": "application/json", "definition": senders.TYPE,
                                 "delivery-id": m.json["data"]["delivery_id"],
                                 "automation": "big-order"}
            (row,) = [r for r in rows if r["event_id"] == m.event["id"]]
            assert row["state"] == "done" and row["status"] is None and int(row["attempts"]) == 1
            assert row["answer"] == f"partition {m.partition}, offset {m.offset}"


def test_in_order_for_each_contact(tmp_path):
    with Cluster() as cluster:
        space = space_of("order", [bus("bus", cluster.brokers, ordered=True, concurrency=50)],
                         [send_to("all", "bus")])
        with occurd.start(tmp_path, [space]) as server:
            for n in range(60):
                track(server, space, f"p{n % 6}@example.com", n=n)
            ended(server, space, 60)
        by_key = {}
        for m in cluster.messages(TOPIC):
            by_key.setdefault(m.key, []).append((m.partition, int(m.event["properties"]["n"])))
        assert len(by_key) == 6
        for got in by_key.values():
            assert len({partition for partition, _ in got}) == 1
            assert [n for _, n in got] == sorted(n for _, n in got) and len(got) == 10


# --- Clusters that do not take it ---


def test_tried_again_with_the_same_id(tmp_path):
    with Cluster() as cluster:
        cluster.error(kafka.PRODUCE, kafka.MESSAGE_TOO_LARGE, 2)
        space = space_of("flaky", [bus("bus", cluster.brokers)], [send_to("all", "bus")])
        with occurd.start(tmp_path, [space]) as server:
            track(server, space)
            (row,) = ended(server, space, 1)
            tries = tries_of(server, space, row)
        (message,) = cluster.messages(TOPIC)
        assert row["state"] == "done" and int(row["attempts"]) == 3
        assert [int(t["n"]) for t in tries] == [1, 2, 3]
        assert all("too large" in t["answer"] for t in tries[:2])
        assert message.id == message.json["data"]["delivery_id"]


def test_what_the_client_puts_right_is_no_try(tmp_path):
    with Cluster() as cluster:
        space = space_of("calm", [bus("bus", cluster.brokers)], [send_to("all", "bus")])
        with occurd.start(tmp_path, [space]) as server:
            for code in (kafka.NOT_ENOUGH_REPLICAS, kafka.HANG_UP):
                cluster.error(kafka.PRODUCE, code)
                track(server, space)
            rows = ended(server, space, 2)
        assert [(row["state"], int(row["attempts"])) for row in rows] == [("done", 1)] * 2
        assert len(cluster.messages(TOPIC)) == 2


def test_dead_with_the_reason(tmp_path):
    with Cluster() as cluster:
        space = space_of("dead", [bus("bus", cluster.brokers, message_max_bytes=2000)],
                         [send_to("all", "bus")])
        with occurd.start(tmp_path, [space]) as server:
            track(server, space, text="x" * 2000)
            (large,) = ended(server, space, 1)
            cluster.error(kafka.PRODUCE, kafka.INVALID_RECORD)
            track(server, space)
            (invalid, _) = ended(server, space, 2)
            track(server, space)
            (good, _, _) = ended(server, space, 3)
        assert large["state"] == invalid["state"] == "dead" and good["state"] == "done"
        assert large["answer"] == "larger than message_max_bytes"
        assert "record" in invalid["answer"]
        assert len(cluster.messages(TOPIC)) == 1


def test_a_producer_that_failed_is_replaced(tmp_path):
    with Cluster() as cluster:
        cluster.error(kafka.INIT_PRODUCER_ID, kafka.CLUSTER_AUTHORIZATION_FAILED)
        space = space_of("fatal", [bus("bus", cluster.brokers)], [send_to("all", "bus")])
        with occurd.start(tmp_path, [space]) as server:
            track(server, space)
            (row,) = ended(server, space, 1)
            tries = tries_of(server, space, row)
        assert row["state"] == "done" and "authorization" in tries[0]["answer"]
        assert len(cluster.messages(TOPIC)) == 1
        (line,) = [json.loads(line) for line in server.log if "kafka_producer_failed" in line]
        assert line["destination"] == "bus"


def test_a_topic_that_is_not_there_yet(tmp_path):
    with Cluster() as cluster:
        cluster.topic(TOPIC, kafka.UNKNOWN_TOPIC)
        space = space_of("topic", [bus("bus", cluster.brokers, retry_seconds=[1] * 20)],
                         [send_to("all", "bus")])
        with occurd.start(tmp_path, [space]) as server:
            track(server, space)

            def has_failed():
                rows = deliveries(server, space)
                return rows and "Unknown topic" in (rows[0]["answer"] or "")
            wait_until(has_failed, 30, "a try that failed")
            cluster.topic(TOPIC, 0)
            (row,) = ended(server, space, 1)
        assert row["state"] == "done"
        assert len(cluster.messages(TOPIC)) == 1


def test_down_and_back_and_the_others_never_notice(tmp_path):
    with Cluster() as cluster, Cluster() as other:
        cluster.down()
        space = space_of("down", [bus("bus", cluster.brokers), bus("other", other.brokers),
                                  {"name": "log", "type": "file", "path": "log"}],
                         [send_to("all", "bus", "other", "log")])
        with occurd.start(tmp_path, [space]) as server:
            ids = [track(server, space, n=n) for n in range(30)]
            for name in ("other", "log"):
                wait_until(lambda d=name: len(deliveries(server, space, destination=d,
                                                         state="done")) == 30, 30, name)
            assert deliveries(server, space, destination="bus", state="done") == []
            cluster.up()
            rows = ended(server, space, 90)
        assert {row["state"] for row in rows} == {"done"}
        for c in (cluster, other):
            assert sorted(m.event["id"] for m in c.messages(TOPIC)) == sorted(ids)


# --- Ends ---


def test_stopped_while_it_is_down(tmp_path):
    """It stops in time, with a name that nobody knows too; what was under way goes out later."""
    with Cluster() as cluster:
        cluster.down()
        space = space_of("stop", [bus("bus", cluster.brokers),
                                  bus("lost", "nobody.invalid:9092,127.0.0.1:9")],
                         [send_to("all", "bus"), send_to("also", "lost")])
        with occurd.start(tmp_path, [space]) as server:
            ids = [track(server, space, n=n) for n in range(20)]
            wait_until(lambda: len(deliveries(server, space)) == 40, what="the deliveries")
        cluster.up()
        with server:
            wait_until(lambda: len(deliveries(server, space, destination="bus", state="done"))
                       == 20, 60, "what was left")
        assert sorted(m.event["id"] for m in cluster.messages(TOPIC)) == sorted(ids)


def test_killed_again_and_again_every_delivery_arrives(tmp_path):
    with Cluster() as cluster:
        space = space_of("crash", [bus("bus", cluster.brokers, concurrency=20)],
                         [send_to("all", "bus")])
        server = occurd.Server(tmp_path, [space])
        acknowledged = []
        for round_no in range(4):
            server.start()
            sender = senders.Sender(
                server, lambda i: senders.arsel(space, f"p{i % 30}@example.com",
                                                {"n": 1000 * round_no + i}), depth=8)
            # The cluster keeps 5 MB of a partition, and drops the oldest.
            with senders.beside([lambda stop: sender.run_until_closed(stop, 1000)]):
                want = len(deliveries(server, space, state="done")) + 40
                wait_until(lambda: len(deliveries(server, space, state="done")) > want, 30,
                           "some deliveries")
                server.kill()
            acknowledged += [r.json()["id"] for _, r in sender.answers if r.status == 202]
        with server:
            stored = {e["id"] for e in senders.reader_of(server, space).events()}
            # None is pending, too, as long as the last events have not been decided.
            wait_until(lambda: len(deliveries(server, space, state="done")) >= len(stored), 60,
                       "the rest")
        ids = {}
        for m in cluster.messages(TOPIC):
            ids.setdefault(m.event["id"], set()).add(m.id)
        assert set(acknowledged) <= set(ids) <= stored and len(acknowledged) > 100
        assert all(len(same) == 1 for same in ids.values())
        assert len(set.union(*ids.values())) == len(ids)


def test_changed_and_deleted(tmp_path):
    with Cluster() as cluster:
        space = space_of("change", [bus("bus", cluster.brokers)], [send_to("all", "bus")])
        with occurd.start(tmp_path, [space]) as server:
            first = track(server, space)
            ended(server, space, 1)
            reply = api(server, space, "PATCH", "destinations/bus", {"topic": "elsewhere"})
            assert reply.status == 200 and reply.json()["topic"] == "elsewhere"
            second = track(server, space)
            ended(server, space, 2)
            assert api(server, space, "DELETE", "automations/all", {}).status == 204
            assert api(server, space, "DELETE", "destinations/bus", {}).status == 204
            track(server, space)
        assert [m.event["id"] for m in cluster.messages(TOPIC)] == [first]
        assert [m.event["id"] for m in cluster.messages("elsewhere")] == [second]


# --- Who is asking, and whom ---


def failed_with(server, space, destination, words):
    def failed():
        rows = deliveries(server, space, destination=destination)
        return rows and words in (rows[0]["answer"] or "")
    wait_until(failed, 40, f"a try of {destination} that failed with {words}")


def test_logs_in_over_tls_and_only_where_it_may(tmp_path):
    """Not with whom the system does not trust, nor who has another name, nor who speaks TLS when
    nobody asked."""
    names = ("good", "stranger", "misnamed", "unasked")
    with contextlib.ExitStack() as stack:
        at = {name: stack.enter_context(Listener(tmp_path, name)) for name in names}
        declared = {name: bus(name, at[name].brokers, tls=True, ca=at[name].ca, sasl="PLAIN",
                              username="us er", password="pass wörd", retry_seconds=[1] * 20)
                    for name in names}
        del declared["stranger"]["ca"], declared["unasked"]["ca"]
        declared["misnamed"]["brokers"] = f"127.0.0.1:{at['misnamed'].port}"
        declared["unasked"]["tls"] = False
        space = space_of("login", list(declared.values()),
                         [send_to("to-" + name, name) for name in names])
        with occurd.start(tmp_path, [space]) as server:
            track(server, space)
            failed_with(server, space, "good", "wrong password, said the listener")
            failed_with(server, space, "stranger", "certificate")
            failed_with(server, space, "misnamed", "certificate")
            failed_with(server, space, "unasked", "security.protocol")
        assert at["good"].mechanisms == {"PLAIN"}
        assert at["good"].tokens == {"\0us er\0pass wörd"}
        for name in names[1:]:
            assert at[name].connections and not at[name].tokens
        assert "wörd" not in server.log_text()


GOOD = {"name": "good", "type": "kafka", "brokers": "k1:9092,k2:9092", "topic": "t", "tls": True,
        "sasl": "SCRAM-SHA-512", "username": "u", "password": "secret!"}


def test_declared_and_shown_without_the_password(tmp_path):
    space = space_of("show", [], [])
    with occurd.start(tmp_path, [space]) as server:
        reply = api(server, space, "POST", "destinations", GOOD)
        assert reply.status == 201 and "secret!" not in reply.body.decode()
        shown = senders.reader_of(server, space).get("/_/v1/destinations/good")
        for name in ("name", "type", "brokers", "topic", "tls", "sasl", "username"):
            assert shown[name] == GOOD[name]
        assert shown["allow_private"] is False and int(shown["message_max_bytes"]) == 1000000
        assert "password" not in shown
        reply = api(server, space, "PATCH", "destinations/good", {"username": "v"})
        assert reply.status == 200 and reply.json()["username"] == "v"
        for patch in ({"password": None}, {"brokers": "k3:9092"}, {"tls": False},
                      {"sasl": "PLAIN"}):
            reply = api(server, space, "PATCH", "destinations/good", patch)
            assert reply.status == 400
            assert [e["path"] for e in reply.json()["errors"]] == ["password"]
        reply = api(server, space, "PATCH", "destinations/good",
                    {"brokers": "k3:9092", "password": "secret!"})
        assert reply.status == 200 and reply.json()["brokers"] == "k3:9092"
        reply = api(server, space, "PATCH", "destinations/good",
                    {"sasl": None, "username": None, "password": None})
        assert reply.status == 200 and "sasl" not in reply.json()


@pytest.mark.parametrize("member, value", [
    ("brokers", None), ("brokers", "k1"), ("topic", "a b"), ("topic", "t" * 250),
    ("sasl", "GSSAPI"), ("username", None), ("password", ""), ("ca", "none"), ("tls", 1),
    ("message_max_bytes", 1), ("url", "https://a")])
def test_judged_when_saved(tmp_path_factory, member, value):
    space = space_of("judge", [], [])
    with occurd.start(tmp_path_factory.mktemp("judge"), [space]) as server:
        reply = api(server, space, "POST", "destinations", {**GOOD, member: value})
        assert reply.status == 400, reply
        assert [e["path"] for e in reply.json()["errors"]] == [member]
