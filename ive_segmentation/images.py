"""Any image file or upload becomes RGB uint8 (H, W, 3); every refusal is one clear line."""

from __future__ import annotations

import io
import secrets
import stat
import warnings
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pillow_heif
import xxhash
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from ive_segmentation.errors import UserError
from ive_segmentation.settings import Settings, expanded

pillow_heif.register_heif_opener()

# Pillow knows some forty formats. Only these are tried: the others run external programs (EPS), hold no
# photo (WMF), or are parsed by code that few people ever look at. (MPO is read as the JPEG that it is.)
FORMATS = ("JPEG", "PNG", "WEBP", "HEIF", "AVIF", "GIF", "BMP", "TIFF", "PPM")

_UPLOAD = "The picture"
_SEED = secrets.randbits(64)


class ImageError(UserError):
    """A picture that cannot be read; the message names the file and what to do."""


def load(
    source: str | Path | bytes | bytearray | BinaryIO | np.ndarray | Image.Image,
    *,
    max_upload_bytes: int = Settings.max_upload_bytes,
    max_pixels: int = Settings.max_pixels,
) -> NDArray[np.uint8]:
    """Read a picture from wherever it is; the content decides the format, never the file's suffix.

    Args:
        source: A path, a file's bytes, an open binary file, a Pillow image, or an array that is already
            RGB uint8 (H, W, 3).
        max_upload_bytes: Larger files are refused without being read.
        max_pixels: Larger pictures are refused from their header, without being decoded.

    Returns:
        RGB uint8 (H, W, 3), contiguous, EXIF orientation applied. Of an animation, the first frame.
        What is transparent is laid on white, as a page would show it. 16 bits are scaled to 8. Colours are
        sRGB's: those of a phone (Display P3) or a camera (Adobe RGB) are converted by the picture's profile.

    Raises:
        ImageError: If it is no picture, is damaged, or is larger than the limits.
    """
    if isinstance(source, np.ndarray):
        _check_array(source, max_pixels)
        return np.ascontiguousarray(source)
    if isinstance(source, Image.Image):
        return _decode(source, _UPLOAD, max_pixels)

    if isinstance(source, str | Path):
        name = _printable(str(source))
        data: bytes | bytearray = _read_file(expanded(source), name, max_upload_bytes)
    else:
        name = "The file"
        data = source if isinstance(source, bytes | bytearray) else source.read(max_upload_bytes + 1)
    if not data:
        raise ImageError(f"{name} is empty (0 bytes). Copy or download it again.")
    if len(data) > max_upload_bytes:
        raise _too_many_bytes(name, max_upload_bytes)
    with _open(data, name, max_pixels) as picture:
        return _decode(picture, name, max_pixels)


def content_hash(image: NDArray[np.uint8]) -> str:
    """Name a picture by its pixels, so that what was computed for it is found again.

    Args:
        image: RGB uint8 (H, W, 3).

    Returns:
        32 hexadecimal digits, the same for the same shape and pixels until the program ends.
    """
    # 0.06 ms for a megapixel, SHA-1 takes 1.7. The seed is new each time and secret: without it somebody
    # could make a picture that has the name of another user's.
    digest = xxhash.xxh3_128(repr(image.shape).encode(), seed=_SEED)
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()


def _read_file(path: Path, name: str, max_upload_bytes: int) -> bytes:
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise ImageError(f"{name} is a folder. Give the pictures in it one by one.")
        if not stat.S_ISREG(status.st_mode):  # reading a pipe or a device could wait for ever
            raise ImageError(f"{name} is not a regular file. Give an image file.")
        if status.st_size > max_upload_bytes:
            raise _too_many_bytes(name, max_upload_bytes)
        with path.open("rb") as file:
            return file.read(max_upload_bytes + 1)
    except FileNotFoundError as error:
        raise ImageError(f"{name} does not exist. Check the path for typing mistakes.") from error
    except PermissionError as error:
        raise ImageError(
            f"{name} may not be read by this user. Change its permissions or copy it elsewhere."
        ) from error
    except (OSError, ValueError) as error:  # a broken disk, a name that is too long or holds a null byte
        reason = getattr(error, "strerror", None) or error
        raise ImageError(f"{name} cannot be read ({reason}). Copy it elsewhere and try again.") from error


