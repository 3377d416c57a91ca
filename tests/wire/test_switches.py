"""Switches of a workspace: their documentation, and how a provisioning file sets them. What each
does stands in cases/*_switches.toml."""

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
    tables = [table.Table(f.name) for f in sorted(table.CASES.glob("*_switches.toml"))]
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
