"""Case tables: cases/*.toml, read, held against their own rules, and run.

A table has a head and cases. The head (or that of another table, `base = "pristo.toml"`) says

  dialect        the name that events are stored under
  send           what is sent unless a step says otherwise: "POST /v1/..."
  headers        the same for headers; `false` in a step takes one away
  replies.NAME   answers that cases can name; NAME(a,b) fills in <1> and <2>
  fixture        what each case finds: vars, unique (variables that get a UUID of the case's own),
                 keys (variable = scopes; "revoked", "oauth" and "publishable" are flags, what
                 begins with "https://" is an allowed origin), contact_fields,
                 definitions, contact (several), limits, read (variables that are read from the
                 server: { contact = "email=...", member = "number" } or "hex")

A case has a number (of the contract) or none, a title, and either one step written straight into
it or `steps`, a list. Each case runs in a workspace of its own. `after = [1, 3]` sends the steps
of those cases first. `switches = { strict_50 = true }` are those of its workspace. `where =
"test_x.py::test_y"` instead of steps: the case is Python.

A step: send, headers, body (absent: none is sent), expect ("W", "E(CODE)", or a table of status,
headers, json, text, contains), stores (events it adds; by default 1 when the answer is 2xx), changes (true:
it adds no event, but contacts or definitions may be other ones afterwards), keep ({ NAME = "data.0.id" }:
a variable for the steps that follow, out of the answer).

Every answer must be one that src/api/openapi documents (openapi.py). After every step it is
checked that a refused request left the workspace exactly as it was, and that an accepted one added
exactly its events. `then` says what else holds at the end:

  contacts = 1                                  how many there are
  newest = { ... } or [ ... ]                   events, newest first: definition, dialect,
                                                occurred_at, properties, contact ("email=..."),
                                                mismatches (none unless it is said)
  contact = [ { by = "email=...", attributes = '{...}', events = 1, identities = [...] } ]
  absent = [ "email=..." ]                      contacts that must not be found
  definitions = { rated = "stars:integer" }     exactly these definitions with these fields
  distinct = "raw"                              this member differs in all accepted answers
"""

import pathlib
import re
import tomllib

import openapi
from notation import (NotationError, check_json, matches_text, parse_time, sent)
from occurd import exact_json, key, made_uuid, request_bytes, workspace

CASES = pathlib.Path(__file__).parent / "cases"

HEAD_WORDS = {"base", "dialect", "send", "headers", "replies", "fixture", "case"}
CASE_WORDS = {"number", "title", "steps", "after", "switches", "then", "where"}
STEP_WORDS = {"send", "headers", "body", "expect", "stores", "changes", "keep"}
EXPECT_WORDS = {"status", "headers", "json", "text", "contains"}
THEN_WORDS = {"contacts", "newest", "contact", "absent", "definitions", "distinct"}
EVENT_WORDS = {"definition", "dialect", "occurred_at", "properties", "contact", "mismatches"}
KEY_FLAGS = {"revoked", "publishable"}
CONTACT_WORDS = {"by", "attributes", "events", "identities"}
FIXTURE_WORDS = {"vars", "unique", "keys", "contact_fields", "definitions", "contact", "limits",
                 "read"}


def hold(words, given, where):
    unknown = set(given) - words
    if unknown:
        raise NotationError(f"{where}: {sorted(unknown)} mean nothing here")


class Case:
    def __init__(self, table, data):
        self.table, self.title = table, data["title"]
        self.number = data.get("number")
        self.then, self.after = data.get("then", {}), data.get("after", [])
        self.switches = data.get("switches")
        self.where = data.get("where")
        self.name = f"{table.name}-{self.slug()}"
        own_step = {w: data[w] for w in STEP_WORDS if w in data}
        hold(CASE_WORDS | STEP_WORDS, data, self.name)
        self.steps = data.get("steps", [] if self.where else [own_step])
        self._check_words()

    def slug(self):
        words = re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")[:60]
        return words if self.number is None else f"{self.number:02}-{words}"

    def _check_words(self):
        hold(THEN_WORDS, self.then, self.name)
        for step in self.steps:
            hold(STEP_WORDS, step, self.name)
            if "expect" not in step:
                raise NotationError(f"{self.name}: a step expects nothing")
            self.table.reply(step["expect"])
        for contact in self.then.get("contact", []):
            hold(CONTACT_WORDS, contact, self.name)
        for event in self.newest():
            hold(EVENT_WORDS, event, self.name)

    def newest(self):
        newest = self.then.get("newest", [])
        return newest if isinstance(newest, list) else [newest]

    def all_steps(self):
        """Those of the cases it comes after, and its own."""
        before = [self.table.numbered(n) for n in self.after]
        return [s for c in before for part in c.all_steps() for s in part], self.steps


