"""Photos stay on the machine, and so does everything about them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from ive_segmentation.demo import CHECKPOINTS

WAIT = 15
"""Seconds. ONNX Runtime, if it is let, reports to its maker some ten seconds after it was imported."""


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
