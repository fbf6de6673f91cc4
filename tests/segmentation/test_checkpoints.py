"""Where the weights come from, and what is said when they do not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import pytest
from safetensors.torch import load_file, save_file

from ive_segmentation.segmentation.checkpoints import CheckpointError, locate
from ive_segmentation.segmentation.sam3 import load_sam3
from ive_segmentation.settings import Settings

LOCATE = """
import sys
from ive_segmentation.segmentation.checkpoints import CheckpointError, locate
try:
    print(locate("facebook/sam3", timeout=float(sys.argv[1])))
except CheckpointError as error:
    print(error)
"""


@contextmanager
def hub(
    status: int, error_code: str, first: Callable[[], object] = lambda: None, files: Sequence[str] = ()
) -> Iterator[str]:
    """Serve on loopback what Hugging Face answers to every request; yields the address."""
    content = json.dumps({"id": "a/b", "siblings": [{"rfilename": file} for file in files]}).encode()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            first()
            self.send_response(status)
            self.send_header("X-Error-Code", error_code)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_HEAD = do_GET  # noqa: N815 -- the name http.server calls

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def locate_with_hub(address: str, home: Path, timeout: float = 5, **more: str) -> str:
    """Run `locate` in a process of its own, because the hub's address is read once at import."""
    environment = {**os.environ, "HF_ENDPOINT": address, "HF_HOME": str(home)}
    environment.pop("HF_HUB_OFFLINE", None)
    environment |= more
    done = subprocess.run(
        [sys.executable, "-c", LOCATE, str(timeout)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("status", "error_code", "says"),
    [
        (403, "GatedRepo", ["gated", "hf auth login", "vil-uob/sam3-litetext-l", "built-in demo"]),
        (401, "RepoNotFound", ["no repository", "spelling"]),
        (403, "", ["token", "hf auth login"]),
        (401, "", ["token", "hf auth login"]),
        (429, "", ["error 429", "later"]),
        (503, "", ["error 503", "later"]),
    ],
)
def test_what_the_hub_refuses_is_said_with_a_way_out(
    status: int, error_code: str, says: list[str], tmp_path: Path
) -> None:
    with hub(status, error_code) as address:
        message = locate_with_hub(address, tmp_path)
    assert all(words in message for words in says)
    assert "\n" not in message


def test_a_repository_without_what_is_read_is_not_fetched(tmp_path: Path) -> None:
    """As facebook/sam3.1 is: Meta's own format alone."""
    with hub(200, "", files=["config.json", "sam3.1_multiplex.pt", "tokenizer.json"]) as address:
        message = locate_with_hub(address, tmp_path)
    assert "has no *.safetensors and no *processor_config.json" in message
    assert "IVE_SAM3 to facebook/sam3" in message


def test_an_old_token_may_be_what_is_refused(tmp_path: Path) -> None:
    with hub(401, "") as address:
        assert "hf auth logout" in locate_with_hub(address, tmp_path, HF_TOKEN="hf_not_a_real_one")
        assert "hf auth logout" not in locate_with_hub(address, tmp_path, HF_TOKEN="")


def test_no_network_is_said(tmp_path: Path) -> None:
    assert "cannot be reached" in locate_with_hub("http://127.0.0.1:9", tmp_path)


def test_a_machine_that_may_not_ask_says_so(tmp_path: Path) -> None:
    assert "Unset it" in locate_with_hub("http://127.0.0.1:9", tmp_path, HF_HUB_OFFLINE="1")


def test_a_hub_that_never_answers_is_not_waited_for(tmp_path: Path) -> None:
    enough, answered = Event(), Event()

    def hang() -> None:
        enough.wait(60)
        answered.set()

    with hub(200, "", hang) as address:
        message = locate_with_hub(address, tmp_path, timeout=1)
        assert not answered.is_set()
        enough.set()
    assert "no answer" in message or "TimeoutError" in message


@pytest.fixture
def copy(small_sam3: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small_sam3, tmp_path / "sam3"))


