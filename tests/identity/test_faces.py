"""Faces and their embeddings, and where the models come from."""

from __future__ import annotations

import copy
import http.server
import shutil
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from insightface.model_zoo import onnxruntime_utils
from insightface.utils import storage

from ive_segmentation import images
from ive_segmentation.identity import faces, packs
from ive_segmentation.identity.faces import FaceError, FaceModel, load_faces
from ive_segmentation.identity.packs import find_pack


def test_faces_come_from_left_to_right_inside_the_picture(models: FaceModel, real_photos: Path) -> None:
    image = images.load(real_photos / "Jang_Wonyoung" / "Jang_Wonyoung_007.jpg")
    faces = models.detect(image)
    assert len(faces) == 2
    assert faces[0].box[0] < faces[1].box[0]
    for face in faces:
        assert face.box.dtype == face.keypoints.dtype == face.embedding.dtype == np.float32
        assert (face.box.shape, face.keypoints.shape) == ((4,), (5, 2))
        assert face.embedding.shape == (models.dimension,)
        assert np.linalg.norm(face.embedding) == pytest.approx(1, abs=1e-4)
        assert 0.5 <= face.score <= 1
        left, top, right, bottom = face.box
        x, y = face.keypoints.T
        assert (left < x).all()
        assert (x < right).all()
        assert (top < y).all()
        assert (y < bottom).all()


def test_a_close_up_that_fills_the_picture_is_found(models: FaceModel, real_photos: Path) -> None:
    close_ups = [Path("An_Yujin/An_Yujin_023.jpg"), Path("Kim_Jiwon/Kim_Jiwon_008.jpg")]
    assert [len(models.detect(images.load(real_photos / photo))) for photo in close_ups] == [1, 1]


def test_a_face_found_at_both_scales_is_one_face(models: FaceModel, real_photos: Path) -> None:
    image = images.load(real_photos / "Naoi_Rei" / "Naoi_Rei_005.jpg")
    assert len(models.detect(image)) == 1


def test_a_batch_gives_what_one_at_a_time_gives(models: FaceModel) -> None:
    side = 112
    crops = list(np.random.default_rng(0).integers(0, 256, (5, side, side, 3), np.uint8))
    together = models.embed(crops)
    assert models._models.recogniser._batched
    np.testing.assert_allclose(together, np.concatenate([models.embed([crop]) for crop in crops]), atol=1e-3)

    one_by_one = copy.copy(models._models.recogniser)
    one_by_one._batched = False
    np.testing.assert_allclose(one_by_one(crops), models._models.recogniser(crops), atol=1e-3)


@pytest.mark.parametrize("shape", [(1, 1), (4, 3000), (3000, 4), (200, 300), (64, 64)])
def test_a_picture_without_a_face_has_none(models: FaceModel, shape: tuple[int, int]) -> None:
    assert models.detect(np.full((*shape, 3), 128, np.uint8)) == []
    assert models.embed([]).shape == (0, models.dimension)


def test_the_hash_is_the_recognisers_and_the_provider_is_where_it_runs(
    models: FaceModel, real_faces: Path
) -> None:
    assert len(models.hash) == 64
    assert models.provider in {"CPU", "CUDA"}
    assert models.name == str(real_faces)


def test_loading_prints_nothing(real_faces: Path, capfd: pytest.CaptureFixture[str]) -> None:
    load_faces(str(real_faces))
    assert capfd.readouterr() == ("", "")


