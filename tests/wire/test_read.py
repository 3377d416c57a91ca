"""Reading back: /_/v1, /healthz, /readyz."""

import pytest

import occurd
import senders
from notation import parse_time
from occurd import key, made_uuid
from table import contact_hex

SPACE = senders.engine_workspace(
    "read",
    keys=[key("send", ["events.write"]), key("admin", ["admin"]),
          key("contacts", ["contacts.read"]), key("definitions", ["definitions.read"]),
          key("gone", ["admin"], revoked=True)])
OTHER = senders.engine_workspace("read-other")
EVENTS = 130  # of 3 contacts in turn


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with occurd.start(tmp_path_factory.mktemp("read"), [SPACE, OTHER]) as server:
        for i in range(EVENTS):
            request = senders.arsel(SPACE, f"person{i % 3}@example.com", {"n": str(i)})
            assert server.request(*request).status == 202
        for i in range(5):
            request = senders.omnisend(SPACE, "person0@example.com", {"i": i}, "inferred")
            assert server.request(*request).status == 202
        yield server


@pytest.fixture
def admin(server):
    reader = server.reader("admin")
    yield reader
    reader.close()


def check_problem(reply, status):
    """RFC 9457."""
    assert reply.status == status, reply
    assert reply.header("Content-Type") == "application/problem+json", reply
    body = reply.json()
    assert body["status"] == status and body["title"], body
    assert set(body) <= {"type", "title", "status", "detail", "instance"}, body
    return body.get("detail", "")


# --- Events ---


def test_the_shape_of_an_event(admin):
    event = admin.get("/_/v1/events?limit=1")["data"][0]
    assert list(event) == ["id", "seq", "dialect", "definition", "contact_id", "occurred_at",
                           "received_at", "properties"]
    assert event["dialect"] == "omnisend" and event["definition"] == "inferred"
    assert event["properties"] == {"i": "4"}
    assert event["seq"] == str(EVENTS + 5)
    for time in ("occurred_at", "received_at"):
        assert event[time].endswith("Z") and len(event[time].split(".")[1]) >= 4
        parse_time(event[time])
    assert admin.get("/_/v1/events/" + event["id"]) == event


def test_the_default_limit_is_50(admin):
    page = admin.get("/_/v1/events")
    assert list(page) == ["data", "next_before"]
    assert len(page["data"]) == 50 and page["next_before"] is not None


@pytest.mark.parametrize("limit", [1, 7, 45, 134, 135, 136, 1000])
def test_pages_are_whole(admin, limit):
    """Every event exactly once, newest first, and null at the end and only there."""
    seqs, before = [], ""
    while True:
        page = admin.get(f"/_/v1/events?limit={limit}{before}")
        seqs += [int(e["seq"]) for e in page["data"]]
        if page["next_before"] is None:
            break
        assert len(page["data"]) == limit
        before = f"&before={page['next_before']}"
        if limit == 1 and len(seqs) > 10:
            return
    assert seqs == list(range(EVENTS + 5, 0, -1))


def test_an_event_by_definition(admin):
    assert len(admin.pages("/_/v1/events?definition=inferred")) == 5
    assert len(admin.pages("/_/v1/events?definition=" + senders.TYPE)) == EVENTS
    assert admin.get("/_/v1/events?definition=unknown") == {"data": [], "next_before": None}
    page = admin.get("/_/v1/events?definition=inferred&limit=3")
    rest = admin.get(f"/_/v1/events?definition=inferred&before={page['next_before']}")
    assert [e["properties"]["i"] for e in page["data"] + rest["data"]] == ["4", "3", "2", "1", "0"]


def test_events_by_time(admin):
    """since is inclusive, until is exclusive, both on the time of receipt."""
    events = admin.events()
    middle = events[40]["received_at"]
    since = admin.pages(f"/_/v1/events?since={middle}")
    until = admin.pages(f"/_/v1/events?until={middle}")
    assert [e["seq"] for e in since + until] == [e["seq"] for e in events]
    assert all(parse_time(e["received_at"]) >= parse_time(middle) for e in since)
    assert all(parse_time(e["received_at"]) < parse_time(middle) for e in until)
    both = admin.pages(f"/_/v1/events?since={events[60]['received_at']}&until={middle}")
    assert both[-1]["seq"] == events[60]["seq"] and both[0]["seq"] == events[41]["seq"]
    assert admin.get("/_/v1/events?since=2999-01-01T00:00:00Z")["data"] == []
    for early in ("1999-01-01", "1970-01-01T00:00:00.000001Z", "1970-01-01T00:00:00Z", "1970-01-01",
                  "1969-12-31T23:59:59.999999Z", "0001-01-01"):
        assert admin.get("/_/v1/events?until=" + early)["data"] == []
        assert len(admin.pages("/_/v1/events?since=" + early)) == len(events)
    assert len(admin.pages("/_/v1/events?until=9999-12-31T23:59:59.999999Z")) == len(events)


