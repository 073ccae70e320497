"""Nobody can write SQL through a question, a name or a file: no statement is put together from strings (SECU-12).

Values are always parameters. What a parameter cannot be, the name of a table or a pragma, comes from our own code and is
put together in the few files below, which no value of a request reaches.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.node import ROOT

pytestmark = pytest.mark.one_try

NAMES_ONLY = {
    "appliance/policy/conditions.py",  # how a condition is written for each database, of parts that the compiler rendered
    "appliance/store/engines.py",  # the key of a file and its pragmas
    "appliance/store/guards.py",  # triggers, grants and policies for each table
    "appliance/store/migrate.py",  # the table of a group's revision
    "appliance/store/rows.py",  # tables and columns of a backup, quoted by the driver
    "appliance/store/postgres.py",  # the schema of a group
}
RUNS = {
    "text",
    "execute",
    "exec_driver_sql",
    "executemany",
    "executescript",
    "scalar",
    "scalars",
    "literal_column",
    "DDL",
}
SQL = re.compile(
    r"\b(SELECT\b.+\bFROM|INSERT\s+INTO|UPDATE\b.+\bSET|DELETE\s+FROM|(CREATE|DROP|ALTER)\s+(TABLE|INDEX|VIEW|TRIGGER|SCHEMA)"
    r"|PRAGMA|ATTACH|VACUUM\s+INTO|GRANT\b.+\bTO|ORDER\s+BY|WHERE\b.+[=<>])",
    re.DOTALL,
)


def put_together(node: ast.expr) -> str | None:
    """The fixed words of a string that is made of pieces; None for anything else."""
    match node:
        case ast.JoinedStr(values) if any(isinstance(one, ast.FormattedValue) for one in values):
            return " ".join(str(one.value) for one in values if isinstance(one, ast.Constant))
        case ast.BinOp(left, ast.Add() | ast.Mod(), right):
            constants = (one.value for one in ast.walk(node) if isinstance(one, ast.Constant))
            words = [str(one) for one in constants if isinstance(one, str)]
            fixed = isinstance(left, ast.Constant) and isinstance(right, ast.Constant)
            return " ".join(words) if words and not fixed else None
        case ast.Call(ast.Attribute(value, "format" | "join" | "format_map")):
            return " ".join(str(one.value) for one in ast.walk(value) if isinstance(one, ast.Constant))
    return None


def built(source: str) -> Iterator[int]:
    """The lines on which SQL is made of pieces, or something made of pieces is run as SQL."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.expr) and (words := put_together(node)) is not None and SQL.search(words):
            yield node.lineno
        if isinstance(node, ast.Call) and node.args:
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in RUNS and put_together(node.args[0]) is not None:
                yield node.lineno


@pytest.mark.parametrize(
    "attack",
    [
        "session.execute(text(f\"SELECT * FROM people WHERE name = '{name}'\"))",
        'query = f"DELETE FROM people WHERE id = {id}"',
        'connection.exec_driver_sql("DROP TABLE " + table)',
        "text(\"SELECT a FROM b WHERE c = '%s'\" % name)",
        'text("SELECT {} FROM b".format(column))',
        'session.execute(" ".join(words))',
        'order = f"ORDER BY {column}"',
        'text(f"{anything}")',
    ],
)
def test_the_guard_sees_a_statement_made_of_pieces(attack: str) -> None:
    assert list(built(attack))


@pytest.mark.parametrize(
    "fine",
    [
        'session.execute(text("SELECT name FROM people WHERE id = :id"), {"id": id})',
        "session.execute(select(Row).where(Row.name == name))",
        'log.info(f"{count} rows of {table}")',
        'text("SELECT a FROM b " "WHERE c = :c")',
    ],
)
def test_the_guard_lets_parameters_pass(fine: str) -> None:
    assert not list(built(fine))


def test_no_statement_is_put_together_from_strings() -> None:
    wrong = []
    for path in sorted((ROOT / "appliance").rglob("*.py")) + sorted((ROOT / "models").rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        # A migration runs before anybody is let in, over names that stand in it.
        if name not in NAMES_ONLY and "migrations" not in path.parts:
            wrong += [f"{name}:{line}" for line in built(path.read_text(encoding="utf-8"))]
    assert not wrong


def test_the_files_that_may_are_still_there() -> None:
    assert all((ROOT / name).exists() for name in NAMES_ONLY)
