"""How much of the engine the tests walk through: `uv run python -m tests.coverage`.

Fails below the share that pyproject.toml asks for. Kernels run as plain Python here, line by line, which is slow; so
this is no part of the ordinary tests. More arguments go to pytest.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
TESTS = ("tests/engine", "tests/brokers", "tests/app", "tests/journeys")


def main(arguments: list[str]) -> int:
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "COVERAGE_FILE": str(Path(folder) / "coverage")}
        tests = _run(environment, "run", "-m", "pytest", "--timeout=900", *TESTS, *arguments)
        _run(environment, "combine", "--quiet")
        report = _run(environment, "report")
    return tests or report


def _run(environment: dict[str, str], *words: str) -> int:
    return subprocess.run([sys.executable, "-m", "coverage", *words], cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
