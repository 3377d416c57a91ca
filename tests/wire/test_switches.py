"""Switches of a workspace: their documentation, and how a provisioning file sets them. What each
does stands in cases/."""

import json
import pathlib
import subprocess

import pytest

import occurd
import senders
import table

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/switches.md"


def run(*arguments):
    return subprocess.run([occurd.binary(), *arguments], capture_output=True, timeout=30,
                          env=occurd.clean_environment({}), stdin=subprocess.DEVNULL)


def test_the_page_is_what_the_program_prints():
    """After a change of the table: occurd switches > docs/switches.md"""
    done = run("switches")
    assert done.returncode == 0 and done.stderr == b""
    assert done.stdout.decode() == PAGE.read_text("utf-8")


def test_switches_takes_no_arguments():
    done = run("switches", "--all")
    assert done.returncode == 2 and done.stdout == b"" and b"no arguments" in done.stderr


def named_in_the_page():
    rows = [line.split("|") for line in PAGE.read_text("utf-8").splitlines()]
    return [(row[1].strip(" `"), [v.strip(" `") for v in row[3].split(",")])
            for row in rows if len(row) == 7 and "`" in row[1]]


@pytest.mark.parametrize("name, values", named_in_the_page(), ids=lambda x: str(x))
def test_every_switch_has_cases_in_both_positions(name, values):
    """The default may be meant by saying nothing, which most cases do."""
    tables = [table.Table(f.name) for f in sorted(table.CASES.glob("*.toml"))]
    cases = [c for t in tables for c in t.cases]
    tried = {json.dumps(c.switches[name]).strip('"') for c in cases if name in (c.switches or {})}
    assert tried >= set(values[1:]), f"{name}: {values} but only {tried} are tried"


def send(server, space):
    """The status of an event with a value that strict_50 refuses."""
    person = occurd.made_uuid("person")
    return server.request(*senders.pristo(space, person, "a@example.com", {"x": "x" * 51})).status


def test_a_switch_stays_until_the_file_names_it_again(tmp_path):
    space = senders.engine_workspace("switching")
    other = senders.engine_workspace("switching-other")
    server = occurd.start(tmp_path, [space, other])
    for declared, status in [({}, 201), ({"strict_50": True}, 400), ({}, 400),
                             ({"contact_id_any_string": True}, 400), ({"strict_50": False}, 201)]:
        server.stop()
        occurd.write_provision(server.provision, [{**space, "switches": declared}, other])
        server.start()
        assert send(server, space) == status, declared
        assert send(server, other) == 201, "a switch is the workspace's own"
    server.stop()


def test_a_path_that_nobody_has_switched_on_is_unknown_to_all(tmp_path):
    """As if there were no such path: also without a key, and with other methods."""
    space = senders.engine_workspace("older")
    other = senders.engine_workspace("older-other")
    target = f"/v1/populations/{space['id']}/events"
    body = b'{"contact":{"clientContactId":"1"},"eventTypeId":"x"}'

    def status(method="POST", of=None, data=body):
        headers = {"X-API-Key": senders.key_of(of)} if of else {}
        return server.request(method, target, headers, data).status

    with occurd.start(tmp_path, [space, other]) as server:
        assert status() == status(of=space) == status(of=other) == 404
        assert status("GET", data=None) == status("OPTIONS", data=None) == 404
        assert status(data=b"x" * 2 * 1024 * 1024) == 404
        server.stop()
        space["switches"] = {"older_generation": True}
        occurd.write_provision(server.provision, [space, other])
        server.start()
        assert status() == 401 and status(of=other) == 404
        assert status(of=space) == 400, "it is judged"
        assert status("GET", data=None) == 405 and status("OPTIONS", data=None) == 204
