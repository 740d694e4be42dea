"""A command that was not written as it has to be, told in one sentence."""

from __future__ import annotations

from typing import Any

_KINDS = {
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "float_parsing": "a number",
    "float_type": "a number",
    "bool_parsing": "true or false",
}
"""What pydantic calls what is no such thing."""


def is_usage(error: Exception) -> bool:
    """Whether typer raised it for the way the command was written."""
    return getattr(error, "exit_code", None) is not None and hasattr(error, "format_message")


def sentence(error: Any) -> str:
    """What is wrong, and which help tells more."""
    words = ["main.py", *_words(getattr(error, "ctx", None)), "--help"]
    return f"{_said(error)}; see {' '.join(words)}"


def _said(error: Any) -> str:
    faults = error.__cause__.errors() if hasattr(error.__cause__, "errors") else []
    if faults and faults[0]["type"] in _KINDS and error.param is not None:
        name = next((option for option in error.param.opts if option.startswith("--")), error.param.name)
        return f"{name} {faults[0]['input']!r} is not {_KINDS[faults[0]['type']]}"
    text = str(error.format_message()).rstrip(".")
    return text[:1].lower() + text[1:]


def _words(context: Any) -> list[str]:
    """The command and its group, without the program's own name."""
    words: list[str] = []
    while context is not None and context.parent is not None:
        words.insert(0, context.info_name)
        context = context.parent
    return words
