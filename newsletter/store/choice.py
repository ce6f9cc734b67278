"""Rows of which a column is one of many values: asked for with one parameter, however many."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson
import sqlalchemy
from sqlalchemy import ARRAY, Boolean, ColumnElement, Dialect, TypeDecorator, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from newsletter.store.kinds import sayable


def one_of(column: ColumnElement[str], texts: Iterable[str]) -> ColumnElement[bool]:
    """Whether a column of texts holds one of these.

    An IN list has a parameter for each, and what SQLAlchemy does for one costs more than what
    SQLite does to find its row; this hands over a JSON array (SQLite) or an array (PostgreSQL).
    """
    return _OneOf(column, bindparam(None, list(texts), type_=_Texts(), unique=True))


def one_of_those(column: ColumnElement[str], name: str) -> ColumnElement[bool]:
    """The same for a statement that stays: the texts, a list, are given under this name each time.

    To make a statement anew and to recognise it costs five times as much as to run one that stays.
    """
    return _OneOf(column, bindparam(name, type_=_Texts()))


class _Texts(TypeDecorator[list[str]]):
    """Many texts in one parameter, sayable as those they are compared with."""

    impl = sqlalchemy.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        is_postgres = dialect.name == "postgresql"
        kind: TypeEngine[Any] = ARRAY(sqlalchemy.Text()) if is_postgres else sqlalchemy.Text()
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: list[str] | None, dialect: Dialect) -> Any:
        texts = value or []
        said = "".join(texts)
        if not said.isascii() or "\0" in said:
            texts = [sayable(text) for text in texts]
        return texts if dialect.name == "postgresql" else orjson.dumps(texts).decode()


class _OneOf(FunctionElement[bool]):
    name = "one_of"
    type = Boolean()
    inherit_cache = True
    _is_implicitly_boolean = True  # else `= 1` is added on SQLite, which then reads whole tables


@compiles(_OneOf)
def _in_json(element: _OneOf, compiler: SQLCompiler, **how: Any) -> str:
    column, texts = (compiler.process(clause, **how) for clause in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({texts}))"  # noqa: S608 - both are compiled


@compiles(_OneOf, "postgresql")
def _any(element: _OneOf, compiler: SQLCompiler, **how: Any) -> str:
    column, texts = (compiler.process(clause, **how) for clause in element.clauses)
    return f"{column} = ANY ({texts})"
