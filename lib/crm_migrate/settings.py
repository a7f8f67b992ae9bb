"""Settings: from the environment (`CRM_MIGRATE_*`), then `crm-migrate.toml` in the working directory, then defaults."""

from __future__ import annotations

import difflib
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from crm_migrate.errors import UsageError

_PLACES = {"database_url", "workspace", "reports", "inputs"}
_PREFIX, _NESTED, _FILE = "CRM_MIGRATE_", "__", "crm-migrate.toml"
_KILOBYTES = {"kB": 1, "MB": 1024, "GB": 1024**2}


def _within_the_servers_range(value: str) -> str:
    """PostgreSQL itself would refuse it only in the middle of the night."""
    kilobytes = int(value[:-2]) * _KILOBYTES[value[-2:]]
    if not 1024 <= kilobytes <= 2**31 - 1:
        raise ValueError("memory is between 1MB and 2047GB")
    return value


Memory = Annotated[
    str, StringConstraints(pattern=r"^[1-9][0-9]{0,9}(kB|MB|GB)$"), AfterValidator(_within_the_servers_range)
]
Milliseconds = Annotated[int, Field(ge=1, le=2**31 - 1)]


class _Strict(BaseModel):
    """What is true or false is no number: pydantic would take it for 1 or 0."""

    @field_validator("*", mode="before")
    @classmethod
    def _no_number(cls, value: object, field: ValidationInfo) -> object:
        if isinstance(value, bool) and cls.model_fields[str(field.field_name)].annotation is not bool:
            raise ValueError("it takes a value, not true or false")
        return value


class StepLimits(_Strict):
    """Limits of one step where they are not those of all steps: `[steps."load:contacts"]` in the file (C9)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lock_timeout_ms: Milliseconds | None = None
    statement_timeout_ms: Milliseconds | None = None
    idle_timeout_ms: Milliseconds | None = None
    work_mem: Memory | None = None
    maintenance_work_mem: Memory | None = None


class Criteria(_Strict):
    """What a migration has to keep to, each with its limit (B4, B5): `[criteria]` in the file."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    # of the data
    blocker_rows: Annotated[int, Field(ge=0, description="rows with a blocker that are put up with")] = 0
    warning_ratio: Annotated[
        float, Field(gt=0, le=1, description="NO-GO from this share of records with a warning on")
    ] = 0.01
    late_rejects: Annotated[
        int, Field(ge=0, description="rows that a key would refuse after the load, where none is set aside")
    ] = 0
    lost_objects: Annotated[int, Field(ge=0, description="objects that no new table can take over")] = 0
    snapshot_hours: Annotated[float, Field(gt=0, le=8_760, description="how old the snapshot may be, in hours")] = 24.0

    # of the surroundings
    disk_factor: Annotated[
        float, Field(ge=0, le=1e9, description="free disk needed here and on the server, in multiples of the database")
    ] = 2.0
    transaction_minutes: Annotated[
        float, Field(ge=0, le=525_600, description="a transaction open for longer is pointed out, in minutes")
    ] = 10.0
    rehearsal: Annotated[bool, Field(description="a rehearsal that went well is demanded")] = False
    checklist: Annotated[bool, Field(description="a complete checklist.toml is demanded")] = False

    # of the decision
    decision_hours: Annotated[float, Field(gt=0, le=8_760, description="how long a decision holds, in hours")] = 24.0
    drift_ratio: Annotated[
        float, Field(ge=0, le=1, description="share of a table that may change after the decision")
    ] = 0.01
    drift_rows: Annotated[int, Field(ge=0, description="rows of a table that may change in any case")] = 10