class Table:
    def __init__(self, file):
        data = tomllib.loads((CASES / file).read_text("utf-8"))
        hold(HEAD_WORDS, data, file)
        self.base = Table(data["base"]) if "base" in data else None
        head = self.base.head if self.base else data
        self.head = head
        self.name = file.removesuffix(".toml")
        self.dialect, self.send = head["dialect"], head["send"]
        self.headers, self.replies = head["headers"], head["replies"]
        self.fixture = head["fixture"]
        hold(FIXTURE_WORDS, self.fixture, file)
        self.cases = [Case(self, c) for c in data["case"]]
        if len({c.name for c in self.cases}) != len(self.cases):
            raise NotationError(f"{file}: two cases have one name")

    def numbered(self, number):
        cases = self.base.cases if self.base else self.cases
        return next(c for c in cases if c.number == number)

    def runnable(self):
        return [c for c in self.cases if not c.where]

    def reply(self, expect):
        """A named answer or one written out, as a table with <1>, <2> ... filled in."""
        if isinstance(expect, dict):
            hold(EXPECT_WORDS, expect, self.name)
            return expect
        name, _, arguments = expect.rstrip(")").partition("(")
        if name not in self.replies:
            raise NotationError(f"{self.name}: no reply is named {name}")
        given = [a.strip() for a in arguments.split(",")]
        return fill_in(self.replies[name], given)


def fill_in(value, given):
    if isinstance(value, dict):
        return {k: fill_in(v, given) for k, v in value.items()}
    if isinstance(value, list):
        return [fill_in(v, given) for v in value]
    if isinstance(value, str):
        return re.sub(r"<(\d)>", lambda m: given[int(m[1]) - 1], value)
    return value


# --- The workspace of a case ---


class Place:
    """A case's workspace: what is provisioned for it, and its variables."""

    def __init__(self, case):
        self.fixture = case.table.fixture
        self.name, self.switches = case.name, case.switches
        self.id = made_uuid(case.name)
        self.reader_secret = made_uuid(case.name, "reader")
        self.variables = dict(self.fixture.get("vars", {}))
        self.variables |= {"POP": self.id, "OTHER": other_workspace(case.table)["id"]}
        for name in self.fixture.get("unique", []):
            self.variables[name] = made_uuid(case.name, name)
        for name in self.fixture["keys"]:
            self.variables[name] = made_uuid(case.name, name)

    def text(self, text):
        return sent(text, self.variables).decode()

    def _keys(self):
        for name, words in self.fixture["keys"].items():
            origins = [w for w in words if w.startswith("https://")]
            scopes = [w for w in words if w not in KEY_FLAGS | {"oauth", *origins}]
            flags = {w: True for w in words if w in KEY_FLAGS}
            if origins:
                flags["allowed_origins"] = origins
            yield name, words, scopes, flags

    def provision(self):
        keys = [key(self.variables[n], scopes, n.lower() + "-" + self.id, **flags)
                for n, words, scopes, flags in self._keys() if "oauth" not in words]
        keys.append(key(self.reader_secret, ["admin", "contacts.read", "definitions.read"],
                        "reader"))
        clients = [{"id": n.lower() + "-" + self.id, "secret": self.variables[n],
                    "scopes": scopes, "redirect_uris": flags.get("allowed_origins", [])}
                   for n, words, scopes, flags in self._keys() if "oauth" in words]
        declared = workspace(self.name, id=self.id, keys=keys)
        if clients:
            declared["oauth_clients"] = clients
        for member in ("contact_fields", "limits"):
            if member in self.fixture:
                declared[member] = self.fixture[member]
        if self.switches:
            declared["switches"] = self.switches
        declared["definitions"] = self.fixture.get("definitions", [])
        declared["contacts"] = [self._contact(c) for c in self.fixture.get("contact", [])]
        return declared

    def _contact(self, contact):
        declared = {}
        if "id" in contact:
            declared["id"] = self.text(contact["id"])
        identities = [self.text(i).split(" ", 1) for i in contact["identities"]]
        declared["identities"] = [{"kind": k, "value": v} for k, v in identities]
        declared["attributes"] = {n: self.text(v) for n, v in contact["attributes"].items()}
        return declared

    def read_variables(self, reader):
        """Those whose value only the server knows; again and again, as contacts come to be."""
        for name, source in self.fixture.get("read", {}).items():
            if name in self.variables:
                continue
            contact = reader.contact(self.text(source["contact"]))
            if contact:
                value = contact_hex(contact) if source["member"] == "hex" \
                    else contact[source["member"]]
                self.variables[name] = str(value)


