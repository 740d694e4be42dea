"""The libraries are the ones that pyproject.toml names: exactly, directly needed or not, on every system."""

from __future__ import annotations

import tomllib
from importlib.metadata import PackageNotFoundError, distributions, version
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT: dict[str, Any] = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8"))
OPTIONAL = [line for group in PROJECT["project"]["optional-dependencies"].values() for line in group]
DIRECT = [Requirement(line) for line in PROJECT["project"]["dependencies"] + OPTIONAL + PROJECT["dependency-groups"]["dev"]]
TRANSITIVE = [Requirement(line) for line in PROJECT["tool"]["uv"]["constraint-dependencies"]]
ALL = list({str(requirement): requirement for requirement in DIRECT + TRANSITIVE}.values())


@pytest.mark.parametrize("requirement", ALL, ids=str)
def test_a_library_is_pinned_to_one_version(requirement: Requirement) -> None:
    assert requirement.url is None
    assert [specifier.operator for specifier in requirement.specifier] == ["=="]
    assert "*" not in str(requirement.specifier)


@pytest.mark.parametrize("requirement", ALL, ids=str)
def test_the_installed_version_is_the_pinned_one(requirement: Requirement) -> None:
    if requirement.marker is not None and not requirement.marker.evaluate():
        return
    try:
        installed = version(requirement.name)
    except PackageNotFoundError:
        return
    assert requirement.specifier.contains(installed, prereleases=True)


def test_nothing_is_asked_for_without_a_pin() -> None:
    assert needed_by(DIRECT) - {canonicalize_name(requirement.name) for requirement in ALL} == set()


def needed_by(requirements: list[Requirement]) -> set[str]:
    """The installed libraries that these ask for, directly or not, without extras; themselves among them."""
    needs = {canonicalize_name(it.metadata["Name"]): it.requires or [] for it in distributions()}
    found: set[str] = set()
    left = [canonicalize_name(requirement.name) for requirement in requirements]
    while left:
        name = left.pop()
        if name in found or name not in needs:
            continue
        found.add(name)
        asked = [Requirement(line) for line in needs[name]]
        left += [canonicalize_name(it.name) for it in asked if it.marker is None or it.marker.evaluate({"extra": ""})]
    return found
