"""Make `.venv` and install what the program needs. Uses nothing but Python itself.

    python ive_segmentation/setup/install.py          what the program needs to run
    python ive_segmentation/setup/install.py --dev    and what the tests need, a browser included

A second run installs nothing. A run that was stopped half-way is mended by the next one.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
RUNTIME, DEV = "requirements.txt", "requirements-dev.txt"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FONTS = {"ko": "fonts-nanum", "ja": "fonts-ipafont-gothic", "th": "fonts-tlwg-garuda"}
"""Debian's packages with the letters of each language; every desktop has them, a bare machine does not."""

# Prints "clash" where the package onnxruntime has overwritten the files of onnxruntime-gpu: the GPU build
# always lists CUDA among its providers, on machines without a GPU too.
CLASH_QUESTION = """
import importlib.metadata as metadata
try:
    metadata.version("onnxruntime-gpu")
except metadata.PackageNotFoundError:
    raise SystemExit
try:
    import onnxruntime
    intact = "CUDAExecutionProvider" in onnxruntime.get_available_providers()
except (ImportError, AttributeError):
    intact = False
print("intact" if intact else "clash")
"""


class InstallError(Exception):
    """What stopped the installation, and what to do, in one line."""


def python_of(environment: Path) -> Path:
    """Return the interpreter of a virtual environment, wherever the operating system puts it."""
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def fingerprint(files: list[Path]) -> str:
    """Return the SHA-256 of the files' contents, in order: what "already installed" is compared with."""
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def make_environment(environment: Path) -> None:
    """Create the virtual environment, or make it anew where it is broken or its Python is gone.

    Args:
        environment: Folder of the virtual environment.

    Raises:
        InstallError: If this Python cannot make one.
    """
    python = python_of(environment)
    if python.exists():
        works = "import sys, pip._internal.cli.main; sys.exit(sys.version_info < (3, 11))"
        if subprocess.run([python, "-c", works], capture_output=True, check=False).returncode == 0:
            return
    print(f"Making {environment.name} with Python {sys.version.split()[0]} ...", flush=True)
    try:
        venv.create(environment, clear=True, with_pip=True)
    except (subprocess.CalledProcessError, OSError) as error:
        raise InstallError(
            f"Python could not make {environment.name} ({error}). "
            "On Debian and Ubuntu: apt install python3-venv; then run the same command again."
        ) from error


def mend(environment: Path) -> list[str]:
    """Forget packages whose installation was cut off, so that pip installs them again.

    pip writes the file INSTALLER into a package's dist-info after the last of its files. A dist-info without
    it is of a package that is not all there, and that pip would nevertheless count as installed.

    Args:
        environment: Folder of the virtual environment.

    Returns:
        The names of the folders that were removed.
    """
    half_done = [
        folder
        for folder in environment.glob("**/site-packages/*.dist-info")
        if not (folder / "INSTALLER").exists()
    ]
    for folder in half_done:
        shutil.rmtree(folder)
    return [folder.name for folder in half_done]


def pip_install(environment: Path, *arguments: str | Path) -> None:
    """Run `pip install`; its own output is the progress that the user sees.

    Raises:
        InstallError: If pip could not install.
    """
    command = [python_of(environment), "-m", "pip", "install", "--disable-pip-version-check", *arguments]
    if subprocess.run(command, check=False).returncode != 0:
        raise InstallError(
            "pip could not install everything; its last lines say why. "
            "Check the network and the free space (about 10 GB), then run the same command again."
        )


def repair_onnxruntime(requirements: Path, environment: Path) -> bool:
    """Put back the files of onnxruntime-gpu that the package onnxruntime has overwritten.

    Args:
        requirements: The file that pins onnxruntime-gpu.
        environment: Folder of the virtual environment.

    Returns:
        True if a repair was needed.
    """
    answer = subprocess.run(
        [python_of(environment), "-c", CLASH_QUESTION], capture_output=True, text=True, check=False
    )
    if answer.stdout.strip() != "clash":
        return False
    pin = gpu_pin(requirements.read_text(encoding="utf-8"))
    print(f"Putting back the files of {pin} that the package onnxruntime has overwritten ...", flush=True)
    pip_install(environment, "--force-reinstall", "--no-deps", pin)
    return True


