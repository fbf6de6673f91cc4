"""Every picture a user may hand in: it decodes rightly, or one clear line says why not."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from ive_segmentation import images
from ive_segmentation.images import ImageError, content_hash, load


def drawing(height: int = 48, width: int = 64) -> np.ndarray:
    """Four flat quarters, so that every format and every rotation leaves them recognisable."""
    image = np.empty((height, width, 3), np.uint8)
    image[: height // 2, : width // 2] = (200, 30, 30)
    image[: height // 2, width // 2 :] = (30, 180, 30)
    image[height // 2 :, : width // 2] = (30, 30, 200)
    image[height // 2 :, width // 2 :] = (220, 220, 40)
    return image


def encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def quarters(image: np.ndarray) -> np.ndarray:
    """The colour in the middle of each quarter, (4, 3)."""
    height, width = image.shape[:2]
    rows, columns = (height // 4, height // 4 * 3), (width // 4, width // 4 * 3)
    return np.array([image[row, column] for row in rows for column in columns], int)


PICTURE = Image.fromarray(drawing())


@pytest.mark.parametrize(
    ("kind", "tolerance"),
    [
        ("PNG", 0), ("BMP", 0), ("TIFF", 0), ("PPM", 0), ("GIF", 8), ("JPEG", 8), ("MPO", 8), ("WEBP", 12),
        ("AVIF", 12), ("HEIF", 12),
    ],
)  # fmt: skip
@pytest.mark.parametrize("way", ["bytes", "file", "path", "str", "wrong suffix"])
def test_every_format_decodes_by_its_content(kind: str, tolerance: int, way: str, tmp_path: Path) -> None:
    data = encoded(PICTURE, kind)
    path = tmp_path / ("photo.jpg" if way == "wrong suffix" else f"photo.{kind.lower()}")
    path.write_bytes(data)
    sources: dict[str, Any] = {"bytes": data, "file": io.BytesIO(data), "str": str(path)}

    image = load(sources.get(way, path))

    assert image.dtype == np.uint8
    assert image.shape == (48, 64, 3)
    assert image.flags.c_contiguous
    np.testing.assert_allclose(quarters(image), quarters(drawing()), atol=tolerance)


def test_a_path_may_begin_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(tmp_path))
    PICTURE.save(tmp_path / "photo.png")
    np.testing.assert_array_equal(load("~/photo.png"), drawing())


def test_a_pillow_image_and_an_array_are_taken_as_they_are() -> None:
    np.testing.assert_array_equal(load(PICTURE), drawing())
    np.testing.assert_array_equal(load(drawing()), drawing())
    assert load(drawing()[:, ::-1]).flags.c_contiguous


def profile_of_swapped_colours() -> bytes:
    """An ICC profile of pictures whose first number is green and whose second is red."""
    swapped = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for one, other in ((b"rXYZ", b"????"), (b"gXYZ", b"rXYZ"), (b"????", b"gXYZ")):
        swapped = swapped.replace(one, other)
    return swapped.replace("sRGB".encode("utf-16-be"), "GRB ".encode("utf-16-be"))


SWAPPED = profile_of_swapped_colours()


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG", "WEBP", "AVIF", "HEIF"])
def test_colours_are_what_the_pictures_profile_says(kind: str) -> None:
    """A phone's photos (Display P3) came out dull, and fitted no longer over the photos themselves."""
    image = load(encoded(PICTURE, kind, icc_profile=SWAPPED))
    np.testing.assert_allclose(quarters(image), quarters(drawing())[:, [1, 0, 2]], atol=12)


@pytest.mark.parametrize("mode", ["P", "RGBA", "LA", "L", "CMYK"])
@pytest.mark.parametrize("profile", [SWAPPED, b"no profile at all", b""])
def test_a_profile_that_does_not_fit_the_picture_costs_nothing(mode: str, profile: bytes) -> None:
    picture = PICTURE.convert(mode)
    data = encoded(picture, "TIFF" if mode == "CMYK" else "PNG", icc_profile=profile)
    fits = profile == SWAPPED and mode in {"P", "RGBA"}
    expected = quarters(load(picture))[:, [1, 0, 2] if fits else [0, 1, 2]]
    np.testing.assert_allclose(quarters(load(data)), expected, atol=2)


def test_palette() -> None:
    image = load(encoded(PICTURE.quantize(8), "PNG"))
    np.testing.assert_allclose(quarters(image), quarters(drawing()), atol=8)


