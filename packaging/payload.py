"""What goes into the program beside the modules that PyInstaller finds by itself, and what stays out of it.

Read by `nicegold.spec`, `build.py` and the tests; nothing of PyInstaller or of the program is imported here.
"""

from __future__ import annotations

import py_compile
import re
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

COMPONENTS = {"catboost": "catboost", "parquet": "pyarrow"}
"""Parts a package may have or not, and the module that each of them is; all that are installed go in unless `--without`."""

AS_SOURCES = ("engine",)
"""Packages that lie in the program as files: numba caches a kernel by its file, and Alembic reads migrations from theirs."""

SCRIPTS = "engine/storage/migrations"
"""Python files that are read as data; what they import is named to PyInstaller."""

DATA = (
    ("pyproject.toml", "."),
    ("resources/icons/*.svg", "resources/icons"),
    ("resources/instruments/*.toml", "resources/instruments"),
    ("resources/themes/*.json", "resources/themes"),
    ("resources/themes/*.qss", "resources/themes"),
    ("LICENSE", "."),
)
"""The project's files that the program opens, as (pattern below the root, folder in the program).

pyproject.toml holds the version and the pins that the doctor compares with.
"""

MODULES = {
    "PySide6-Essentials": "PySide6",
    "PySide6-QtAds": "PySide6QtAds",
    "psycopg": "psycopg_binary",
    "exchange-calendars": "exchange_calendars",
    "SQLAlchemy": "sqlalchemy",
}
"""Modules of distributions that are called otherwise."""

LATE = (
    *("sqlalchemy.dialects.sqlite", "sqlalchemy.dialects.postgresql.psycopg", "keyring.backends", "psycopg"),
    *("numba._devicearray", "zoneinfo"),
)
"""Modules that are imported by name or from C, when a database, a keyring or a compiler asks for them."""

EXCLUDED = (
    *("tkinter", "_tkinter", "turtle", "idlelib", "matplotlib", "plotly", "graphviz", "IPython", "ipywidgets", "pytest"),
    *("PySide6.QtQml", "PySide6.QtQuick", "PySide6.QtQuickWidgets", "PySide6.QtDesigner", "PySide6.QtTest", "PySide6.QtSql"),
    *("hypothesis", "mypy", "setuptools", "pip", "wheel", "PIL", "PyQt6", "PyQt5", "sklearn", "torch"),
    *("numba.tests", "numpy.tests", "numpy.f2py.tests", "scipy.tests", "pandas.tests", "llvmlite.tests", "lightgbm.plotting"),
    *("alembic.testing", "sqlalchemy.testing", "numba.cuda", "pyarrow.tests", "pyarrow.flight", "pyarrow.substrait"),
)

UNWANTED = re.compile(
    r"libQt6(Quick|VirtualKeyboard|Pdf|Designer|Test|Sql|Labs|ShaderTools|EglF[sS])"
    r"|plugins/(platforminputcontexts/libqtvirtualkeyboard|sqldrivers|qmltooling|designer|generic|egldeviceintegrations)"
    r"|plugins/(networkinformation/|platformthemes/libqgtk3|imageformats/libq(tiff|webp|tga|wbmp|icns|pdf|gif|jpeg))"
    r"|platforms/libq(eglfs|linuxfb|vnc|vkkhrdisplay|minimalegl|minimal)"
    r"|PySide6/Qt/translations/|scipy/.*/tests/"
    r"|pyarrow/(tests|include|includes|src)/|pyarrow/.*\.(pxd|pxi|pyx|h|cmake|sh)$"
    r"|pyarrow/_(flight|substrait|s3fs|gcsfs|azurefs|hdfs|cuda|pyarrow_cpp_tests|orc|dataset_orc)\b"
    r"|libarrow_(flight|python_flight|s3)|numba/np/ufunc/tbbpool"
)
"""Files that PyInstaller's hooks bring along and this program never opens."""

BUNDLED = re.compile(
    r"lib(python3\.\d+|ffi|bz2|crypto|ssl|sqlite3|readline|tinfo|ncursesw?|z|lzma|uuid|expat|gomp"
    r"|xcb-(cursor|icccm|image|keysyms|randr|render|render-util|shape|shm|sync|util|xfixes|xkb)|xkbcommon|xkbcommon-x11)\.so\b"
)
"""Libraries of this machine that go along: Python's own, OpenMP, and the small ones of X that few desktops have installed.

All others belong to the display, the fonts, the bus and the C++ of the machine the program runs on, and have to be its own.
"""


def project() -> dict[str, Any]:
    """The tables of pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def version() -> str:
    """The program's version, from the one place that holds it."""
    return str(project()["project"]["version"])


def distributions() -> list[str]:
    """The libraries the program asks for, by the name they are installed under."""
    return [re.split(r"[\[=]", line, maxsplit=1)[0] for line in project()["project"]["dependencies"]]


def components(without: frozenset[str] = frozenset()) -> dict[str, str]:
    """The components that are installed and not left out, with their modules."""
    return {name: module for name, module in COMPONENTS.items() if name not in without and find_spec(module) is not None}


def hidden_imports(parts: dict[str, str]) -> list[str]:
    """Modules nobody imports by statement: libraries the doctor looks for, databases' drivers, what migrations import, parts."""
    direct = [MODULES.get(name, name.replace("-", "_")) for name in distributions()]
    return sorted({*direct, *LATE, *parts.values(), *imported_by_scripts()})


def imported_by_scripts() -> set[str]:
    """Top-level modules that the files below SCRIPTS import."""
    lines = (line for file in (ROOT / SCRIPTS).rglob("*.py") for line in file.read_text(encoding="utf-8").splitlines())
    found = (re.match(r"(?:from|import) ([\w.]+)", line) for line in lines)
    return {match[1] for match in found if match and match[1] != "__future__"}


def data_files() -> list[tuple[str, str]]:
    """(file, folder in the program) of the project's own files; FileNotFoundError when a pattern finds none."""
    found = []
    for pattern, folder in DATA:
        files = sorted(ROOT.glob(pattern))
        if not files:
            raise FileNotFoundError(f"the package asks for {pattern}, and there is none")
        found += [(str(file), folder) for file in files]
    scripts = sorted((ROOT / SCRIPTS).rglob("*.py"))
    return found + [(str(file), file.parent.relative_to(ROOT).as_posix()) for file in scripts]


def bytecode(folder: Path) -> list[tuple[str, str]]:
    """(file, folder in the program) of compiled AS_SOURCES, made in `folder`: who runs the program may not write beside them."""
    made = []
    for source in sorted(file for package in AS_SOURCES for file in (ROOT / package).rglob("*.py")):
        place = source.relative_to(ROOT)
        target = folder / place.parent / "__pycache__" / f"{place.stem}.{sys.implementation.cache_tag}.pyc"
        unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
        py_compile.compile(str(source), str(target), str(place), doraise=True, invalidation_mode=unchecked)
        made.append((str(target), (place.parent / "__pycache__").as_posix()))
    return made
