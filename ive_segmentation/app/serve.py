"""Serve the page to this machine's browser, and to nobody else."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import sys
import time
from contextlib import suppress
from typing import Any

import gradio as gr
import gradio.processing_utils
from fastapi.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from ive_segmentation.app.own_requests import OwnRequests
from ive_segmentation.app.page import build_page
from ive_segmentation.app.theme import CSS, THEME
from ive_segmentation.errors import UserError
from ive_segmentation.loading import load_pipeline
from ive_segmentation.pipeline import Pipeline
from ive_segmentation.settings import Settings

HOST = "127.0.0.1"
PORT = 7860
_PORTS = 100

_open: dict[tuple[str, int], gr.Blocks] = {}


class PortError(UserError):
    """No port to serve the page on."""


def launch(pipeline: Pipeline, host: str = HOST, port: int = PORT, block: bool = False) -> str:
    """Serve the page.

    Args:
        pipeline: Who answers.
        host: Address to listen on; anything but 127.0.0.1 lets others on the network use the page.
        port: The port to take, or else the next free one.
        block: Wait until Ctrl-C; otherwise the page lives as long as the process.

    Returns:
        The page's address, such as "http://127.0.0.1:7860".

    Raises:
        PortError: If no port is free, or the address is not this machine's.
        WriteError: If the demo's pictures cannot be drawn into the user's cache.
    """
    _speak_to_this_machine_directly()
    page = build_page(pipeline)
    # A notebook's last cell, run again, takes the place of the page it opened before.
    if (host, port) in _open:
        _open.pop((host, port)).close(verbose=False)
    asked, port = port, _free_port(host, port)
    _open[host, asked] = page
    # A foreign site that points its own name at this address must not reach the photos (DNS rebinding).
    own_names = Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost", host])
    guards = [Middleware(OwnRequests), *([own_names] if _is_this_machine(host) else [])]
    _fetch_from_nowhere()
    _hold_no_connection()
    page.launch(
        server_name=host,
        server_port=port,
        share=False,
        inline=False,
        inbrowser=False,
        quiet=True,
        prevent_thread_lock=True,
        ssr_mode=False,
        mcp_server=False,
        enable_monitoring=False,
        footer_links=["api"],
        max_file_size=pipeline.settings.max_video_bytes,
        theme=THEME,
        css=CSS,
        # Its history of runs would answer with the user's own Hugging Face login to whoever asks.
        run_history=False,
        app_kwargs={"middleware": guards},
    )
    address = f"http://{host}:{port}"
    if block:
        print(f"The page is open at {address}\nCtrl-C ends it.", flush=True)
        try:
            while True:
                time.sleep(1)  # on Windows, Ctrl-C ends no longer wait
        except KeyboardInterrupt:
            with suppress(OSError):  # the terminal may be gone
                print("\nClosed.", flush=True)
        finally:
            page.close(verbose=False)
    return address


def _fetch_from_nowhere() -> None:
    """Keep Gradio from fetching pictures from addresses it is given: nothing is asked of other machines."""

    async def refuse(url: str) -> Any:  # noqa: ARG001 -- Gradio calls it so
        raise gr.Error("Addresses are not fetched. Upload the file.", print_exception=False)

    gradio.processing_utils.async_ssrf_protected_get = refuse


def _hold_no_connection() -> None:
    """Keep Gradio from holding a connection open for each tab: browsers allow six, and the seventh waits.

    It would tell when a tab is closed; what the page keeps for a tab goes by itself after an hour.
    """
    gradio.utils.connect_heartbeat = lambda *_: False


def serve(settings: Settings, host: str = HOST, port: int = PORT) -> None:
    """Load everything, with a line per step, and serve the page until Ctrl-C.

    Args:
        settings: The knobs.
        host: Address to listen on.
        port: The port to take, or else the next free one.

    Raises:
        PortError: If no port is free, or the address is not this machine's.
        MembersError: As `load_pipeline`.
        DatasetError: As `load_pipeline`.
        WriteError: As `load_pipeline`, or if the demo's pictures cannot be drawn.
    """
    _free_port(host, port)  # what cannot be is refused before minutes of loading
    said = ""

    def say(_share: float, step: str) -> None:
        nonlocal said
        heading = "Reading the photos" if step.startswith("Reading ") else step
        if heading != said:
            print(f"{heading} …", file=sys.stderr, flush=True)
        said = heading

    pipeline = load_pipeline(settings, say)
    for words in pipeline.notices.values():
        print(words, file=sys.stderr, flush=True)
    launch(pipeline, host, port, block=True)


def _speak_to_this_machine_directly() -> None:
    """Let Gradio check its own address directly, and not through a proxy that the environment names."""
    for name in ("no_proxy", "NO_PROXY"):
        hosts = [host for host in os.environ.get(name, "").split(",") if host]
        os.environ[name] = ",".join(dict.fromkeys([*hosts, "127.0.0.1", "localhost"]))


def _is_this_machine(host: str) -> bool:
    """Whether nobody but this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _free_port(host: str, first: int) -> int:
    if first >= 2**16:
        raise PortError(f"There is no port {first}. Name one from 0 to 65535.")
    last = min(first + _PORTS, 2**16) - 1
    for port in range(first, last + 1):
        with socket.socket() as candidate:
            if os.name != "nt":  # as the server does: a page closed a moment ago is no obstacle
                candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                candidate.bind((host, port))
            except OSError as error:
                if error.errno in {errno.EADDRINUSE, errno.EACCES}:
                    continue
                raise PortError(
                    f"{host} is no address of this machine that a page can be served on. Use {HOST}."
                ) from error
            return candidate.getsockname()[1]
    raise PortError(
        f"No port from {first} to {last} is free on {host}. Close another page, or name another port."
    )