def _write_config(folder: Path, **changes: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def _in_shards(folder: Path) -> list[Path]:
    """Write the weights as two files and their index, as `save_pretrained` does with large ones."""
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    files = [folder / f"model-0000{number}-of-2.safetensors" for number in (1, 2)]
    names = sorted(weights)
    parts = dict(zip(files, (names[::2], names[1::2]), strict=True))
    for file, part in parts.items():
        save_file({name: weights[name] for name in part}, file, metadata={"format": "pt"})
    where = {name: file.name for file, part in parts.items() for name in part}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": where}))
    return files


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda folder: (folder / "config.json").unlink(), "has no config.json"),
        (lambda folder: (folder / "config.json").write_text("{"), "cannot be read"),
        (lambda folder: (folder / "config.json").write_text("[]"), "cannot be read"),
        (lambda folder: _write_config(folder, model_type="bert"), "not SAM 3"),
        (lambda folder: (folder / "model.safetensors").unlink(), "no \\*.safetensors"),
        (
            lambda folder: (folder / "model.safetensors").rename(folder / "pytorch_model.bin"),
            "no \\*.safetensors",
        ),
        (lambda folder: _truncate(folder / "model.safetensors"), "damaged"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b""), "damaged"),
        (lambda folder: (folder / "tokenizer.json").write_text("?"), "damaged"),
        (lambda folder: (folder / "model.safetensors").write_text("version https://git-lfs"), "damaged"),
        (lambda folder: (folder / "processor_config.json").unlink(), "no \\*processor_config.json"),
        (lambda folder: _in_shards(folder)[1].unlink(), "2-of-2.safetensors is missing"),
    ],
)
def test_a_broken_checkpoint_is_one_clear_line(
    damage: Callable[[Path], object], says: str, copy: Path
) -> None:
    damage(copy)
    with pytest.raises(CheckpointError, match=says) as caught:
        load_sam3(Settings(sam3=str(copy)))
    assert "\n" not in str(caught.value)


def test_code_in_a_checkpoint_is_not_run_nor_asked_about(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """transformers would ask on the terminal whether to run it."""
    path = copy / "processor_config.json"
    config = json.loads(path.read_text())
    config["image_processor"] |= {
        "image_processor_type": "Evil", "auto_map": {"AutoImageProcessor": "evil.Evil"},
    }  # fmt: skip
    path.write_text(json.dumps(config))
    (copy / "evil.py").write_text("raise SystemExit('run')\nclass Evil: pass\n")
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("it asked"))
    with pytest.raises(CheckpointError, match="damaged"):
        load_sam3(Settings(sam3=str(copy)))


def test_a_folder_that_cannot_be_read_says_which_can(copy: Path) -> None:
    weights = copy / "model.safetensors"
    with pytest.raises(CheckpointError, match=r"is a file\. Give the folder"):
        locate(str(weights), timeout=1)
    (copy.parent / "snapshots").mkdir()
    with pytest.raises(CheckpointError, match="within its snapshots"):
        locate(str(copy.parent), timeout=1)
    weights.rename(copy / "sam3.pt")
    (copy / "config.json").unlink()
    with pytest.raises(CheckpointError, match="Meta's own format"):
        locate(str(copy), timeout=1)


def test_of_the_hubs_cache_the_whole_is_to_be_deleted(copy: Path, tmp_path: Path) -> None:
    """A snapshot's files are links, and would be linked again to what is broken."""
    snapshot = tmp_path / "models--facebook--sam3" / "snapshots" / "0123"
    shutil.copytree(copy, snapshot)
    _truncate(snapshot / "model.safetensors")
    with pytest.raises(CheckpointError, match=r"Delete the folder .*models--facebook--sam3 and start"):
        locate(str(snapshot), timeout=1)


def test_weights_that_are_missing_are_never_made_up(copy: Path) -> None:
    weights = load_file(copy / "model.safetensors")
    weights.pop(next(name for name in weights if "mask_decoder" in name))
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(CheckpointError, match="weights are missing"):
        load_sam3(Settings(sam3=str(copy)))


@pytest.mark.parametrize("name", ["/no/such/folder", "./nothing", "~/nothing", "a b", "three/part/name"])
def test_neither_folder_nor_repository(name: str) -> None:
    with pytest.raises(CheckpointError, match="neither a folder"):
        locate(name, timeout=1)
