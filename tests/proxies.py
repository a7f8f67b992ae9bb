"""A line to the server that can be cut: TCP on loopback before the server's Unix socket."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Line:
    """A proxy that listens on `port`."""

    port: int
    target: Path
    cutting: threading.Event = field(default_factory=threading.Event)

    def cut(self) -> None:
        """Give no more than half of the next answer of each session, then close both ends."""
        self.cutting.set()

    def serve(self, near: socket.socket) -> None:
        """Carry one session until one of its ends is closed."""
        with near, socket.socket(socket.AF_UNIX) as far:
            far.connect(str(self.target))
            back = threading.Thread(target=self._answers, args=(far, near))
            back.start()
            _carry(near, far)
            back.join()

    def _answers(self, far: socket.socket, near: socket.socket) -> None:
        with suppress(OSError):
            while data := far.recv(65_536):
                if self.cutting.is_set():
                    near.sendall(data[: len(data) // 2])
                    break
                near.sendall(data)
        _end(near)
        _end(far)


def _carry(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
    _end(sink)


def _end(side: socket.socket) -> None:
    with suppress(OSError):
        side.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxy(target: Path) -> Iterator[Line]:
    """Listen on a free port for as long as the block lasts."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        line = Line(listening.getsockname()[1], target)
        sessions: list[threading.Thread] = []

        def accept() -> None:
            with suppress(OSError):
                while True:
                    near, _ = listening.accept()
                    sessions.append(threading.Thread(target=line.serve, args=(near,)))
                    sessions[-1].start()

        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield line
        finally:
            line.cut()
            listening.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for session in sessions:
                session.join()