def make_importable(root: Path, environment: Path) -> None:
    """Let the environment's Python find the package from any folder, as benchmarks and programs need.

    Args:
        root: Folder that holds the package.
        environment: Folder of the virtual environment.
    """
    # A line of code, not the path itself: Python reads the file in the system's alphabet, and a path of
    # another one would keep it from starting at all.
    line = f"import sys; sys.path.append({str(root)!a})\n"
    for site in environment.glob("**/site-packages"):
        (site / "ive_segmentation.pth").write_text(line, encoding="ascii")


def gpu_pin(requirements: str) -> str:
    """Return `onnxruntime-gpu==<version>` as the text of requirements.txt pins it.

    Raises:
        InstallError: If the text pins no version.
    """
    found = re.search(r"^onnxruntime-gpu(?:\[[^]]*\])?==([\w.]+)", requirements, re.MULTILINE)
    if found is None:
        raise InstallError(f"{RUNTIME} pins no onnxruntime-gpu. Restore the file from git.")
    return f"onnxruntime-gpu=={found[1]}"


def install(root: Path, environment: Path, dev: bool) -> bool:
    """Install the requirements, unless exactly these are installed already.

    Args:
        root: Folder that holds the requirements files.
        environment: Folder of the virtual environment.
        dev: Whether the test tools are wanted too.

    Returns:
        True if anything had to be installed.

    Raises:
        InstallError: If it could not be done.
    """
    make_environment(environment)
    stamps = {RUNTIME: fingerprint([root / RUNTIME])}
    if dev:
        stamps[DEV] = fingerprint([root / RUNTIME, root / DEV])
    stale = [
        name
        for name, digest in stamps.items()
        if not (stamp := environment / f"{name}.installed").exists() or stamp.read_text() != digest
    ]
    if not stale:
        return False
    print("Installing: the first time takes some minutes and about 7 GB of disk.", flush=True)
    for name in mend(environment):
        print(f"Installing again what was cut off: {name.removesuffix('.dist-info')}", flush=True)
    pip_install(environment, "-r", root / (DEV if dev else RUNTIME))
    repair_onnxruntime(root / RUNTIME, environment)
    make_importable(root, environment)
    for name, digest in stamps.items():
        (environment / f"{name}.installed").write_text(digest)
    return True


def missing_packages() -> list[str]:
    """Name Debian's packages that the browser tests still need: a browser, and letters of all languages."""
    missing = [] if any(shutil.which(name) for name in BROWSERS) else ["chromium"]
    for language, package in FONTS.items():
        listed = (
            shutil.which("fc-list")
            and subprocess.run(
                ["fc-list", f":lang={language}"], check=False, capture_output=True, text=True
            ).stdout.strip()
        )
        if not listed:
            missing.append(package)
    return missing


def install_browser() -> None:
    """Install Debian's chromium and fonts where they are missing and this user may; else say so."""
    packages = missing_packages()
    if packages and shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0:
        print(f"Installing {', '.join(packages)} for the browser tests ...", flush=True)
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        subprocess.run(
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages],
            check=False,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        )
    if not any(shutil.which(name) for name in BROWSERS):
        print("No browser found and none could be installed: the browser tests will be skipped.", flush=True)


def main() -> int:
    """Install as the command line asks, and return the exit code."""
    parser = argparse.ArgumentParser(description="Make .venv and install what the program needs.")
    parser.add_argument("--dev", action="store_true", help="the test tools and a browser too")
    arguments = parser.parse_args()
    if sys.version_info < (3, 11):  # noqa: UP036 - this file is the one that an older Python may be asked to run
        print("Python 3.11 or newer is needed. Name one: make run PYTHON=python3.12", file=sys.stderr)
        return 1
    try:
        install(ROOT, ROOT / ".venv", arguments.dev)
        if arguments.dev:
            install_browser()
    except InstallError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Run the same command again to go on from here.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
