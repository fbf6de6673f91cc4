"""The page: a picture and a prompt in, names, masks and evidence out, in the browser of this machine."""

from ive_segmentation.app.page import build_page
from ive_segmentation.app.serve import launch, serve

__all__ = ["build_page", "launch", "serve"]
