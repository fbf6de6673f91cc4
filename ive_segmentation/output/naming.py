"""What people and things are called: to the eye, in sentences, and in names of files."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence

from ive_segmentation.language import EVERYONE, UNKNOWN, Member, names_to_show
from ive_segmentation.result import PERSON, Segment

UNKNOWN_NAME = "Unknown"
LONGEST_NAME = 200
"""Bytes that a segment's name may take in that of a file: file systems allow 255 for all of it."""


def counted(number: int, noun: str) -> str:
    """Say how many there are: "1 photo", "5 photos", "no photos"."""
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


def called(member: str | None, stranger: int | None, names: Mapping[str, str]) -> str:
    """Say who somebody is.

    Args:
        member: Her folder name, or None: Unknown.
        stranger: The number by which she is known again in a video, if she is.
        names: What to call the members, by folder name; a folder that is not there is called by its own name.

    Returns:
        "Wonyoung", "Unknown" or "Unknown 2".
    """
    if member is not None:
        return names.get(member, member)
    return UNKNOWN_NAME if stranger is None else f"{UNKNOWN_NAME} {stranger}"


def asked_for(who: str, names: Mapping[str, str]) -> str:
    """Say whom a prompt asks for, in a sentence about who was not found.

    Args:
        who: A folder name, `EVERYONE` or `UNKNOWN`.
        names: As for `called`.

    Returns:
        "Wonyoung", "anyone" or "anyone unknown".
    """
    return {EVERYONE: "anyone", UNKNOWN: "anyone unknown"}.get(who) or names.get(who, who)


def segment_title(segment: Segment, names: Mapping[str, str]) -> str:
    """Name a mask: "Wonyoung", "Wonyoung’s shirt"; "shirt" alone where it is nobody's.

    Args:
        segment: A mask that was asked for.
        names: As for `called`.

    Returns:
        Plain text.
    """
    return title(segment.concept, None if segment.owner is None else called(segment.member, None, names))


def title(concept: str, owner: str | None) -> str:
    """Name something that was found.

    Args:
        concept: The noun.
        owner: What whose it is is called, or who it is; None where it is nobody's.

    Returns:
        "Wonyoung", "Wonyoung’s shirt", or "shirt".
    """
    if owner is None:
        return concept
    return owner if concept == PERSON else f"{owner}’s {concept}"


def segment_name(segment: Segment, members: Sequence[Member]) -> str:
    """Name a segment as a file's name can hold it: "wonyoung_white_shirt".

    Args:
        segment: A mask that was asked for.
        members: For the names.

    Returns:
        Letters and digits of any script, joined by underscores, no more than any file system takes.
    """
    owner = "" if segment.owner is None else called(segment.member, None, names_to_show(members))
    return plain_name(owner if segment.concept == PERSON else f"{owner} {segment.concept}") or "mask"


def plain_name(words: str) -> str:
    """Write words as a part of a file's name.

    Args:
        words: Of any script.

    Returns:
        Letters, their marks and digits joined by underscores, no longer than a file system takes; empty if
        there are none.
    """
    # Vowels of Thai and Hindi are marks: left out, two people may have one name.
    kept = (letter if unicodedata.category(letter)[0] in "LMN" else " " for letter in words.casefold())
    name = "_".join("".join(kept).split()).encode()[:LONGEST_NAME]
    return name.decode(errors="ignore").strip("_")
