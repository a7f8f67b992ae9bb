"""Work in a process of its own: forked, so that everything is imported already, and free to die."""

from __future__ import annotations

import os
import pickle
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended.

    Attributes:
        killed: by the SIGKILL that was meant for it.
        value: what its work returned; None where it was killed.
    """

    killed: bool
    value: Any


def in_child(work: Callable[[], object]) -> Ended:
    """Run `work` in a fork and wait for it.

    The caller has no thread and no session open: neither would survive the fork.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        code = 1
        try:
            with os.fdopen(writing, "wb") as answer:
                pickle.dump(work(), answer)
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        said = answer.read()
    _, status = os.waitpid(child, 0)
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    if not killed and status != 0:
        raise RuntimeError(f"a child of the harness ended with status {status}")
    return Ended(killed, None if killed else pickle.loads(said))
