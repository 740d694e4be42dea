"""Long computing in a process of its own, so that neither the window nor the engine's thread feels it."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from typing import Any, Protocol

from engine.core.errors import NiceGoldError, UserError

HEARTBEAT_S = 0.1

Progress = Callable[[float, str], None]


class Pipe(Protocol):
    """An end of a pipe; its class differs between systems."""

    def poll(self, timeout: float) -> bool: ...

    def recv(self) -> Any: ...

    def send(self, message: Any) -> None: ...

    def close(self) -> None: ...


def run_apart(function: Callable[..., Any], arguments: tuple[Any, ...], progress: Progress) -> Any:
    """`function(*arguments, progress)` in a fresh process; its result. Both must be importable and picklable.

    `progress` is called at least every HEARTBEAT_S; what it raises ends the process at once. Raises what the function raised;
    NiceGoldError when the process died without an answer.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(theirs, function, arguments), name="nicegold-worker", daemon=True)
    process.start()
    theirs.close()
    try:
        return _listen(ours, progress)
    except EOFError:
        process.join()
        raise NiceGoldError(f"the worker process ended with code {process.exitcode} and no answer; see the log") from None
    except BaseException:
        process.kill()
        raise
    finally:
        ours.close()
        process.join(timeout=5)
        if process.is_alive():
            process.kill()


def _listen(pipe: Pipe, progress: Progress) -> Any:
    last = (0.0, "starting a worker process")
    while True:
        if not pipe.poll(HEARTBEAT_S):
            progress(*last)
            continue
        kind, value = pipe.recv()
        if kind == "progress":
            last = value
            progress(*value)
        elif kind == "error":
            raise value
        else:
            return value


def _work(pipe: Pipe, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    try:
        result = function(*arguments, lambda share, words: pipe.send(("progress", (share, words))))
        pipe.send(("result", result))
    except UserError as error:
        pipe.send(("error", UserError(str(error))))
    except Exception as error:  # whatever it was, the process that asked has to hear of it
        pipe.send(("error", NiceGoldError(f"{type(error).__name__}: {error}")))
    finally:
        pipe.close()
