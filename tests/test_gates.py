"""What holds for every file of the tree: form, types, layers, and words and calls that may not be in it."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("app", "widgets", "engine", "resources", "tests", "packaging", ".ci", ".github")
BINARY = {".png", ".ico", ".icns", ".ttf", ".woff2", ".pyc", ".gz", ".zip", ".qm"}
REGISTRIES = ("py" + "pi", "python" + "hosted", "ana" + "conda", "conda" + "-forge", "npm" + "js")
SOURCES = ("extra-" + "index", "index-" + "url", "find-" + "links", "deb." + "debian", "archive." + "ubuntu")
PLACES = (r"(?<![\w.])/" + r"(?:work|root|home/\w+|Users/\w+)/", "C:" + r"\\+Users\\+\w+\\")
UNFINISHED = ("TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK")
CLOCKS = {
    "time": {"time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "localtime", "gmtime"},
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
}
MODAL = {"exec", "exec_"}
MODAL_STATIC = {
    "QMessageBox": {"question", "warning", "information", "critical", "about", "aboutQt"},
    "QFileDialog": {"getOpenFileName", "getOpenFileNames", "getSaveFileName", "getExistingDirectory"},
    "QInputDialog": {"getText", "getInt", "getDouble", "getItem", "getMultiLineText"},
    "QColorDialog": {"getColor"},
    "QFontDialog": {"getFont"},
}
HEAVY = ("numba", "lightgbm", "sklearn", "pandas", "scipy", "sqlalchemy", "PySide6", "pyqtgraph", "qasync", "rich.live")


def test_ruff_finds_nothing() -> None:
    succeed(sys.executable, "-m", "ruff", "check", ".")


def test_the_tree_is_formatted() -> None:
    succeed(sys.executable, "-m", "ruff", "format", "--check", ".")


def test_the_engine_is_strictly_typed() -> None:
    succeed(sys.executable, "-m", "mypy", "--strict", "engine")


def test_what_has_commands_of_its_own_calls_what_is_there() -> None:
    """Benches, soak, mutants and peers are run by hand. What is loose in their types does no harm, a name that is gone does."""
    loose = "import-untyped import-not-found misc arg-type assignment var-annotated index union-attr list-item no-any-return"
    options = [word for code in [*loose.split(), "method-assign"] for word in ("--disable-error-code", code)]
    folders = [f"tests/{name}" for name in ("bench", "soak", "mutants", "peers")]
    succeed(
        sys.executable,
        "-m",
        "mypy",
        "--follow-imports=silent",
        "--implicit-reexport",
        "--no-warn-unused-ignores",
        *options,
        *folders,
    )


def test_the_layers_hold() -> None:
    linter = shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    assert linter is not None, "lint-imports is not installed beside this Python; run: uv sync"
    succeed(linter, "--no-cache")


def test_nobody_imports_main() -> None:
    assert [place(path, node) for path, tree in sources(*FOLDERS) for node in ast.walk(tree) if "main" in imported(node)] == []


def test_the_system_clock_is_read_in_one_place() -> None:
    clock = ROOT / "engine/core/clock.py"
    found = [
        place(path, node) for path, tree in sources("engine") if path != clock for node in ast.walk(tree) if reads_clock(node)
    ]
    assert found == []


def test_no_window_waits_inside_a_call() -> None:
    found = [place(path, node) for path, tree in sources("app", "widgets") for node in ast.walk(tree) if is_modal(node)]
    assert found == []


def test_packaging_is_no_package() -> None:
    assert not (ROOT / "packaging/__init__.py").exists()


def test_no_file_names_a_package_host() -> None:
    assert found_in_tree("|".join(re.escape(word) for word in (*REGISTRIES, *SOURCES)), re.IGNORECASE) == []


def test_no_file_names_a_place_on_somebodys_machine() -> None:
    assert found_in_tree("|".join(PLACES)) == []


def test_nothing_is_marked_as_unfinished() -> None:
    assert found_in_tree(rf"\b(?:{'|'.join(UNFINISHED)})\b") == []


@pytest.mark.parametrize("module", ["app.cli", "engine.domain.facts"])
def test_the_command_line_starts_light(module: str) -> None:
    program = f"import sys, {module}; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    assert succeed(sys.executable, "-c", program).split() == []


@pytest.mark.parametrize("line", ["time.time()", "datetime.now(UTC)", "datetime.datetime.now()", "from time import monotonic_ns"])
def test_a_look_at_the_system_clock_is_seen(line: str) -> None:
    assert any(reads_clock(node) for node in ast.walk(ast.parse(line)))


@pytest.mark.parametrize("line", ["dialog.exec()", "menu.exec(point)", "QtWidgets.QMessageBox.question(self, a, b)"])
def test_a_call_that_waits_for_the_user_is_seen(line: str) -> None:
    assert any(is_modal(node) for node in ast.walk(ast.parse(line)))


def succeed(*command: str) -> str:
    """What the command printed; fails with it where the command does not end well."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        pytest.fail(f"{' '.join(command[1:])}\n{done.stdout}{done.stderr}", pytrace=False)
    return done.stdout


def files() -> Iterator[Path]:
    """The project's own files."""
    yield from (path for path in ROOT.iterdir() if path.is_file() and path.name not in {"uv.lock", ".coverage", ".git"})
    for folder in FOLDERS:
        yield from (path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def found_in_tree(pattern: str, flags: int = 0) -> list[str]:
    """Every place, as file:line: text, where the pattern is found."""
    sought = re.compile(pattern, flags)
    places = []
    for path in files():
        if path.suffix in BINARY:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if sought.search(line):
                places.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}")
    return places


def sources(*folders: str) -> Iterator[tuple[Path, ast.Module]]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path, ast.parse(path.read_text(encoding="utf-8"))


def imported(node: ast.AST) -> set[str]:
    """The top-level names an import statement brings in."""
    if isinstance(node, ast.Import):
        return {name.name.partition(".")[0] for name in node.names}
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return {node.module.partition(".")[0]}
    return set()


def reads_clock(node: ast.AST) -> bool:
    """A use of `time.time` and its like, under the module's name or imported by name."""
    if isinstance(node, ast.ImportFrom) and node.module == "time":
        return bool(CLOCKS["time"] & {name.name for name in node.names})
    if isinstance(node, ast.Attribute):
        return node.attr in CLOCKS.get(last_name(node.value), set())
    return False


def is_modal(node: ast.AST) -> bool:
    """A call that runs an event loop of its own: inside a coroutine it leaves tasks stuck."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return False
    name, of = node.func.attr, last_name(node.func.value)
    return name in MODAL or name in MODAL_STATIC.get(of, set())


def last_name(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def place(path: Path, node: ast.AST) -> str:
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
