"""What the documents name exists: commands, options, settings, files."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from app.cli import app
from engine.config import parse
from engine.profile import Profile

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
BESIDE = {"--no-project", "--group", "--without"}
"""Options of other programs that README names."""


def commands(group: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command of the command line, as (words, command)."""
    group = group or typer.main.get_command(app)
    yield path, group
    for name, command in getattr(group, "commands", {}).items():
        yield from commands(command, (*path, name))


KNOWN = dict(commands())
GROUPS = "run|import|export|audit|doctor|screenshot|formats|data|db|instruments|broker|kill|session"
BELOW = (
    "imports|undo|facts|books|bars|orders|fills|positions|status|gaps|repair|upgrade|downgrade|copy|roles|backup|restore|list|show|"
    "set|history|check|key|order|verify|head|erase|"
    "state|limits|protect|reconnect|cancel|change|flatten|roll|halt|resume|signal"
)
NAMED = sorted(set(re.findall(rf"main\.py ((?:{GROUPS})(?: (?:{BELOW}))?)", README)))


def test_readme_names_every_command() -> None:
    leaves = {words for words, command in KNOWN.items() if words and not getattr(command, "commands", None)}
    assert {tuple(name.split()) for name in NAMED} == leaves


def test_every_option_in_readme_is_known() -> None:
    options = {option for command in KNOWN.values() for parameter in command.params for option in parameter.opts}
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", README)) - options - BESIDE == {"--help"} - options


def test_the_settings_and_the_profile_in_readme_are_accepted() -> None:
    blocks = [tomllib.loads(block) for block in re.findall(r"```toml\n(.*?)```", README, re.DOTALL)]
    profiles = [block for block in blocks if "venues" in block]
    assert profiles
    assert len(profiles) < len(blocks)
    for block in blocks:
        if block in profiles:
            Profile.model_validate(block)
        else:
            parse(block, "README.md")


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`([\w/.]+/[\w.]+\.\w+|[\w/]+/)`", README + ARCHITECTURE))))
def test_a_file_that_is_named_exists(name: str) -> None:
    places = [ROOT / name, ROOT / "engine" / name, ROOT / "app" / name, *(ROOT / "engine").glob(f"*/{name}")]
    assert any(place.exists() for place in places)
