"""`policies:contacts->contact_organizations`: row-level security of a new table, copied from the catalogue (C10)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from psycopg import sql

from crm_migrate import history, policies, postgres, schema
from crm_migrate.catalog import Step
from crm_migrate.errors import StepFailed
from crm_migrate.policies import Given, Policy
from crm_migrate.postgres import Connection
from crm_migrate.steps import Context, Problem


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
        """Turn row-level security on and create each policy anew, with the same name.

        Raises:
            StepFailed: a policy fits no more, though the dry run said it would; names each of them.
        """
        connection = context.connection
        with connection.transaction():
            due = self._due(connection)
            target = sql.Identifier("public", self.target)
            connection.execute(sql.SQL("alter table {} enable row level security").format(target))
            if _security(connection, self.source)[1]:
                connection.execute(sql.SQL("alter table {} force row level security").format(target))
            for policy, _given in due:
                connection.execute(_create(policy, target))
            history.record(connection, context.run_id, self.phase, self.step.name, "completed")

    def revert(self, context: Context) -> None:
        """Drop the policies; row-level security stays on, as the table was created with it."""
        connection = context.connection
        with connection.transaction():
            target = sql.Identifier("public", self.target)
            for policy in policies.of(schema.policies(connection), self.target):
                connection.execute(sql.SQL("drop policy {} on {}").format(sql.Identifier(policy.name), target))
            connection.execute(sql.SQL("alter table {} no force row level security").format(target))
            history.record(connection, context.run_id, self.phase, self.step.name, "reverted")

    def verify(self, context: Context) -> tuple[Problem, ...]:
        """The target has the policies that are due, name by name; of the analyst's own, all but the wording."""
        due = self._due(context.connection)
        expected = {policy.name: _without_words(policy) if given else policy for policy, given in due}
        free = {policy.name for policy, given in due if given}
        found = {
            policy.name: _without_words(policy) if policy.name in free else replace(policy, columns=())
            for policy in policies.of(schema.policies(context.connection), self.target)
        }
        return tuple(
            Problem(f"policy {name!r} on public.{self.target}", f"is not as on public.{self.source}")
            for name in sorted(expected.keys() | found.keys())
            if expected.get(name) != found.get(name)
        )

    def _due(self, connection: Connection) -> tuple[tuple[Policy, bool], ...]:
        """Each policy that the target is to have, and whether its expressions come from the analyst."""
        if not _security(connection, self.source)[0]:
            return ((policies.OPEN, False),)
        given = {line.policy: line for line in self._given(connection)}
        former = _former_names(connection, self.source)
        types = postgres.columns(connection, f"public.{self.source}")
        due: list[tuple[Policy, bool]] = []
        reasons: list[str] = []
        for policy in policies.of(schema.policies(connection), self.source):
            line = given.get(former.get(policy.name, policy.name))
            try:
                made = (
                    policies.carried(policy, self.source, self.target, types)
                    if line is None
                    else policies.supplied(policy, line)
                )
                due.append((made, line is not None))
            except policies.DoesNotFit as error:
                reasons.append(f"policy {policy.name!r} {error}")
        if reasons:
            reason = "; ".join(reasons)
            raise StepFailed(self.phase, self.step.name, cursor_key=None, rows_done=0, reason=reason)
        return tuple(due)

    def _given(self, connection: Connection) -> Iterator[Given]:
        rows = connection.execute(
            """
            select line, table_name, policy_name, using_expression, check_expression
            from migration.policies where table_name = %s
            """,
            [self.target],
        )
        return (Given(*row) for row in rows)


def _security(connection: Connection, table: str) -> tuple[bool, bool]:
    """Whether row-level security is on, and whether it holds for the owner too."""
    row = connection.execute(
        "select relrowsecurity, relforcerowsecurity from pg_catalog.pg_class where oid = to_regclass(%s)",
        [sql.Identifier("public", table).as_string(connection)],
    ).fetchone()
    return (False, False) if row is None else (bool(row[0]), bool(row[1]))


def _former_names(connection: Connection, table: str) -> dict[str, str]:
    """Names that the source's policies had when the dry run read them, by their names now."""
    rows = connection.execute(
        "select new_name, old_name from migration.renames where kind = 'policy' and relation = %s", [table]
    )
    return dict(rows.fetchall())


def _without_words(policy: Policy) -> Policy:
    using, check = (None if text is None else "given" for text in (policy.using, policy.check))
    return replace(policy, using=using, check=check, columns=())


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
    for clause, text in (("using", policy.using), ("with check", policy.check)):
        if text is not None:  # a comment at the end of the text ends with its line
            parts.append(sql.SQL("{} ({}\n)").format(sql.SQL(clause), sql.SQL(text)))
    return sql.SQL(" ").join(parts)
