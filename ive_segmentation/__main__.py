"""`python -m ive_segmentation`."""

import sys


def _start() -> None:
    try:
        from ive_segmentation.cli import main  # noqa: PLC0415 -- importing takes long enough to be interrupted
    except KeyboardInterrupt:  # `main` answers it once it is there
        sys.exit(130)
    main()


try:
    _start()
except ModuleNotFoundError as error:
    if (error.name or "").startswith("ive_segmentation"):
        raise
    sys.exit(
        f"The package {error.name} is not installed in this Python. Run `make run`, or: "
        f'"{sys.executable}" -m pip install -r requirements.txt'
    )
