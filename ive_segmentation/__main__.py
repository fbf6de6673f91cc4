"""`python -m ive_segmentation`."""

from ive_segmentation.cli import main

main()