def test_a_definition_and_a_time(admin):
    events = admin.pages("/_/v1/events?definition=inferred")
    since = admin.get(f"/_/v1/events?definition=inferred&since={events[2]['received_at']}")
    assert [e["seq"] for e in since["data"]] == [e["seq"] for e in events[:3]]


@pytest.mark.parametrize("query", [
    "limit=0", "limit=1001", "limit=-1", "limit=x", "limit=", "limit=1.5", "limit=%2B5",
    "limit=99999999999999999999", "before=0", "before=x", "before=-1", "since=yesterday",
    "until=1", "since=2026-02-30T00:00:00Z", "limit=%FF", "limit=%00", "until=%C3"])
def test_bad_parameters(admin, query):
    detail = check_problem(admin.ask("/_/v1/events?" + query), 400)
    assert query.split("=")[0] in detail


@pytest.mark.parametrize("query, name", [
    ("foo=bar", "foo"), ("foo", "foo"), ("limit=2&foo=bar", "foo"), ("Limit=2", "Limit"),
    ("limit%20=2", "limit "), ("=", ""), ("%FF=1", ""), ("email=a@b.co", "email"),
    ("x" * 100, "x" * 40), ("limit[]=2", "limit[]"), ("limit=2&limit=2", "limit"),
    ("before=9&since=2026-01-01&%62efore=9", "before")])
def test_parameters_that_are_unknown_or_come_twice(admin, query, name):
    detail = check_problem(admin.ask("/_/v1/events?" + query), 400)
    said = f"{name} may be given only once" if query.count("efore") + query.count("limit=") > 1 \
        else f'no parameter "{name}" here, only limit, before, since, until, definition'
    assert said in detail


def test_every_path_knows_its_parameters(admin):
    event = admin.get("/_/v1/events?limit=1")["data"][0]
    contact = f"/_/v1/contacts/{event['contact_id']}"
    for path in (f"/_/v1/events/{event['id']}", contact, contact + "/export", "/_/v1/stats",
                 "/_/v1/definitions/inferred"):
        assert admin.ask(path).status == 200
        assert "nor any other" in check_problem(admin.ask(path + "?limit=1"), 400)
    for path in (contact + "/events", "/_/v1/definitions", "/_/v1/keys"):
        assert len(admin.get(path + "?&limit=1&&")["data"]) == 1
        assert "only limit, before" in check_problem(admin.ask(path + "?email=x"), 400)
        check_problem(admin.ask(path + "?limit=0"), 400)


@pytest.mark.parametrize("id_, status", [
    (made_uuid("no event"), 404), ("01957e3a-4b5c-7d8e-9f0a-1b2c3d4e5f6a", 404),
    ("ffffffff-ffff-7fff-bfff-ffffffffffff", 404), ("00000000-0000-0000-0000-000000000000", 404),
    ("x", 400), ("1", 400)])
def test_events_that_are_none(admin, id_, status):
    check_problem(admin.ask("/_/v1/events/" + id_), status)


def test_every_event_by_its_id(admin):
    for event in admin.events()[::9]:
        assert admin.get("/_/v1/events/" + event["id"]) == event
        assert admin.get("/_/v1/events/" + event["id"].upper()) == event


# --- Contacts ---


def test_the_shape_of_a_contact(admin):
    contact = admin.contact("email=person0@example.com")
    assert list(contact) == ["id", "number", "identities", "attributes", "created_at",
                             "updated_at", "event_count", "last_event_at"]
    assert contact["identities"] == [{"kind": "email", "value": "person0@example.com"}]
    assert contact["attributes"]["email"] == "person0@example.com"
    newest = admin.timeline(contact)[0]
    assert contact["last_event_at"] == newest["received_at"]
    for form in (contact["id"], contact["id"].upper(), contact["number"], contact_hex(contact)):
        assert admin.get(f"/_/v1/contacts/{form}") == contact


def test_contacts_newest_first_in_pages(admin):
    contacts = admin.contacts()
    assert [c["attributes"]["email"] for c in contacts] == \
        [f"person{i}@example.com" for i in (2, 1, 0)]
    page = admin.get("/_/v1/contacts?limit=2")
    rest = admin.get(f"/_/v1/contacts?limit=2&before={page['next_before']}")
    assert page["data"] + rest["data"] == contacts and rest["next_before"] is None


def test_look_ups(admin):
    assert admin.contact("email=PERSON1@Example.com")["id"] == \
        admin.contact("email=person1@example.com")["id"]
    assert admin.contact("email=nobody@example.com") is None
    assert admin.contact("phone=+15551234567") is None
    assert admin.contact("external_id=x") is None
    check_problem(admin.ask("/_/v1/contacts?email=a@b.co&phone=5"), 400)


