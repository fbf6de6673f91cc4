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
CONSTRAINTS = "constraints.txt"
PYTHONS = "Python 3.11 to 3.14, but not 3.14.1,"
"""What all pinned packages have builds for; torchvision leaves 3.14.1 out."""
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FONTS = {"ko": "fonts-nanum", "ja": "fonts-ipafont-gothic", "th": "fonts-tlwg-garuda"}
"""Debian's font packages for each language; every desktop has them, a bare machine does not."""

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


def is_supported(version: tuple[int, ...]) -> bool:
    """Tell whether the program can be installed with a Python, given its version's three numbers."""
    return (3, 11) <= version < (3, 15) and version != (3, 14, 1)


def fingerprint(files: list[Path]) -> str:
    """Return the SHA-256 of the files' contents, in order: what "already installed" is compared with."""
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def make_environment(environment: Path) -> None:
    """Create the virtual environment, or make it anew where it is broken or its Python cannot be used.

    A file beside it says that it is being made: one that was cut off may look whole.

    Args:
        environment: Folder of the virtual environment.

    Raises:
        InstallError: If this Python cannot make one.
    """
    own, asked = _version_of(environment), sys.version_info[:3]
    unfinished = environment.with_name(f"{environment.name}.unfinished")
    if is_supported(own) and not unfinished.exists():
        if own[:2] != asked[:2]:
            print(f"{environment.name} has Python {_text(own)}. To use {_text(asked)}, delete it first.")
        return
    print(f"Making {environment.name} with Python {_text(asked)} ...", flush=True)
    unfinished.write_text("")
    try:
        venv.create(environment, clear=True, with_pip=True)
    except subprocess.CalledProcessError as error:
        raise InstallError(
            f"Python could not make {environment.name} ({error}). "
            "On Debian and Ubuntu: apt install python3-venv; then run the same command again."
        ) from error
    unfinished.unlink()


def _version_of(environment: Path) -> tuple[int, ...]:
    """Three numbers, none where there is no environment, or its Python or pip does not work."""
    question = "import sys, pip._internal.cli.main; print(*sys.version_info[:3])"
    try:
        answer = subprocess.run(
            [python_of(environment), "-c", question], capture_output=True, text=True, check=True
        )
    except (subprocess.CalledProcessError, OSError):
        return ()
    return tuple(map(int, answer.stdout.split()))


def _text(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


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
            'pip could not install everything; its last lines say why. "No matching distribution" means '
            "that there is no build for this Python or system: README, Start. Otherwise check the network "
            "and the free space (about 10 GB), then run the same command again."
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
        file = site / "ive_segmentation.pth"
        if not file.exists() or file.read_text(encoding="ascii") != line:
            file.write_text(line, encoding="ascii")


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
    pinned = [root / CONSTRAINTS, root / RUNTIME]
    stamps = {RUNTIME: fingerprint(pinned)}
    if dev:
        stamps[DEV] = fingerprint([*pinned, root / DEV])
    make_importable(root, environment)  # the folder may have been moved
    if all(_content(environment / f"{name}.installed") == digest for name, digest in stamps.items()):
        return False
    print("Installing: the first time takes some minutes and about 7 GB of disk.", flush=True)
    for name in mend(environment):
        print(f"Installing again what was cut off: {name.removesuffix('.dist-info')}", flush=True)
    pip_install(environment, "-r", root / (DEV if dev else RUNTIME))
    repair_onnxruntime(root / RUNTIME, environment)
    for name, digest in stamps.items():
        (environment / f"{name}.installed").write_text(digest)
    return True


def _content(file: Path) -> str | None:
    return file.read_text() if file.exists() else None


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
    if not is_supported(sys.version_info[:3]):
        print(
            f"{PYTHONS} is needed, and this is {_text(sys.version_info[:3])}. Name another: "
            "make run PYTHON=python3.12 (on Windows: py -3.12 ive_segmentation\\setup\\install.py)",
            file=sys.stderr,
        )
        return 1
    try:
        install(ROOT, ROOT / ".venv", arguments.dev)
        if arguments.dev:
            install_browser()
    except InstallError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        place = error.filename or ROOT
        print(f"{place} cannot be written ({error.strerror}). Run the same command again.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Run the same command again to go on from here.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
