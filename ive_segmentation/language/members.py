"""Who can be named: the folders of the dataset, and what members.toml says people call them."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ive_segmentation.errors import UserError
from ive_segmentation.settings import Settings

FILE = "members.toml"
LANGUAGES = ("english", "korean", "thai", "japanese")

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


def load_members(dataset: Path) -> tuple[Member, ...]:
    """Read the members of a dataset.

    Every folder of photos is a member, and so is every entry of `members.toml`, with or without photos: the
    program must know whom a text means before anybody has collected pictures. A folder without an entry
    answers to its own name. Where there is no `members.toml`, the program's own one names the folders it
    knows: the photos of the six may lie anywhere.

    Args:
        dataset: Folder that holds one folder of photos per member, and `members.toml` where there is one.

    Returns:
        The members in the order of their folder names.

    Raises:
        MembersError: If the dataset is no folder, or `members.toml` is not what it should be.
    """
    if not dataset.is_dir():
        raise MembersError(
            f"There is no folder {dataset}. Point the dataset setting at your folder of members."
        )
    folders = {name_key(path.name): path.name for path in dataset.iterdir() if _is_member_folder(path)}
    own = (dataset / FILE).is_file()
    named = _read_entries(dataset / FILE if own else Settings.dataset / FILE)
    entries = {
        key: (name, entry) for name, entry in named.items() if (key := name_key(name)) in folders or own
    }
    members = []
    for key in folders.keys() | entries.keys():
        name, entry = entries.get(key, (folders.get(key, ""), {}))
        members.append(_member(folders.get(key, name), entry))
    return tuple(sorted(members, key=lambda member: member.folder))


def name_key(name: str) -> str:
    """Return what two spellings of one name share: no capitals, Latin accents, spaces, dots or hyphens.

    Example:
        >>> name_key("Jang Won-young") == name_key("jang_wonyoung")
        True
    """
    decomposed = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", name).casefold())
    plain = re.sub(r"(?<=[a-z])[\u0300-\u036f]+", "", decomposed)
    letters = (character for character in plain if unicodedata.category(character)[0] in "LMN")
    return unicodedata.normalize("NFKC", "".join(letters))


def _is_member_folder(path: Path) -> bool:
    return path.is_dir() and not path.name.startswith((".", "_")) and bool(name_key(path.name))


def _member(folder: str, entry: Entry) -> Member:
    parts = [part for part in re.split(r"[\s_]+", unicodedata.normalize("NFC", folder)) if part]
    (name,) = entry.get("name", (" ".join(parts),))
    own = (folder, " ".join(parts), " ".join(reversed(parts)), *parts)
    typed = tuple(alias for language in LANGUAGES for alias in entry.get(language, ()))
    return Member(folder, name, tuple(dict.fromkeys((name, *own, *typed))))


def _read_entries(path: Path) -> dict[str, Entry]:
    if not path.is_file():
        return {}
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
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
