"""Icons, the Windows installer's script, the workflow, and where the bare Debian comes from."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
import zipfile
from pathlib import Path

import build
import chroot
import icons
import installers
import pytest
from build import Job

ROOT = Path(__file__).parents[2]
WORKFLOW = ROOT / ".github/workflows/package.yml"


@pytest.fixture(scope="module")
def pictures() -> dict[int, bytes]:
    return icons.render(sorted({*icons.ICO_SIZES, *icons.ICNS_KINDS}))


def test_the_icon_is_drawn_in_every_size(pictures: dict[int, bytes]) -> None:
    assert {size: struct.unpack(">II", picture[16:24]) for size, picture in pictures.items()} == {
        size: (size, size) for size in pictures
    }


def test_the_windows_icon_names_each_picture_where_it_lies(pictures: dict[int, bytes]) -> None:
    made = icons.ico(pictures)
    _zero, kind, count = struct.unpack("<HHH", made[:6])
    rows = [struct.unpack("<BBBBHHII", made[6 + 16 * number : 22 + 16 * number]) for number in range(count)]
    assert kind == 1
    assert [made[row[7] : row[7] + row[6]] for row in rows] == [pictures[size] for size in icons.ICO_SIZES]


def test_the_macos_icon_is_as_long_as_it_says(pictures: dict[int, bytes]) -> None:
    made = icons.icns(pictures)
    assert (made[:4], struct.unpack(">I", made[4:8])[0]) == (b"icns", len(made))


@pytest.mark.skipif(shutil.which("makensis") is None, reason="makensis is not installed")
def test_the_windows_installer_compiles(job: Job, pictures: dict[int, bytes]) -> None:
    icon, made = job.out / "nicegold.ico", job.out / "nicegold-terminal-setup.exe"
    icon.write_bytes(icons.ico(pictures))
    done = subprocess.run(installers.nsis_words("9.8.7", job.frozen, icon, made), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert made.read_bytes()[:2] == b"MZ"


def test_the_portable_zip_has_one_folder_and_the_commits_time(job: Job) -> None:
    with zipfile.ZipFile(installers.build_zip(job)) as packed:
        assert {entry.filename.split("/")[0] for entry in packed.infolist()} == {"NiceGold Terminal"}
        assert {entry.date_time[0] for entry in packed.infolist()} == {2026}


def test_the_workflow_makes_every_form() -> None:
    endings = {"deb": "*.deb", "run": "*.run", "nsis": "*-setup.exe", "zip": "*-portable.zip", "dmg": "*.dmg"}
    forms = {form for forms in build.FORMS.values() for form in forms}
    text = WORKFLOW.read_text("utf-8")
    assert {form for form in forms if f"dist/{endings[form]}" not in text} == set()


def test_the_workflow_names_files_and_extras_that_exist() -> None:
    text = WORKFLOW.read_text("utf-8")
    assert [name for name in re.findall(r"packaging/[\w./]+", text) if not (ROOT / name).exists()] == []
    assert set(re.findall(r"--(?:extra|with) (\w+)", text)) == set(build.payload.COMPONENTS)


def test_the_workflow_is_yaml() -> None:
    yaml = pytest.importorskip("yaml", reason="no YAML library is installed")
    jobs = yaml.safe_load(WORKFLOW.read_text("utf-8"))["jobs"]
    assert set(jobs) == {"linux", "windows", "macos"}
    assert [step for job in jobs.values() for step in job["steps"] if not {"run", "uses"} & set(step)] == []


def test_a_component_that_is_asked_for_and_not_installed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(build.payload.COMPONENTS, "imaginary", "a_library_nobody_has")
    with pytest.raises(SystemExit, match="imaginary is not installed"):
        build.chosen(["imaginary"], [])


def test_a_component_cannot_be_both_in_and_out() -> None:
    with pytest.raises(SystemExit, match="both"):
        build.chosen(["parquet"], ["parquet"])


def test_times_are_the_last_commits_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1780000000")
    assert build.commit_time() == 1_780_000_000


def test_the_bare_debian_comes_from_where_apt_takes_its_packages(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text(
        "# deb http://commented.test/debian bookworm main\n"
        "deb [signed-by=/a/key.gpg] http://mirror.test/debian bookworm main contrib\n"
        "deb http://other.test/apt cloud-bookworm main\n",
        "utf-8",
    )
    (tmp_path / "sources.list.d/debian.sources").write_text(
        "Types: deb\nURIs: http://mirror.test/security\nSuites: bookworm-security\nComponents: main\n\n"
        "Types: deb\nURIs: http://other.test/node\nSuites: nodistro\nComponents: main\n",
        "utf-8",
    )
    assert chroot.host_sources(tmp_path) == [
        ("http://mirror.test/debian", "bookworm", ["main", "contrib"]),
        ("http://mirror.test/security", "bookworm-security", ["main"]),
    ]


def test_a_machine_without_such_a_source_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="knows no source of bookworm"):
        chroot.host_sources(tmp_path)
