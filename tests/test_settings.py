"""Settings come from the environment, then the file, then defaults; what is wrong is named, never a secret's value."""

from __future__ import annotations

from pathlib import Path

import pytest

from crm_migrate import settings
from crm_migrate.errors import UsageError
from crm_migrate.settings import Criteria, Settings

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_environment_wins_over_the_file(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (elsewhere / "crm-migrate.toml").write_text("batch_size = 7\nretries = 2\n")
    monkeypatch.setenv("CRM_MIGRATE_BATCH_SIZE", "9")
    found = settings.load()
    assert (found.batch_size, found.retries) == (9, 2)


def test_an_empty_variable_is_an_unset_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_MIGRATE_DATABASE_URL", "")
    assert settings.load().database_url is None


def test_every_wrong_value_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_MIGRATE_CRITERIA__WARNING_RATIO", "2")
    monkeypatch.setenv("CRM_MIGRATE_RETRIES", "often")
    with pytest.raises(UsageError, match=r"(?s)warning_ratio.*retries|retries.*warning_ratio"):
        settings.load()


def test_an_unknown_key_of_the_file_is_refused(elsewhere: Path) -> None:
    (elsewhere / "crm-migrate.toml").write_text("bach_size = 7\n")
    with pytest.raises(UsageError, match="bach_size"):
        settings.load()


def test_a_file_that_is_no_toml_is_refused(elsewhere: Path) -> None:
    (elsewhere / "crm-migrate.toml").write_text("batch_size is 7\n")
    with pytest.raises(UsageError, match=r"crm-migrate\.toml"):
        settings.load()


def test_a_password_is_in_no_representation() -> None:
    found = Settings(database_url="postgresql://me:s3cret@host/db")  # type: ignore[arg-type]
    assert "s3cret" not in repr(found) + str(found) + found.model_dump_json()


def test_places_are_no_part_of_the_fingerprint_and_limits_are(tmp_path: Path) -> None:
    assert Settings().fingerprint() == Settings(workspace=tmp_path, reports=tmp_path).fingerprint()
    assert Settings().fingerprint() != Settings(criteria=Criteria(warning_ratio=0.02)).fingerprint()


def test_the_readme_documents_every_setting() -> None:
    for name in (*Settings.model_fields, *Criteria.model_fields):
        assert f"`{name}`" in README, name


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("CRM_MIGRATE_BACH_SIZE", "CRM_MIGRATE_BATCH_SIZE"),
        ("crm_migrate_retrys", "CRM_MIGRATE_RETRIES"),
        ("CRM_MIGRATE_WARNING_RATIO", "CRM_MIGRATE_CRITERIA__WARNING_RATIO"),
        ("CRM_MIGRATE_CRITERIA__DRIFT_ROW", "CRM_MIGRATE_CRITERIA__DRIFT_ROWS"),
    ],
)
def test_an_unknown_variable_is_refused_with_the_nearest_known_one(
    name: str, nearest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "0")
    with pytest.raises(UsageError, match=name) as refused:
        settings.load()
    assert nearest in refused.value.hint
    assert refused.value.exit_code == 2


