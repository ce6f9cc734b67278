"""A dry run lays its mails down as files that nobody else can read."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from mail_samples import make_picks

from newsletter.delivery import Result
from newsletter.errors import MailError
from newsletter.mail.folder import FolderTransport
from newsletter.mail.servers.dial import Relay
from newsletter.mail.servers.smtp import SmtpTransport
from newsletter.mail.transport import Transport
from newsletter.mail.transport import send as hand_over

FROM = "bounces@newsletter.example"


def put(
    transport: Transport,
    raw: bytes = b"Subject: x\r\n\r\nhello\r\n",
    to: str = "ada@reader.example",
):
    return hand_over(transport, raw, sender=FROM, recipient=to)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_mail_becomes_a_file_of_the_same_octets(tmp_path, send):
    raw = send(make_picks(2)).raw
    outcome = put(FolderTransport(tmp_path / "out"), raw)
    (name,) = names(tmp_path / "out")
    assert (outcome.result, outcome.detail) == (Result.ACCEPTED, f"written to {name}")
    assert (tmp_path / "out" / name).read_bytes() == raw


def test_the_name_of_a_file_counts_and_hides_the_address(tmp_path):
    transport = FolderTransport(tmp_path)
    put(transport)
    put(transport, to="grace@reader.example")
    put(transport, to="Ada@Reader.example")
    first, second, third = names(tmp_path)
    assert [name[:6] for name in (first, second, third)] == ["00001-", "00002-", "00003-"]
    assert first[6:] == third[6:] != second[6:]
    assert "ada" not in first


def test_only_the_owner_can_read_the_mails(tmp_path):
    put(FolderTransport(tmp_path / "a" / "out"))
    (path,) = (tmp_path / "a" / "out").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_second_run_goes_on_counting_and_overwrites_nothing(tmp_path):
    put(FolderTransport(tmp_path))
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    put(FolderTransport(tmp_path))
    assert [name[:6] for name in names(tmp_path)] == ["00001-", "00002-", "notes."]


def test_two_runs_at_once_do_not_take_each_others_names(tmp_path):
    one, other = FolderTransport(tmp_path), FolderTransport(tmp_path)
    assert {put(one).result, put(other).result} == {Result.ACCEPTED}
    assert len(names(tmp_path)) == 2


def test_a_folder_that_is_gone_defers(tmp_path):
    transport = FolderTransport(tmp_path / "out")
    (tmp_path / "out").rmdir()
    outcome = put(transport)
    assert (outcome.result, outcome.detail) == (
        Result.DEFERRED,
        "the file: No such file or directory",
    )


def test_a_file_where_the_folder_should_be_is_refused(tmp_path):
    (tmp_path / "out").write_text("", encoding="utf-8")
    with pytest.raises(MailError, match="cannot be laid down"):
        FolderTransport(tmp_path / "out")


@pytest.mark.parametrize("address", ["", "nobody", "a@b.example\r\n", "../x@y.example/../z"])
def test_an_address_that_no_envelope_can_hold_is_refused_as_by_a_relay(tmp_path, address):
    with pytest.raises(MailError):
        put(FolderTransport(tmp_path), to=address)
    assert names(tmp_path) == []


def test_both_ways_out_fit_the_same_seam(tmp_path):
    ways: list[Transport] = [
        FolderTransport(tmp_path),
        SmtpTransport(Relay(host="127.0.0.1", port=25)),
    ]
    for way in ways:
        way.close()
        way.close()
