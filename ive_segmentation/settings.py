"""Every knob of the program: what a run can be told, and what was measured once for all runs."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, get_type_hints

from platformdirs import user_cache_path

from ive_segmentation.errors import UserError

ROOT = Path(__file__).resolve().parent.parent
CACHE = user_cache_path("ive_segmentation", appauthor=False)
BANKS = CACHE / "banks"
ENVIRONMENT_PREFIX = "IVE_"


class SettingsError(UserError):
    """A setting that cannot be read, or is out of its range."""


@dataclass(frozen=True)
class Settings:
    """What a run can be told; each field is also an environment variable, `IVE_` and its name in capitals."""

    # Where things are.
    dataset: Path = ROOT / "Dataset"
    """One folder of photos per member, and members.toml."""
    bank: str = ""
    """LanceDB location of the identity bank: a folder or an object-store URI. By default a folder of
    the user's cache that is this dataset's alone (`bank_of`)."""
    faces: str = "buffalo_l"
    """InsightFace model pack: a name that InsightFace knows, or a folder that holds the ONNX files."""
    sam3: str = "facebook/sam3"
    """SAM 3 checkpoint: a Hugging Face repository or a local folder. SAM3_CHECKPOINT is read too, where
    IVE_SAM3 is not set."""

    # SAM 3.
    device: str = "auto"
    """Where SAM 3 and the face models run: auto (CUDA where there is one), cuda, cuda:1, cpu."""
    precision: str = "auto"
    """auto (bfloat16 where the device computes it natively), float32 or bfloat16."""
    resolution: int = 0
    """Side of the square, in pixels, that SAM 3 squashes pictures to: a multiple of 14, smaller for a quick
    preview; 0 for the side it was trained with (1008)."""
    compile: bool = False
    """True compiles SAM 3's vision encoder (torch.compile, made for CUDA): the first look takes a minute or
    so longer, and the page says so; later looks should take less time. Off, because it was not measured."""
    sam3_threshold: float = 0.5
    """Score (class times presence) above which an instance counts without anything else that speaks for it;
    SAM 3's own image demo uses the same."""
    questions_per_pass: int = 8
    """Concepts decoded in one pass; a pass needs about 70 MB of mask logits for each at full size."""
    pictures_per_pass: int = 4
    """Crops encoded in one pass on a GPU; a CPU encodes them one by one, in a quarter of the memory."""
    word_cache: Path = CACHE / "words"
    """Where the embeddings of words are kept, 16 KB each, so that the text encoder need not be loaded."""
    feature_cache_bytes: int = 2**30
    """Bytes of encoded pictures kept; a picture takes 54 MB in bfloat16 at 1008 px."""

    # Images.
    max_upload_bytes: int = 64 * 2**20
    """Larger files are refused unread. A 24-megapixel camera JPEG is about 12 MB."""
    max_pixels: int = 100_000_000
    """Larger pictures are refused from their header, before they are decoded (decompression bombs)."""
    max_video_bytes: int = 2 * 2**30
    """Largest upload of any kind to the page: five minutes of a phone's 4K video (400 MB a minute at 60
    fps)."""

    # Identity.
    false_accept_rate: float = 0.01
    """Share of strangers' faces that may be given a member's name; the bank calibrates itself to it."""
    collage: bool = False
    """True for pictures put together from several, in which one member may appear more than once."""

    # Network.
    hub_timeout: float = 5.0
    """Seconds that all questions to model hubs may take together; then the program starts without answers."""

    def __post_init__(self) -> None:
        for name in ("dataset", "word_cache"):
            object.__setattr__(self, name, expanded(getattr(self, name)))
        for name in ("bank", "faces", "sam3"):  # a folder may be given as a path
            object.__setattr__(self, name, str(getattr(self, name)))
        if not self.bank:
            object.__setattr__(self, "bank", bank_of(self.dataset))
        for name, (least, most) in _RANGES.items():
            if not least <= (value := getattr(self, name)) <= most:
                variable = f"{ENVIRONMENT_PREFIX}{name.upper()}"
                above = "on" if most >= _NO_END else f"to {most:g}"
                raise SettingsError(f"{variable}={value} is not from {least:g} {above}. Correct it.")


