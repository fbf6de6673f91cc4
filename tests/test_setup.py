"""From a fresh clone to an installed environment, with wheels small enough to install in a test."""

from __future__ import annotations

import ast
import os
import re
import shutil
import signal
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

import nbformat
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ive_segmentation.doctor import pins
from ive_segmentation.settings import ROOT
from ive_segmentation.setup import install
from ive_segmentation.setup import notebook as player
from tests.conftest import running

CARD = {
    "torch",
    "transformers",
    "insightface",
    "gradio",
    "opencv-python",
    "numpy",
    "pillow",
    "huggingface_hub",
}

LINUX = {"sys_platform": "linux", "platform_machine": "x86_64"}
WINDOWS = {"sys_platform": "win32", "platform_machine": "AMD64"}
MAC = {"sys_platform": "darwin", "platform_machine": "arm64"}


def requirement_lines(name: str) -> list[str]:
    lines = (re.split(r"\s+#|^#", line)[0].strip() for line in (ROOT / name).read_text("utf-8").splitlines())
    return [line for line in lines if line and not line.startswith(("-r ", "-c "))]


def needed_in_turn(wanted: Iterable[Requirement]) -> set[str]:
    """The packages that are asked for, and whatever these ask for on this machine."""
    asked = [(need.name, extra) for need in wanted for extra in ("", *need.extras)]
    seen: set[tuple[str, str]] = set()
    while asked:
        name, extra = asked.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        for need in map(Requirement, metadata.requires(name) or []):
            if need.marker is None or need.marker.evaluate({"extra": extra}):
                asked += [(need.name, further) for further in ("", *need.extras)]
    return {name for name, _ in seen}


# What is installed


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_package_is_pinned(name: str) -> None:
    for line in requirement_lines(name):
        assert re.fullmatch(r"==[\w.]+", str(Requirement(line).specifier)), line


@pytest.mark.parametrize(
    ("machine", "runtime"), [(LINUX, "onnxruntime-gpu"), (WINDOWS, "onnxruntime-gpu"), (MAC, "onnxruntime")]
)
def test_the_card_of_packages_is_there_on_every_system(machine: dict[str, str], runtime: str) -> None:
    wanted = [Requirement(line) for line in requirement_lines("requirements.txt")]
    here = {need.name for need in wanted if need.marker is None or need.marker.evaluate(machine)}
    assert here >= CARD | {runtime}
    assert ("onnxruntime-gpu" in here) == (runtime == "onnxruntime-gpu")


def test_whatever_the_program_imports_is_pinned() -> None:
    """So that a fresh install next year is the one that was tested."""
    imported = set()
    for path in (ROOT / "ive_segmentation").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module.split(".")[0])
    of = metadata.packages_distributions()
    pinned = {canonicalize_name(need.name) for need in pins(ROOT / "requirements.txt")}
    for name in imported - sys.stdlib_module_names - {"ive_segmentation"}:
        assert pinned & {canonicalize_name(package) for package in of.get(name, [])}, name


def test_what_is_needed_in_turn_is_pinned_too() -> None:
    wanted = [need for name in ("requirements.txt", "requirements-dev.txt") for need in pins(ROOT / name)]
    pinned = {canonicalize_name(need.name): need.specifier for need in pins(ROOT / "constraints.txt")}
    for name in needed_in_turn(wanted):
        assert str(pinned[canonicalize_name(name)]) == f"=={metadata.version(name)}", name


def test_both_onnxruntimes_have_one_version() -> None:
    versions = {
        str(need.specifier) for need in pins(ROOT / "requirements.txt") if need.name.startswith("onnxruntime")
    }
    assert len(versions) == 1


def test_the_pin_is_read_from_requirements() -> None:
    pin = install.gpu_pin((ROOT / "requirements.txt").read_text("utf-8"))
    assert Requirement(pin).name == "onnxruntime-gpu"
    with pytest.raises(install.InstallError, match="pins no onnxruntime-gpu"):
        install.gpu_pin("numpy==1.0\n")


# How it is installed


