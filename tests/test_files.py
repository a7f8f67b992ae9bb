"""A file is there as a whole or not at all."""

from __future__ import annotations

import hashlib
import os
import signal
import stat
import subprocess
import sys
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


def test_a_scratch_folder_is_gone_at_its_end(tmp_path: Path) -> None:
    with files.scratch_folder(tmp_path / "scratch", "assess") as folder:
        (folder / "part").write_text("a")
    assert list((tmp_path / "scratch").glob("assess-*")) == []


def test_what_a_killed_process_left_is_removed_by_the_next_of_its_kind(tmp_path: Path) -> None:
    parent = tmp_path / "scratch"
    code = (
        "import os, signal; from pathlib import Path; from crm_migrate import files\n"
        f"with files.scratch_folder(Path({str(parent)!r}), 'assess') as folder:\n"
        "    (folder / 'part').write_text('a'); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    for _ in range(2):
        assert subprocess.run([sys.executable, "-c", code]).returncode == -signal.SIGKILL
    [left] = files.abandoned(parent)
    with files.scratch_folder(parent, "simulate"):
        assert left.is_dir()  # it may be of use to somebody who looks for what happened
    with files.scratch_folder(parent, "assess") as folder:
        assert [path.name for path in parent.glob("assess-*")] == [folder.name]


def test_what_a_living_process_uses_is_left_alone(tmp_path: Path) -> None:
    with files.scratch_folder(tmp_path, "assess") as first:
        (first / "part").write_text("a")
        with files.scratch_folder(tmp_path, "assess") as second:
            assert (first / "part").read_text() == "a"
            assert files.abandoned(tmp_path) == ()
        assert not second.exists()
    assert files.abandoned(tmp_path) == ()
