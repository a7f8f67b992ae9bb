"""Standard output and error that outlive their readers: `crm-migrate plan | head` ends as `crm-migrate plan` does."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class _Pipe(io.FileIO):
    """Where nobody reads any more, what is written is dropped, also at the flush when Python ends."""

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            return memoryview(data).nbytes


def outlive_readers() -> None:
    """Let no reader who goes change how a command ends."""
    sys.stdout, sys.stderr = _outliving(sys.stdout), _outliving(sys.stderr)


def _outliving(stream: object) -> io.TextIOWrapper:
    """The same stream, encoding and buffering as before; one that is closed from the start stays as it is."""
    if not isinstance(stream, io.TextIOWrapper):
        return stream  # type: ignore[return-value]
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(_Pipe(stream.fileno(), "w", closefd=False)),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering or stream.write_through,
    )
