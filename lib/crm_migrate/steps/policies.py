"""`policies:contacts->contact_organizations`: row-level security of a new table, copied from the catalogue (C10)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg import sql

from crm_migrate import history
from crm_migrate.catalog import Step
from crm_migrate.postgres import Connection
from crm_migrate.steps import Context, Problem

_COMMANDS = {"r": "select", "a": "insert", "w": "update", "d": "delete", "*": "all"}


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy as pg_policy has it; the expressions are PostgreSQL's own text."""

    name: str
    command: str
    permissive: bool
    roles: tuple[str, ...]
    using: str | None
    check: str | None


@dataclass(frozen=True, slots=True)
class PoliciesStep:
    """All policies of one table for another."""

    step: Step
    phase: str
    source: str
    target: str
    irreversible: str = ""

    @property
    def why(self) -> str:
        """The same for every pair."""
        return f"Who may see and write {self.target} is who may see and write {self.source}."

    def apply(self, context: Context) -> None:
        """Turn row-level security on and create each policy anew, with the same name."""
        connection = context.connection
        with connection.transaction():
            row = connection.execute(
                "select relforcerowsecurity from pg_catalog.pg_class where oid = to_regclass(%s)",
                [_quoted(self.source)],
            ).fetchone()
            target = sql.Identifier("public", self.target)
            connection.execute(sql.SQL("alter table {} enable row level security").format(target))
            if row and row[0]:
                connection.execute(sql.SQL("alter table {} force row level security").format(target))
            for policy in policies(connection, self.source):
                connection.execute(_create(policy, target))
            history.record(connection, context.run_id, self.phase, self.step.name, "completed")

    def revert(self, context: Context) -> None:
        """Drop the policies; row-level security stays on, as the table was created with it."""
        connection = context.connection
        with connection.transaction():
            target = sql.Identifier("public", self.target)
            for policy in policies(connection, self.target):
                connection.execute(sql.SQL("drop policy {} on {}").format(sql.Identifier(policy.name), target))
            connection.execute(sql.SQL("alter table {} no force row level security").format(target))
            history.record(connection, context.run_id, self.phase, self.step.name, "reverted")

    def verify(self, context: Context) -> tuple[Problem, ...]:
        """Both tables have the same policies, name by name."""
        expected = {policy.name: policy for policy in policies(context.connection, self.source)}
        found = {policy.name: policy for policy in policies(context.connection, self.target)}
        return tuple(
            Problem(f"policy {name!r} on public.{self.target}", f"is not as on public.{self.source}")
            for name in sorted(expected.keys() | found.keys())
            if expected.get(name) != found.get(name)
        )


def policies(connection: Connection, table: str) -> tuple[Policy, ...]:
    """The policies of a table in schema public, by name."""
    rows: list[Any] = connection.execute(
        """
        select policies.polname, policies.polcmd::text, policies.polpermissive,
            array(
                select case role when 0 then 'public' else pg_get_userbyid(role)::text end
                from unnest(policies.polroles) as role order by 1
            ),
            pg_get_expr(policies.polqual, policies.polrelid), pg_get_expr(policies.polwithcheck, policies.polrelid)
        from pg_catalog.pg_policy as policies
        where policies.polrelid = to_regclass(%s)
        order by policies.polname
        """,
        [_quoted(table)],
    ).fetchall()
    return tuple(
        Policy(name, _COMMANDS[command], permissive, tuple(roles), using, check)
        for name, command, permissive, roles, using, check in rows
    )


def _create(policy: Policy, target: sql.Identifier) -> sql.Composed:
    roles = sql.SQL(", ").join(sql.SQL("public") if role == "public" else sql.Identifier(role) for role in policy.roles)
    parts: list[sql.Composable] = [
        sql.SQL("create policy {} on {} as {} for {} to {}").format(
            sql.Identifier(policy.name),
            target,
            sql.SQL("permissive" if policy.permissive else "restrictive"),
            sql.SQL(policy.command),
            roles,
        )
    ]
    if policy.using is not None:
        parts.append(sql.SQL("using ({})").format(sql.SQL(policy.using)))
    if policy.check is not None:
        parts.append(sql.SQL("with check ({})").format(sql.SQL(policy.check)))
    return sql.SQL(" ").join(parts)


def _quoted(table: str) -> str:
    return f'public."{table}"'
