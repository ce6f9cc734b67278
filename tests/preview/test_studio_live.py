"""Live reload, broken files that recover, and the server's own life."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from studio_world import INES, RAFAEL, SETTINGS, WAIT_SECONDS, make_bench, running

from newsletter.config import data_dir
from newsletter.errors import ConfigError
from newsletter.preview.server import bind, serve, url_of


def test_saved_reader_file_ticks_the_open_page(studio):
    with studio.stream() as events:
        studio.edit("ines.toml", INES.replace("Ines", "Irma"))
        assert next(events) == ("tick", {"files": ["ines.toml"]})
    assert studio.sheet()["reader"]["name"].startswith("Irma")


def test_saved_settings_tick_and_change_the_mail(studio):
    with studio.stream() as events:
        studio.edit("settings.toml", SETTINGS + 'name = "Papers of the day"\n')
        assert next(events)[1]["files"] == ["settings.toml"]
    assert "Papers of the day" in studio.get("/mail.txt").text


def test_another_model_in_the_settings_measures_all_anew(tmp_path, model_folder):
    bench = make_bench(tmp_path)
    scores = [[pick.score for pick in bench.preview("ines").edition.digest.picks]]
    for table in (f'[selection]\nmodel = "{model_folder}"\n', ""):
        (tmp_path / "settings.toml").write_text(SETTINGS + table, encoding="utf-8")
        scores.append([pick.score for pick in bench.preview("ines").edition.digest.picks])
    assert scores[0] == scores[2]
    assert scores[0] != scores[1]


def test_file_that_is_not_watched_does_not_tick(studio):
    with studio.stream() as events:
        (studio.folder / "notes.txt").write_text("nobody reads this")
        studio.edit("rafael.toml", RAFAEL)
        assert next(events)[1]["files"] == ["rafael.toml"]


def test_changed_page_of_the_studio_asks_for_a_whole_reload(bench, tmp_path):
    templates = tmp_path / "studio"
    shutil.copytree(data_dir("templates") / "studio", templates)
    with running(bench, tmp_path, template_dir=templates) as studio, studio.stream() as events:
        (templates / "studio.css").write_text("body { margin: 1px }")
        assert next(events) == ("studio", {"files": ["studio.css"]})


def test_broken_profile_says_its_sentence_and_recovers(studio):
    good = studio.sheet()
    studio.edit("ines.toml", INES + "topcis = []\nmin_score = 7\n")
    answer = studio.get("/api/preview")
    assert answer.status_code == 422
    problems = answer.json()["error"]["problems"]
    assert len(problems) == 2
    assert "topcis: unknown key; did you mean topics?" in problems
    assert studio.get("/api/choices").json()["readers"][0]["broken"]
    assert studio.get("/mail.html").status_code == 422
    assert studio.sheet(reader="rafael")["picks"]
    studio.edit("ines.toml", INES)
    assert studio.sheet()["picks"] == good["picks"]


def test_broken_settings_say_their_sentence_and_recover(studio):
    with studio.stream() as events:
        studio.edit("settings.toml", SETTINGS + "nonsense")
        next(events)
        answer = studio.get("/api/preview")
        assert answer.status_code == 422
        assert "is not valid TOML" in answer.json()["error"]["sentence"]
        studio.edit("settings.toml", SETTINGS)
        next(events)
    assert studio.sheet()["picks"]


def test_templates_of_the_operator_are_watched_as_soon_as_the_settings_name_them(studio):
    own = studio.folder / "own"
    shutil.copytree(data_dir("templates") / "mail", own)
    with studio.stream() as events:
        studio.edit("settings.toml", SETTINGS + f"[paths]\ntemplates = {str(own)!r}\n")
        next(events)
        assert studio.get("/api/preview").status_code == 200
        (own / "digest.txt.j2").write_text("{{ nothing_of_that_name }}")
        assert next(events)[1]["files"] == ["digest.txt.j2"]
    answer = studio.get("/api/preview")
    assert answer.status_code == 422
    assert "digest.txt.j2" in answer.json()["error"]["sentence"]


def test_server_stops_while_pages_listen(bench, tmp_path):
    with running(bench, tmp_path) as studio:
        stream = requests.get(studio.url + "/events", stream=True, timeout=WAIT_SECONDS)
        lines = stream.iter_lines(decode_unicode=True)
        next(lines)
    assert [line for line in lines if line.startswith("data")] == []


def test_links_of_the_mail_lead_to_the_studio(studio):
    assert f"{studio.url}/unsubscribe/" in studio.get("/mail.html").text


def test_taken_port_is_one_sentence_that_names_the_way_out(bench, root):
    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"port {port} is taken.*--port"):
            serve(bench, template_dir=root, host="127.0.0.1", port=port, on_ready=print)


def test_host_that_is_not_ours_is_one_sentence(bench, root):
    for host in ("no.such.host.invalid", "192.0.2.1"):
        with pytest.raises(ConfigError, match="--host"):
            serve(bench, template_dir=root, host=host, port=0, on_ready=print)


def test_address_of_a_socket_that_listens_everywhere_is_one_a_browser_can_open():
    with bind("0.0.0.0", 0) as listening:
        assert url_of(listening) == f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_ipv6_address_stands_in_brackets():
    try:
        listening = bind("::1", 0)
    except ConfigError:
        pytest.skip("this machine has no IPv6 loopback")
    with listening:
        assert url_of(listening).startswith("http://[::1]:")


def test_interrupt_ends_the_served_studio_cleanly(tmp_path):
    program = (
        "import sys; from pathlib import Path; from studio_world import make_bench;"
        "from newsletter.config import data_dir; from newsletter.preview.server import serve;"
        "serve(make_bench(Path(sys.argv[1])), template_dir=data_dir('templates') / 'studio',"
        " host='127.0.0.1', port=0, on_ready=lambda url: print(url, flush=True)); print('ended')"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        cwd=Path(__file__).parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        url = process.stdout.readline().strip()
        with requests.get(url + "/events", stream=True, timeout=WAIT_SECONDS) as stream:
            next(stream.iter_lines())
            assert requests.get(url + "/api/preview", timeout=WAIT_SECONDS).status_code == 200
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=WAIT_SECONDS)
    assert (process.returncode, out, err) == (0, "ended\n", "")


def test_unforeseen_mistake_is_told_to_the_page(bench, tmp_path, capfd):
    def explode(*_: str) -> None:
        raise RuntimeError("the roof is on fire")

    bench.preview = explode
    with running(bench, tmp_path, watch=False) as studio:
        answer = studio.get("/api/preview")
    assert answer.status_code == 500
    assert "the roof is on fire" in answer.json()["error"]["sentence"]
    assert "Traceback" in capfd.readouterr().err


def test_preview_is_made_once_for_the_page_and_its_frames(bench, tmp_path):
    made = []
    make = bench.preview
    bench.preview = lambda *names: made.append(names) or make(*names)
    with running(bench, tmp_path, watch=False) as studio:
        choice = studio.sheet()["choice"]
        for path in ("/mail.html", "/mail.txt", "/mail.eml", "/api/preview"):
            assert studio.get(path, **choice).status_code == 200
        assert len(made) == 1
        studio.sheet(fresh="true")
    assert len(made) == 2


def test_two_studios_do_not_share_their_files(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir(), two.mkdir()
    with running(make_bench(one), one) as first, running(make_bench(two), two) as second:
        first.edit("ines.toml", INES.replace("Ines", "Irma"))
        assert first.sheet()["reader"]["name"].startswith("Irma")
        assert second.sheet()["reader"]["name"].startswith("Ines")
