"""Omnisend: the conformance cases of its contract, and bad input beyond them (cases/)."""

import pytest

import occurd
import table

NUMBERS = range(1, 65)
TABLES = [table.Table("omnisend.toml"), table.Table("omnisend_bad.toml"),
          table.Table("omnisend_contacts.toml"), table.Table("omnisend_metadata.toml")]
CASES = [case for t in TABLES for case in t.runnable()]


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """One server for all cases, a workspace for each."""
    places, provision = table.provision_of(TABLES)
    with occurd.start(tmp_path_factory.mktemp("omnisend"), provision) as server:
        yield server, places


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(stage, case):
    server, places = stage
    table.run(server, case, places[case.name])


def test_every_number_is_there_once():
    table.check_numbers(TABLES[0], NUMBERS)