def expanded(path: str | Path) -> Path:
    """Read ~ as the home folder, as a shell does.

    Args:
        path: As it was typed.

    Returns:
        The path; as it is where nobody has that home.
    """
    return Path(os.path.expanduser(path))  # noqa: PTH111 -- Path's own raises where nobody has that home


def bank_of(dataset: Path) -> str:
    """Name the place of a dataset's bank; each dataset has its own, so that none knows another's people.

    Args:
        dataset: One folder of photos per member.

    Returns:
        A folder of the user's cache.
    """
    path = os.path.realpath(expanded(dataset))
    return str(BANKS / blake2b(os.fsencode(path), digest_size=8).hexdigest())


class Measured:
    """Numbers that hold for every run, each with its source; to try another one, change it here."""

    # Identity.
    match_photos: Final = 3
    """A member's score is the mean over this many most similar photos (identity_accuracy: 96.3% against 93.5%
    with one)."""
    space_shrinkage: Final = 0.8
    """How far the covariance of a member's photos is shrunk towards a sphere, 0 to 1 (identity_accuracy: 0.7
    to 0.9 alike)."""
    space_centring: Final = 0.75
    """Share of the members' common mean that is taken away (identity_accuracy; all of it harms small
    groups)."""
    small_centring: Final = 0.25
    """The same in a bank too small to calibrate itself: scores then mean much the same with one member as
    with five, so one default threshold serves all (identity_accuracy, "Small banks")."""
    margin_quantile: Final = 0.8
    """The margin is the lead over the runner-up that this share of strangers does not have
    (identity_accuracy)."""
    gap_quantile: Final = 0.02
    """Share of known faces that may lie below the gap between strangers and known faces."""
    gap_share: Final = 0.5
    """How far into that gap, from the strangers, the threshold lies. 800 drawn scenes (seeds from 1,600,000
    and 1,700,000): here 0.992 of the strangers are left Unknown and 0.996 of the members named, at 0.4 of
    the way 0.979 and 0.997, at 0.6 0.995 and 0.993; the real photos have no such gap."""
    calibration_members: Final = 3
    """Banks with fewer large folders take the defaults below: with one member left out as the stranger, two
    must remain that she could be taken for."""
    calibration_photos: Final = 10
    """A folder is large from here on. Banks of 16 photos of one member and 4 of each of four, asked for
    1%, named 9.8% of the sixth's when they calibrated themselves, with the defaults 3.2% (identity_accuracy,
    "Small banks")."""
    match_threshold: Final = 0.45
    """Scores below this are Unknown where the bank is too small to calibrate itself: 0 to 3% of group mates
    are named then, and 9 to 75% of known faces, the more the more photos there are (identity_accuracy)."""
    match_margin: Final = 0.1
    """The lead over the runner-up a name needs where the bank is too small (as calibrated on the six
    members)."""
    match_slope: Final = 20.0
    """Steepness of the confidence where the bank is too small (as fitted on the six members)."""
    misplaced_lead: Final = 0.05
    """A photo that scores this much more for another member is probably in the wrong folder (of 10 real
    photos planted in wrong folders, twelve times: 9 or 10 found, at most 3 that were not planted)."""
    misplaced_alone: Final = 0.3
    """A folder's only photo is another member's if it scores more for her than this share of her own do (none
    of 48 that were rightly alone was taken for another's, two thirds of 48 planted ones were)."""
    same_person_lead: Final = 0.1
    """Two members whose photos score on average less than this more for their own folder than for the other
    are probably one person (the six members: 0.2 and more)."""
    telling_photos: Final = 30
    """Photos of a bank below which the build does not say which photos and folders are another's (it said so
    wrongly of 10% of the real photos with 3 of each of five members, of 1% with 15 of each of two)."""
    small_face: Final = 60
    """Pixels; narrower faces are enlarged to the recogniser's 112 and say less."""
    blurred_face: Final = 150.0
    """Variance of the Laplacian of the upright face (the real photos: median 1958, least 160)."""
    extreme_turn: Final = 0.35
    """How far the nose may be from the middle between the eyes, in distances of the eyes (0.5: in line with
    one eye; all but 4% of the real photos: 0.31 and less)."""
    least_nod: Final = 0.35
    """Where the nose must be at least on the way from the eyes (0) to the mouth (1); it is higher in a head
    that is thrown back (all but 4% of the real photos: 0.44 to 0.74)."""
    most_nod: Final = 0.78
    """Where it may be at most; it is lower in a head that is bent down."""
    turned_face: Final = 0.12
    """From here on a face counts as turned aside (the real photos: a third of them)."""
    enough_photos: Final = 8
    """Members with fewer are asked for more photos."""
    same_shoot: Final = 0.8
    """Median similarity of a member's photos above which they look like one shoot (the six: 0.39 to 0.58)."""
    duplicate_bits: Final = 10
    """Bits of the perceptual hash (64; Zauner 2010) that may differ between two photos of the same ..."""
    duplicate_face: Final = 0.9
    """... whose faces are at least this similar too (re-encoded copies in the real photos: 0.98 and more)."""
    embedding_batch: Final = 32
    """Faces the recogniser takes at once while the bank is built."""
    decoders: Final = 2
    """Threads that decode photos while the models run."""
    sure_confidence: Final = 0.95
    """A name is worded "sure" from here on, "probably" below; the confidence is calibrated
    (identity_accuracy)."""
    shortlist: Final = 8
    """Members whose photos are compared with each face, where a bank has more (matching_speed: finds the same
    best member as comparing with all)."""
    assignment_sharpness: Final = 20.0
    """How quickly probability falls with the score when faces are given to members (measured once, on made-up
    groups of six: 98.1% rightly by the sum of scores, 99.1% by probabilities; 10 to 50 alike)."""
    evidence_photos: Final = 3
    """Gallery photos shown for each named face."""

    # Possession: faces to persons, things to owners, the second look.
    face_least_share: Final = 0.5
    """Share of a face (box and keypoints) that a person's mask must hold; half is more than any rival."""
    claim_least: Final = 0.15
    """The best claim on a thing must reach this, else it is nobody's (tuned on drawn scenes, seeds below
    1,000; benchmarks/possession_rule.py shows what it gives on others)."""
    claim_clear: Final = 0.05
    """The best claim must lead the next by this, else it is nobody's (as `claim_least`)."""
    region_margin: Final = 0.25
    """Margin of the crop round an owner, as a share of her longer side: a bag hangs at most a forearm outside
    the mask."""
    doubtful: Final = 0.3
    """Share of `sam3_threshold` from which an instance counts where something else speaks for it.

    In a picture, that the prompt asks for a thing of a named person who has none surer. Of 529 drawn prompts
    for what is there (600 scenes from 1,700,200) 513 are answered rightly with a share of 0.24 and of 0.32,
    511 with 0.4 or 0.5; of 529 for what she has not 18, 16, 15 and 13 are answered. What the rule itself wins
    was measured with the checkpoint before: 515 with it, 503 without.

    In a video, that it goes on a track that was seen in the last `lost_frames`. With the checkpoint before
    the present one the name was right in 0.992 of the sightings in 20 drawn clips from 2,100,000 with shares
    of 0.2 and 0.4, in 0.988 with 0.6, in 0.985 without the rule, and in 0.990 if the track must have been
    seen in the very frame before."""
    small_thing_side: Final = 28.0
    """Square root of a thing's area, in pixels of SAM 3's input, below which it is small: two patches."""
    second_look_gain: Final = 1.2
    """A crop must enlarge at least this much to be worth a second run of the vision encoder (600 drawn
    scenes, PLAN.md: 601 of 658 held things go to the right owner, 590 with 1.5, 603 with 1.0)."""

    # Video: names and owners over time.
    look_cap: Final = 5.0
    """Log-odds (150 to one) that one look at a face can give or take: a bank of about a hundred photos was
    calibrated on about a hundred strangers, and cannot know what is rarer."""
    name_evidence: Final = 1.5
    """Log-odds that all looks at a track must give a member for it to bear her name, so that one look names
    hardly more strangers than a picture does (PLAN.md, "Looks add up")."""
    look_apart: Final = 0.5
    """Seconds after which a face shows itself in a new way: looks closer together share their weight (the
    time of a step or a turn of the head in a dance at 120 beats a minute)."""
    look_new: Final = 0.1
    """Seconds between looks at a track in its first second, as long as it has shown no face."""
    look_unsure: Final = 0.25
    """Seconds between looks at a track whose name is not sure, or that another one has touched since."""
    look_sure: Final = 1.5
    """Seconds between looks at a track whose name is sure: a swap is seen after three seconds at most."""
    look_recent: Final = 16
    """Faces that the name for the preview rests on: few enough for it to follow a swap."""
    stranger_lead: Final = 0.2
    """How far above the bank's threshold the similarity of two tracks' faces must be for one stranger: means
    of many looks are more alike than single faces. Two real members whom the bank does not know, three photos
    each, would be one person in 9% of the pairs at the threshold, in 0.9% at this (identity_accuracy)."""
    stranger_quality: Final = 0.5
    """Sum of the qualities of all looks at a stranger's face for her to be known again: a good one does."""
    most_strangers: Final = 2000
    """Parts of tracks among which strangers are known again at most, those with the clearest faces: they take
    150 MB for a moment at the end, which grows with the square of their number."""
    crossing_overlap: Final = 0.3
    """IoU of two persons' boxes from which their tracks may have swapped: one hides a good part of the other
    (dancers side by side overlap less)."""
    owner_change: Final = 0.5
    """Seconds of clear claims that it takes to change the owner of a thing: a hand-over takes as long, a
    wrong frame, or a hand that passes by, is over sooner."""

    # Video: timeline and fancam.
    timeline_gap: Final = 0.5
    """Seconds; whoever is away for less, behind another or in a blurred frame, has not left the screen
    (chosen by eye: with shorter gaps the chart falls into crumbs)."""
    camera_speed: Final = 2.0
    """Crop widths per second; in a close-up all bounds are wider (`fancam.USUAL_HEAD`). A crop that holds a
    standing person is about 1.2 m wide, and dancers hardly move faster than 2.4 m/s."""
    camera_acceleration: Final = 4.0
    """Crop widths per second squared: 5 m/s^2, what a sprinter reaches at the start."""
    camera_jerk: Final = 16.0
    """Crop widths per second cubed: full acceleration within a quarter of a second, as a person's arm."""
    camera_settle: Final = 0.5
    """Seconds that the camera takes to come to rest after she has left, and to set off before she comes back:
    full speed by full acceleration."""
    camera_dead_zone: Final = 0.1
    """Crop widths the head may be off its place before the camera cares: half a step, the sway of a dance."""
    camera_room: Final = 1.25
    """Height of the crop in heights of her box: raised arms and a little floor."""
    camera_zoom: Final = 2.0
    """The crop is at most so many times smaller than the largest that fits; smaller ones would be blurred."""
    camera_headroom: Final = 0.2
    """Where the middle of the head is wanted, from the top, as a share of the crop's height."""

    # Video: frames in and out, cuts, tracks.
    unknown_frame_rate: Final = 25
    """Frames per second of a video that does not say, which is then also FFmpeg's guess."""
    video_crf: Final = 18
    """Constant quality of H.264. A noisy drawn pan of 640 x 360: 36.0 dB at 18 kB a frame; 23: 34.7 at 5."""
    video_preset: Final = "veryfast"
    """How long x264 searches. The same pan: a fifth of the time of medium, 0.4 dB less, and fewer bytes."""
    cut_hash: Final = 0.27
    """Share of the bits of two frames' perceptual hashes from which there may be a cut (drawn: 0.28 and more
    at 31 cuts in 60 clips and 152 between shots, at most 0.28 in the other frames of the clips) ..."""
    cut_likeness: Final = 0.54
    """... and there is one if the frame before correlates less than this (at those cuts 0.50 and less; in the
    other frames of the clips 0.56 and more)."""
    same_instance: Final = 0.3
    """IoU of two masks in one frame above which the less sure one is the other again (`Sam3VideoModel`: 0.1,
    which loses who is half hidden). Ten drawn clips from 2,100,000: IDF1 0.951 and mask J 0.887, with 0.1
    0.955 and 0.882, with 0.5 0.944 and 0.888, with nothing left out 0.925 and 0.889.
    In pictures a person found twice is a rival of herself, and what is hers would be given to neither."""
    join_overlap: Final = 0.1
    """Least overlap (IoU) of the masks, or of the boxes of who was lost, of one instance in two frames. Drawn
    people swaying in front of each other (tests/video/test_tracking.py) change their number 5 times, with 0.3
    9 times; by boxes OC-SORT 42, SORT and ByteTrack 31, BoT-SORT 47 times."""
    join_side: Final = 160
    """Cells along the longer side of the masks that are compared, half as many as in SAM 3's own masks."""
    lost_frames: Final = 30
    """Frames after which what no detection showed is another when it comes back (OC-SORT's own; 60 and 90 the
    same on drawn clips)."""
    as_before: Final = 0.5
    """Where less (IoU) of a person's mask is where it was in the frame before, the frame is looked at in a
    mirror too. 30 drawn clips from 2,100,000, 24 frames a second: 107 of 11,643 sightings without the right
    name, IDF1 0.990; without it 132 and 0.984. It is one of their frames in twenty; where somebody moves a
    third of her width from each frame to the next it is all. With 0.65 twice as many, and no better."""
    unseen_frames: Final = 300
    """Frames after which SAM 3's tracker stops looking for what it sees no more: ten seconds at 30 a second,
    longer than anybody stays behind another, and each costs as much as one that is seen."""