@pytest.mark.parametrize("limit", [1, 10, 44, 49, 1000])
def test_a_timeline_in_pages(admin, limit):
    contact = admin.contact("email=person0@example.com")
    whole = [e for e in admin.events() if e["contact_id"] == contact["id"]]
    assert len(whole) == int(contact["event_count"])
    rows, before = [], ""
    while True:
        page = admin.get(f"/_/v1/contacts/{contact['id']}/events?limit={limit}{before}")
        rows += page["data"]
        if page["next_before"] is None:
            break
        before = f"&before={page['next_before']}"
    assert rows == whole


@pytest.mark.parametrize("id_, status", [
    (made_uuid("no contact"), 404), ("4000000000", 404), ("0", 404), ("9223372036854775807", 404),
    ("000000000000000000000000", 404), ("x", 400), ("%20", 400)])
def test_contacts_that_are_none(admin, id_, status):
    check_problem(admin.ask("/_/v1/contacts/" + id_), status)
    check_problem(admin.ask(f"/_/v1/contacts/{id_}/events"), status)


# --- Definitions and counts ---


def test_definitions(admin):
    declared, inferred = sorted(admin.definitions(), key=lambda d: d["inferred"])
    assert declared["name"] == senders.TYPE and declared["inferred"] is False
    assert [(f["name"], f["type"]) for f in declared["fields"]] == \
        [("n", "string"), ("sender", "string")]
    assert inferred["name"] == "inferred" and inferred["inferred"] is True
    assert [(f["name"], f["type"]) for f in inferred["fields"]] == [("i", "integer")]


def test_definitions_newest_first_in_pages(admin):
    whole = admin.definitions()
    assert [d["name"] for d in whole] == ["inferred", senders.TYPE]
    page = admin.get("/_/v1/definitions?limit=1")
    rest = admin.get(f"/_/v1/definitions?limit=1&before={page['next_before']}")
    assert page["data"] + rest["data"] == whole and rest["next_before"] is None
    assert admin.get("/_/v1/definitions?before=1") == {"data": [], "next_before": None}


def test_stats(admin):
    stats = admin.get("/_/v1/stats")
    assert stats["events"] == str(EVENTS + 5) and stats["contacts"] == "3"
    counts = {d["name"]: d["events"] for d in stats["definitions"]}
    assert counts == {senders.TYPE: str(EVENTS), "inferred": "5"}


# --- Who may ---

PATHS = ["/_/v1/events", "/_/v1/events/" + made_uuid("x"), "/_/v1/contacts",
         "/_/v1/contacts/" + made_uuid("x"), "/_/v1/contacts/" + made_uuid("x") + "/events",
         "/_/v1/definitions", "/_/v1/stats"]


@pytest.mark.parametrize("path", PATHS)
def test_without_a_good_key(server, path):
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer gone"},
                    {"Authorization": "Basic admin"}, {"Authorization": "admin"},
                    {"X-API-Key": "admin"}):
        reply = server.request("GET", path, headers)
        check_problem(reply, 401)
        assert reply.header("WWW-Authenticate")


@pytest.mark.parametrize("path", PATHS)
def test_scopes(server, path):
    def status(secret):
        reply = server.request("GET", path, {"Authorization": "Bearer " + secret})
        if reply.status == 403:
            check_problem(reply, 403)
        return reply.status
    assert status("admin") in (200, 404)
    assert status("send") == 403
    is_contact = path.startswith("/_/v1/contacts")
    assert (status("contacts") != 403) == is_contact
    assert status("definitions") == (200 if path.endswith("definitions") else 403)


def test_another_workspace_sees_nothing(server):
    state = senders.reader_of(server, OTHER).state()
    assert state["events"] == state["contacts"] == []


# --- The rest ---


def test_other_methods_and_paths(server):
    admin = {"Authorization": "Bearer admin"}
    reply = server.request("POST", "/_/v1/events", admin, b"{}")
    check_problem(reply, 405)
    assert reply.header("Allow") == "GET, HEAD"
    check_problem(server.request("GET", "/_/v1/nothing", admin), 404)
    check_problem(server.request("GET", "/_/v2/events", admin), 404)
    check_problem(server.request("GET", "/_/", admin), 404)
    head = server.request("HEAD", "/_/v1/stats", admin)
    assert head.status == 200 and int(head.header("Content-Length")) > 0


def test_health(server):
    for path in ("/healthz", "/readyz"):
        reply = server.request("GET", path)
        assert reply.status == 200 and reply.header("Content-Type") == "application/json"
        assert reply.json()["status"]
        check_problem(server.request("POST", path, {}, b""), 405)
