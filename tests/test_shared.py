"""What several checks begin with is read once."""

from __future__ import annotations

from pathlib import Path

from crm_migrate import duck, shared

UNFOLDED = "with entries as (select id, unnest(tags) as tag from public.contacts) "
NULLS = UNFOLDED + "select id from entries where tag is null"
NEGATIVE = UNFOLDED + "select id from entries where tag < 0"
TABLE = "create table public.contacts as select 1 as id, [1, null, -1, -2] as tags"
PRELUDE = "create schema public;"


def prepared(session: duck.Session, *queries: str) -> tuple[shared.Prepared, ...]:
    return shared.prepare(session, [(query, "test") for query in queries])


def test_a_beginning_that_two_queries_share_is_made_before_the_first_and_goes_after_the_last(tmp_path: Path) -> None:
    with duck.session(PRELUDE, scratch=tmp_path) as session:
        session.execute(TABLE)
        first, last = prepared(session, NULLS, NEGATIVE)
    assert [name for name, _query in first.before] == ["temp.shared_0"] == list(last.after)
    assert (first.after, last.before) == ((), ())


def test_the_answers_are_the_same_as_without_sharing(tmp_path: Path) -> None:
    with duck.session(PRELUDE, scratch=tmp_path) as session:
        session.execute(TABLE)
        answers = []
        for query in prepared(session, NULLS, NEGATIVE):
            for name, beginning in query.before:
                session.execute(f"create temp table {name} as {beginning}")
            answers.append(session.execute(query.query).fetchall())
        alone = [
            session.execute(duck.translate(session, query, origin="test")).fetchall() for query in (NULLS, NEGATIVE)
        ]
    assert answers == alone == [[(1,)], [(1,), (1,)]]


def test_what_only_one_query_begins_with_stays_in_it(tmp_path: Path) -> None:
    with duck.session(PRELUDE, scratch=tmp_path) as session:
        session.execute(TABLE)
        (alone,) = prepared(session, NULLS)
        assert (alone.before, alone.after) == ((), ())
        assert session.execute(alone.query).fetchall() == [(1,)]


def test_plain_columns_of_a_table_are_not_copied(tmp_path: Path) -> None:
    plain = "with contacts as (select id from public.contacts) select id from contacts where id = "
    with duck.session(PRELUDE, scratch=tmp_path) as session:
        session.execute(TABLE)
        assert [query.before for query in prepared(session, plain + "1", plain + "2")] == [(), ()]
