"""`grants:contacts->contact_organizations`: who may do what with a new relation, copied from the catalogue (C10)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from psycopg import sql

from crm_migrate import compatibility, history, maintenance, postgres
from crm_migrate.catalog import Step
from crm_migrate.maintenance import Grant
from crm_migrate.postgres import Connection
from crm_migrate.steps import Context, Problem

_NEVER = {"TRUNCATE", "REFERENCES", "TRIGGER"}  # row-level security does not stop these (source-schema.md, oddity 20)
_EVERYBODY = {None, "anon", "authenticated"}
_RENAMED = {"deals": {"legacy_stage": "stage"}, "dealNotes": {"opportunity_id": "deal_id"}}


@dataclass(frozen=True, slots=True)
class GrantsStep:
    """All grants of one relation for another, and of its identity's sequence.

    Attributes:
        source: in schema public unless it says else.
        target: in schema public.
    """

    step: Step
    phase: str
    source: str
    target: str
    irreversible: str = ""

    @property
    def why(self) -> str:
        """The same for every pair."""
        return f"Who may work with {self.target} is who may work with {self.source}."

    def apply(self, context: Context) -> None:
        """Grant what is due; while the window is closed, the right to write is noted, and comes when it opens."""
        connection = context.connection
        with connection.transaction():
            maintenance.give(connection, self._target(connection), self._due(connection), sequence=False)
            sequence = _sequence(connection, self.target)
            maintenance.give(connection, _quoted(sequence), self._sequence_due(connection), sequence=True)
            maintenance.shut(connection, self.target)
            if sequence:
                maintenance.shut(connection, sequence)
            history.record(connection, context.run_id, self.phase, self.step.name, "completed")

    def revert(self, context: Context) -> None:
        """Take back what others were granted on the relation and its sequence."""
        connection = context.connection
        with connection.transaction():
            connection.execute("select migration.deny_others(to_regclass(%s))", [self._target(connection)])
            sequence = _sequence(connection, self.target)
            if sequence:
                connection.execute("select migration.deny_others(to_regclass(%s))", [_quoted(sequence)])
                maintenance.forget(connection, sequence)
            maintenance.forget(connection, self.target)
            history.record(connection, context.run_id, self.phase, self.step.name, "reverted")

    def verify(self, context: Context) -> tuple[Problem, ...]:
        """Others have what is due, neither more nor less."""
        connection = context.connection
        if self.target in compatibility.retired(connection):  # nobody reaches it where it lies now
            return ()
        due = {replace(grant, grantor=None) for grant in self._due(connection)}
        found = {replace(grant, grantor=None) for grant in maintenance.grants(connection, self.target)}
        wrong = [
            Problem(f"{grant.privilege} on public.{self.target} for {grant.grantee or 'public'}", problem)
            for grants, problem in ((due - found, "is missing"), (found - due, "is one too many"))
            for grant in sorted(grants, key=str)
        ]
        return tuple(wrong)

    def _due(self, connection: Connection) -> tuple[Grant, ...]:
        """The source's grants as they fit the target: its columns, its owner as grantor, and less for everybody."""
        columns = postgres.columns(connection, f"public.{self.target}")
        renamed = _RENAMED.get(self.target, {})
        is_view, owner = _nature(connection, self._target(connection))
        return tuple(
            dict.fromkeys(
                replace(grant, column=renamed.get(grant.column, grant.column), grantor=None)
                for grant in maintenance.grants(connection, self.source)
                if grant.grantee != owner
                and (not grant.column or renamed.get(grant.column, grant.column) in columns)
                and (is_view or not (grant.privilege in _NEVER and grant.grantee in _EVERYBODY))
            )
        )

    def _sequence_due(self, connection: Connection) -> tuple[Grant, ...]:
        """The grants on the source's sequence, where both have one."""
        source, target = _sequence(connection, self.source), _sequence(connection, self.target)
        if not source or not target:
            return ()
        return tuple(replace(grant, grantor=None) for grant in maintenance.grants(connection, source))

    def _target(self, connection: Connection) -> str:
        return sql.Identifier("public", self.target).as_string(connection)


def _nature(connection: Connection, relation: str) -> tuple[bool, str]:
    """Whether it is a view, where the relations below decide what is let through, and its owner, who needs no grant.

    Args:
        relation: quoted for SQL.
    """
    row = connection.execute(
        "select relkind = 'v', pg_get_userbyid(relowner)::text from pg_catalog.pg_class where oid = to_regclass(%s)",
        [relation],
    ).fetchone()
    return (False, "") if row is None else (bool(row[0]), str(row[1]))


def _sequence(connection: Connection, relation: str) -> str:
    """The name of the sequence behind a relation's id, in the same schema; empty where it has none."""
    qualified = relation if "." in relation else f"public.{relation}"
    if "id" not in postgres.columns(connection, qualified):
        return ""
    row = connection.execute(
        "select relname::text from pg_catalog.pg_class where oid = to_regclass(pg_get_serial_sequence(%s, 'id'))",
        [postgres.table_name(qualified).as_string(connection)],
    ).fetchone()
    return "" if row is None else str(row[0])


def _quoted(sequence: str) -> str:
    return sql.Identifier("public", sequence).as_string(None)
