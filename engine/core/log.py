"""The log: JSON lines in a rotating file, plain lines on the console, and nothing in either that must stay secret."""

from __future__ import annotations

import logging
import os
import re
import traceback
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from engine.core.clock import SystemClock, to_iso

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger

FILE_NAME = "nicegold.log"
SECRET_VARIABLES = "NICEGOLD_API_"
"""Environment variables whose names begin so hold credentials; their values are struck out wherever they appear."""

STRUCK = "***"
_SHORTEST_SECRET = 6  # shorter values would strike out half the log
_LARGEST_FILE = 5_000_000
_OLD_FILES = 5
_SECRET_FIELD = re.compile(r"(^|[^a-z])key$|api_?key|private_?key|secret|token|password|passphrase|authorization", re.IGNORECASE)
_SECRET_IN_TEXT = (
    (re.compile(r"(?<=://)([^/\s:@]+):[^/\s@]+@"), r"\1:" + STRUCK + "@"),
    (
        re.compile(r"((?:authorization|bearer|basic)[\"']?[:=\s]+[\"']?(?:bearer |basic )?)[^\s\"',;&]+", re.IGNORECASE),
        r"\1" + STRUCK,
    ),
    (
        re.compile(r"((?:api_?key|secret|token|password|passphrase|signature)[\"']?\s*[:=]\s*[\"']?)[^\s\"',;&]+", re.IGNORECASE),
        r"\1" + STRUCK,
    ),
)


_hidden: set[str] = set()
"""Secrets of this process that came from elsewhere than the environment: they are in no log whoever writes it."""


def keep_out(*secrets: str) -> None:
    """These are struck out of every log and crash report of this process from now on."""
    _hidden.update(secret for secret in secrets if len(secret) >= _SHORTEST_SECRET)


class Redactor:
    """Strikes secrets out of log records: fields by their names, and known values and patterns in any text."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        values = {value for name, value in environment.items() if name.startswith(SECRET_VARIABLES)}
        self._values = sorted((value for value in values if len(value) >= _SHORTEST_SECRET), key=len, reverse=True)

    def __call__(self, _logger: Any, _method: str, record: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """The structlog processor."""
        return {name: self.field(name, value) for name, value in record.items()}

    def field(self, name: str, value: Any) -> Any:
        """The value of a field as it may be written."""
        return STRUCK if _SECRET_FIELD.search(name) and value else self.value(value)

    def value(self, value: Any) -> Any:
        """Any value as it may be written: containers item by item, foreign objects by their text."""
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, Mapping):
            return {str(name): self.field(str(name), item) for name, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(item) for item in value]
        return self.text(value if isinstance(value, str) else str(value))

    def text(self, text: str) -> str:
        """The text with every known or recognisable secret struck out."""
        for secret in (*self._values, *sorted(_hidden, key=len, reverse=True)):
            text = text.replace(secret, STRUCK)
        for pattern, replacement in _SECRET_IN_TEXT:
            text = pattern.sub(replacement, text)
        return text


@dataclass(frozen=True, slots=True)
class LogFile:
    """A log that was started; `close` detaches it."""

    path: Path
    handlers: tuple[logging.Handler, ...]

    def close(self) -> None:
        for handler in self.handlers:
            logging.getLogger().removeHandler(handler)
            handler.close()


def start_log(folder: Path, *, console: TextIO | None = None, level: str = "INFO", console_level: str = "WARNING") -> LogFile:
    """Sends all logging, libraries' own included, to FILE_NAME in `folder` and, where given, to `console`.

    Raises OSError when the folder cannot be made or written. Call once a process, and `close` what comes back.
    """
    import structlog

    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        _stamp,
        structlog.processors.format_exc_info,
        _drop_internals,
        Redactor(os.environ),
    ]
    structlog.configure(
        processors=[*shared[:5], structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handlers = [_to_file(folder / FILE_NAME, level, shared)]
    if console is not None:
        handlers.append(_to_console(console, console_level, shared))
    root = logging.getLogger()
    root.setLevel(min(handler.level for handler in handlers))
    for handler in handlers:
        root.addHandler(handler)
    return LogFile(folder / FILE_NAME, tuple(handlers))


def logger(name: str) -> BoundLogger:
    """A logger that takes an event and fields: `logger("broker").warning("link lost", host=host)`."""
    import structlog

    bound: BoundLogger = structlog.stdlib.get_logger(name)
    return bound


def crash_log(folder: Path, error: BaseException) -> Path:
    """Writes the traceback of `error` to a file of its own in `folder`, secrets struck out, and returns its path."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    at = to_iso(SystemClock().now())
    path = folder / f"crash-{at.replace(':', '').replace('.', '-')}-{os.getpid()}.txt"
    text = "".join(traceback.format_exception(error))
    path.write_text(f"{at}\n{Redactor(os.environ).text(text)}", encoding="utf-8")
    return path


def _stamp(_logger: Any, _method: str, record: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    record["at"] = to_iso(SystemClock().now())
    return record


def _drop_internals(_logger: Any, _method: str, record: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {name: value for name, value in record.items() if name not in ("_record", "_from_structlog")}


def _to_file(path: Path, level: str, shared: list[Any]) -> logging.Handler:
    from logging.handlers import RotatingFileHandler

    import structlog

    handler = RotatingFileHandler(path, maxBytes=_LARGEST_FILE, backupCount=_OLD_FILES, encoding="utf-8", delay=True)
    return _dressed(handler, level, shared, structlog.processors.JSONRenderer(sort_keys=True, ensure_ascii=False))


def _to_console(stream: TextIO, level: str, shared: list[Any]) -> logging.Handler:
    return _dressed(logging.StreamHandler(stream), level, shared, _plain)


def _dressed(handler: logging.Handler, level: str, shared: list[Any], render: Any) -> logging.Handler:
    import structlog

    handler.setLevel(level)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared[:5], processors=[*shared[5:], render]))
    return handler


def _plain(_logger: Any, _method: str, record: MutableMapping[str, Any]) -> str:
    """One line: time, level, logger, event and its fields; a traceback below it."""
    trace = record.pop("exception", None)
    head = [str(record.pop(name, "")) for name in ("at", "level", "logger", "event")]
    tail = [f"{name}={value}" for name, value in sorted(record.items())]
    return " ".join(head + tail) + (f"\n{trace}" if trace else "")
