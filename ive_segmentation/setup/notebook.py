"""Play a notebook cell by cell in a kernel, and keep that kernel alive: `make run`.

    python ive_segmentation/setup/notebook.py main.ipynb

One line per code cell says which section it belongs to and how long it took; what a cell prints is shown
under it. After the last cell the kernel lives on, and with it the page, until Ctrl-C.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from types import FrameType
from typing import Any

import nbformat
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

ADDRESS = re.compile(r"http://(?:127\.0\.0\.1|localhost):\d+")
_CURSOR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")  # by which several bars move about on their lines
START_TIMEOUT = 120.0  # seconds for a kernel to answer; a cold disk on a busy machine takes 20
HEARTBEAT = 0.5  # seconds between two looks at whether the kernel still lives and nobody pressed Ctrl-C


class CellError(Exception):
    """A cell that failed: its error in one line."""


@dataclass(frozen=True)
class Cell:
    """One code cell: its source, and the heading it stands under."""

    heading: str
    source: str


def read_cells(path: Path) -> list[Cell]:
    """Read the code cells of a notebook, each with the nearest heading above it."""
    cells, heading = [], path.name
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown":
            headings = re.findall(r"^#+ +(.+)$", cell.source, re.MULTILINE)
            heading = headings[-1].strip() if headings else heading
        elif cell.cell_type == "code" and cell.source.strip():
            cells.append(Cell(heading, cell.source))
    return cells


@contextmanager
def kernel(folder: Path) -> Iterator[tuple[KernelManager, BlockingKernelClient]]:
    """Start a kernel of this very Python in a folder, and end it on the way out, whatever happens."""
    # A kernel of the same name that the user once registered elsewhere must not be taken instead.
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    manager = KernelManager(kernel_name="python3", transport_encryption="auto")
    try:
        # What libraries write past Python's own output would tear the lines of progress apart.
        manager.start_kernel(cwd=str(folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        client = manager.blocking_client()
        client.start_channels()
        client.wait_for_ready(timeout=START_TIMEOUT)
        yield manager, client
        client.stop_channels()
    finally:
        # A second Ctrl-C must not leave the kernel behind.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        manager.shutdown_kernel()
        signal.signal(signal.SIGINT, before)


def execute(
    manager: KernelManager,
    client: BlockingKernelClient,
    source: str,
    on_output: Callable[[dict[str, Any]], None] = lambda _: None,
    closing: SimpleQueue[int] | None = None,
) -> None:
    """Execute one cell and wait for its end, however long it takes.

    Args:
        manager: The kernel's manager.
        client: The kernel's client.
        source: Python source of the cell.
        on_output: Called with each message of the kernel that shows something (Jupyter's messaging protocol).
        closing: Holds a signal's number as soon as the wait is to end.

    Raises:
        CellError: If the cell raised an exception or the kernel died.
        KeyboardInterrupt: If `closing` was filled meanwhile.
    """
    request = client.execute(source, allow_stdin=False)
    failure = ""
    while True:
        if closing is not None and not closing.empty():
            raise KeyboardInterrupt
        try:
            message = client.get_iopub_msg(timeout=HEARTBEAT)
        except Empty:
            if manager.is_alive():
                continue
            raise CellError("the kernel died; the usual reason is too little memory") from None
        if message["parent_header"].get("msg_id") != request:
            continue
        content = message["content"]
        if message["msg_type"] == "error":
            failure = f"{content['ename']}: {' '.join(content['evalue'].split())}"
        elif message["msg_type"] == "status" and content["execution_state"] == "idle":
            break
        else:
            on_output(message)
    if failure:
        raise CellError(failure)


def play(
    path: Path,
    manager: KernelManager,
    client: BlockingKernelClient,
    closing: SimpleQueue[int] | None = None,
) -> str | None:
    """Execute every cell of a notebook, with a line of progress for each.

    Args:
        path: The notebook.
        manager: The kernel's manager.
        client: The kernel's client.
        closing: As for `execute`.

    Returns:
        The address of the page, if the notebook printed one.

    Raises:
        CellError: If a cell failed; its heading is in the message.
    """
    cells = read_cells(path)
    address = None
    for number, cell in enumerate(cells, start=1):
        line = _Line(f"[{number:2}/{len(cells)}] {cell.heading}")
        started = time.monotonic()
        try:
            execute(manager, client, cell.source, line.show, closing)
        except CellError as error:
            line.end("failed")
            raise CellError(f'The cell under "{cell.heading}" failed. {error}') from error
        line.end(f"{time.monotonic() - started:.1f} s")
        for printed in line.printed.splitlines():
            print(f"        {printed}", flush=True)
        found = ADDRESS.findall(line.printed)
        address = found[-1] if found else address
    return address


class _Line:
    """The line of one cell: in a terminal it shows the cell's progress bar while the cell runs."""

    def __init__(self, title: str) -> None:
        self.printed = ""
        self._title = title
        self._live = sys.stdout.isatty()
        print(title, end="" if self._live else " ", flush=True)

    def show(self, message: dict[str, Any]) -> None:
        if message["msg_type"] != "stream":
            return
        text = message["content"]["text"]
        if message["content"]["name"] == "stdout":
            self.printed += text
        elif self._live and (bar := re.split(r"[\r\n]+", _CURSOR.sub("", text).rstrip())[-1].strip()):
            width = shutil.get_terminal_size().columns
            print(f"\r\x1b[K{self._title}  {bar}"[: width + 3], end="", flush=True)

    def end(self, words: str) -> None:
        print(f"\r\x1b[K{self._title} {words}" if self._live else words, flush=True)


def _pass_on(message: dict[str, Any]) -> None:
    """Show what is written after the last cell, such as the details of a fault that the page owns up to."""
    if message["msg_type"] == "stream":
        print(message["content"]["text"], end="", file=sys.stderr, flush=True)


def main(path: Path) -> int:
    """Play a notebook and keep it alive until Ctrl-C; return the exit code."""
    # Not an Event: a handler that sets one while this very thread takes its lock waits for ever.
    closing: SimpleQueue[int] = SimpleQueue()

    # Only remembered, and looked at between two waits: raised inside jupyter_client's event loop, an
    # interrupt would leave a coroutine behind that nobody awaits.
    def close(number: int, _frame: FrameType | None) -> None:
        closing.put(number)

    # Set even where a shell has started this in the background, deaf to Ctrl-C.
    signal.signal(signal.SIGINT, close)
    signal.signal(signal.SIGTERM, close)
    hang_up = getattr(signal, "SIGHUP", None)  # Windows has none
    if hang_up is not None and signal.getsignal(hang_up) is not signal.SIG_IGN:  # nohup asks for that
        signal.signal(hang_up, close)
    try:
        with kernel(path.resolve().parent) as (manager, client):
            address = play(path, manager, client, closing)
            print(f"\nThe page is open at {address}" if address else "\nEvery cell has run.", flush=True)
            print("Ctrl-C ends it.", flush=True)
            while manager.is_alive():
                if not closing.empty():
                    raise KeyboardInterrupt
                with suppress(Empty):
                    _pass_on(client.get_iopub_msg(timeout=HEARTBEAT))
            print("The kernel has ended by itself.", file=sys.stderr)
            return 1
    except CellError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nClosed.", flush=True)
        return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
