"""Objects as they have to be, told without looking at what was migrated (D4).

`sql/expected.json` says what the plan makes of a plain Atomic CRM; it was made on another database (`make expected`).
What a customer has besides is known from the final snapshot: it has to be there still, under its new name where it
hangs on what moved.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from crm_migrate import access, compatibility, files, maintenance
from crm_migrate.catalog import Catalog
from crm_migrate.postgres import Connection
from crm_migrate.schema import Document
from crm_migrate.verify import structure
from crm_migrate.verify.value import Result

FILE = "expected.json"
_MOVED = re.compile(r'\bdeals\b|"dealNotes"|\bdeal_id\b|opportunit|_summary\b', re.IGNORECASE)
_NEW_NAMES = (
    (re.compile(r"\bdeals\b"), "opportunities"),
    (re.compile(r"\bdeals_"), "opportunities_"),
    (re.compile(r"\bdealNotes"), "opportunityNotes"),
)
_OLD_NAMES = (
    ("opportunityNotes", "dealNotes"),
    ("opportunities", "deals"),
    (".opportunity_id", ".deal_id"),
    (".legacy_stage", ".stage"),
)
_QUALIFIER = re.compile(r'(?:\b\w+|"[^"]+")\.(?=[\w"])')
_VIEW = re.compile(r"v( \{[^}]*\})?")
_UNCHANGED_VIEWS = frozenset({"companies_summary", "init_state", "migration_status"})  # not listed in `FILE`
_RENAMED = re.compile(r'owner of (opportunities(_id_seq)?|"opportunityNotes(_id_seq)?")')  # keep the owner they had
_OWNED = "the owner of the tables"
_OPEN = json.dumps(["*", ["public"], True])  # the policy of a table that came of one without row-level security
_READ_AND_WRITTEN = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One object that the plan makes or changes.

    Attributes:
        definition: as it has to be, in the words of `_normal`.
        was: the object of a plain Atomic CRM that it came of, and how that was defined; None where it is new.
    """

    definition: str
    was: tuple[str, str] | None = None


def of(before: Document, after: Document) -> dict[str, Entry]:
    """What the plan made, by object.

    Args:
        before: the catalogue of a plain Atomic CRM.
        after: `structure.objects` of the same one, migrated.
    """
    entries = {}
    there = {name.partition(" ")[2].removeprefix("public.") for name in before}
    for name, text in sorted(after.items()):
        old = name if name in before else _old(name)
        was = (old, _normal(old, before[old], is_old=True)) if old in before else None
        entry = Entry(_normal(name, text, is_old=name in before), was)
        untouched = was == (name, entry.definition) or name.removeprefix("owner of ") in there
        if not untouched and not name.startswith("policy "):
            entries[name] = entry
    return entries


def save(entries: Mapping[str, Entry], path: Path) -> None:
    """Write `expected.json`, one line an object, so that a change of it can be read."""
    lines = (f"{json.dumps(name)}: {json.dumps(asdict(entry), ensure_ascii=False)}" for name, entry in entries.items())
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def load(root: Path) -> dict[str, Entry]:
    """Read `expected.json` of the SQL files under `root`."""
    return files.read_value(root / FILE, dict[str, Entry], hint="Install crm-migrate again.")


def wanted(entries: Mapping[str, Entry], before: Document) -> dict[str, str | None]:
    """What has to be there in one customer's database; None where only its name is certain.

    What came of an object that this customer did not have is not expected, and of one that was another here it is only
    said that it is there.
    """
    found: dict[str, str | None] = {}
    for name, entry in entries.items():
        if entry.was is None:
            found[name] = entry.definition
        elif entry.was[0] in before:
            same = _normal(entry.was[0], before[entry.was[0]], is_old=True) == entry.was[1]
            found[name] = entry.definition if same else None
    return found


def views(entries: Mapping[str, Entry]) -> frozenset[str]:
    """Names of the views that the plan makes or finds in a plain Atomic CRM; a customer's own are none of them."""
    made = (name for name, entry in entries.items() if name.startswith("relation ") and _VIEW.match(entry.definition))
    return _UNCHANGED_VIEWS.union(name.partition(" ")[2].strip('"') for name in made)


def as_expected(connection: Connection, catalog: Catalog, before: Document) -> Iterator[Result]:
    """Name what is missing or other than expected.

    Args:
        before: the catalogue of the database before the first change.
    """
    entries = load(catalog.root)
    now = structure.objects(connection)
    owner = now.get("owner of contacts", "")  # as `postgres.act_as_owner` has it
    gone = compatibility.retired(connection)  # `cleanup` took them away
    listed = wanted(entries, before) | _forced(catalog, before)
    expected = {name: definition for name, definition in listed.items() if not compatibility.speaks_of(gone, name)}
    wrong = [f"{name} is missing" for name in expected if name not in now]
    wrong += [
        f"{name} is not as expected"
        for name, definition in expected.items()
        if name in now
        and definition is not None
        and _normal(name, now[name], is_old=name in before, owner=owner) != definition
    ]
    yield _result("expected objects", wrong, f"{len(expected):,} objects as the plan has to make them")
    own = _own(connection, entries, before, now, gone)
    yield _result("objects of before", own, "everything else is there as before")
    yield _result("policies", _policies(catalog, before, now), "every table has those of the table it came of")
    if not maintenance.is_closed(connection):
        yield _result("rights on new objects", _rights(connection, catalog), "as on the tables they came of")


def _result(check: str, wrong: list[str], detail: str) -> Result:
    return Result(check, not wrong, "; ".join(wrong) if wrong else detail)