@pytest.mark.parametrize("mode", ["1", "L"])
def test_grey(mode: str) -> None:
    ramp = np.tile(np.linspace(0, 255, 64, dtype=np.uint8), (8, 1))
    picture = Image.fromarray(ramp).convert(mode, dither=Image.Dither.NONE)
    image = load(encoded(picture, "PNG"))
    np.testing.assert_array_equal(image, np.repeat(np.asarray(picture.convert("L"))[..., None], 3, axis=2))


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_sixteen_bit_grey_is_scaled_not_clipped(kind: str) -> None:
    ramp = np.tile(np.linspace(0, 65535, 64).astype(np.uint16), (8, 1))
    image = load(encoded(Image.fromarray(ramp), kind))
    assert image[0, 0, 0] == 0
    assert image[0, -1, 0] == 255
    np.testing.assert_allclose(image[0, :, 1], ramp[0] / 257, atol=0.51)


def test_sixteen_bit_colour() -> None:
    # Pillow cannot write one, so the PNG is put together here: 2 x 1, big-endian, no filter.
    pixels = np.array([[[0, 0x8080, 0xFFFF], [0xFFFF, 0x4040, 0]]], ">u2")
    image = load(png_of(2, 1, b"\0" + pixels.tobytes(), depth=16))
    np.testing.assert_array_equal(image, [[[0, 128, 255], [255, 64, 0]]])


def test_thirty_two_bit_numbers_are_refused() -> None:
    for array in (np.zeros((4, 4), np.float32), np.zeros((4, 4), np.int32)):
        with pytest.raises(ImageError, match="32-bit"):
            load(encoded(Image.fromarray(array), "TIFF"))
    with pytest.raises(ImageError, match="32-bit"):
        load(encoded(Image.fromarray(np.zeros((4, 4), np.float32)), "PPM"))


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk(kind: str) -> None:
    data = encoded(PICTURE.convert("CMYK"), kind)
    np.testing.assert_allclose(quarters(load(data)), quarters(drawing()), atol=10)


def test_cmyk_as_adobe_writes_it_is_inverted_in_the_file() -> None:
    data = encoded(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=95)
    assert b"Adobe" in data
    np.testing.assert_allclose(load(data)[8, 8], (255, 0, 0), atol=4)


@pytest.mark.parametrize(("kind", "tolerance"), [("PNG", 1), ("WEBP", 8), ("TIFF", 1), ("AVIF", 8)])
def test_transparency_is_laid_on_white(kind: str, tolerance: int) -> None:
    pixels = np.zeros((16, 32, 4), np.uint8)
    pixels[:, :16] = (200, 0, 0, 0)
    pixels[:, 16:] = (0, 0, 0, 128)
    options = {"lossless": True} if kind == "WEBP" else {}
    image = load(encoded(Image.fromarray(pixels), kind, **options))
    np.testing.assert_allclose(image[8, 6], (255, 255, 255), atol=tolerance)
    np.testing.assert_allclose(image[8, 26], (127, 127, 127), atol=tolerance)


def test_a_transparent_palette_entry_is_laid_on_white() -> None:
    picture = Image.new("P", (4, 4), 1)
    picture.putpalette([0, 0, 0, 250, 10, 10])
    picture.putpixel((0, 0), 0)
    image = load(encoded(picture, "PNG", transparency=0))
    np.testing.assert_array_equal(image[0, 0], (255, 255, 255))
    np.testing.assert_array_equal(image[3, 3], (250, 10, 10))


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF", "AVIF"])
def test_of_an_animation_the_first_frame(kind: str) -> None:
    others = [Image.new("RGB", PICTURE.size, colour) for colour in ("black", "white")]
    image = load(encoded(PICTURE, kind, save_all=True, append_images=others))
    np.testing.assert_allclose(quarters(image), quarters(drawing()), atol=16)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
@pytest.mark.parametrize(
    ("orientation", "stored"),
    [
        (1, lambda upright: upright),
        (2, np.fliplr),
        (3, lambda upright: np.rot90(upright, 2)),
        (4, np.flipud),
        (5, lambda upright: np.transpose(upright, (1, 0, 2))),
        (6, lambda upright: np.rot90(upright, 1)),
        (7, lambda upright: np.rot90(np.transpose(upright, (1, 0, 2)), 2)),
        (8, lambda upright: np.rot90(upright, -1)),
    ],
)
def test_exif_orientation_is_applied(kind: str, orientation: int, stored: Any) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = Image.fromarray(np.ascontiguousarray(stored(drawing())))
    image = load(encoded(picture, kind, exif=exif.tobytes()))
    assert image.shape == (48, 64, 3)
    np.testing.assert_allclose(quarters(image), quarters(drawing()), atol=12)


def test_broken_exif_does_not_cost_the_photo() -> None:
    data = encoded(PICTURE, "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff" + b"\x12" * 40)
    assert load(data).shape == (48, 64, 3)


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1)])
def test_tiny_and_thin_pictures_decode(size: tuple[int, int]) -> None:
    image = load(encoded(Image.new("RGB", size, (1, 2, 3)), "PNG"))
    assert image.shape == (size[1], size[0], 3)
    np.testing.assert_array_equal(image[0, 0], (1, 2, 3))


