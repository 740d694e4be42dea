"""`python -m tests.brokers.conformance [words of a case]`: plays them and prints the matrix: who holds what."""

from __future__ import annotations

import sys

from tests.brokers.conformance.cases import CASES, Case
from tests.brokers.conformance.settings import SETTINGS, play
from tests.brokers.conformance.stage import Setting


def _outcome(setting: Setting, case: Case) -> str:
    try:
        return play(setting, case)
    except Exception as error:  # whatever it is, it is this case's outcome, and the next one is played
        print(f"{setting.name}: {case.name}: {type(error).__name__}: {error}", file=sys.stderr)
        return "FAILED"


def main() -> int:
    wanted = "_".join(sys.argv[1:])
    cases = [case for case in CASES if wanted in case.name]
    widths = [max(len(setting.name), 6) for setting in SETTINGS]
    first = max(len(case.name) for case in cases)
    print("| " + " | ".join(["case".ljust(first), *(s.name.ljust(w) for s, w in zip(SETTINGS, widths, strict=True))]) + " |")
    print("|" + "|".join("-" * (width + 2) for width in (first, *widths)) + "|")
    failed = False
    for case in cases:
        row = [_outcome(setting, case) for setting in SETTINGS]
        failed = failed or "FAILED" in row
        sentence = case.name.replace("_", " ").ljust(first)
        print("| " + " | ".join([sentence, *(it.ljust(w) for it, w in zip(row, widths, strict=True))]) + " |")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