def _own(
    connection: Connection, entries: Mapping[str, Entry], before: Document, now: Document, gone: Collection[str]
) -> list[str]:
    """What the plan has nothing to do with: there as before, or under its new name where it hangs on what moved."""
    handled = set(entries) | {entry.was[0] for entry in entries.values() if entry.was is not None}
    renamed = {
        str(old): str(new) for old, new in connection.execute("select old_name, new_name from migration.renames")
    }
    wrong = []
    for name, text in before.items():
        if name in handled or name.startswith("policy ") or compatibility.speaks_of(gone, name):
            continue
        if _MOVED.search(name + text):
            if not {name, _new(name), _kept(name), _new(_renamed(name, renamed))} & now.keys():
                wrong.append(f"{name} is missing")
        elif name not in now:
            wrong.append(f"{name} is missing")
        elif name.startswith("publication "):
            continue  # lists columns, and there are more of them
        elif _normal(name, now[name], is_old=True) != _normal(name, text, is_old=True):
            wrong.append(f"{name} was changed")
    return wrong


def _sources(catalog: Catalog) -> dict[str, str]:
    """The table of before that each new one has its policies from."""
    pairs = (step.subject.split("->") for phase in catalog.phases for step in phase.steps if step.kind == "policies")
    return {target: _old(source) for source, target in pairs}


def _forced(catalog: Catalog, before: Document) -> dict[str, str]:
    """The new tables whose row-level security holds for the owner too, as that of the tables they came of."""
    return {
        f"relation {target}": "r rls forced"
        for target, source in _sources(catalog).items()
        if before[f"relation {source}"].endswith(" forced")
    }


def _policies(catalog: Catalog, before: Document, now: Document) -> list[str]:
    """Command, roles and kind of every policy, table by table."""
    earlier, later = _by_table(before), _by_table(now)
    due = {table: earlier.get(_old(table), Counter()) for table in earlier.keys() | later.keys()}
    due |= {_new(table): kinds for table, kinds in earlier.items() if _new(table) != table}
    for target, source in _sources(catalog).items():
        secured = " rls" in before[f"relation {source}"]
        due[target] = earlier.get(source, Counter()) if secured else Counter([_OPEN])
    return [
        f"policies of {table}: {sum(lost.values()):,} missing, {sum(more.values()):,} too many"
        for table, kinds in sorted(due.items())
        if _new(table) == table
        for lost in [kinds - later.get(table, Counter())]
        for more in [later.get(table, Counter()) - kinds]
        if lost or more
    ]


def _by_table(document: Document) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    for name, text in document.items():
        if name.startswith("policy "):
            policy = json.loads(text)
            kind = json.dumps([policy["command"], policy["roles"], policy["permissive"]])
            found.setdefault(policy["table"], Counter())[kind] += 1
    return found


def _rights(connection: Connection, catalog: Catalog) -> list[str]:
    """A role reads and writes a new table exactly as the one it was made from, and a new view no more than that.

    Owners may do what they like: what theirs have, where they are several, is not compared.
    """
    rights: dict[str, set[tuple[str, str]]] = {}
    for entry in access.privileges(connection):
        if entry.kind == "table" and not entry.column and entry.privilege in _READ_AND_WRITTEN:
            rights.setdefault(entry.object.removeprefix("public.").strip('"'), set()).add(
                (entry.grantee or "public", entry.privilege)
            )
    relations = connection.execute(
        "select relname::text, relkind = 'r', pg_get_userbyid(relowner)::text from pg_catalog.pg_class "
        "where relnamespace = 'public'::regnamespace"
    ).fetchall()
    tables = {name for name, is_table, _owner in relations if is_table}
    owners = {name: owner for name, _is_table, owner in relations}
    wrong = []
    for phase in catalog.phases:
        for step in phase.steps:
            if step.kind == "grants":
                source, target = step.subject.removeprefix("migration.").split("->")
                own = {owners.get(name) for name in (target, source)}
                has, may = (
                    {right for right in rights.get(name, set()) if right[0] not in own} for name in (target, source)
                )
                wrong += [f"{right} on {target} of {role} was not expected" for role, right in sorted(has - may)]
                if target in tables:
                    wrong += [f"{right} on {target} of {role} is missing" for role, right in sorted(may - has)]
    return wrong


def _normal(name: str, text: str, *, is_old: bool, owner: str = "") -> str:
    """A definition without what differs between servers and customers: places of columns, layout, names of owners.

    Args:
        is_old: the name is one of before; a view of such a name shows a customer's own columns too.
        owner: of the tables.
    """
    if name.startswith("column "):
        return text.partition(" ")[2]
    if name.startswith("owner "):
        return _OWNED if owner in ("", text) or _RENAMED.fullmatch(name) else text
    if name.startswith("relation ") and text.startswith("v "):
        head = _VIEW.match(text)
        return head[0] if is_old and head is not None else " ".join(_QUALIFIER.sub("", text).split())
    return text


def _old(name: str) -> str:
    for new, old in _OLD_NAMES:
        name = name.replace(new, old)
    return name


def _new(name: str) -> str:
    for old, new in _NEW_NAMES:
        name = old.sub(new, name)
    return name


def _kept(name: str) -> str:
    """Of an object whose own name stays, as it would have grown too long, on a table that has a new one."""
    return re.sub(r'"dealNotes"(?=\.)', '"opportunityNotes"', re.sub(r"\bdeals(?=\.)", "opportunities", name))


def _renamed(name: str, renamed: Mapping[str, str]) -> str:
    for old in sorted(renamed, key=len, reverse=True):
        if name.endswith((f".{old}", f" {old}", f'"{old}"')):
            return _quoted(name, old, renamed[old])
    return name


def _quoted(name: str, old: str, new: str) -> str:
    return name.replace(f'"{old}"', f'"{new}"') if f'"{old}"' in name else name.removesuffix(old) + new