def _open(data: bytes | bytearray, name: str, max_pixels: int) -> Image.Image:
    try:
        with warnings.catch_warnings():
            # Pillow warns of large pictures and of odd metadata; the limit below is the one that counts.
            warnings.filterwarnings("ignore", module="PIL")
            return Image.open(io.BytesIO(data), formats=FORMATS)
    except MemoryError as error:
        raise _too_little_memory(name) from error
    except Image.DecompressionBombError as error:
        limit = min(max_pixels, 2 * (Image.MAX_IMAGE_PIXELS or max_pixels))
        raise _too_many_pixels(name, limit) from error
    except UnidentifiedImageError as error:
        raise ImageError(
            f"{name} is no picture that can be read, or is damaged at its start. "
            "Save it as JPEG, PNG, WebP, HEIC, AVIF, GIF, BMP or TIFF."
        ) from error
    except Exception as error:  # Pillow's format readers raise nearly every built-in error on damaged files
        raise _damaged(name) from error


def _decode(picture: Image.Image, name: str, max_pixels: int) -> NDArray[np.uint8]:
    if picture.width * picture.height > max_pixels:
        raise _too_many_pixels(name, max_pixels, picture.size)
    if picture.mode == "F" or (picture.mode == "I" and picture.format != "PPM"):
        raise ImageError(
            f"{name} holds 32-bit numbers, for which no white is agreed. Save it with 8 or 16 bits a channel."
        )
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="PIL")
            picture.load()
            return np.ascontiguousarray(_to_rgb(_upright(picture)))
    except MemoryError as error:
        raise _too_little_memory(name) from error
    except Exception as error:  # as in _open
        raise _damaged(name) from error


def _upright(picture: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(picture)
    except Exception:  # broken EXIF is no reason to lose the photo
        return picture


def _to_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):  # 16-bit grey; "I" itself is how Pillow opens a 16-bit PGM
        # Pillow's own conversion clips at 255: nearly everything would be white.
        grey = np.asarray(picture).astype(np.uint32)
        return Image.fromarray(((grey * 255 + 32767) // 65535).astype(np.uint8)).convert("RGB")
    profile = picture.info.get("icc_profile")
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture).convert("RGB")
    if profile:
        with suppress(ImageCms.PyCMSError):  # a broken profile, or one of another kind of picture
            return _to_srgb(picture, profile)
    return picture.convert("RGB")


def _to_srgb(picture: Image.Image, profile: bytes) -> Image.Image:
    """Convert colours by the picture's ICC profile: without it a phone's are dull."""
    theirs = ImageCms.getOpenProfile(io.BytesIO(profile))
    called = ImageCms.getProfileDescription(theirs)
    if "sRGB" in called and "linear" not in called.lower():
        return picture.convert("RGB")
    if picture.mode == "P":
        picture = picture.convert("RGB")
    converted = ImageCms.profileToProfile(picture, theirs, ImageCms.createProfile("sRGB"), outputMode="RGB")
    assert converted is not None  # it is where the picture is not changed in place
    return converted


def _check_array(array: np.ndarray, max_pixels: int) -> None:
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3 or array.size == 0:
        raise ImageError(
            f"{_UPLOAD} is an array of {array.dtype} {array.shape}. Give RGB uint8 (height, width, 3)."
        )
    if array.shape[0] * array.shape[1] > max_pixels:
        raise _too_many_pixels(_UPLOAD, max_pixels, (array.shape[1], array.shape[0]))


def _too_many_bytes(name: str, limit: int) -> ImageError:
    return ImageError(f"{name} is larger than {limit / 2**20:g} MiB. Save it smaller or as JPEG.")


def _too_many_pixels(name: str, limit: int, size: tuple[int, int] | None = None) -> ImageError:
    found = f"{size[0]} x {size[1]} pixels" if size else "too many pixels"
    return ImageError(f"{name} has {found}; at most {limit / 1e6:g} megapixels are read. Make it smaller.")


def _damaged(name: str) -> ImageError:
    return ImageError(f"{name} is cut off or damaged. Copy or download it again, or save it anew.")


def _too_little_memory(name: str) -> ImageError:
    return ImageError(f"{name} needs more memory than is free. Close other programs, or make it smaller.")


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)
