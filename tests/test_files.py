"""A file is there as a whole or not at all."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

import pytest

from crm_migrate import files
from crm_migrate.errors import UsageError


def test_what_is_written_is_read_back_with_its_order(tmp_path: Path) -> None:
    value = {"b": [1, None, "ä"], "a": {"z": 0.5}}
    files.write_json(tmp_path / "new folder" / "a.json", value)
    found = files.read_json(tmp_path / "new folder" / "a.json")
    assert (found, list(found)) == (value, ["b", "a"])


def test_a_value_that_cannot_be_written_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    files.write_json(path, 1)
    with pytest.raises(TypeError):
        files.write_json(path, object())
    with pytest.raises(ValueError):
        files.write_json(path, float("nan"))
    assert files.read_json(path) == 1
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_handle: int) -> None:
        raise OSError("no space left")

    path = tmp_path / "a.json"
    files.write_json(path, 1)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space left"):
        files.write_json(path, 2)
    assert files.read_json(path) == 1
    assert list(tmp_path.iterdir()) == [path]


def test_others_may_read_what_the_umask_lets_them(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        files.write_json(tmp_path / "status.json", {})
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "status.json").stat().st_mode) == 0o644


def test_a_file_that_is_no_json_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"cut": ')
    with pytest.raises(UsageError, match=r"a\.json is not JSON"):
        files.read_json(tmp_path / "a.json")


def test_a_hash_is_that_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 100_000)
    assert files.sha256(tmp_path / "a") == hashlib.sha256(b"x" * 100_000).hexdigest()
