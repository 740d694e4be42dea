"""How much of the engine the tests walk through: `uv run python -m tests.coverage`.

Fails below the share that pyproject.toml asks for. The engine's own tests run with kernels as plain Python, line by line,
which is slow; the journeys are in a hurry and take them compiled. So this is no part of the ordinary tests. More arguments
go to pytest.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
RUNS = (
    ({"NUMBA_DISABLE_JIT": "1"}, ("tests/engine", "tests/brokers")),
    ({}, ("tests/app", "tests/journeys")),
)
NO_TESTS = 5
"""What pytest returns where a folder holds none."""


def main(arguments: list[str]) -> int:
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "COVERAGE_FILE": str(Path(folder) / "coverage")}
        failed = False
        for more, tests in RUNS:
            failed |= _run(environment | more, "run", "-m", "pytest", "--timeout=900", *tests, *arguments) not in (0, NO_TESTS)
        _run(environment, "combine", "--quiet")
        short = _run(environment, "report") != 0
    return 1 if failed or short else 0


def _run(environment: dict[str, str], *words: str) -> int:
    return subprocess.run([sys.executable, "-m", "coverage", *words], cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