def test_nor_is_printed_what_cuda_lacks(
    real_faces: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A command with --json prints its answer, and nothing beside it."""
    asked: list[None] = []
    monkeypatch.setattr(onnxruntime_utils, "_CUDA_PRELOAD_COMPLETE", False)
    monkeypatch.setattr("onnxruntime.preload_dlls", lambda: asked.append(print("Failed to load libcublas")))
    monkeypatch.setattr(faces, "_providers", lambda _: ["CUDAExecutionProvider", "CPUExecutionProvider"])
    load_faces(str(real_faces))
    assert asked
    assert capsys.readouterr().out == ""


def test_folders_that_are_no_pack(tmp_path: Path, real_faces: Path) -> None:
    with pytest.raises(FaceError, match="holds no ONNX files"):
        load_faces(str(tmp_path))
    shutil.copyfile(real_faces / "rec_mobilefacenet_128.onnx", tmp_path / "rec.onnx")
    with pytest.raises(FaceError, match="not complete"):
        load_faces(str(tmp_path))
    (tmp_path / "det.onnx").write_bytes(b"not a model")
    with pytest.raises(FaceError, match="not complete"):
        load_faces(str(tmp_path))


def test_brackets_in_the_path_are_said(tmp_path: Path, real_faces: Path) -> None:
    """InsightFace takes them for a pattern and finds nothing."""
    folder = tmp_path / "faces [2026]"
    shutil.copytree(real_faces, folder)
    with pytest.raises(FaceError, match="Give it another name"):
        load_faces(str(folder))


def test_what_does_not_work_on_the_gpu_works_on_the_cpu(
    real_faces: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A GPU that another program has filled lets sessions begin, and fails at their first run."""
    load = faces._load

    def crowded(folder: Path, providers: list[Any]) -> faces.Models:
        if len(providers) > 1:
            raise RuntimeError("CUDA failure 2: out of memory")
        return load(folder, providers)

    monkeypatch.setattr(faces, "_providers", lambda _: ["CUDAExecutionProvider", "CPUExecutionProvider"])
    monkeypatch.setattr(faces, "_load", crowded)
    assert load_faces(str(real_faces)).provider == "CPU"
    assert "run on the CPU" in caplog.text


def test_a_gpu_that_fails_half_way_is_given_up(
    real_faces: Path, real_photos: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """SAM 3 may have taken the memory that the faces need for a picture of another shape."""
    photo = images.load(real_photos / "Jang_Wonyoung" / "Jang_Wonyoung_007.jpg")
    there = load_faces(str(real_faces), device="cpu")
    here, asked = copy.copy(there._models.recogniser), 0
    here.provider = "CUDA"

    class Full:
        def detect(self, *_: Any, **__: Any) -> None:
            nonlocal asked
            asked += 1
            raise RuntimeError("CUDA failure 2: out of memory")

    model = FaceModel("pack", faces.Models(Full(), here), lambda: there._models)
    assert model.provider == "CUDA"
    for _ in range(2):
        found = model.detect(photo)
        assert [face.box.tolist() for face in found] == [face.box.tolist() for face in there.detect(photo)]
    assert (model.provider, asked) == ("CPU", 1)
    assert caplog.text.count("go on on the CPU") == 1


def test_a_fault_on_the_cpu_is_said(real_faces: Path) -> None:
    there = load_faces(str(real_faces), device="cpu")
    model = FaceModel("pack", faces.Models(None, there._models.recogniser), lambda: there._models)
    with pytest.raises(AttributeError):
        model.detect(np.zeros((64, 64, 3), np.uint8))


@pytest.mark.parametrize(
    ("device", "gpu"), [("auto", "0"), ("cuda", "0"), ("cuda:1", "1"), ("cpu", None), ("mps", None)]
)
def test_faces_go_where_sam3_goes(device: str, gpu: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    here = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: here)
    monkeypatch.setattr(faces, "_has_nvidia_driver", lambda: True)
    *cuda, cpu = faces._providers(device)
    assert [options["device_id"] for _, options in cuda] == ([] if gpu is None else [gpu])
    assert cpu == "CPUExecutionProvider"


def test_a_name_that_nobody_knows_names_those_that_are_known() -> None:
    with pytest.raises(FaceError, match=r"no face pack 'buffalo'.*buffalo_l"):
        find_pack("buffalo")


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A server in the place of InsightFace's release page, and an empty store; yields the served folder."""
    served = tmp_path / "served"
    served.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(served)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(packs, "STORE", tmp_path / "store")
    monkeypatch.setattr(storage, "MODEL_ZOO_RELEASE_DOWNLOAD_URL", f"http://127.0.0.1:{server.server_port}/")
    yield served
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("nested", [False, True])
def test_a_named_pack_is_fetched_once(
    release: Path, tmp_path: Path, real_faces: Path, *, nested: bool
) -> None:
    with zipfile.ZipFile(release / "buffalo_s.zip", "w") as archive:
        for model in real_faces.glob("*.onnx"):
            archive.write(model, f"buffalo_s/{model.name}" if nested else model.name)
    (tmp_path / "store" / "buffalo_s").mkdir(parents=True)  # what a broken download leaves
    folder = find_pack("buffalo_s")
    assert sorted(file.name for file in folder.iterdir()) == sorted(
        file.name for file in real_faces.iterdir()
    )
    (release / "buffalo_s.zip").unlink()
    assert find_pack("buffalo_s") == folder
    assert [path.name for path in (tmp_path / "store").iterdir()] == ["buffalo_s"]


def test_a_pack_comes_through_a_proxy(
    release: Path, tmp_path: Path, real_faces: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which alone can find the server, as in many a company's network."""
    monkeypatch.setenv("http_proxy", storage.MODEL_ZOO_RELEASE_DOWNLOAD_URL)
    monkeypatch.setattr(storage, "MODEL_ZOO_RELEASE_DOWNLOAD_URL", "http://release.invalid/")
    asked = release / "http:" / "release.invalid"  # where the server looks for what a proxy is asked for
    asked.mkdir(parents=True)
    with zipfile.ZipFile(asked / "buffalo_s.zip", "w") as archive:
        for model in real_faces.glob("*.onnx"):
            archive.write(model, model.name)
    assert find_pack("buffalo_s", timeout=1) == tmp_path / "store" / "buffalo_s"


@pytest.mark.parametrize(
    ("content", "why"), [(b"", "broke off"), (b"not a zip", "broke off"), (None, "not there.*another pack")]
)
def test_a_download_that_fails_says_what_to_do_and_leaves_nothing(
    release: Path, tmp_path: Path, content: bytes | None, why: str
) -> None:
    if content is not None:
        (release / "buffalo_l.zip").write_bytes(content)
    with pytest.raises(FaceError, match=rf"cannot be fetched.*{why}.*point IVE_FACES"):
        find_pack("buffalo_l")
    assert list((tmp_path / "store").iterdir()) == []


def test_a_store_that_cannot_be_written_to_is_said(
    release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (release / "buffalo_l.zip").write_bytes(b"")
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(packs, "STORE", tmp_path / "file" / "store")
    with pytest.raises(FaceError, match="a folder you may write to"):
        find_pack("buffalo_l")


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:9/", "http://10.255.255.1/", "http://no.such.host.invalid/"]
)
def test_without_a_network_it_gives_up(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packs, "STORE", tmp_path)
    monkeypatch.setattr(storage, "MODEL_ZOO_RELEASE_DOWNLOAD_URL", address)
    with pytest.raises(FaceError, match="buffalo_l is not on this machine and cannot be fetched"):
        load_faces("buffalo_l", timeout=1)


def test_a_name_server_that_never_answers_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enough, answered = threading.Event(), threading.Event()

    def hang(*_: object) -> None:
        enough.wait(60)
        answered.set()
        raise OSError

    monkeypatch.setattr(packs, "STORE", tmp_path)
    monkeypatch.setattr("socket.getaddrinfo", hang)
    with pytest.raises(FaceError, match="no connection"):
        load_faces("buffalo_l", timeout=0.1)
    assert not answered.is_set()
    enough.set()


def test_a_download_that_is_not_allowed_is_not_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packs, "STORE", tmp_path)
    with pytest.raises(FaceError, match="not on this machine"):
        find_pack("buffalo_l", allow_download=False)
