"""Thirty kills with deliveries under way (crash_deliveries.py says what must hold). The moments are
drawn from a seed that is printed; OCCURD_SEED repeats it. `tests/crash --deliveries --rounds 3000`
goes on for longer."""

import os
import random

import crash_deliveries

ROUNDS = 30


def test_killed_again_and_again_every_delivery_arrives(tmp_path):
    seed = int(os.environ.get("OCCURD_SEED", random.randrange(1 << 32)))
    print(f"OCCURD_SEED={seed}")
    acknowledged, received = crash_deliveries.run(tmp_path, ROUNDS, seed)
    assert acknowledged > 10 * ROUNDS and received > acknowledged, "this proves nothing"
