"""Settings: from the environment (`CRM_MIGRATE_*`), then `crm-migrate.toml` in the working directory, then defaults."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from crm_migrate.errors import UsageError

_PLACES = {"database_url", "workspace", "reports", "inputs"}


class Settings(BaseSettings):
    """Everything that can be set. Numbers that a decision rests on are part of its fingerprint."""

    model_config = SettingsConfigDict(
        env_prefix="CRM_MIGRATE_", toml_file="crm-migrate.toml", extra="forbid", frozen=True, env_ignore_empty=True
    )

    # where
    database_url: SecretStr | None = Field(None, description="libpq URI or keywords; unset: the embedded PostgreSQL")
    workspace: Path = Field(Path(".workbench"), description="snapshots, dumps, logs, the embedded server")
    reports: Path = Field(Path("reports"), description="one folder a run")
    inputs: Path | None = Field(None, description="folder of the analyst's CSV files")

    # what is migrated
    link_deal_contacts: bool = Field(
        False, description="give a contact a membership in every other company on whose deals it appears"
    )

    # gate (B4, B5)
    warning_ratio: float = Field(0.01, gt=0, le=1, description="NO-GO from this share of records with a warning on")
    disk_factor: float = Field(2.0, ge=0, description="free disk needed, in multiples of the database")
    decision_hours: float = Field(24.0, gt=0, description="how long a decision holds, in hours")
    drift_ratio: float = Field(0.01, ge=0, le=1, description="share of a table that may change after the decision")
    drift_rows: int = Field(10, ge=0, description="rows of a table that may change in any case")

    # execution (C)
    batch_size: int = Field(10_000, ge=1, le=1_000_000, description="source rows to a transaction (C4)")
    lock_timeout_ms: int = Field(10_000, ge=1, description="how long a statement waits for a lock (C9)")
    statement_timeout_ms: int = Field(3_600_000, ge=1, description="how long one statement may take (C9)")
    idle_timeout_ms: int = Field(300_000, ge=1, description="how long a transaction may stand idle (C9)")
    retries: int = Field(5, ge=0, description="tries again after a lock time-out or a deadlock (C9)")
    grace_seconds: float = Field(5.0, ge=0, description="what other sessions get before they are ended (C8)")
    reject_rows: int = Field(1_000, ge=0, description="number of rejects that stops a step (C6)")
    reject_ratio: float = Field(0.01, ge=0, le=1, description="share of rejects that stops a step (C6)")

    # after (E)
    rollback_hours: float = Field(48.0, gt=0, description="how long the way back is open, in hours (E1)")
    retention_days: int = Field(90, ge=1, description="how long original data is kept, in days (E3)")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment, then the TOML file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    @property
    def log_file(self) -> Path:
        """Where the log goes (C11)."""
        return self.workspace / "logs" / "migration.log"

    def fingerprint(self) -> str:
        """SHA-256 over every setting that is not a place; the same settings give the same text."""
        numbers = self.model_dump(mode="json", exclude=_PLACES)
        return hashlib.sha256(json.dumps(numbers, sort_keys=True).encode()).hexdigest()


def load(**given: Any) -> Settings:
    """Read the settings.

    Args:
        given: what the caller sets itself; wins over environment and file.

    Raises:
        UsageError: a value is missing, unknown or out of range; the text names each one, never a secret's value.
    """
    try:
        return Settings(**given)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"
            for problem in error.errors(include_input=False, include_url=False)
        )
        raise UsageError(
            f"bad settings: {problems}",
            hint="Settings come from CRM_MIGRATE_* in the environment and from crm-migrate.toml here.",
        ) from None
    except (OSError, ValueError) as error:
        raise UsageError(f"crm-migrate.toml cannot be read: {error}", hint="Mend or remove the file.") from error
