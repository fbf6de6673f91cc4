"""How much a face says about whose it is: turned, nodded, blurred, small."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ive_segmentation.identity.faces import FoundFace
from ive_segmentation.settings import Measured


def quality_of(face: FoundFace) -> float:
    """Tell how much a face says about whose it is.

    Args:
        face: As the detector found it.

    Returns:
        0 to 1: the detector's score, less what the worst of size, sharpness, turn and nod takes away; they
        take nothing where `audit` finds nothing wrong with a photo, and more in proportion beyond.
    """
    turn, nod = turn_and_nod(face.keypoints)
    shares = (
        (face.box[2] - face.box[0]) / Measured.small_face,
        sharpness_of(face.crop) / Measured.blurred_face,
        Measured.extreme_turn / max(abs(turn), 1e-6),
        nod / Measured.least_nod,
        Measured.most_nod / max(nod, 1e-6),
    )
    return float(np.clip(face.score * min(1.0, *shares), 0, 1))


def turn_and_nod(keypoints: NDArray[np.float32]) -> tuple[float, float]:
    """Tell from five keypoints how far a face is turned aside and nodded.

    Args:
        keypoints: (5, 2) eyes, nose, corners of the mouth, in pixels.

    Returns:
        How far the nose is from the middle between the eyes, along the line of the eyes, in distances of the
        eyes: 0 frontal, 0.5 above one eye, positive to the right in the picture. And how far down it is on
        the way from the eyes to the mouth: about 0.5 to 0.6 frontal, less when the head is thrown back.
    """
    eyes, mouth = keypoints[:2].mean(axis=0), keypoints[3:].mean(axis=0)
    across = keypoints[1] - keypoints[0]
    width = float(np.linalg.norm(across)) or 1.0
    down = mouth - eyes
    height = float(np.linalg.norm(down)) or 1.0
    nose = keypoints[2] - eyes
    # Measured along the eyes, but free of what the nose has moved along a tilted face.
    aside = nose - down * (nose @ down) / height**2
    # A face seen from the side has its eyes close together; its height still tells its size.
    return float(aside @ across / width / max(width, height)), float(nose @ down / height**2)


def sharpness_of(crop: NDArray[np.uint8]) -> float:
    """Tell how sharp a face is: the variance of its Laplacian (Pech-Pacheco et al., ICPR 2000).

    Args:
        crop: The upright face, BGR, as `FaceModel.find` cuts it.

    Returns:
        0 for a plain surface, some thousands for a sharp photo.
    """
    return float(cv2.Laplacian(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY), cv2.CV_32F).var())