def test_criteria_come_from_the_file_and_one_by_one_from_the_environment(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (elsewhere / "crm-migrate.toml").write_text("[criteria]\ndrift_rows = 3\nwarning_ratio = 0.5\n")
    monkeypatch.setenv("CRM_MIGRATE_CRITERIA__WARNING_RATIO", "0.02")
    found = settings.load().criteria
    assert (found.drift_rows, found.warning_ratio, found.disk_factor) == (3, 0.02, 2.0)


def test_an_unknown_criterion_is_refused(elsewhere: Path) -> None:
    (elsewhere / "crm-migrate.toml").write_text("[criteria]\ndrift = 3\n")
    with pytest.raises(UsageError, match=r"criteria\.drift"):
        settings.load()


def test_what_a_decision_rests_on_is_told_by_name_and_holds_no_place() -> None:
    decided = Settings(database_url="postgresql://me:s3cret@host/db", reject_rows=7).decided()  # type: ignore[arg-type]
    assert (decided["reject_rows"], decided["criteria.warning_ratio"]) == ("7", "0.01")
    assert "s3cret" not in str(decided)
    assert not {"database_url", "workspace", "reports", "inputs"} & set(decided)


@pytest.mark.parametrize("name", ["snapshot_hours", "decision_hours", "transaction_minutes", "disk_factor"])
@pytest.mark.parametrize("value", ["inf", "1e300"])
def test_a_limit_that_nothing_can_be_counted_with_is_refused(elsewhere: Path, name: str, value: str) -> None:
    (elsewhere / "crm-migrate.toml").write_text(f"[criteria]\n{name} = {value}\n")
    with pytest.raises(UsageError, match=f"criteria.{name}"):
        settings.load()


def test_a_step_has_limits_of_its_own_and_all_others_from_everybody(elsewhere: Path) -> None:
    (elsewhere / "crm-migrate.toml").write_text('work_mem = "32MB"\n[steps."backup:dealNotes"]\nwork_mem = "1GB"\n')
    found = settings.load()
    assert found.limits("backup:dealNotes")["work_mem"] == "1GB"
    assert found.limits("backup:dealNotes")["lock_timeout"] == "10000ms"
    assert found.limits("backup:deals")["work_mem"] == found.limits()["work_mem"] == "32MB"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CRM_MIGRATE_STEPS", '{"load:contacts": {"lock_timeout_ms": 7}}'),
        ("CRM_MIGRATE_STEPS__LOAD:CONTACTS__LOCK_TIMEOUT_MS", "7"),
    ],
)
def test_the_environment_gives_a_step_its_limits_too(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    assert settings.load().limits("load:contacts")["lock_timeout"] == "7ms"


@pytest.mark.parametrize(
    "given",
    [
        'work_mem = "lots"',
        'work_mem = "-1MB"',
        'maintenance_work_mem = "1kB"',
        'maintenance_work_mem = "9999999999GB"',
        "spot_checks = 999999999999999999999",
        "spot_check_seed = 99999999999999999999999",
        "retention_days = 9999999999",
        "compatibility_days = 9999999999",
        "grace_seconds = inf",
        "retries = 5000",
        "lock_timeout_ms = 0",
        "[steps.x]\nlock_timeout_ms = -1",
        '[steps.x]\nwork_mem = "256"',
        "[steps.x]\nbatch_size = 3",
        '[steps."load:A"]\n[steps."load:a"]',
    ],
)
def test_limits_that_the_server_would_refuse_are_refused_before_the_night(given: str, elsewhere: Path) -> None:
    (elsewhere / "crm-migrate.toml").write_text(given)
    with pytest.raises(
        UsageError, match=r"work_mem|lock_timeout_ms|batch_size|named twice|spot_check|_days|grace_seconds|retries"
    ):
        settings.load()


def test_limits_for_a_step_that_is_not_in_the_plan_are_refused_with_the_nearest(elsewhere: Path) -> None:
    (elsewhere / "crm-migrate.toml").write_text('[steps."load:contract"]\nwork_mem = "1GB"\n')
    with pytest.raises(UsageError, match="load:contract") as refusal:
        settings.require_steps(settings.load(), ["load:contacts", "backup:deals"])
    assert "load:contacts" in refusal.value.hint


def test_limits_are_part_of_what_was_decided() -> None:
    limits = {"load:contacts": settings.StepLimits(work_mem="1GB")}
    assert Settings().fingerprint() != Settings(steps=limits).fingerprint()


@pytest.mark.parametrize(
    "text",
    ["[criteria]\ndrift_ratio = true", "retries = false", "batch_seconds = true", "[criteria]\nblocker_rows = false"],
)
def test_true_and_false_are_no_numbers(elsewhere: Path, text: str) -> None:
    (elsewhere / "crm-migrate.toml").write_text(f"{text}\n")
    with pytest.raises(UsageError, match="not true or false"):
        settings.load()


def test_true_and_false_are_taken_where_they_are_asked_for(elsewhere: Path) -> None:
    (elsewhere / "crm-migrate.toml").write_text("link_deal_contacts = true\n[criteria]\nrehearsal = true\n")
    found = settings.load()
    assert (found.link_deal_contacts, found.criteria.rehearsal) == (True, True)


@pytest.mark.parametrize("name", ["CRM_MIGRATE_STEPS", "CRM_MIGRATE_CRITERIA"])
def test_a_variable_that_is_no_json_is_named_and_no_file_blamed(
    name: str, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not (elsewhere / "crm-migrate.toml").exists()
    monkeypatch.setenv(name, "{bad")
    with pytest.raises(UsageError, match=f"^{name} in the environment is not JSON$") as refusal:
        settings.load()
    assert "toml" not in refusal.value.hint


@pytest.mark.parametrize("kind", ["folder", "dangling link", "no toml", "no utf-8"])
def test_a_settings_file_that_cannot_be_read_is_not_passed_over(elsewhere: Path, kind: str) -> None:
    file = elsewhere / "crm-migrate.toml"
    match kind:
        case "folder":
            file.mkdir()
        case "dangling link":
            file.symlink_to(elsewhere / "nowhere")
        case "no toml":
            file.write_text("retries 5")
        case "no utf-8":
            file.write_bytes(b'inputs = "\xff"')
    with pytest.raises(UsageError, match=r"crm-migrate\.toml"):
        settings.load()
