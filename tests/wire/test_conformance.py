"""The numbered cases of each dialect's contract, and bad input beyond them: the tables in cases/."""

import contextlib
import pathlib

import pytest

import occurd
import table

# The last case of each contract; every number from 1 on is there.
LAST = {"pristo": 58, "omnisend": 64, "infobip": 74, "arsel": 68}
CASES_DIR = pathlib.Path(table.__file__).parent / "cases"
# The contract's own table first, then what was added beside it.
TABLES = {name: [table.Table(f.name) for f in (CASES_DIR / f"{name}.toml",
                                              *sorted(CASES_DIR.glob(f"{name}_*.toml")))]
          for name in LAST}
CASES = [(name, case) for name, tables in TABLES.items() for t in tables for case in t.runnable()]


@pytest.fixture(scope="module")
def stages(tmp_path_factory):
    """A server for each dialect, and in it a workspace for each case."""
    with contextlib.ExitStack() as stack:
        yield {name: stage_of(stack, name, tmp_path_factory.mktemp(name)) for name in TABLES}


def stage_of(stack, name, directory):
    places, provision = table.provision_of(TABLES[name])
    return stack.enter_context(occurd.start(directory, provision)), places


@pytest.mark.parametrize("name, case", CASES, ids=lambda x: x if isinstance(x, str) else x.name)
def test_case(stages, name, case):
    server, places = stages[name]
    table.run(server, case, places[case.name])


@pytest.mark.parametrize("name", LAST)
def test_every_number_is_there_once(name):
    table.check_numbers(TABLES[name][0], range(1, LAST[name] + 1))
