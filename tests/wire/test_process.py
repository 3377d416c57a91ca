"""The process: how it starts, refuses to start, ends, and what it says meanwhile."""

import json
import re
import signal
import socket
import subprocess
import time

import pytest

import database
import occurd
import senders
from diskfault import full_disk
from occurd import made_uuid

# --- The end ---


def test_sigterm_with_idle_and_half_sent_requests(tmp_path):
    """They do not hold up the end beyond the time that a drain may take."""
    space = senders.engine_workspace("idle")
    with occurd.start(tmp_path, [space]) as server:
        idle = [server.wire() for _ in range(20)]
        half = server.wire()
        half.send(b"POST /v1/events/send HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 15
        assert all(wire.is_closed() for wire in idle)
        half.socket.close()


def test_sigint_ends_as_well(tmp_path):
    server = occurd.start(tmp_path, [senders.engine_workspace("sigint")])
    server.process.send_signal(signal.SIGINT)
    assert server.wait() == 0


# --- Provisioning ---


def test_provisioning_updates_and_leaves_the_rest_alone(tmp_path):
    """A key that is revoked, a field that is added, a second workspace; contacts and events stay."""
    space = senders.engine_workspace("changing")
    server = occurd.start(tmp_path, [space])
    assert server.request(*senders.arsel(space, "a@example.com")).status == 202
    before = senders.reader_of(server, space).state()
    server.stop()

    old_key = senders.key_of(space)
    changed = {**space, "definitions": [{"name": "added"}], "keys": [
        {**space["keys"][0], "revoked": True}, occurd.key("another-key", ["events.write"])]}
    second = senders.engine_workspace("second")
    occurd.write_provision(server.provision, [changed, second])
    server.start()
    state = senders.reader_of(server, space).state()
    assert state["events"] == before["events"] and state["contacts"] == before["contacts"]
    assert {d["name"] for d in state["definitions"]} == {senders.TYPE, "added"}
    method, target, headers, body = senders.arsel(space, "a@example.com")
    assert server.request(method, target, headers, body).status == 401, "a revoked key"
    headers["Authorization"] = "Bearer another-key"
    assert server.request(method, target, headers, body).status == 202
    assert server.request(*senders.arsel(second, "a@example.com")).status == 202
    assert old_key != "another-key"
    assert len(senders.reader_of(server, second).contacts()) == 1
    server.stop()


# The provisioning file of the documentation, as people write YAML.
BY_HAND = """\
workspaces:
  - id: 7c9e6679-7425-40de-944b-e07fc1f90ae7      # UUID; also the Pristo populationId
    name: acme
    contact_fields: [gender, age]                  # custom contact fields
    keys:
      - secret: 0f8fad5b-d9cb-469f-a165-70867728950e
        name: backend
        scopes: [events.write, contacts.read, contacts.write, definitions.read, definitions.write, admin]
    oauth_clients:
      - { id: shop, secret: s3cret, scopes: [events.write] }
    definitions:
      - name: order.completed
        description: Fired when a customer completes checkout.
        fields:
          - { name: order_id, type: string, required: true }
          - { name: total, type: number, required: true }
          - name: items
            type: array
            fields: [ { name: sku, type: string }, { name: price, type: number } ]
    contacts:
      - identities:
          - { kind: email, value: jane@example.com }
          - { kind: external_id, value: "3" }
        attributes: { first_name: Jane, custom: { gender: f } }
    limits: { requests_per_second: 0 }
    switches: { strict_50: true }
"""


def test_provisioning_by_hand(tmp_path):
    server = occurd.Server(tmp_path)
    server.provision = tmp_path / "by-hand.yaml"
    server.provision.write_text(BY_HAND)
    with server:
        reader = server.reader("0f8fad5b-d9cb-469f-a165-70867728950e")
        definition, = reader.definitions()
        assert definition["description"] == "Fired when a customer completes checkout."
        names = [(f["name"], f["type"], f["required"]) for f in definition["fields"]]
        assert names == [("order_id", "string", True), ("total", "number", True),
                         ("items", "array", False)]
        assert [f["name"] for f in definition["fields"][2]["fields"]] == ["sku", "price"]
        jane = reader.contact("external_id=3")
        assert jane["attributes"]["first_name"] == "Jane"
        assert jane["attributes"]["custom"] == {"gender": "f"}
        before = reader.state()
        reader.close()
        server.restart()
        assert server.reader("0f8fad5b-d9cb-469f-a165-70867728950e").state() == before


def test_what_the_file_declares_comes_back(tmp_path):
    """Deleted or revoked while the server ran: the next start makes it again, and says so."""
    space = senders.engine_workspace("comes-back")
    admin = {"Authorization": "Bearer " + space["keys"][1]["secret"]}

    def lines(server):
        said = [json.loads(line) for line in server.log if '"brought_back"' in line]
        return [(line["level"], line["what"], line.get("name"), line.get("number"))
                for line in said]
    with occurd.start(tmp_path, [space]) as server:
        keys = server.request("GET", "/_/v1/keys", admin).json()["data"]
        number, = (k["number"] for k in keys if k["name"] == "comes-back-key")
        gone = [f"/_/v1/keys/{number}", "/_/v1/definitions/" + senders.TYPE]
        assert all(server.request("DELETE", path, admin).status == 204 for path in gone)
        assert server.request(*senders.arsel(space, "a@example.com")).status == 401
        assert lines(server) == []
        server.restart()
        assert lines(server) == [("warning", "key", None, number),
                                 ("warning", "definition", senders.TYPE, None)]
        assert server.request(*senders.arsel(space, "a@example.com")).status == 202
        server.restart()
        assert len(lines(server)) == 2, "it was back already"


# What is written in place of what, and a word of the message beside file and line.
BAD_PROVISION = {
    "broken YAML": ("    name: acme", "    name: [acme", ""),
    "an unknown member": ("    name: acme", "    nmae: acme", "nmae"),
    "an id that is no UUID": ("- id: 7c9e6679-", "- id: zzzz-", "id"),
    "an unknown type": ("type: number, required", "type: float, required", "float"),
    "an unknown scope": ("[events.write, contacts.read", "[events.wrte, contacts.read", "wrte"),
    "a limit that is no number": ("requests_per_second: 0", "requests_per_second: many", "many"),
    "an identity of no kind": ("kind: email", "kind: mail", "kind"),
    "two fields of one name": ("name: total", "name: order_id", "name"),
    "a secret that is missing": ("- secret: 0f8fad5b-d9cb-469f-a165-70867728950e",
                                 "- revoked: false", "secret"),
    "an unknown switch": ("strict_50: true", "strict_51: true", "strict_50"),
    "a switch's unknown value": ("strict_50: true", "strict_50: on", "false, true"),
    "attributes that are none": ("{ first_name: Jane, custom: { gender: f } }", "Jane", "attributes"),
}


@pytest.mark.parametrize("title", BAD_PROVISION)
def test_bad_provisioning_is_told_and_nothing_starts(tmp_path, title):
    """The message names the file, the line and the field; the exit code is not 0."""
    good, bad, word = BAD_PROVISION[title]
    assert BY_HAND.count(good) == 1
    file = tmp_path / "wrong.yaml"
    file.write_text(BY_HAND.replace(good, bad))
    done = run_to_the_end(["serve", "--listen", "127.0.0.1:0", "--data", str(tmp_path / "data"),
                           "--provision", str(file)])
    check_one_clear_line(done, word)
    places = [int(n) for n in re.findall(r"wrong\.yaml:(\d+)", done.stderr)]
    line = 1 + BY_HAND[:BY_HAND.index(good)].count("\n")
    # Broken YAML shows where the parser gives up, which is not where the mistake is.
    assert places and (line in places or word == "" and min(places) >= line), done.stderr


@pytest.mark.parametrize("member, stolen", [
    ("keys[0].secret", "keys: [{ secret: 0f8fad5b-d9cb-469f-a165-70867728950e, scopes: [] }]"),
    ("oauth_clients[0].id", "oauth_clients: [{ id: shop, secret: other, scopes: [] }]"),
    ("contacts[0].id", "contacts: [{ id: 01957e3a-4b5c-7d8e-9f0a-1b2c3d4e5f6b }]"),
])
def test_what_only_the_store_can_tell_has_its_place(tmp_path, member, stolen):
    """As anything that is wrong with the file, and with the same exit code."""
    given = "      - id: 01957e3a-4b5c-7d8e-9f0a-1b2c3d4e5f6b\n        identities:"
    server = occurd.Server(tmp_path)
    server.provision = tmp_path / "good.yaml"
    server.provision.write_text(BY_HAND.replace("      - identities:", given))
    with server:
        server.stop()
        file = tmp_path / "wrong.yaml"
        file.write_text(f"workspaces:\n  - id: 8c9e6679-7425-40de-944b-e07fc1f90ae7\n    {stolen}\n")
        done = run_to_the_end(["serve", "--listen", "127.0.0.1:0", "--data", str(server.data),
                               "--provision", str(file)])
        check_one_clear_line(done, f"occurd: {file}:3: workspaces[0].{member}: belongs to another"
                                   " workspace already")
        assert done.returncode == 2
        server.start()


# --- Starts that fail ---


def run_to_the_end(arguments):
    return subprocess.run([occurd.binary(), *arguments], capture_output=True, text=True,
                          timeout=30, env=occurd.clean_environment({}), stdin=subprocess.DEVNULL)


def check_one_clear_line(done, *words):
    assert done.returncode > 0, done
    assert "occurd ready" not in done.stdout
    lines = [l for l in done.stderr.splitlines() if all(w in l for w in words)]
    assert lines, f"no line with {words}: {done.stderr}"
    assert not any(word in done.stderr for word in occurd.SANITIZER_WORDS), done.stderr
    for line in done.stderr.splitlines():
        assert bool(occurd.SOURCE_PLACE.search(line)) == ('"start_failed"' in line), line


def test_a_second_server_on_the_same_data_refuses(tmp_path):
    space = senders.engine_workspace("alone")
    with occurd.start(tmp_path, [space]) as server:
        done = run_to_the_end(["serve", "--listen", "127.0.0.1:0", "--data", str(server.data)])
        check_one_clear_line(done, str(server.data))
        assert server.request(*senders.arsel(space, "a@example.com")).status == 202


@pytest.mark.parametrize("end", ["stop", "kill"])
@pytest.mark.parametrize("name", ["occurd.db", "occurd.db-wal"])
@pytest.mark.parametrize("lose", [lambda f: f.unlink(), lambda f: f.write_bytes(b"")])
def test_a_lost_database_is_not_taken_for_a_new_one(tmp_path, lose, name, end):
    """Nor one whose log is lost, in which all of it still was. What is left stays as it is, and goes
    on when the rest is put back."""
    space = senders.engine_workspace("lost")
    with occurd.start(tmp_path, [space]) as server:
        assert server.request(*senders.arsel(space, "a@example.com")).status == 202
        getattr(server, end)()
    kept = {f.name: f.read_bytes() for f in server.data.glob("occurd.db*")}
    if name not in kept:
        pytest.skip("a clean end leaves no log")
    lose(server.data / name)
    done = run_to_the_end(["serve", "--listen", "127.0.0.1:0", "--data", str(server.data)])
    check_one_clear_line(done, "occurd.db", "lock")
    if (server.data / "occurd.db").exists():
        check_one_clear_line(run_to_the_end(["check", "--data", str(server.data)]), "lost")
    for other, there in kept.items():
        (server.data / other).write_bytes(there)
    server.start()
    with database.opened(server) as db:
        assert db.execute("SELECT count(*) FROM event").fetchone() == (1,)
    server.stop()


def test_a_port_that_is_taken(tmp_path):
    """By a stranger, and by another occurd."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run_to_the_end(["serve", "--listen", f"127.0.0.1:{port}",
                               "--data", str(tmp_path / "a")])
        check_one_clear_line(done, str(port))
    with occurd.start(tmp_path, [senders.engine_workspace("first")]) as server:
        done = run_to_the_end(["serve", "--listen", f"127.0.0.1:{server.port}",
                               "--data", str(tmp_path / "b")])
        check_one_clear_line(done, str(server.port))


def test_an_address_of_nobody(tmp_path):
    """The line names it, and not the data, which are good."""
    done = run_to_the_end(["serve", "--listen", "192.0.2.1:8090", "--data", str(tmp_path / "data")])
    check_one_clear_line(done, "occurd: cannot start: ", "192.0.2.1", "8090")
    assert "data" not in done.stderr.splitlines()[0], done


@pytest.mark.parametrize("arguments, word", [
    (["serve", "--listen", "nowhere"], "--listen"),
    (["serve", "--listen", "127.0.0.1:99999"], "--listen"),
    (["serve", "--threads", "0"], "--threads"),
    (["serve", "--nothing", "x"], "--nothing"),
    (["serve", "--data"], "--data"),
    (["nothing"], "nothing"),
    (["serve", "--provision", "/nowhere/at/all.yaml"], "/nowhere/at/all.yaml"),
])
def test_bad_arguments(tmp_path, arguments, word):
    if "--data" not in arguments:
        arguments = [*arguments, "--data", str(tmp_path / "data")] if arguments[0] == "serve" \
            else arguments
    check_one_clear_line(run_to_the_end(arguments), word)


def test_a_data_directory_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("not a directory")
    done = run_to_the_end(["serve", "--listen", "127.0.0.1:0", "--data", str(tmp_path / "file")])
    check_one_clear_line(done, "file")


def test_a_database_that_is_none_of_ours(tmp_path):
    """It is left as it is."""
    with occurd.start(tmp_path, [senders.engine_workspace("ours")]) as server:
        pass
    file = database.file_of(server)
    for stray in file.parent.glob(file.name + "-*"):
        stray.unlink()
    file.write_bytes(b"this is no database " * 500)
    done = run_to_the_end(["serve", "--listen", "127.0.0.1:0", "--data", str(server.data)])
    check_one_clear_line(done)
    assert file.read_bytes() == b"this is no database " * 500


def test_settings_from_the_environment(tmp_path):
    env = {"OCCURD_LISTEN": "127.0.0.1:0", "OCCURD_DATA": str(tmp_path / "data"),
           "OCCURD_THREADS": "2"}
    server = occurd.Server(tmp_path, env=env)
    server.command = lambda: [occurd.binary(), "serve"]
    with server:
        assert server.request("GET", "/readyz").status == 200
        assert (tmp_path / "data").is_dir()


# --- The log ---

SECRETS = ["unlikely.mail@example.com", "unlikely.mail%40example.com", "unlikely.mail",
           "37061239876", "secret-of-the-log", "wrong-secret-of-the-log", "Unlikely Name",
           made_uuid("logged person")]


def talk_about_secrets(server, space):
    mail, phone = "unlikely.mail@example.com", "+37061239876"
    wrong = {"Authorization": "Bearer wrong-secret-of-the-log"}
    server.request(*senders.pristo(space, made_uuid("logged person"), mail, phone=phone,
                                   name="Unlikely Name"))
    server.request(*senders.arsel(space, mail))
    server.request(*senders.omnisend(space, mail))
    server.request(*senders.infobip(space, "unlikely.mail%40example.com"))
    server.request(*senders.infobip(space, "%2B37061239876", "PHONE"))
    server.request(*senders.infobip(space, "%2B37061239876x", "PHONE", {"nope": mail}))
    server.request("POST", "/v1/events/send", wrong, b'{"email":"unlikely.mail@example.com"')
    server.request("GET", "/v1/unlikely.mail@example.com", wrong)
    server.request("GET", "/unlikely.mail@example.com")
    server.request("GET", "/_/v1/contacts?email=" + mail, wrong)
    reader = senders.reader_of(server, space)
    assert reader.contact("email=" + mail)
    reader.ask("/_/v1/contacts/unlikely.mail@example.com")
    with server.wire() as wire:
        wire.send(f"GET /{mail} HTTP/1.1\r\nAuthorization: {mail}\r\nbroken {phone}\r\n\r\n".encode())
        wire.final()
    with full_disk(server):
        server.request(*senders.arsel(space, mail))


@pytest.mark.parametrize("access_log", ["off", "on"])
def test_the_log_is_json_and_tells_no_secrets(tmp_path, access_log):
    space = senders.engine_workspace("logged")
    space["keys"][0]["secret"] = "secret-of-the-log"
    with occurd.start(tmp_path, [space], ["--access-log", access_log]) as server:
        talk_about_secrets(server, space)
    lines = [occurd.json.loads(line) for line in server.log]
    for line in lines:
        assert {"time", "level", "event"} <= set(line), line
    events = [line["event"] for line in lines]
    assert events[0] == "started" or "started" in events, events
    assert ("request" in events) == (access_log == "on")
    text = "\n".join(server.log)
    told = [secret for secret in SECRETS if secret in text]
    assert not told, f"{told} in:\n{text}"