@pytest.mark.parametrize("name", ["원영 사진.jpg", "เสื้อ.jpg", "ウォニョン.jpg", "é'\" &;.jpg"])
def test_unicode_file_names(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(encoded(PICTURE, "JPEG"))
    assert load(tmp_path / name).shape == (48, 64, 3)
    with pytest.raises(ImageError) as raised:
        load(tmp_path / f"no {name}")
    assert name in str(raised.value)


# Refusals: what was given, and the words that tell the user so.

EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n"


def png_of(width: int, height: int, rows: bytes, *, depth: int = 8, zipped: bytes | None = None) -> bytes:
    """A colour PNG put together by hand."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")

    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([depth, 2, 0, 0, 0])
    body = zlib.compress(rows) if zipped is None else zipped
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def zipped_zeros(count: int) -> bytes:
    packer, block = zlib.compressobj(9), bytes(1 << 20)
    return b"".join(packer.compress(block) for _ in range(count >> 20)) + packer.flush()


REFUSED = {
    "zero bytes": (b"", "empty"),
    "text renamed .jpg": (b"This is not a photo.\n" * 50, "no picture"),
    "one byte": (b"\xff", "no picture"),
    "html": (b"<!doctype html><html><body>404</body></html>", "no picture"),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>", "no picture"),
    "EPS, which Pillow hands to Ghostscript": (EPS, "no picture"),
    "PDF": (b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n", "no picture"),
    "WMF": (b"\xd7\xcd\xc6\x9a\x00\x00" + bytes(60), "no picture"),
    "OLE container (FPX, MIC)": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "no picture"),
    "an icon": (encoded(PICTURE, "ICO"), "no picture"),
    "a zip": (b"PK\x03\x04" + bytes(100), "no picture"),
    "20,000 x 20,000": (png_of(20_000, 20_000, b"", zipped=zlib.compress(b"\0")), "megapixels"),
    "12,000 x 12,000": (png_of(12_000, 12_000, b"", zipped=zlib.compress(b"\0")), "12000 x 12000 pixels"),
    "just over the limit": (png_of(10_000, 10_001, b"", zipped=zlib.compress(b"\0")), "10000 x 10001"),
} | {
    f"truncated {kind}": (data[: len(data) // 2], "damaged")
    for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "HEIF", "AVIF")
    for data in [encoded(Image.effect_noise((64, 48), 80).convert("RGB"), kind)]
}


@pytest.mark.parametrize(("data", "words"), REFUSED.values(), ids=REFUSED.keys())
@pytest.mark.parametrize("as_file", [False, True])
def test_refused_in_one_line_that_names_the_file(
    data: bytes, words: str, as_file: bool, tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(data)
    with pytest.raises(ImageError, match=words) as raised:
        load(path if as_file else data)
    message = str(raised.value)
    assert "\n" not in message
    assert message.startswith(str(path) if as_file else "The file")
    assert message.endswith(".")
    assert not recwarn.list


def in_a_child(program: str, *arguments: str) -> str:
    """Run a program that knows `load` and `ImageError` in a process of its own; what it printed."""
    lines = "import os, resource, sys\nfrom ive_segmentation.images import ImageError, load\n" + program
    command = [sys.executable, "-c", lines, *arguments]
    root = Path(images.__file__).parent.parent
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=root).stdout


@pytest.mark.skipif(sys.platform == "win32", reason="this system does not tell a process its peak memory")
def test_a_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    """Decoding would take 1.2 GB; the peak memory of the process must hardly move."""
    bomb = tmp_path / "bomb.png"
    bomb.write_bytes(png_of(20_000, 20_000, b"", zipped=zipped_zeros(20_000 * 60_001)))
    assert bomb.stat().st_size < 2 * 2**20
    program = (
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = peak()\n"
        "try: load(sys.argv[1])\n"
        "except ImageError as error: print(error)\n"
        "print((peak() - before) // (2**20 if sys.platform == 'darwin' else 2**10))\n"
    )
    message, grown_mib = in_a_child(program, str(bomb)).splitlines()
    assert "megapixels" in message
    assert int(grown_mib) < 64


def test_a_picture_at_the_limit_is_read() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = encoded(Image.new("L", (10_000, 9_500)), "PNG", compress_level=1)
        assert load(data).shape == (9_500, 10_000, 3)


def test_a_large_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "large.jpg"
    with path.open("wb") as file:
        file.truncate(200 * 2**20)
    with pytest.raises(ImageError, match="larger than 64 MiB"):
        load(path)
    with path.open("rb") as file, pytest.raises(ImageError, match="larger than 64 MiB"):
        load(file)
    data = encoded(PICTURE, "BMP")
    with pytest.raises(ImageError, match="larger than"):
        load(data, max_upload_bytes=len(data) - 1)
    assert load(data, max_upload_bytes=len(data)).shape == (48, 64, 3)


def test_max_pixels_holds_for_every_kind_of_source() -> None:
    for source in (encoded(PICTURE, "PNG"), PICTURE, drawing()):
        assert load(source, max_pixels=48 * 64).shape == (48, 64, 3)
        with pytest.raises(ImageError, match="64 x 48 pixels"):
            load(source, max_pixels=48 * 64 - 1)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "folder"),
        ("missing.jpg", "does not exist"),
        ("a\0b.jpg", "cannot be read"),
        ("x" * 300, "cannot be read"),
    ],
)
def test_paths_that_lead_to_no_file(name: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=words) as raised:
        load(f"{tmp_path}/{name}")
    assert str(raised.value).isprintable()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_rather_than_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(ImageError, match="not a regular file"):
        load(tmp_path / "pipe.jpg")


def test_too_little_memory_is_no_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: Image.Image) -> None:
        raise MemoryError

    monkeypatch.setattr(images, "_upright", full)
    with pytest.raises(ImageError, match="needs more memory than is free"):
        load(encoded(PICTURE, "PNG"))


def test_a_line_break_in_a_name_stays_one_line(tmp_path: Path) -> None:
    with pytest.raises(ImageError) as raised:
        load(tmp_path / "two\nlines.jpg")
    assert "two?lines.jpg" in str(raised.value)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="this system has no permission bits")
def test_unreadable_permission(tmp_path: Path) -> None:
    path = tmp_path / "private.jpg"
    path.write_bytes(encoded(PICTURE, "JPEG"))
    path.chmod(0)
    tmp_path.chmod(0o755)
    # Root reads everything, so the child becomes another user after its imports.
    program = (
        "os.chdir(sys.argv[1])\n"
        "if os.geteuid() == 0: os.seteuid(65534)\n"
        "try: load('private.jpg')\n"
        "except ImageError as error: print(error)\n"
    )
    assert in_a_child(program, str(tmp_path)).startswith("private.jpg may not be read by this user")


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((4, 4, 3), np.float32), np.zeros((4, 4, 3), np.uint16), np.zeros((4, 4, 3), bool),
        np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((1, 4, 4, 3), np.uint8),
        np.zeros((0, 4, 3), np.uint8), np.zeros((4, 0, 3), np.uint8), np.zeros(3, np.uint8),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)  # fmt: skip
def test_arrays_of_another_shape_or_type_are_refused(array: np.ndarray) -> None:
    with pytest.raises(ImageError, match="Give RGB uint8"):
        load(array)


# Whatever the bytes: an array or the one declared error.


def loads_or_refuses(data: bytes) -> None:
    try:
        image = load(data, max_pixels=1_000_000)
    except ImageError:
        return
    assert image.dtype == np.uint8
    assert image.ndim == 3
    assert image.shape[2] == 3
    assert image.flags.c_contiguous


@given(st.binary(max_size=400))
def test_any_bytes_load_or_are_refused(data: bytes) -> None:
    loads_or_refuses(data)


KINDS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "HEIF", "AVIF")
VALID = [encoded(PICTURE, kind) for kind in KINDS] + [
    encoded(PICTURE.quantize(8), "PNG"),
    encoded(PICTURE.convert("CMYK"), "JPEG"),
    encoded(PICTURE, "TIFF", compression="tiff_lzw"),
    encoded(PICTURE, "GIF", save_all=True, append_images=[PICTURE.rotate(90)]),
]


@settings(max_examples=300)
@given(
    st.sampled_from(VALID),
    st.floats(0, 1),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=8),
)
def test_damaged_files_load_or_are_refused(
    data: bytes, kept: float, changes: list[tuple[float, int]]
) -> None:
    damaged = bytearray(data[: int(len(data) * kept)])
    for place, value in changes:
        if damaged:
            damaged[int(place * len(damaged))] = value
    loads_or_refuses(bytes(damaged))


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 255))
def test_content_hash_follows_the_pixels_and_the_shape(height: int, width: int, value: int) -> None:
    image = np.full((height, width, 3), value, np.uint8)
    assert content_hash(image) == content_hash(image.copy())
    other = image.copy()
    other[-1, -1, 0] ^= 1
    assert content_hash(other) != content_hash(image)
    if height != width:
        assert content_hash(image.reshape(width, height, 3)) != content_hash(image)


def test_content_hash_ignores_how_the_array_lies_in_memory() -> None:
    image = drawing()
    assert content_hash(np.asfortranarray(image)) == content_hash(image)
