"""Files that are either there as a whole or not at all, and their hashes."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from crm_migrate.errors import DamagedFile, UsageError

T = TypeVar("T")
_LOCK = ".lock"


def write_json(path: Path, value: object) -> None:
    """Write `value` as JSON to `path`, atomically, as `write_text` does.

    Keys keep their order; the text ends with a newline.
    """
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` as UTF-8, atomically: a reader, or a crash, sees the old file or the new one.

    The folder is made where it is missing.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with temporary.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def read_json(path: Path) -> Any:
    """What `write_json` wrote.

    Raises:
        FileNotFoundError: there is no such file; the caller knows what that means.
        UsageError: it is no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UsageError(
            f"{path} is not JSON: {error}", hint="It was changed by hand or cut short; make it again."
        ) from error


def read_value(path: Path, kind: type[T], *, hint: str, given: Mapping[str, object] | None = None) -> T:
    """What `write_json` wrote of a value of `kind`, a dataclass or a container, as that value again.

    Args:
        hint: what to do where the file is damaged: the stage that makes it anew.
        given: what the value has and the file does not hold.

    Raises:
        FileNotFoundError: there is no such file; the caller knows what that means.
        DamagedFile: it is no JSON, or has not the shape of `kind`; names the first place that does not fit.
    """
    try:
        document = json.loads(path.read_bytes())
    except ValueError:
        raise DamagedFile(path, "it is not JSON", hint=hint) from None
    try:
        value: T = TypeAdapter(kind).validate_python({**document, **given} if given else document)
    except ValidationError as error:
        first, *others = error.errors(include_input=False, include_url=False, include_context=False)
        place = ".".join(str(part) for part in first["loc"]) or "the whole"
        more = f", and {len(others):,} more" if others else ""
        raise DamagedFile(path, f"{place}: {first['msg'][0].lower()}{first['msg'][1:]}{more}", hint=hint) from None
    return value


@contextmanager
def scratch_folder(parent: Path, purpose: str) -> Iterator[Path]:
    """A new folder under `parent`, which is made where it is missing; gone with its content at the end.

    A process that was killed leaves its folder behind; the next one of the same purpose removes it. A lock on a file in
    the folder, which ends with its process, tells a dead one's folder from a living one's.
    """
    parent.mkdir(parents=True, exist_ok=True)
    for left in abandoned(parent, purpose):
        shutil.rmtree(left, ignore_errors=True)
    with _locked(parent / _LOCK):
        folder = Path(tempfile.mkdtemp(prefix=f"{purpose}-", dir=parent))
        lock = _lock(folder / _LOCK)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def abandoned(parent: Path, purpose: str = "*") -> tuple[Path, ...]:
    """Folders that dead processes left behind in a folder of scratch folders, of one purpose or of all."""
    if not parent.is_dir():
        return ()
    with _locked(parent / _LOCK):
        return tuple(folder for folder in sorted(parent.glob(f"{purpose}-*")) if folder.is_dir() and _is_dead(folder))


def _is_dead(folder: Path) -> bool:
    try:
        os.close(_lock(folder / _LOCK, wait=False))
    except BlockingIOError:
        return False
    return True


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    lock = _lock(path)
    try:
        yield
    finally:
        os.close(lock)


def _lock(path: Path, *, wait: bool = True) -> int:
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BaseException:
        os.close(handle)
        raise
    return handle


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable: a rename survives the power going off."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, as lower-case hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
