"""Opens the database, brings it to the newest shape, and says plainly why it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script.revision import ResolutionError
from alembic.util import CommandError
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry, StaticPool

from newsletter.errors import StoreError


def open_engine(url: str) -> Engine:
    """A ready engine with all migrations applied. `sqlite://` is a scratch store in memory.

    Raises:
        StoreError: the address cannot be used, or the database was made by a newer version.
    """
    engine = _engine(url)
    with sentences(url):
        _migrate(engine)
    return engine


@contextmanager
def sentences(url: str) -> Iterator[None]:
    """Turns what the database driver throws into one StoreError without the password in it."""
    try:
        yield
    except (CommandError, ResolutionError):
        raise StoreError(
            f"the database {_shown(url)} was made by a newer version of newsletter; upgrade first"
        ) from None
    except SQLAlchemyError as error:
        cause = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise StoreError(f"the database {_shown(url)} cannot be used: {cause}") from error


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        in_memory = parsed.get_backend_name() == "sqlite" and not parsed.database
        if in_memory:
            # One shared connection: each new one would be a new, empty database.
            engine = create_engine(
                parsed, poolclass=StaticPool, connect_args={"check_same_thread": False}
            )
        else:
            engine = create_engine(parsed)
    except (ArgumentError, NoSuchModuleError, ImportError):
        raise StoreError(
            f"store.url {_shown(url)} is no usable database address; "
            "write sqlite:///path/to/newsletter.db or postgresql+psycopg://user@host/name"
        ) from None
    if engine.dialect.name == "sqlite":
        if parsed.database:
            _make_folder(Path(parsed.database))
        event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _make_folder(file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"the folder {file.parent} cannot be made: {error.strerror}") from None


def _prepare_sqlite(connection: object, _record: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]
    cursor.execute("PRAGMA journal_mode = WAL")  # readers never wait for the writer
    cursor.execute("PRAGMA synchronous = NORMAL")  # safe with WAL
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA busy_timeout = 10000")
    cursor.execute("PRAGMA secure_delete = ON")  # who is forgotten is not left in free pages
    cursor.close()


def _migrate(engine: Engine) -> None:
    config = Config()
    # Alembic's own files are found by path; a `%` in it would be read as interpolation.
    location = str(Path(__file__).parent / "migrations").replace("%", "%%")
    config.set_main_option("script_location", location)
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _shown(url: str) -> str:
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return "(address not shown)"
