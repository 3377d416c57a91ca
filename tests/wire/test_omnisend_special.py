"""Omnisend: the numbered cases that need a special situation."""

import json

import pytest

import occurd
import senders
import table

TABLE = table.Table("omnisend.toml")
ACCOUNT = table.Case(TABLE, {"title": "all in order", "steps": []})
PLACE = table.Place(ACCOUNT)


@pytest.fixture(scope="module")
def spaces():
    return {"racing": senders.engine_workspace("omnisend-racing"),
            "growing": senders.engine_workspace("omnisend-growing"),
            "limited": senders.engine_workspace("omnisend-limited", limits={}),
            "dated": senders.engine_workspace("omnisend-dated", limits={}),
            "listed": senders.engine_workspace("omnisend-listed", keys=[occurd.key(
                occurd.made_uuid("omnisend-listed", "key"), ["events.write", "contacts.read"],
                "listed")])}


@pytest.fixture(scope="module")
def server(tmp_path_factory, spaces):
    with occurd.start(tmp_path_factory.mktemp("omnisend"),
                      [*spaces.values(), PLACE.provision()], ["--threads", "2"]) as server:
        yield server


LARGE = 140  # contacts of so many bytes
LARGE_BYTES = 150_000


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    space = senders.engine_workspace("omnisend-large", keys=[occurd.key(
        occurd.made_uuid("omnisend-large", "key"), ["contacts.write", "contacts.read"], "large")])
    with occurd.start(tmp_path_factory.mktemp("large"), [space]) as server:
        for first in range(0, LARGE, 5):
            batch(server, space, "contacts", [
                {"email": f"{n:04}@example.com", "customProperties": {"x": "x" * LARGE_BYTES}}
                for n in range(first, first + 5)])
        yield server, space


def test_all_cases_in_order_on_one_account(server):
    """As the contract runs them. What each leaves behind is checked case by case elsewhere."""
    reader = server.reader(PLACE.reader_secret)
    wrong = []
    for case in TABLE.runnable():
        for step in case.steps:
            PLACE.read_variables(reader)
            reply = table.send_step(server, TABLE, step, PLACE)
            expected = int(TABLE.reply(step["expect"])["status"])
            if reply.status != expected:
                wrong.append(f"{case.name}: {reply.status}, not {expected}: {reply.text}")
    assert not wrong, "\n".join(wrong)


def test_60_the_401st_call_of_the_dated_api(server, spaces):
    headers = {"Authorization": "Omnisend-API-Key " + senders.key_of(spaces["dated"])}
    body = json.dumps({"eventName": "x", "contact": {"email": "a@example.com"}}).encode()
    replies = [server.request("POST", "/api/events", headers, body) for _ in range(401)]
    assert [r.status for r in replies] == [202] * 400 + [429]
    reply = replies[400]
    document = reply.json()
    assert document["type"] == "https://problems.omnisend.com/rate-limit-exceeded", reply
    assert document["status"] == 429
    assert [document["title"], document["detail"]] == ["Rate limit exceeded", "Too many requests"]
    assert document["instance"].startswith("urn:omnisend:request:")
    assert 1 <= int(document["retryAfter"]) <= 60
    assert reply.header("Retry-After") == str(document["retryAfter"])
    assert reply.header("X-Rate-Limit-Limit") is None


def test_61_the_401st_call(server, spaces):
    make = lambda i: senders.omnisend(spaces["limited"], "a@example.com", {"i": i})
    sender = senders.Sender(server, make, depth=20)
    sender.run(401)
    statuses = [r.status for _, r in sender.answers]
    assert statuses == [202] * 400 + [429]
    reply = sender.answers[400][1]
    assert reply.text == '{"error":"Too many requests"}'
    assert reply.header("X-Rate-Limit-Limit") == "400"
    assert reply.header("X-Rate-Limit-Remaining") == "0"
    assert 1 <= int(reply.header("X-Rate-Limit-Reset")) <= 60
    assert int(reply.header("Retry-After")) >= 1
    remaining = [int(r.header("X-Rate-Limit-Remaining")) for _, r in sender.answers[:400]]
    assert remaining == list(range(399, -1, -1))
    assert len(senders.reader_of(server, spaces["limited"]).events()) == 400


def test_64_two_first_events_at_once(server, spaces):
    """Exactly one becomes the scheme, the other is refused; every time."""
    space = spaces["racing"]
    reader = senders.reader_of(server, space)
    for i in range(20):
        name = f"race {i}"
        replies = senders.at_once(server, [
            senders.omnisend(space, "a@example.com", {"v": 1}, name),
            senders.omnisend(space, "b@example.com", {"v": "x"}, name)])
        assert sorted(r.status for r in replies) == [202, 400]
        winner = "integer" if replies[0].status == 202 else "string"
        fields = {d["name"]: d["fields"] for d in reader.definitions()}[name]
        assert [(f["name"], f["type"]) for f in fields] == [("v", winner)]
    assert len(reader.events()) == 20


def track(server, space, body):
    headers = {"Authorization": "Bearer " + senders.key_of(space)}
    return server.request("POST", "/v4/track", headers, json.dumps(body).encode())


def grow(server, space, body_of):
    """Sends ever more until it is refused; gives the answer, after a look that it stored nothing."""
    reader = senders.reader_of(server, space)
    for i in range(100):
        before = reader.state()
        reply = track(server, space, body_of(i))
        if reply.status != 202:
            assert reply.status == 400, reply
            assert reader.state() == before
            return reply
    raise AssertionError("it grows without end")


