"""python -m tests.mutants [WORDS]: breaks the engine on purpose, one way after another, and sees that a test turns red for each.

WORDS choose mutants by a part of their name. First the tests must be green without a mutant. Exit code 1 when one survives, or
when the list no longer fits the code. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from tests.mutants.mutants import MUTANTS
from tests.mutants.trial import GREEN, copied, faults, run, tried

ALL_S = 1_800


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("words", nargs="*", help="parts of names; without any, every mutant is tried")
    parser.add_argument("--quick", action="store_true", help="do not run the tests without a mutant first")
    options = parser.parse_args(arguments)
    chosen = [it for it in MUTANTS if not options.words or any(word in it.name for word in options.words)]
    if not chosen or (wrong := faults(chosen)):
        print("no such mutant" if not chosen else "\n".join(wrong))
        return 1
    with tempfile.TemporaryDirectory() as folder:
        place = copied(Path(folder))
        nodes = sorted({node for mutant in chosen for node in mutant.nodes})
        if not options.quick:
            code, said = run(nodes, place, ALL_S)
            if code != GREEN:
                print(f"without a mutant the tests are red already: {said}")
                return 1
        trials = []
        for mutant in chosen:
            trial = tried(mutant, place)
            trials.append(trial)
            print(f"{trial.outcome:<9} {trial.seconds:>6} s  {trial.name}  ({trial.by})", flush=True)
    survivors = [trial.name for trial in trials if trial.outcome != "killed"]
    print(f"{len(trials) - len(survivors)} of {len(trials)} mutants were killed")
    print(json.dumps({"trials": [asdict(trial) for trial in trials], "survivors": survivors}))
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
