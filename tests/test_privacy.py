"""Photos stay on the machine, and so does everything about them."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from ive_segmentation.demo import CHECKPOINTS

WAIT = 15
"""Seconds. ONNX Runtime, if it is let, reports to its maker some ten seconds after it was imported."""


def test_no_model_of_a_face_pack_makes_anything_be_unpickled(tmp_path: Path) -> None:
    """buffalo_l holds one for which InsightFace would."""
    pack = tmp_path / "pack"
    shutil.copytree(CHECKPOINTS / "faces", pack)
    value = onnx.helper.make_tensor_value_info
    points = onnx.numpy_helper.from_array(np.zeros((1, 3309), np.float32), "points")
    landmarks = onnx.helper.make_graph(
        [onnx.helper.make_node("Identity", ["points"], ["y"])],
        "1k3d68",
        [value("x", onnx.TensorProto.FLOAT, [1, 3, 192, 192])],
        [value("y", onnx.TensorProto.FLOAT, [1, 3309])],
        [points],
    )
    model = onnx.helper.make_model(landmarks, ir_version=8, opset_imports=[onnx.helper.make_opsetid("", 17)])
    onnx.save(model, pack / "1k3d68.onnx")
    code = (
        "import sys\n"
        "from ive_segmentation.identity.faces import load_faces\n"
        "seen = []\n"
        "sys.addaudithook(lambda event, _: seen.append(event) if event == 'pickle.find_class' else None)\n"
        f"load_faces({str(pack)!r}, allow_download=False)\n"
        "sys.exit(str(seen) if seen else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_face_models_report_to_nobody() -> None:
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        code = (
            "import time\n"
            "from ive_segmentation.identity.faces import load_faces\n"
            f"load_faces({str(CHECKPOINTS / 'faces')!r}, allow_download=False)\n"
            f"time.sleep({WAIT})"
        )
        # Not what this process has told itself.
        plain = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
        environment = plain | {"https_proxy": address, "http_proxy": address}
        subprocess.run([sys.executable, "-c", code], check=True, env=environment)
        proxy.settimeout(0)
        with pytest.raises(BlockingIOError):
            proxy.accept()