_NO_END = 2**60
_KINDS = {bool: "true or false", int: "a whole number", float: "a number"}
"""What a setting of each type is called where it cannot be read; one of any other type is a folder."""
_RANGES: dict[str, tuple[float, float]] = {
    "resolution": (0, 10_000),
    "sam3_threshold": (0.0, 1.0),
    "questions_per_pass": (1, 10_000),
    "pictures_per_pass": (1, 10_000),
    "feature_cache_bytes": (0, _NO_END),
    "max_upload_bytes": (1, _NO_END),
    "max_pixels": (1, _NO_END),
    "max_video_bytes": (1, _NO_END),
    "false_accept_rate": (0.0, 0.5),
    "hub_timeout": (0.0, 3600.0),
}
"""What numbers mean something. Rates and thresholds are shares: 1 % is 0.01."""
_WORDS = {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
}


def load_settings(**overrides: Any) -> Settings:
    """Read the settings: overrides first, then the environment, then the defaults.

    Args:
        **overrides: Values by field name, or texts as the environment holds them; None means "not given".

    Returns:
        The settings of this run.

    Raises:
        SettingsError: If a setting is not known, cannot be read as its field's type, or is out of its range.
    """
    types = get_type_hints(Settings)
    for name in overrides:
        if name not in types:
            raise SettingsError(f"There is no setting {name}. Write one of these: {', '.join(types)}.")
    values: dict[str, Any] = {}
    for field in fields(Settings):
        text = os.environ.get(ENVIRONMENT_PREFIX + field.name.upper())
        if field.name == "sam3":
            text = text or os.environ.get("SAM3_CHECKPOINT")
        if text:
            values[field.name] = _read(field.name, types[field.name], text)
    for name, value in overrides.items():
        if value is not None:
            values[name] = _read(name, types[name], value) if isinstance(value, str) else value
    return Settings(**values)


def _read(name: str, kind: type, text: str) -> Any:
    variable = f"{ENVIRONMENT_PREFIX}{name.upper()}={text!r}"
    try:
        value = _WORDS[text.strip().lower()] if kind is bool else kind(text)
        value = value.expanduser() if isinstance(value, Path) else value
    except (ValueError, KeyError, RuntimeError) as error:  # the last where nobody has that home
        kind_of = _KINDS.get(kind, "a folder")
        raise SettingsError(f"{variable} is not {kind_of}. Correct or unset it.") from error
    return value