def other_workspace(table):
    return workspace(table.name + "-other")


def contact_hex(contact):
    """The contact's id of 24 hex digits, which the reading API does not show: as
    src/model/contact.c derives it."""
    mask = (1 << 64) - 1

    def fold(v):
        return v ^ v >> 32
    v = fold(int(contact["number"]) * 0x9E3779B97F4A7C15 & mask)
    v = fold(v * 0xD6E8FEB86659FD93 & mask)
    created = int(parse_time(contact["created_at"]).timestamp())
    return f"{created:08x}{v:016x}"


def provision_of(tables):
    """The workspaces of all cases of these tables, for one server."""
    places = {c.name: Place(c) for t in tables for c in t.runnable()}
    declared = [p.provision() for p in places.values()]
    others = {t.name: other_workspace(t) for t in tables}
    return places, declared + list(others.values())


# --- One step ---


def headers_of(table, step, place):
    given = {**table.headers, **step.get("headers", {})}
    return {n: v if v is False else
            [sent(one, place.variables) for one in (v if isinstance(v, list) else [v])]
            for n, v in given.items()}


def send_step(server, table, step, place):
    method, target = step.get("send", table.send).split(" ", 1)
    target = sent(target, place.variables).decode("latin-1")
    body = sent(step["body"], place.variables) if "body" in step else None
    data = request_bytes(method, target, headers_of(table, step, place), body)
    with server.wire() as wire:
        wire.send_what_is_taken(data)
        reply = wire.final(of_head=method == "HEAD")
    openapi.check_of(table.dialect, method, target, reply)
    return reply


def check_headers(expected, reply, variables):
    for name, value in expected.items():
        actual = reply.header(name)
        if value is False:
            assert actual is None, f"{name}: {actual} must not be sent"
        else:
            assert actual is not None, f"no {name} in {reply}"
            assert matches_text(value, actual, variables), f"{name}: {actual}, not {value}"


def check_reply(expect, reply, place):
    assert reply.status == int(expect["status"]), f"expected {expect['status']}, got {reply}"
    assert reply.header("Date"), f"no Date in {reply}"
    check_headers(expect.get("headers", {}), reply, place.variables)
    if "json" in expect:
        assert reply.header("Content-Type").split(";")[0] == "application/json", reply
        check_json(expect["json"], exact_json(reply.text), place.variables, "", ordered=True)
    if "text" in expect:
        assert matches_text(expect["text"], reply.text, place.variables), \
            f"expected {expect['text']!r}, got {reply.text!r}"
    for part in expect.get("contains", []):
        assert part in reply.text, f"{part!r} is not in {reply.text!r}"


def stored_by(step, reply):
    good = 200 <= reply.status < 300
    return step.get("stores", 1 if good and not step.get("changes") else 0)


def check_stored(stored, may_change, before, after):
    events = after["events"]
    assert len(events) == len(before["events"]) + stored, \
        f"{len(events) - len(before['events'])} events were stored, not {stored}"
    assert events[stored:] == before["events"], "older events changed"
    if stored == 0 and not may_change:
        assert after == before, "something was stored by a request that stores nothing"


