"""python -m tests.bench NAME [--json] [--peers PYTHON]: what we reach beside what others reach, measured in the same run.

The last line is one JSON object {"ours": …, "peers" or "floor": …, "ratio": …}; `all` makes one of these a name.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.bench.busy import replay_at_full_speed

NAMES = ("replay", "features", "decision", "gate", "storage", "chart", "start", "importing", "orders", "flood", "stall")


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("name", choices=(*NAMES, "all"))
    parser.add_argument("--json", action="store_true", help="print the JSON object alone")
    parser.add_argument(
        "--peers", default=sys.executable, metavar="PYTHON", help="interpreter with the peers of replay and chart"
    )
    options = parser.parse_args(arguments)
    results = {name: _measured(name, options) for name in (NAMES if options.name == "all" else (options.name,))}
    print(json.dumps(results if options.name == "all" else results[options.name]))


def _measured(name: str, options: argparse.Namespace) -> dict[str, Any]:
    bench = import_module(f"tests.bench.{name}")
    result: dict[str, Any] = bench.run(**_given(name, options))
    if not options.json:
        print(f"{name}: {bench.__doc__.splitlines()[0]}")
        for path, value in _flat(result):
            print(f"  {path:<60} {value}")
    return result


def _given(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """What a bench is told beside its defaults."""
    if name == "replay":
        return {"peers": Path(options.peers)}
    if name == "chart":
        return {"busy": replay_at_full_speed(), "python": options.peers}
    return {}


def _flat(values: Mapping[str, Any], path: str = "") -> list[tuple[str, str]]:
    """The leaves of nested figures as (path, text)."""
    lines: list[tuple[str, str]] = []
    for name, value in values.items():
        here = f"{path} {name}".strip()
        lines += _flat(value, here) if isinstance(value, Mapping) else [(here, _text(value))]
    return lines


def _text(value: Any) -> str:
    return f"{value:,}" if isinstance(value, (int, float)) else str(value)


if __name__ == "__main__":
    main(sys.argv[1:])
