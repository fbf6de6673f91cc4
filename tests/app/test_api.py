"""The page for programs, and what it must not give away."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from zipfile import ZIP_STORED, ZipFile

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from ive_segmentation.app import cache, launch, serve
from ive_segmentation.app.cache import _forget_the_killed, answer_folder
from ive_segmentation.app.serve import PortError
from ive_segmentation.pipeline import Pipeline
from ive_segmentation.result import Result
from ive_segmentation.settings import Settings
from tests.app.conftest import free_port, is_free
from tests.conftest import REPOSITORY, running

UPLOADED = {"meta": {"_type": "gradio.FileData"}}
"""By this Gradio knows what claims to be an upload."""


@pytest.fixture(scope="module")
def client(address: str) -> Client:
    return Client(address, verbose=False)


def test_segment_gives_the_result_and_its_files(client: Client, picture: Path) -> None:
    result, files = client.predict(handle_file(picture), "Wonyoung's shirt", api_name="/segment")
    read = Result.from_dict(result)
    assert [segment.member for segment in read.segments] == ["Jang_Wonyoung"]
    names = [Path(file).name for file in files]
    assert names == [
        "overlay.png",
        "mask_01_wonyoung_shirt.png",
        "cutout_01_wonyoung_shirt.png",
        "result.json",
        "everything.zip",
    ]
    assert Result.load(Path(files[3])) == read
    with ZipFile(files[-1]) as everything:
        assert sorted(everything.namelist()) == sorted(names[:-1])
        assert all(everything.read(Path(one).name) == Path(one).read_bytes() for one in files[:-1])
        # Pictures are packed already, and get no smaller for being packed again.
        assert all(one.compress_type == ZIP_STORED for one in everything.infolist())


def test_identify_names_the_faces(client: Client, picture: Path) -> None:
    persons = client.predict(handle_file(picture), api_name="/identify")
    members = [person["match"]["member"] for person in persons]
    assert sorted(members) == ["An_Yujin", "Jang_Wonyoung", "Naoi_Rei"]
    assert all(len(person["match"]["evidence"]) == 3 for person in persons)


@pytest.mark.parametrize(("prompt", "words"), [("Zorblax's shirt", "Zorblax"), ("", "holds no word")])
def test_an_error_comes_with_its_words(client: Client, picture: Path, prompt: str, words: str) -> None:
    with pytest.raises(AppError, match=words):
        client.predict(handle_file(picture), prompt, api_name="/segment")


def test_only_the_two_functions_are_offered(client: Client) -> None:
    offered = client.view_api(return_format="dict")
    assert set(offered["named_endpoints"]) == {"/segment", "/identify"}
    assert offered["unnamed_endpoints"] == {}


def test_no_file_of_this_machine_can_be_fetched_or_named_as_a_picture(
    address: str, settings: Settings
) -> None:
    photo = next(path for path in settings.dataset.rglob("*.jpg"))
    for path in (photo, REPOSITORY / "README.md", REPOSITORY / "ive_segmentation" / "settings.py"):
        assert httpx.get(f"{address}/gradio_api/file={path}").status_code == 403
    for named in ({"path": str(photo), **UPLOADED}, {"path": str(photo)}):
        answer = _identify(address, named)
        assert "event: error" in answer
        assert "similarity" not in answer


def _identify(address: str, picture: dict[str, Any]) -> str:
    """What comes back where a picture is named and not uploaded."""
    call = f"{address}/gradio_api/call/identify"
    event = httpx.post(call, json={"data": [picture]}).json()["event_id"]
    return httpx.get(f"{call}/{event}", timeout=30).text


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """Another server, which fails the test if anything is fetched from it."""
    asked = []

    class Server(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/x.png"
        server.shutdown()
    assert not asked


def test_nothing_is_fetched_from_elsewhere(
    address: str, elsewhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("safehttpx.is_public_ip", lambda _: True)  # or Gradio would refuse this machine's own
    for way in ("file=", "file/", "file=http%3A//"):
        path = elsewhere.removeprefix("http://") if way.endswith("//") else elsewhere
        assert httpx.get(f"{address}/gradio_api/{way}{path}").status_code == 403
    assert "This is no upload" in _identify(address, {"path": elsewhere})
    assert "Addresses are not fetched" in _identify(address, {"path": elsewhere, **UPLOADED})


@pytest.mark.parametrize(
    ("said", "path", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, "/", 200),  # a link to the page, or the notebook that frames it
        ({"Sec-Fetch-Site": "none"}, "/config", 200),
        ({"Sec-Fetch-Site": "same-origin"}, "/config", 200),
        ({"Sec-Fetch-Site": "same-site"}, "/config", 403),  # another program of this machine
        ({"Sec-Fetch-Site": "cross-site"}, "/config", 403),
        ({"Sec-Fetch-Site": "cross-site"}, "/gradio_api/upload", 403),
        ({"Origin": "https://evil.example"}, "/gradio_api/upload", 403),
        ({"Origin": "{address}"}, "/config", 200),
    ],
)
def test_what_other_sites_make_the_browser_ask_is_refused(
    said: dict[str, str], path: str, status: int, address: str
) -> None:
    headers = {name: value.format(address=address) for name, value in said.items()}
    ask = httpx.post if path.endswith("upload") else httpx.get
    assert ask(f"{address}{path}", headers=headers).status_code == status


def test_no_history_is_kept_where_others_could_read_it(address: str) -> None:
    for path in ("/gradio_api/runs", "/gradio_api/run-history/buckets"):
        assert httpx.get(f"{address}{path}").status_code == 404


def test_what_a_killed_page_left_goes_at_the_next_start(tmp_path: Path) -> None:
    script = "from cache import page_folder; print(page_folder(), flush=True)"
    options: dict[str, Any] = {
        "cwd": Path(cache.__file__).parent,  # this file alone is there at once, the page only after seconds
        "env": os.environ | {"TMPDIR": str(tmp_path), "TEMP": str(tmp_path)},
        "stdout": subprocess.PIPE,
    }
    ending = {"stays": "; input()", "killed": "; import os; os._exit(9)", "ends": ""}
    python = [sys.executable, "-c"]
    with running([*python, script + ending["stays"]], stdin=subprocess.PIPE, **options) as first:
        assert first.stdout
        open_one = first.stdout.readline().strip()
        killed, ended = (
            subprocess.run([*python, script + ending[how]], check=False, text=True, **options).stdout.strip()
            for how in ("killed", "ends")
        )
        assert len({open_one, killed, ended}) == 3
        assert [str(left) for left in tmp_path.iterdir()] == [open_one]
        first.communicate("\n")
    assert list(tmp_path.iterdir()) == []


def test_what_was_written_of_an_answer_that_failed_goes() -> None:
    folders = []
    with suppress(OSError), answer_folder() as folder:
        folders.append(folder)
        (folder / "half.png").touch()
        raise OSError("No space left on device")
    assert not folders[0].exists()


def test_what_earlier_versions_left_goes_after_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    old, new = tmp_path / "ive-page-old", tmp_path / "ive-page-new"
    for folder in (old, new):
        folder.mkdir()
    os.utime(old, (0, 0))
    _forget_the_killed()
    assert list(tmp_path.iterdir()) == [new]


def test_a_foreign_name_for_this_address_is_refused(address: str) -> None:
    assert httpx.get(address, headers={"Host": "photos.example"}).status_code == 400
    assert httpx.get(address).status_code == 200


def test_by_another_name_for_this_machine_foreign_names_are_refused_as_well(pipeline: Pipeline) -> None:
    address = launch(pipeline, host="localhost", port=free_port())
    assert httpx.get(address, headers={"Host": "photos.example"}).status_code == 400
    assert httpx.get(address).status_code == 200


@pytest.mark.parametrize(
    ("host", "port", "words"),
    [
        ("10.99.99.99", 7860, "no address of this machine"),
        ("::1", 7860, "no address of this machine"),
        ("127.0.0.1", 99999, "no port 99999"),
    ],
)
def test_where_no_page_can_be_is_said_before_anything_is_loaded(
    settings: Settings, host: str, port: int, words: str
) -> None:
    missing = replace(settings, dataset=settings.dataset / "none")  # loading would fail first
    with pytest.raises(PortError, match=words):
        serve(missing, host, port)


def test_a_page_launched_again_takes_its_own_place(pipeline: Pipeline) -> None:
    port = free_port()
    first = launch(pipeline, port=port)
    assert launch(pipeline, port=port) == first == f"http://127.0.0.1:{port}"


def test_a_taken_port_is_passed_over(pipeline: Pipeline) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        following = next(port for port in range(taken + 1, 2**16) if is_free(port))
        assert launch(pipeline, port=taken) == f"http://127.0.0.1:{following}"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_command_serves_the_page_until_it_is_ended(
    settings: Settings, number: signal.Signals, tmp_path: Path
) -> None:
    """By Ctrl-C, by `kill`, or with its terminal; the page's folder goes with it."""
    environment = os.environ | {
        "IVE_DATASET": str(settings.dataset),
        "IVE_BANK": settings.bank,
        "IVE_FACES": settings.faces,
        "IVE_SAM3": settings.sam3,
        "TMPDIR": str(tmp_path),
    }
    command = [sys.executable, "-m", "ive_segmentation", "app", "--port", str(free_port())]
    before = signal.signal(number, signal.default_int_handler)  # what is deaf to it starts deaf programs
    try:
        with running(
            command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            address = process.stdout.readline().split()[-1]
            assert httpx.get(address).status_code == 200
            assert list(tmp_path.glob("ive-page-*"))
            process.send_signal(number)
            output, errors = process.communicate(timeout=30)
    finally:
        signal.signal(number, before)
    assert process.returncode == 0, errors
    assert "Closed." in output
    assert "Loading SAM 3" in errors
    assert "Traceback" not in errors
    assert not list(tmp_path.glob("ive-page-*"))
