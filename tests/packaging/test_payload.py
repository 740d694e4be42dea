"""What goes into the program is what the program opens and imports."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import payload
import pytest

from engine.core.version import program_version
from engine.request import VERSION
from engine.services.installed import MODULES

ROOT = Path(__file__).parents[2]
SHOWN_ONLY = ("readme", "settings")
"""Folders of the resources that nothing in the program reads."""


def in_package() -> dict[str, str]:
    """The project's files that go along, with the folder they get."""
    return {Path(file).relative_to(ROOT).as_posix(): folder for file, folder in payload.data_files()}


def files_below(*folders: str) -> list[Path]:
    found = [path.relative_to(ROOT) for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]
    return [path for path in found if "__pycache__" not in path.parts]


def test_every_file_of_the_program_that_is_no_module_is_in_the_package() -> None:
    wanted = [path for path in files_below("app", "widgets", "engine", "resources") if path.suffix != ".py"]
    forgotten = [path.as_posix() for path in wanted if path.parts[1] not in SHOWN_ONLY and path.as_posix() not in in_package()]
    assert forgotten == []


def test_every_migration_is_in_the_package_as_a_file() -> None:
    assert {path.as_posix() for path in files_below(payload.SCRIPTS) if path.suffix == ".py"} <= set(in_package())


def test_files_lie_in_the_package_as_in_the_checkout() -> None:
    assert {place: folder for place, folder in in_package().items() if (Path(place).parent.as_posix()) != folder} == {}


def test_what_migrations_import_is_named() -> None:
    assert {"alembic", "sqlalchemy"} <= payload.imported_by_scripts()


@pytest.mark.parametrize("name", payload.distributions())
def test_every_library_of_the_program_is_named_by_a_module_that_exists(name: str) -> None:
    module = payload.MODULES.get(name, name.replace("-", "_"))
    assert find_spec(module) is not None
    assert module in payload.hidden_imports({})


def test_what_the_doctor_looks_for_is_in_the_package() -> None:
    assert set(MODULES.values()) - set(payload.hidden_imports({})) == set()


def test_a_component_can_be_left_out() -> None:
    every = payload.components()
    assert set(every) <= set(payload.COMPONENTS)
    assert payload.components(frozenset(every)) == {}


def test_components_are_the_optional_libraries_of_the_project() -> None:
    assert set(payload.COMPONENTS) <= set(payload.project()["project"]["optional-dependencies"])


def test_the_version_is_the_projects_everywhere() -> None:
    said = subprocess.run([sys.executable, "main.py", "--version"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert said.split()[-1] == payload.version() == program_version() == VERSION


def test_no_other_file_states_the_version() -> None:
    stating = re.compile(rf"(?i)version\s*[:=]+\s*[\"']?{re.escape(payload.version())}\b")
    files = [path for path in files_below("app", "widgets", "engine", "resources", "packaging") if path.suffix != ".png"]
    assert [path.as_posix() for path in files if stating.search((ROOT / path).read_text("utf-8"))] == []


def test_a_project_file_without_a_version_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text('[project]\nname = "nicegold"\n', "utf-8")
    with pytest.raises(ValueError, match="states no version"):
        program_version(file)


def test_the_windows_libraries_that_go_along_are_no_display_fonts_or_bus() -> None:
    kept = ["libxcb-cursor.so.0", "libxkbcommon-x11.so.0", "libpython3.11.so.1.0", "libgomp.so.1", "libffi.so.8"]
    left = ["libX11.so.6", "libxcb.so.1", "libGL.so.1", "libstdc++.so.6", "libfontconfig.so.1", "libglib-2.0.so.0"]
    assert [name for name in kept if not payload.BUNDLED.match(name)] == []
    assert [name for name in left if payload.BUNDLED.match(name)] == []


def test_compiled_sources_are_not_compared_with_their_files(tmp_path: Path) -> None:
    made = {
        Path(file).name: Path(file).read_bytes()
        for file, folder in payload.bytecode(tmp_path)
        if folder.startswith("engine/rules/")
    }
    code = made[f"fills.{sys.implementation.cache_tag}.pyc"]
    assert int.from_bytes(code[4:8], "little") == 0b01
