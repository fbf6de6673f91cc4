"""`python -m ive_segmentation`."""

import sys

try:
    from ive_segmentation.cli import main
except KeyboardInterrupt:  # `main` answers it once it is there
    sys.exit(130)

main()
