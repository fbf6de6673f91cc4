"""Load whatever can be had; what cannot be had becomes a notice, and the rest goes on working."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from ive_segmentation.dataset import has_photos
from ive_segmentation.demo.stand_in import demo_notice, demo_settings, wants_demo
from ive_segmentation.errors import UserError
from ive_segmentation.identity.bank import build_bank, forget_abandoned, refuse_other_people
from ive_segmentation.identity.faces import FaceModel, load_faces
from ive_segmentation.identity.gallery import BankReport, Gallery, load_gallery
from ive_segmentation.identity.photos import list_photos
from ive_segmentation.identity.store import BankError, NoBankError, UnwritableBankError
from ive_segmentation.language import load_members
from ive_segmentation.patience import Progress, silent
from ive_segmentation.settings import BANKS, Settings, bank_of

if TYPE_CHECKING:
    from ive_segmentation.pipeline import Pipeline
    from ive_segmentation.segmentation.sam3 import Sam3


def load_pipeline(settings: Settings, progress: Progress = silent) -> Pipeline:
    """Load members, faces, bank and SAM 3, as far as they can be had.

    With no photos in the dataset and no model or bank chosen, everything is the drawn demo; with photos it
    never is.

    Args:
        settings: The knobs.
        progress: Called with the share done (0 to 1) and the step that begins.

    Returns:
        The pipeline; what is missing is None and has a notice.

    Raises:
        MembersError: If there is no dataset folder, or its members.toml cannot be read.
        DatasetError: If the dataset folder may not be looked into.
        WriteError: If the demo's members cannot be drawn into the user's cache.
    """
    # The bank alone needs neither, and torch takes seconds to load.
    from ive_segmentation.pipeline import Pipeline  # noqa: PLC0415
    from ive_segmentation.segmentation.sam3 import load_sam3  # noqa: PLC0415

    notices: dict[str, str] = {}
    demo = wants_demo(settings)
    if demo:
        progress(0.0, "Drawing the demo's members")
        notices["demo"] = demo_notice(settings.dataset)
        settings = demo_settings(settings)
    members = load_members(settings.dataset)

    progress(0.1, "Loading the face models")
    faces, gallery, report = None, None, None
    try:
        faces = load_faces(settings.faces, device=settings.device, timeout=settings.hub_timeout / 2)
        progress(0.2, "Building the identity bank")
        report, gallery = load_bank(settings, faces, lambda share, step: progress(0.2 + 0.4 * share, step))
    except UnwritableBankError as error:
        assert faces is not None
        notices["names"] = str(error)
        with suppress(BankError):  # who was known before is known still
            report, gallery = bank_as_it_is(settings, faces)
    except UserError as error:
        notices["names"] = str(error)

    progress(0.6, "Loading SAM 3")
    sam3: Sam3 | None = None
    try:
        sam3 = load_sam3(replace(settings, hub_timeout=settings.hub_timeout / 2))
    except UserError as error:
        notices["masks"] = str(error)
    progress(1.0, "Ready")
    return Pipeline(settings, members, faces, gallery, report, sam3, notices, demo)


def load_bank(
    settings: Settings, faces: FaceModel, progress: Progress = silent
) -> tuple[BankReport, Gallery]:
    """Bring the bank in line with the dataset, and load it; with no photos the bank is taken as it is.

    Args:
        settings: Reads dataset, bank, false_accept_rate, max_upload_bytes and max_pixels.
        faces: The models.
        progress: Called with the share done (0 to 1) and the step that begins.

    Returns:
        What was done, and the gallery.

    Raises:
        BankError: If there is no usable photo, the bank knows people of another dataset who are not in this
            one, or it cannot be written.
        NotDrawnError: If the models are built-in ones, and the photos are real.
        DatasetError: If the dataset folder may not be looked into.
    """
    forget_abandoned(BANKS)
    report = None
    if has_photos(settings.dataset):
        if settings.bank != bank_of(settings.dataset):
            refuse_other_people(settings.bank, settings.dataset)
        report = build_bank(
            settings.dataset,
            faces,
            settings.bank,
            progress,
            false_accepts=settings.false_accept_rate,
            max_bytes=settings.max_upload_bytes,
            max_pixels=settings.max_pixels,
        )
    try:
        untouched, gallery = bank_as_it_is(settings, faces)
    except NoBankError:
        if settings.bank == bank_of(settings.dataset):
            list_photos(settings.dataset)  # what is missing is photos: without them none can be built
        raise
    return report or untouched, gallery


def bank_as_it_is(settings: Settings, faces: FaceModel) -> tuple[BankReport, Gallery]:
    """Load the bank without a look at the dataset.

    Args:
        settings: Reads bank.
        faces: The models.

    Returns:
        That nothing was done, and the gallery.

    Raises:
        BankError: If there is none, or other models made it.
    """
    gallery = load_gallery(settings.bank, faces.hash)
    return replace(gallery.report, embedded=0, removed=0, rebuilt=None, seconds=0.0), gallery