def keep(step, reply, place):
    for name, path in step.get("keep", {}).items():
        value = reply.json()
        for member in path.split("."):
            value = value[int(member)] if isinstance(value, list) else value[member]
        place.variables[name] = str(value)


# --- What holds at the end ---


def check_event(expected, event, reader, place, default_dialect):
    assert event["dialect"] == expected.get("dialect", default_dialect), event
    if "definition" in expected:
        assert event["definition"] == place.text(expected["definition"]), event
    if "properties" in expected:
        check_json(expected["properties"], event["properties"], place.variables, "properties")
    if "mismatches" in expected:
        check_json(expected["mismatches"], event.get("mismatches"), place.variables, "mismatches")
    else:
        assert "mismatches" not in event, event
    if "contact" in expected:
        contact = reader.contact(place.text(expected["contact"]))
        assert contact, f"there is no contact {expected['contact']}"
        assert event["contact_id"] == contact["id"], f"not of {expected['contact']}: {event}"
    wanted = expected.get("occurred_at")
    if wanted == "<received>":
        assert parse_time(event["occurred_at"]) == parse_time(event["received_at"]), event
    elif wanted:
        assert parse_time(event["occurred_at"]) == parse_time(wanted), event


def check_contact(expected, reader, place):
    by = place.text(expected["by"])
    contact = reader.contact(by)
    assert contact, f"there is no contact {by}"
    if "attributes" in expected:
        check_json(expected["attributes"], contact["attributes"], place.variables, f"{by}: ")
    if "events" in expected:
        assert len(reader.timeline(contact)) == expected["events"], contact
        assert int(contact["event_count"]) == expected["events"], contact
    if "identities" in expected:
        wanted = sorted(place.text(i) for i in expected["identities"])
        actual = sorted(f"{i['kind']} {i['value']}" for i in contact["identities"])
        assert actual == wanted, contact


def check_definitions(expected, definitions, place):
    actual = {d["name"]: " ".join(f"{f['name']}:{f['type']}" for f in d["fields"])
              for d in definitions}
    assert actual == {place.text(n): f for n, f in expected.items()}


def check_distinct(member, replies):
    values = [r.json()[member] for r in replies if 200 <= r.status < 300]
    assert len(set(values)) == len(values), f"{member} repeats: {values}"


def check_then(case, place, reader, replies):
    then, events = case.then, reader.events()
    if "contacts" in then:
        assert len(reader.contacts()) == then["contacts"]
    newest = case.newest()
    assert len(events) >= len(newest), f"only {len(events)} events"
    for expected, event in zip(newest, events):
        check_event(expected, event, reader, place, case.table.dialect)
    for expected in then.get("contact", []):
        check_contact(expected, reader, place)
    for by in then.get("absent", []):
        assert reader.contact(place.text(by)) is None, f"there is a contact {by}"
    if "definitions" in then:
        check_definitions(then["definitions"], reader.definitions(), place)
    if "distinct" in then:
        check_distinct(then["distinct"], replies)


def run(server, case, place):
    reader = server.reader(place.reader_secret)
    before_steps, steps = case.all_steps()
    for step in before_steps:
        place.read_variables(reader)
        keep(step, send_step(server, case.table, step, place), place)

    replies, before = [], reader.state()
    for i, step in enumerate(steps):
        place.read_variables(reader)
        reply = send_step(server, case.table, step, place)
        where = f"step {i + 1} of {len(steps)}: "
        try:
            check_reply(case.table.reply(step["expect"]), reply, place)
            after = reader.state()
            may_change = step.get("changes") and reply.status < 300
            check_stored(stored_by(step, reply), may_change, before, after)
        except AssertionError as wrong:
            raise AssertionError(where + str(wrong)) from None
        keep(step, reply, place)
        before = after
        replies.append(reply)
    check_then(case, place, reader, replies)
    reader.close()


def check_numbers(table, wanted):
    """Every number that is asked for is there exactly once, and what is said to be Python is."""
    numbers = [c.number for c in table.cases if c.number is not None]
    assert sorted(numbers) == sorted(wanted)
    for case in table.cases:
        if case.where:
            file, function = case.where.split("::")
            source = (CASES.parent / file).read_text("utf-8")
            assert f"def {function}(" in source, f"{case.name}: there is no {case.where}"
