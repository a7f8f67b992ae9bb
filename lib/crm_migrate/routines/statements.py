"""The body of a function as tokens and, where SQLGlot can read them, as the queries in it."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import sqlglot
from sqlglot import TokenType
from sqlglot.dialects.postgres import Postgres

logging.getLogger("sqlglot").setLevel(logging.ERROR)  # its warnings would repeat the text on the terminal
_QUERIES = {"select", "with", "insert", "update", "delete", "merge", "perform", "table"}
_CLAUSES = {"from", "where", "group by", "order by", "limit", "union", "having", "for", "values", "using"}
_PLACE = re.compile(r"%(?:\d+\$)?[sI]")
_STRINGS = {TokenType.STRING, TokenType.HEREDOC_STRING}
_NAMES = {TokenType.IDENTIFIER, *_STRINGS}


class _Tokenizer(Postgres.Tokenizer):
    """PostgreSQL's, which otherwise takes what follows DECLARE, EXECUTE and their like for one text."""

    COMMANDS: ClassVar = set()


@dataclass(frozen=True, slots=True)
class Word:
    """One token of a body.

    Attributes:
        text: a name in double quotes as it is, all else but strings in lower case.
        is_string: whether it is a literal.
        line: of the body, from 1.
        start, end: its place in the body.
    """

    text: str
    is_string: bool
    line: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Query:
    """A query within a body, as a tree.

    Attributes:
        after: the words of its statement before it, two at most; "" where it begins it, "return query" where PL/pgSQL
            gives its rows to the caller.
    """

    tree: Any
    line: int
    after: str


@dataclass(frozen=True, slots=True)
class Statement:
    """What stands between two semicolons.

    Attributes:
        dynamic: statements in the strings that it executes.
    """

    words: tuple[Word, ...]
    queries: tuple[Query, ...]
    dynamic: tuple[Statement, ...] = ()

    @property
    def texts(self) -> tuple[str, ...]:
        """The words, with nothing in the place of a literal."""
        return tuple("" if word.is_string else word.text for word in self.words)

    def line_of(self, *texts: str) -> int:
        """The line of the first word that is one of these, or of the statement."""
        return next((word.line for word in self.words if word.text in texts), self.words[0].line)


@dataclass(frozen=True, slots=True)
class Body:
    """A body's statements; none where it could not even be told into words."""

    statements: tuple[Statement, ...]
    is_readable: bool


def read(text: str) -> Body:
    """Tell a body into its statements; declarations and control words stand with the statement they precede."""
    try:
        words = _words(text)
    except sqlglot.errors.SqlglotError:
        return Body((), is_readable=False)
    return Body(tuple(_statement(text, part) for part in _split(words)), is_readable=True)


def _words(text: str) -> list[Word]:
    found: list[Word] = []
    line, counted = 1, 0
    for token in _Tokenizer().tokenize(text):
        line, counted = line + text.count("\n", counted, token.start), token.start
        word = token.text if token.token_type in _NAMES else token.text.lower()
        found.append(Word(word, token.token_type in _STRINGS, line, token.start, token.end + 1))
    return found


def _split(words: Sequence[Word]) -> Iterator[list[Word]]:
    part: list[Word] = []
    for word in words:
        if word.text == ";" and not word.is_string:
            yield part
            part = []
        else:
            part.append(word)
    yield part


def _statement(text: str, words: list[Word]) -> Statement:
    executes = [number for number, word in enumerate(words) if word.text == "execute" and not word.is_string]
    literals = [word for word in words[executes[0] + 1 :] if word.is_string] if executes else []
    dynamic: list[Statement] = []
    if literals:
        executed = literals[0].text
        for literal in literals[1:]:  # what format() or a || puts into it
            executed = literal.text.join(_PLACE.split(executed, maxsplit=1))
        dynamic += (_moved(inner, literals[0].line) for inner in read(executed).statements)
    return Statement(tuple(words), tuple(_queries(text, words)), tuple(dynamic))


def _moved(statement: Statement, line: int) -> Statement:
    """The statement of a string, on the line of the string."""
    words = tuple(Word(word.text, word.is_string, line, word.start, word.end) for word in statement.words)
    queries = tuple(Query(query.tree, line, "execute") for query in statement.queries)
    return Statement(words, queries)


def _queries(text: str, words: list[Word]) -> Iterator[Query]:
    """The outermost stretches of a statement that are queries: from their first word to the end, or to a bracket."""
    number = 0
    while number < len(words):
        word = words[number]
        if word.is_string or word.text not in _QUERIES:
            number += 1
            continue
        end = _end(words, number)
        tree = _tree(text, words[number:end])
        if tree is None:
            number += 1
            continue
        yield Query(tree, word.line, " ".join(earlier.text for earlier in words[max(0, number - 2) : number]))
        number = end


def _end(words: list[Word], start: int) -> int:
    depth = 0
    for number in range(start, len(words)):
        word = words[number]
        if word.is_string:
            continue
        depth += {"(": 1, ")": -1}.get(word.text, 0)
        if depth < 0 or (depth == 0 and word.text == "loop"):
            return number
    return len(words)


def _tree(text: str, words: list[Word]) -> Any:
    """The query as SQLGlot reads it, without PL/pgSQL's INTO, or None."""
    kept: list[Word] = []
    skipping, depth = False, 0
    for number, word in enumerate(words):
        depth += 0 if word.is_string else {"(": 1, ")": -1}.get(word.text, 0)
        follows = words[number - 1].text if number else ""
        if word.text == "into" and not word.is_string and depth == 0 and follows not in ("insert", "merge"):
            skipping = True
        elif skipping and word.text in _CLAUSES and not word.is_string:
            skipping = False
        if not skipping:
            kept.append(word)
    source = " ".join(text[word.start : word.end] for word in kept)
    if words[0].text == "perform":
        source = "select " + source[len("perform") :]
    try:
        return sqlglot.parse_one(source, read="postgres")
    except (sqlglot.errors.SqlglotError, RecursionError):
        return None
