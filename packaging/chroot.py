"""A bare Debian 12 in a folder: made once by debootstrap, kept as an archive, unpacked afresh for every use.

Needs root. Call `alone` first: what is mounted is then seen by this process only, and gone when it ends. Packages come from
wherever this machine's own apt takes them.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

SUITE = "bookworm"
SUITES = (SUITE, f"{SUITE}-updates", f"{SUITE}-security")
USER = "trader"
URGENT = "-15"
"""The niceness of what is timed."""
_MARK = "NICEGOLD_VERIFY_ALONE"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

Source = tuple[str, str, list[str]]
Done = subprocess.CompletedProcess


def alone() -> None:
    """Goes on in a mount namespace of its own; SystemExit without root or debootstrap."""
    if os.environ.get(_MARK):
        return
    if os.geteuid() != 0:
        raise SystemExit("verify needs root: it makes a bare Debian and installs a package in it")
    for tool in ("debootstrap", "unshare", "chroot"):
        if shutil.which(tool) is None:
            raise SystemExit(f"verify needs {tool}, which is not installed")
    os.environ[_MARK] = "1"
    words = ["unshare", "--mount", "--propagation", "private", sys.executable, *sys.argv]
    os.execvp(words[0], words)


def host_sources(apt: Path = Path("/etc/apt")) -> list[Source]:
    """(address, suite, components) of every source of this machine that is Debian 12's own. ValueError when there is none."""
    files = [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*"))]
    texts = [(file.suffix, file.read_text(encoding="utf-8")) for file in files if file.is_file()]
    found = [
        source for suffix, text in texts for source in (_stanzas(text) if suffix == ".sources" else _lines(text)) if _fits(source)
    ]
    if SUITE not in {suite for _address, suite, _components in found}:
        raise ValueError(f"this machine's apt knows no source of {SUITE}; name one in /etc/apt/sources.list")
    return found


def _fits(source: Source) -> bool:
    return source[1] in SUITES and "main" in source[2]


def _lines(text: str) -> Iterator[Source]:
    for line in text.splitlines():
        words = re.sub(r"\[[^]]*\]", "", line).split()
        if len(words) >= 4 and words[0] == "deb":
            yield words[1], words[2], words[3:]


def _stanzas(text: str) -> Iterator[Source]:
    for stanza in re.split(r"\n\s*\n", text):
        fields = dict(re.findall(r"^([A-Za-z-]+):[ \t]*(.+)$", stanza, re.MULTILINE))
        for address in fields.get("URIs", "").split():
            for suite in fields.get("Suites", "").split():
                yield address, suite, fields.get("Components", "").split()


class Bare:
    """A fresh Debian in `folder`; `cache` keeps its archive and downloaded packages between uses."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.root, self.cache = folder / "debian", cache
        self.base = cache / f"{SUITE}.tar"
        self._mounted: list[Path] = []

    def make(self) -> None:
        """Unpacks it, ready for `run`. CalledProcessError with what went wrong on standard error."""
        self.cache.mkdir(parents=True, exist_ok=True)
        if not self.base.exists():
            self._bootstrap()
        self._remove()
        self.root.mkdir(parents=True)
        _do("tar", "-xf", self.base, "-C", self.root, "--numeric-owner")
        for name in ("resolv.conf", "hosts"):
            shutil.copyfile(f"/etc/{name}", self.root / "etc" / name)
        lines = [f"deb {address} {suite} {' '.join(components)}\n" for address, suite, components in host_sources()]
        (self.root / "etc/apt/sources.list").write_text("".join(lines), encoding="utf-8")
        (self.root / "etc/apt/apt.conf.d/90verify").write_text(_proxies() + 'Acquire::Languages "none";\n', encoding="utf-8")
        self._mount()
        self.run("useradd", "--create-home", "--shell", "/bin/sh", USER)

    def _bootstrap(self) -> None:
        address = next(address for address, suite, _components in host_sources() if suite == SUITE)
        place = self.cache / "making"
        shutil.rmtree(place, ignore_errors=True)
        _do("debootstrap", "--variant=minbase", SUITE, place, address)
        _do("tar", "-cf", self.base.with_suffix(".part"), "-C", place, "--numeric-owner", "--one-file-system", ".")
        self.base.with_suffix(".part").rename(self.base)
        shutil.rmtree(place)

    def _mount(self) -> None:
        packages = self.cache / "packages"
        (packages / "partial").mkdir(parents=True, exist_ok=True)
        for words, place in (
            (("-t", "proc", "proc"), "proc"),
            (("-t", "sysfs", "-o", "ro", "sysfs"), "sys"),
            (("--rbind", "/dev"), "dev"),
            (("--bind", str(packages)), "var/cache/apt/archives"),
        ):
            target = self.root / place
            target.mkdir(parents=True, exist_ok=True)
            _do("mount", *words, target)
            self._mounted.append(target)

    def close(self) -> None:
        """Takes the mounts off again and removes the folder."""
        for target in reversed(self._mounted):
            _do("umount", "--lazy", target)
        self._mounted.clear()
        self._remove()

    def _remove(self) -> None:
        """Without rmtree, which would walk into what is mounted."""
        _do("rm", "-rf", "--one-file-system", self.root)

    def run(self, *words: str, user: str = "root", check: bool = True, timeout: float = 900, **environment: str) -> Done[str]:
        """Runs a command inside as `user` in that user's home, with nothing of our environment but what is given here."""
        return subprocess.run(
            self.words(*words, user=user, **environment),
            env={},
            text=True,
            capture_output=True,
            check=check,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
        )

    def start(self, *words: str, user: str, output: Any, **environment: str) -> subprocess.Popen[str]:
        """Like `run`, but going on, and before what else the machine does; what it says goes to the file `output`."""
        inside = ["/usr/bin/nice", "-n", URGENT, *self.words(*words, user=user, **environment)]
        return subprocess.Popen(inside, env={}, text=True, stdout=output, stderr=output, stdin=subprocess.DEVNULL)

    def words(self, *words: str, user: str, **environment: str) -> list[str]:
        home = "/root" if user == "root" else f"/home/{user}"
        given = {"HOME": home, "USER": user, "PATH": _PATH, "LANG": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive", **environment}
        line = f"cd {home} && exec {shlex.join(words)}"
        settings = [f"{name}={value}" for name, value in given.items()]
        return ["/usr/sbin/chroot", f"--userspec={user}", str(self.root), "/usr/bin/env", "-i", *settings, "/bin/sh", "-c", line]


def _proxies(environment: Mapping[str, str] = os.environ) -> str:
    """The apt settings of this machine that say how the network is reached."""
    told = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=False, env=dict(environment)).stdout
    return "".join(f"{line}\n" for line in told.splitlines() if re.match(r"Acquire::https?::Proxy", line))


def _do(*words: str | Path) -> None:
    subprocess.run([str(word) for word in words], check=True, stdout=subprocess.DEVNULL)
