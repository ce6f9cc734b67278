"""`newsletter backup`: one instant's state, whole and private, while others write."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from threading import Event, Thread

import pytest
from operate_world import composed, enrol
from sqlalchemy import make_url

from newsletter.errors import StoreError
from newsletter.store import open_store
from newsletter.store.backup import source_file


def rows(file: Path, table: str) -> int:
    with closing(sqlite3.connect(file)) as copy:
        return copy.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def test_a_backup_is_a_private_whole_copy_in_one_file(newsletter, app, tmp_path):
    composed(app, enrol(app))

    ran = newsletter("backup", "copy.db")

    assert ran.code == 0
    assert "looked over (papers 12, subscribers 1, digests 1)" in ran.out
    assert "keep it as safe as the database" in ran.err
    file = tmp_path / "copy.db"
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.glob("*copy*")] == ["copy.db"]
    again = open_store(f"sqlite:///{file}")
    assert again.count() == 12
    again.close()


def test_a_copy_made_while_somebody_writes_is_one_instants_state(newsletter, app):
    """Readers and consents are written together, so no copy may hold one without the other."""
    stop, writing = Event(), Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            enrol(app, f"r{number}@reader.example")
            number += 1
            writing.set()

    writer = Thread(target=write)
    writer.start()
    try:
        assert writing.wait(30)
        codes = [newsletter("backup", f"copy{n}.db").code for n in range(5)]
    finally:
        stop.set()
        writer.join()

    assert codes == [0] * 5
    counted = [rows(Path(f"copy{n}.db"), "subscribers") for n in range(5)]
    assert counted == [rows(Path(f"copy{n}.db"), "consents") for n in range(5)]
    assert counted == sorted(counted)
    assert 0 < counted[0] <= rows(app.settings.state_dir / "newsletter.db", "subscribers")


def test_nothing_is_overwritten_without_force(newsletter, app):
    file = Path("copy.db")
    file.write_text("precious")

    ran = newsletter("backup", "copy.db")

    assert ran.code == 1
    assert "copy.db exists already" in ran.err
    assert file.read_text() == "precious"
    assert newsletter("backup", "copy.db", "--force").code == 0
    assert rows(file, "papers") == 12


def test_the_database_itself_is_never_the_target(newsletter, app):
    for end in ("", "-wal", "-shm"):
        file = app.settings.state_dir / f"newsletter.db{end}"
        ran = newsletter("backup", file, "--force")

        assert ran.code == 1
        assert "is the database itself" in ran.err
    assert app.store.count() == 12


def test_a_link_to_the_database_is_seen_through(newsletter, app):
    Path("link.db").symlink_to(app.settings.state_dir / "newsletter.db")

    assert "is the database itself" in newsletter("backup", "link.db", "--force").err


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("no/such/folder/copy.db", "cannot be written: No such file or directory"),
        (".", "is a directory; name a file in it"),
    ],
)
def test_a_place_that_cannot_be_written_is_a_sentence(newsletter, app, name, sentence):
    ran = newsletter("backup", name)

    assert ran.code == 1
    assert sentence in ran.err


def test_where_nothing_is_there_is_nothing_to_back_up(newsletter, installation):
    ran = newsletter("backup", "copy.db")

    assert ran.code == 1
    assert "there is no database yet" in ran.err
    assert not Path("copy.db").exists()


def test_another_database_is_backed_up_by_its_own_tool():
    with pytest.raises(StoreError, match="pg_dump --format=custom --file=FILE") as raised:
        source_file(make_url("postgresql+psycopg://me:secret@db/news"))

    assert "--dbname=news --host=db" in str(raised.value)
    assert "secret" not in str(raised.value)


def test_a_damaged_store_makes_no_backup(newsletter, app):
    file = app.settings.state_dir / "newsletter.db"
    app.store.close()
    with closing(sqlite3.connect(file)) as opened:
        opened.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with file.open("r+b") as raw:
        raw.seek(3 * 4096)
        raw.write(b"\xff" * 20_000)

    ran = newsletter("backup", "copy.db")

    assert ran.code == 1
    assert "Traceback" not in ran.err
    assert list(Path().glob("*copy*")) == []