def make_wheel(folder: Path, name: str, version: str, files: dict[str, str]) -> None:
    stem = f"{name.replace('-', '_')}-{version}"
    info = f"{stem}.dist-info"
    content = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in [*content, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as wheel:
        for path, text in {**content, f"{info}/RECORD": record}.items():
            wheel.writestr(path, text)


def onnxruntime_that_lists(*providers: str) -> dict[str, str]:
    return {"onnxruntime/__init__.py": f"def get_available_providers():\n    return {list(providers)!r}\n"}


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three packages, one with a version that nobody tested; two of them write the same file, as onnxruntime
    and onnxruntime-gpu do.
    """
    folder = tmp_path_factory.mktemp("wheels")
    make_wheel(folder, "tiny", "1.0", {"tiny.py": "", "tiny_too.py": ""})
    make_wheel(folder, "tiny", "2.0", {"tiny.py": ""})
    make_wheel(folder, "onnxruntime-gpu", "1.0", onnxruntime_that_lists("CUDAExecutionProvider"))
    make_wheel(folder, "onnxruntime", "1.0", onnxruntime_that_lists("CPUExecutionProvider"))
    return folder


@pytest.fixture(autouse=True)
def only_these_wheels(wheels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", wheels.as_uri())  # pip would cut a path at its spaces


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with requirements, as a fresh clone is one; whoever comes first makes its environment."""
    root = tmp_path_factory.mktemp("clone")
    (root / "constraints.txt").write_text("tiny==1.0\n")
    (root / "requirements.txt").write_text("-c constraints.txt\ntiny\n")
    (root / "requirements-dev.txt").write_text("-r requirements.txt\n")
    return root


def installed(clone: Path, dev: bool = False) -> bool:
    return install.install(clone, clone / ".venv", dev)


def imports(clone: Path, statement: str) -> bool:
    python = install.python_of(clone / ".venv")
    return subprocess.run([python, "-c", statement], capture_output=True, check=False).returncode == 0


def test_the_second_run_installs_nothing(clone: Path, capfd: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(clone / ".venv", ignore_errors=True)
    assert installed(clone)
    assert imports(clone, "import tiny, tiny_too")
    capfd.readouterr()
    assert not installed(clone)
    assert capfd.readouterr().out == ""


def test_the_package_is_found_from_any_folder(clone: Path, tmp_path: Path) -> None:
    installed(clone)
    (clone / "ive_segmentation.py").write_text("")
    command = [str(install.python_of(clone / ".venv")), "-c", "import ive_segmentation"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 0


def test_a_folder_of_any_name_does_not_keep_python_from_starting(tmp_path: Path) -> None:
    """Python reads the file in the system's alphabet, and dies of what is not in it."""
    root = tmp_path / "사진 ภาพ 'n' photos"
    (root / "ive_segmentation").mkdir(parents=True)
    (root / "ive_segmentation" / "__init__.py").write_text("print('found')")
    packages = tmp_path / "site-packages"
    packages.mkdir()
    install.make_importable(root, tmp_path)
    assert (packages / "ive_segmentation.pth").read_bytes().isascii()
    script = f"import site; site.addsitedir({str(packages)!r}); import ive_segmentation"
    run = subprocess.run([sys.executable, "-I", "-S", "-c", script], capture_output=True, check=True)
    assert run.stdout.split() == [b"found"]


def test_test_tools_come_on_top_and_stay(clone: Path) -> None:
    installed(clone)
    assert installed(clone, dev=True)
    assert not installed(clone, dev=True)
    assert not installed(clone)


def test_changed_requirements_are_installed(clone: Path) -> None:
    installed(clone)
    for name in ("requirements.txt", "constraints.txt"):
        with (clone / name).open("a") as file:
            file.write("# another line\n")
        assert installed(clone)
        assert not installed(clone)


def test_a_package_that_was_cut_off_is_installed_again(
    clone: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    installed(clone)
    (info,) = (clone / ".venv").glob("**/tiny-1.0.dist-info")
    # As pip leaves it when it is killed: files are missing, and so is INSTALLER, which pip writes after them.
    (info / "INSTALLER").unlink()
    (info.parent / "tiny_too.py").unlink()
    (clone / ".venv/requirements.txt.installed").unlink()
    assert installed(clone)
    assert "Installing again what was cut off: tiny-1.0" in capfd.readouterr().out
    assert imports(clone, "import tiny_too")


def test_what_overwrote_the_gpu_build_is_put_right(clone: Path) -> None:
    installed(clone)
    environment, requirements = clone / ".venv", clone / "requirements.txt"
    assert not install.repair_onnxruntime(requirements, environment), (
        "nothing to repair without the GPU build"
    )
    install.pip_install(environment, "onnxruntime-gpu==1.0")
    install.pip_install(environment, "onnxruntime==1.0")
    cuda_is_listed = "import onnxruntime as o; assert 'CUDAExecutionProvider' in o.get_available_providers()"
    assert not imports(clone, cuda_is_listed)
    (clone / "pinned.txt").write_text("onnxruntime-gpu[cuda]==1.0 ; sys_platform != 'darwin'\n")
    assert install.repair_onnxruntime(clone / "pinned.txt", environment)
    assert imports(clone, cuda_is_listed)
    assert not install.repair_onnxruntime(clone / "pinned.txt", environment)


def test_a_broken_environment_is_made_anew(clone: Path) -> None:
    installed(clone)
    (pip,) = (clone / ".venv").glob("**/site-packages/pip/_internal/cli/main.py")
    pip.unlink()
    assert installed(clone)
    assert imports(clone, "import tiny")


def test_an_environment_that_was_cut_off_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = venv.create

    def cut_off(*given: Any, **told: Any) -> None:
        create(*given, **told)  # Python and pip may work, though not all is there
        (environment / "left over").write_text("")
        raise KeyboardInterrupt

    environment = tmp_path / ".venv"
    with monkeypatch.context() as patch:
        patch.setattr(venv, "create", cut_off)
        with pytest.raises(KeyboardInterrupt):
            install.make_environment(environment)
    install.make_environment(environment)
    assert not (environment / "left over").exists()
    (environment / "of the user").write_text("")
    install.make_environment(environment)
    assert (environment / "of the user").exists()


def test_only_an_environment_that_can_be_used_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    environment = tmp_path / ".venv"
    monkeypatch.setattr(venv, "create", lambda place, **_: place.mkdir(exist_ok=True))
    another = 13 if sys.version_info[1] == 12 else 12
    for version, said in (((3, another, 1), "delete it first"), ((3, 15, 0), "Making .venv"), ((), "Making")):
        monkeypatch.setattr(install, "_version_of", lambda _, version=version: version)
        install.make_environment(environment)
        assert said in capfd.readouterr().out


@pytest.mark.parametrize(
    ("version", "supported"),
    [
        ((3, 10, 9), False),
        ((3, 11, 0), True),
        ((3, 14, 0), True),
        ((3, 14, 1), False),
        ((3, 14, 2), True),
        ((3, 15, 0), False),
        ((), False),
    ],
)
def test_which_python_will_do(version: tuple[int, ...], supported: bool) -> None:
    assert install.is_supported(version) is supported


def test_a_folder_that_was_moved_is_found(clone: Path, tmp_path: Path) -> None:
    installed(clone)
    moved = clone.rename(tmp_path / "moved")
    try:
        (moved / "ive_segmentation.py").write_text("")
        assert not installed(moved)
        command = [str(install.python_of(moved / ".venv")), "-c", "import ive_segmentation"]
        assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 0
    finally:
        moved.rename(clone)


def test_what_cannot_be_installed_says_so_and_leaves_the_rest(clone: Path) -> None:
    installed(clone)
    before = (clone / "requirements.txt").read_text()
    (clone / "requirements.txt").write_text("nothing-of-this-name==1.0\n")
    with pytest.raises(install.InstallError, match="run the same command again"):
        installed(clone)
    (clone / "requirements.txt").write_text(before)
    assert not installed(clone)


# How the notebook is played


def write_notebook(folder: Path, *sources: str) -> Path:
    cells = [nbformat.v4.new_markdown_cell("# The notebook\nWhat it is for.")]
    for number, source in enumerate(sources, start=1):
        cells += [
            nbformat.v4.new_markdown_cell(f"## {number}. Step\nWhy."),
            nbformat.v4.new_code_cell(source),
        ]
    path = folder / "main.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def play(path: Path) -> str | None:
    with player.kernel(path.parent) as (manager, client):
        return player.play(path, manager, client)


def test_each_cell_gets_a_line_and_the_address_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_notebook(tmp_path, "x = 20", "print(x + 1)", "print('Open http://127.0.0.1:7861 now')")
    assert play(path) == "http://127.0.0.1:7861"
    lines = capsys.readouterr().out.splitlines()
    assert [re.sub(r"[\d.]+ s$", "T s", line) for line in lines] == [
        "[ 1/3] 1. Step T s",
        "[ 2/3] 2. Step T s",
        "        21",
        "[ 3/3] 3. Step T s",
        "        Open http://127.0.0.1:7861 now",
    ]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("raise ValueError('two\\nlines')", "ValueError: two lines"),
        ("1 +", "SyntaxError"),
        ("import os; os._exit(1)", "the kernel died"),
    ],
)
def test_a_failing_cell_stops_with_its_heading_and_one_line(tmp_path: Path, source: str, words: str) -> None:
    with pytest.raises(player.CellError, match=words) as caught:
        play(write_notebook(tmp_path, "x = 1", source, "x = 2"))
    assert '"2. Step"' in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT to send to one process")
@pytest.mark.parametrize("busy", [False, True])
def test_control_c_ends_runner_and_kernel(tmp_path: Path, busy: bool) -> None:
    goodbye = "import atexit, pathlib; atexit.register(pathlib.Path('goodbye').touch)"
    path = write_notebook(
        tmp_path, "import os; print(os.getpid())", goodbye, "import time; time.sleep(60)" if busy else "1"
    )
    command = [sys.executable, player.__file__, path]
    with running(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as runner:
        assert runner.stdout is not None
        lines = iter(runner.stdout.readline, "")
        kernel = int(next(line for line in lines if line.startswith("        ")))
        next(line for line in lines if line.startswith("[ 2/3]" if busy else "Ctrl-C"))
        runner.send_signal(signal.SIGINT)
        out, errors = runner.communicate(timeout=30)
    assert (runner.returncode, errors) == (0, "")
    assert "Closed." in out
    with pytest.raises(ProcessLookupError):
        os.kill(kernel, 0)
    # An idle kernel goes in order: what the page has to clean up, it does then.
    assert busy or (tmp_path / "goodbye").exists()


def test_what_the_page_writes_after_the_last_cell_is_shown(tmp_path: Path) -> None:
    """The page sends whom it fails to the terminal for the details."""
    late = "import logging, threading; threading.Timer(1, logging.error, ['the details']).start()"
    command = [sys.executable, player.__file__, write_notebook(tmp_path, late)]
    with running(command, stderr=subprocess.PIPE) as runner:
        assert runner.stderr is not None
        assert "the details" in runner.stderr.readline()
        runner.terminate()
        assert runner.wait(30) == 0
