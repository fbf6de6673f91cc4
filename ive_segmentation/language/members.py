"""Who can be named: the folders of the dataset, and what members.toml says people call them."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ive_segmentation.dataset import member_folders
from ive_segmentation.errors import UserError
from ive_segmentation.settings import Settings

FILE = "members.toml"
LANGUAGES = ("english", "korean", "thai", "japanese")

_STROKES = str.maketrans(
    {"ł": "l", "đ": "d", "ø": "o", "ı": "i", "ħ": "h", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th"}
)
"""Accents that Unicode does not take apart: Łukasz is typed Lukasz, Đặng Dang."""

Entry = dict[str, tuple[str, ...]]


class MembersError(UserError):
    """A dataset or a members.toml that cannot be read."""


@dataclass(frozen=True)
class Member:
    """One person who can be named.

    Attributes:
        folder: Name of the folder of photos, exactly as it is on disk.
        name: The name to show, for example "Wonyoung".
        aliases: Every way people write the name; capitals, spaces and hyphens do not matter.
    """

    folder: str
    name: str
    aliases: tuple[str, ...]


def names_to_show(members: Iterable[Member]) -> dict[str, str]:
    """Tell what to call the members.

    Args:
        members: From `load_members`.

    Returns:
        Names by folder, in the same order.
    """
    return {member.folder: member.name for member in members}


def load_members(dataset: Path) -> tuple[Member, ...]:
    """Read the members of a dataset.

    Every folder of photos is a member, and so is every entry of `members.toml`, with or without photos: the
    program must know whom a text means before anybody has collected pictures. An entry also speaks of a
    folder that bears another of her names: "Wonyoung" is [Jang_Wonyoung]'s. A folder without an entry
    answers to its own name. Where there is no `members.toml`, the program's own one names the folders it
    knows: the photos of the six may lie anywhere. One alone of them must bear the name she is called by.

    Args:
        dataset: Folder that holds one folder of photos per member, and `members.toml` where there is one.

    Returns:
        The members in the order of their folder names.

    Raises:
        MembersError: If the dataset is no folder, or `members.toml` is not what it should be.
        DatasetError: If the folder may not be looked into.
    """
    if not dataset.is_dir():
        raise MembersError(
            f"There is no folder {dataset}. Point the dataset setting at your folder of members."
        )
    folders = {name_key(path.name): path.name for path in member_folders(dataset)}
    own = (dataset / FILE).is_file()
    named = _read_entries(dataset / FILE if own else Settings.dataset / FILE)
    homes = _homes(named, folders.keys(), own)
    entries = {key: (name, entry) for name, entry in named.items() if (key := homes[name]) in folders or own}
    if not own and len(entries) == 1:
        # Of another group, a Kim Jiwon is not Liz; a Jang Wonyoung is called Wonyoung by any.
        ((key, (name, entry)),) = entries.items()
        called = entry.get("name", (name,))[0]
        entries = entries if name_key(called) in map(name_key, _parts(folders[key])) else {}
    members = []
    for key in folders.keys() | entries.keys():
        name, entry = entries.get(key, (folders.get(key, ""), {}))
        members.append(_member(folders.get(key, name), name, entry))
    return tuple(sorted(members, key=lambda member: member.folder))


def name_key(name: str) -> str:
    """Return what two spellings of one name share: no capitals, Latin accents, spaces, dots or hyphens.

    Example:
        >>> name_key("Jang Won-young") == name_key("jang_wonyoung")
        True
    """
    decomposed = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", name).casefold())
    plain = re.sub(r"(?<=[a-z])[\u0300-\u036f]+", "", decomposed.translate(_STROKES))
    letters = (character for character in plain if unicodedata.category(character)[0] in "LMN")
    return unicodedata.normalize("NFKC", "".join(letters))


def _homes(named: dict[str, Entry], folders: Collection[str], own: bool) -> dict[str, str]:
    """Say which folder each entry speaks of: that of its name, or the only one of another of her names.

    Args:
        named: Entries by name.
        folders: The folders' names, as `name_key` gives them.
        own: Whether the entries are the dataset's own. Others' speak of a folder that bears the very name
            they show, and of nobody who merely shares another: a Jiwon need not be Liz.

    Returns:
        A folder's key for each entry; that of the entry's own name where there is no folder.
    """
    homes = {name: name_key(name) for name in named}
    free = set(folders) - set(homes.values())
    claims: dict[str, list[str]] = {key: [] for key in free}
    for name in (name for name in named if homes[name] not in folders):
        family, *given = map(name_key, _parts(name))
        hers = {name_key(alias) for alias in _member(name, name, named[name]).aliases}
        hers -= {family} if given else set()  # not hers alone
        if not own:
            hers &= {name_key(named[name].get("name", ("",))[0])}
        if len(found := free & hers) == 1:
            claims[found.pop()].append(name)
    return homes | {names[0]: key for key, names in claims.items() if len(names) == 1}


def _member(folder: str, entered: str, entry: Entry) -> Member:
    (name,) = entry.get("name", (" ".join(_parts(entered)),))
    own: list[str] = []
    for written in (folder, entered):
        parts = _parts(written)
        own += [written, " ".join(parts), " ".join(reversed(parts)), *parts]
    typed = tuple(alias for language in LANGUAGES for alias in entry.get(language, ()))
    return Member(folder, name, tuple(dict.fromkeys((name, *own, *typed))))


def _parts(name: str) -> list[str]:
    return [part for part in re.split(r"[\s_]+", unicodedata.normalize("NFC", name)) if part]


def _read_entries(path: Path) -> dict[str, Entry]:
    if not path.is_file():
        return {}
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise MembersError(
            f"{path} cannot be read ({error}). Correct it; names that are not Latin stand between quotes."
        ) from error
    return {folder: _read_entry(path, folder, entry) for folder, entry in table.items()}


def _read_entry(path: Path, folder: str, entry: Any) -> Entry:
    if not name_key(folder) or not isinstance(entry, dict) or not entry.keys() <= {"name", *LANGUAGES}:
        raise MembersError(
            f"[{folder}] in {path} is not a member's entry. "
            f"Write the folder's name in brackets, and below it any of: name, {', '.join(LANGUAGES)}."
        )
    read: Entry = {}
    for field, value in entry.items():
        names = [value] if field == "name" else value
        if not isinstance(names, list) or not all(isinstance(name, str) and name_key(name) for name in names):
            wanted = (
                'a name, as in name = "Rei"'
                if field == "name"
                else f'a list of names, as in {field} = ["Rei"]'
            )
            raise MembersError(f"{field} of [{folder}] in {path} cannot be read. Write {wanted}.")
        read[field] = tuple(names)
    return read