def test_a_scheme_does_not_grow_without_end(server, spaces):
    contact = {"email": "scheme@example.com"}
    grow(server, spaces["growing"], lambda i: {
        "eventName": "scheme", "contact": contact,
        "properties": {f"p{i}_{n}": n for n in range(100)}})
    small = {"eventName": "scheme", "contact": contact, "properties": {"p0_0": 1}}
    assert track(server, spaces["growing"], small).status == 202


def test_a_contact_does_not_grow_without_end(server, spaces):
    contact = {"email": "tags@example.com"}
    grow(server, spaces["growing"], lambda i: {
        "eventName": "tags",
        "contact": {**contact, "tags": [f"{i} {n} " + "x" * 90 for n in range(100)]}})
    small = {"eventName": "tags", "contact": contact}
    assert track(server, spaces["growing"], small).status == 202


def get(server, space, target):
    headers = {"Authorization": "Bearer " + senders.key_of(space)}
    reply = server.request("GET", target, headers, None)
    assert reply.status == 200, reply
    return reply.json()


def walk(server, space, target, follow):
    """Pages from `target` on, as `follow` makes the next target of one; None ends it."""
    pages = []
    while target:
        pages.append(get(server, space, target))
        target = follow(pages[-1])
        assert len(pages) < 20, "pages without end"
    return pages


def emails(pages):
    return [[c["email"] for c in page["contacts"]] for page in pages]


def path_of(link):
    return link and "/" + link.split("/", 3)[3]


def test_pages_there_and_back(server, spaces):
    space = spaces["listed"]
    for i in range(5):
        reply = track(server, space, {"eventName": "x", "contact": {"email": f"{i}@example.com"}})
        assert reply.status == 202
    names = [[f"{i}@example.com" for i in page] for page in ([4, 3], [2, 1], [0])]

    walk_v5(server, space, "/v5/contacts?limit=2", names)
    walk_dated(server, space, "/api/contacts?limit=2", names)
    names = [[f"{i}@example.com" for i in page] for page in ([0, 1], [2, 3], [4])]
    walk_v5(server, space, "/v5/contacts?limit=2&direction=asc", names)
    walk_dated(server, space, "/api/contacts?limit=2&direction=asc", names)


def walk_v5(server, space, target, names):
    """To the end by the links of the pages, and back."""
    pages = walk(server, space, target, lambda page: path_of(page["paging"]["next"]))
    assert emails(pages) == names
    assert pages[0]["paging"]["previous"] is None
    back = walk(server, space, path_of(pages[2]["paging"]["previous"]),
                lambda page: path_of(page["paging"]["previous"]))
    assert emails(back) == [names[1], names[0]]
    assert path_of(back[0]["paging"]["next"])


def walk_dated(server, space, target, names):
    def after(page):
        paging = page["paging"]
        assert paging["hasMore"] == (paging["cursors"]["after"] is not None)
        return paging["hasMore"] and f"{target}&after={paging['cursors']['after']}"
    dated = walk(server, space, target, after)
    assert emails(dated) == names
    assert dated[0]["paging"]["cursors"]["before"] is None
    before = dated[2]["paging"]["cursors"]["before"]
    page = get(server, space, f"{target}&before={before}")
    assert emails([page]) == [names[1]]
    assert page["paging"]["hasMore"]


def batch(server, space, endpoint, items):
    headers = {"Authorization": "Bearer " + senders.key_of(space)}
    body = json.dumps({"method": "POST", "endpoint": endpoint, "items": items}).encode()
    reply = server.request("POST", "/v5/batches", headers, body)
    assert reply.status == 201, reply
    items = get(server, space, f"/v5/batches/{reply.json()['batchID']}/items")
    assert items["errors"] == []


def test_consents_without_end_refuse_no_event(server, spaces):
    """Clients send the consent with each event. The newest stay, within 48 KiB."""
    space = spaces["growing"]
    for i in range(6):
        batch(server, space, "events", [{"eventName": "agreed", "contact": {
            "email": "consents@example.com", "consents": [
                {"channel": "email", "userAgent": f"{i} {n} " + "x" * 190}]}} for n in range(100)])
    contact = senders.reader_of(server, space).contact("email=consents@example.com")
    kept = contact["attributes"]["consents"]
    agents = [c["userAgent"].split()[:2] for c in kept]
    assert 45 * 1024 < len(json.dumps(kept, separators=(",", ":"))) <= 48 * 1024
    assert agents == [[str(n // 100), str(n % 100)] for n in range(600)][-len(agents):]


@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_a_page_of_large_contacts_is_short(large, direction):
    """And none is left out on the way through the pages, there and back."""
    server, space = large
    pages = walk(server, space, f"/v5/contacts?limit=250&direction={direction}",
                 lambda page: path_of(page["paging"]["next"]))
    seen = sum(emails(pages), [])
    assert seen == sorted(seen, reverse=direction == "desc") and len(seen) == LARGE
    assert 3 < len(pages) < LARGE
    back = walk(server, space, path_of(pages[-1]["paging"]["previous"]),
                lambda page: path_of(page["paging"]["previous"]))
    assert sum(emails(back[::-1]), []) == seen[:LARGE - len(pages[-1]["contacts"])]
