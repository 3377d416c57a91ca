"""Thirty kills (crash.py says what must hold after each). The moments are drawn from a seed that is
printed; OCCURD_SEED repeats it. `tests/crash --rounds 3000` goes on for longer."""

import os
import random

import crash

ROUNDS = 30


def test_killed_again_and_again(tmp_path):
    seed = int(os.environ.get("OCCURD_SEED", random.randrange(1 << 32)))
    print(f"OCCURD_SEED={seed}")
    acknowledged = crash.run(tmp_path, ROUNDS, seed)
    assert acknowledged > 10 * ROUNDS, "hardly anything was sent: this proves nothing"