class Settings(_Strict, BaseSettings):
    """Everything that can be set. Numbers that a decision rests on are part of its fingerprint."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX,
        env_nested_delimiter=_NESTED,
        toml_file=_FILE,
        extra="forbid",
        frozen=True,
        env_ignore_empty=True,
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
    criteria: Criteria = Field(Criteria(), description="what a migration has to keep to, each with its limit")

    # execution (C)
    batch_size: int = Field(10_000, ge=1, le=1_000_000, description="source rows to a transaction (C4)")
    batch_seconds: float = Field(
        10.0, gt=0, allow_inf_nan=False, description="a batch that holds its locks for longer halves the next one"
    )
    lock_timeout_ms: Milliseconds = Field(10_000, description="how long a statement waits for a lock (C9)")
    statement_timeout_ms: Milliseconds = Field(3_600_000, description="how long one statement may take (C9)")
    idle_timeout_ms: Milliseconds = Field(300_000, description="how long a transaction may stand idle (C9)")
    work_mem: Memory = Field("64MB", description="memory of a sort or a hash (C9)")
    maintenance_work_mem: Memory = Field("256MB", description="memory of an index build (C9)")
    steps: dict[str, StepLimits] = Field(
        {}, description="time-outs and memory of single steps, by their name in sql/plan.toml"
    )
    retries: int = Field(5, ge=0, le=100, description="tries again after a lock time-out or a deadlock (C9)")
    window: Literal["read-only", "closed"] = Field(
        "read-only", description="whether the API may connect and read while the window is closed (C8)"
    )
    grace_seconds: float = Field(5.0, ge=0, le=86_400, description="what other sessions get before they are ended (C8)")
    disk_floor: Memory = Field("512MB", description="a run stops where a disk that it writes to has less left (C9)")
    reject_rows: int = Field(1_000, ge=0, description="number of rejects that stops a step (C6)")
    reject_ratio: float = Field(0.01, ge=0, le=1, description="share of rejects that stops a step (C6)")

    # verification (D)
    spot_checks: int = Field(
        100, ge=1, le=1_000_000, description="records that verification follows field by field (D2)"
    )
    spot_check_seed: int = Field(1, ge=0, le=2**63 - 1, description="the same seed chooses the same records")

    # after (E)
    retention_days: int = Field(90, ge=1, le=36_500, description="how long original data is kept, in days (E3)")
    compatibility_days: int = Field(
        30, ge=1, le=36_500, description="how long the old names answer at least, in days (E3)"
    )

    @field_validator("steps", mode="after")
    @classmethod
    def _by_lower_case_name(cls, given: dict[str, StepLimits]) -> dict[str, StepLimits]:
        """The environment knows no upper case, so that `backup:dealNotes` arrives as `backup:dealnotes` from there."""
        by_name = {name.lower(): limits for name, limits in given.items()}
        if len(by_name) < len(given):
            raise ValueError("one step is named twice")
        return by_name

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

    @property
    def metrics_file(self) -> Path:
        """Where a run's figures lie for Prometheus (C11)."""
        return self.workspace / "metrics" / "crm_migrate.prom"

    @property
    def disk_floor_bytes(self) -> int:
        """The floor as a number."""
        return int(self.disk_floor[:-2]) * _KILOBYTES[self.disk_floor[-2:]] * 1024

    def limits(self, step: str | None = None) -> dict[str, str]:
        """PostgreSQL's own settings for one step, or for the session at large, by their names."""
        of_step = StepLimits() if step is None else self.steps.get(step.lower(), StepLimits())
        chosen = {name: getattr(of_step, name) or getattr(self, name) for name in StepLimits.model_fields}
        return {
            "lock_timeout": f"{chosen['lock_timeout_ms']}ms",
            "statement_timeout": f"{chosen['statement_timeout_ms']}ms",
            "idle_in_transaction_session_timeout": f"{chosen['idle_timeout_ms']}ms",
            "work_mem": chosen["work_mem"],
            "maintenance_work_mem": chosen["maintenance_work_mem"],
        }

    def decided(self) -> dict[str, str]:
        """Every setting that a decision rests on, by its name, as JSON; places are none of them."""
        return {name: json.dumps(value) for name, value in _flat(self.model_dump(mode="json", exclude=_PLACES))}

    def fingerprint(self) -> str:
        """SHA-256 over every setting that is not a place; the same settings give the same text."""
        return hashlib.sha256(json.dumps(self.decided(), sort_keys=True).encode()).hexdigest()


def variables() -> tuple[str, ...]:
    """The environment variables that are read."""
    names = [*Settings.model_fields, *(f"criteria{_NESTED}{name}" for name in Criteria.model_fields)]
    return tuple(f"{_PREFIX}{name}".upper() for name in names)


def load(**given: Any) -> Settings:
    """Read the settings.

    Args:
        given: what the caller sets itself; wins over environment and file.

    Raises:
        UsageError: a value or a variable is missing, unknown or out of range; the text names each one, never a secret's
            value.
    """
    _refuse_unknown(os.environ)
    if os.path.lexists(_FILE) and not Path(_FILE).is_file():
        raise UsageError(f"{_FILE} is no file that can be read", hint="Make it a file with settings, or remove it.")
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
    except SettingsError as error:  # names the field in its text; what it stands for is a whole table
        named = [f"{_PREFIX}{name}".upper() for name in Settings.model_fields if f'"{name}"' in str(error)]
        raise UsageError(
            f"{' and '.join(named) or 'a variable CRM_MIGRATE_*'} in the environment is not JSON",
            hint="Write an object, such as CRM_MIGRATE_CRITERIA='{\"blocker_rows\": 0}', or unset it.",
        ) from None
    except (OSError, ValueError) as error:
        raise UsageError(f"crm-migrate.toml cannot be read: {error}", hint="Mend or remove the file.") from error


def require_steps(settings: Settings, known: Iterable[str]) -> None:
    """Check that limits are set for steps of the plan only.

    Args:
        known: every step of the plan, by its name.

    Raises:
        UsageError: one is misspelt; names the nearest ones.
    """
    names = {name.lower(): name for name in known}
    unknown = sorted(settings.steps.keys() - names.keys())
    if unknown:
        nearest = [names[difflib.get_close_matches(name, names, n=1, cutoff=0.0)[0]] for name in unknown]
        raise UsageError(
            f"limits are set for steps that are not in the plan: {', '.join(unknown)}",
            hint=f"Did you mean {', '.join(nearest)}? `crm-migrate plan` lists all steps.",
        )


def _flat(document: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in document.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _refuse_unknown(environment: Mapping[str, str]) -> None:
    """A variable that is misspelt would be a setting that is silently not set."""
    known = variables()
    of_steps = f"{_PREFIX}steps{_NESTED}".upper()
    unknown = sorted(
        name
        for name in environment
        if name.upper().startswith(_PREFIX) and name.upper() not in known and not name.upper().startswith(of_steps)
    )
    if unknown:
        nearest = [difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.0)[0] for name in unknown]
        raise UsageError(
            f"no such setting: {', '.join(unknown)}",
            hint=f"Did you mean {', '.join(nearest)}? README lists all settings.",
        )
