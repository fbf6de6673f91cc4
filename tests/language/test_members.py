"""Who can be named: folders, members.toml, both, and what is wrong with a members.toml."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from ive_segmentation.errors import UserError
from ive_segmentation.language import EVERYONE, MembersError, PromptError, load_members, parse
from ive_segmentation.language.members import name_key
from tests.conftest import REPOSITORY


def _dataset(path: Path, *folders: str, toml: str | None = None) -> Path:
    for folder in folders:
        (path / folder).mkdir()
    if toml is not None:
        (path / "members.toml").write_text(toml, encoding="utf-8")
    return path


def test_the_six_of_the_repository_need_no_photos() -> None:
    members = load_members(REPOSITORY / "Dataset")
    assert {member.folder: member.name for member in members} == {
        "An_Yujin": "Yujin",
        "Jang_Wonyoung": "Wonyoung",
        "Kim_Gaeul": "Gaeul",
        "Kim_Jiwon": "Liz",
        "Lee_Hyunseo": "Leeseo",
        "Naoi_Rei": "Rei",
    }


def test_a_file_by_windows_notepad_is_read(tmp_path: Path) -> None:
    """Which puts a byte order mark in front."""
    _dataset(tmp_path, "Solo", toml='\ufeff[Solo]\nname = "Q"\n')
    assert load_members(tmp_path)[0].name == "Q"


def test_every_alias_of_the_repository_means_its_member() -> None:
    members = load_members(REPOSITORY / "Dataset")
    for member in members:
        for alias in member.aliases:
            if alias != "Kim":
                assert parse(alias, members).requests[0].people == (member.folder,), alias


@pytest.mark.parametrize(
    "text", ["Wonyoung", "Jang Wonyoung", "Wonyoung Jang", "jang_wonyoung", "JANG WON-YOUNG"]
)
def test_a_folder_without_an_entry_answers_to_its_own_name(tmp_path: Path, text: str) -> None:
    members = load_members(_dataset(tmp_path, "Jang_Wonyoung", "An_Yujin", toml=""))
    assert parse(text, members).requests[0].people == ("Jang_Wonyoung",)


@pytest.mark.parametrize(
    ("folder", "text", "means_her"),
    [
        ("홍길동", "길동이의 모자", True),
        ("홍길동", "홍길동의 모자", True),
        ("남궁민수", "민수의 모자", True),
        ("홍_길동", "길동의 모자", True),
        ("홍길동", "홍의 모자", False),
        ("카리나", "리나의 모자", False),  # no family of Korea is called 카
        ("홍가나다", "나다의 모자", False),
    ],
)
def test_a_korean_name_without_a_space_answers_to_the_given_name(
    tmp_path: Path, folder: str, text: str, means_her: bool
) -> None:
    members = load_members(_dataset(tmp_path, folder, "카이"))
    if means_her:
        assert parse(text, members).requests[0].people == (folder,)
    else:
        with pytest.raises(PromptError, match="is no member"):
            parse(text, members)


def test_a_given_name_that_is_a_word_stays_one(tmp_path: Path) -> None:
    members = load_members(_dataset(tmp_path, "김하얀", "장원영", "이상의"))
    white = parse("모두의 하얀 셔츠", members).requests[0]
    assert (white.people, white.thing) == ((EVERYONE,), "white shirt")
    assert parse("원영의 하얀 셔츠", members).requests[0].thing == "white shirt"
    assert parse("원영의 상의", members).requests[0].people == ("장원영",)
    assert parse("김하얀의 셔츠", members).requests[0].people == ("김하얀",)


def test_the_six_keep_their_names_wherever_their_photos_lie(tmp_path: Path) -> None:
    members = load_members(_dataset(tmp_path, "Kim_Jiwon", "Naoi_Rei", "Ada_Lovelace"))
    assert [member.name for member in members] == ["Ada Lovelace", "Liz", "Rei"]
    assert parse("리즈의 신발", members).requests[0].people == ("Kim_Jiwon",)


@pytest.mark.parametrize(
    ("folder", "shown"), [("Kim_Jiwon", "Kim Jiwon"), ("Lee_Hyunseo", "Lee Hyunseo"), ("Naoi_Rei", "Rei")]
)
def test_a_namesake_in_another_group_is_not_renamed(tmp_path: Path, folder: str, shown: str) -> None:
    members = load_members(_dataset(tmp_path, folder, "Ada_Lovelace"))
    assert shown in [member.name for member in members]


def test_folders_and_entries_are_merged(tmp_path: Path) -> None:
    toml = '[Kim_Jiwon]\nname = "Liz"\nkorean = ["리즈"]\n[Naoi_Rei]\nenglish = ["Ray"]\n'
    members = load_members(_dataset(tmp_path, "Kim_Jiwon", "An_Yujin", toml=toml))
    assert [(member.folder, member.name) for member in members] == [
        ("An_Yujin", "An Yujin"),
        ("Kim_Jiwon", "Liz"),
        ("Naoi_Rei", "Naoi Rei"),
    ]
    assert {"Liz", "리즈", "Jiwon", "Jiwon Kim"} <= set(members[1].aliases)


@pytest.mark.parametrize(
    ("folders", "text", "folder"),
    [
        (["Wonyoung", "Rei"], "Wonyoung's shirt", "Wonyoung"),
        (["Wonyoung", "Rei"], "원영의 셔츠", "Wonyoung"),
        (["Wonyoung", "Rei"], "Jang Wonyoung", "Wonyoung"),
        (["리즈"], "Kim Jiwon", "리즈"),
        (["Wonyoung", "Jang_Wonyoung"], "장원영", "Jang_Wonyoung"),  # that of the entry's own name first
        (["Lee", "Rei"], "Lee", "Lee"),  # a family name is anybody's
        (["Lee", "Rei"], "이서", "Lee_Hyunseo"),
        (["Minji", "Kim_Minji"], "Minji's hat", "Minji"),
        (["Minji", "Kim_Minji"], "Kim Minji's hat", "Kim_Minji"),
    ],
)
def test_a_folder_may_bear_any_of_her_names(
    tmp_path: Path, folders: list[str], text: str, folder: str
) -> None:
    toml = (REPOSITORY / "Dataset" / "members.toml").read_text(encoding="utf-8")
    members = load_members(_dataset(tmp_path, *folders, toml=toml))
    assert parse(text, members).requests[0].people == (folder,)


def test_without_a_toml_of_ones_own_nobody_is_renamed(tmp_path: Path) -> None:
    members = load_members(_dataset(tmp_path, "Jiwon", "Hyunseo", "Liz"))
    assert [(member.folder, member.name) for member in members] == [
        ("Hyunseo", "Hyunseo"),
        ("Jiwon", "Jiwon"),
        ("Liz", "Liz"),
    ]
    assert parse("리즈의 신발", members).requests[0].people == ("Liz",)


def test_an_entry_finds_its_folder_however_the_disk_spells_it(tmp_path: Path) -> None:
    folder = unicodedata.normalize("NFD", "김_민지")  # as macOS writes it
    members = load_members(
        _dataset(tmp_path, folder, "jang wonyoung", toml='["김_민지"]\n[Jang_Wonyoung]\nname = "W"\n')
    )
    assert {member.folder for member in members} == {folder, "jang wonyoung"}


def test_what_is_no_folder_of_photos_is_no_member(tmp_path: Path) -> None:
    _dataset(tmp_path, ".git", "_trash", "...", "Rei")
    (tmp_path / "README.md").write_text("no member")
    assert [member.folder for member in load_members(tmp_path)] == ["Rei"]


def test_an_empty_dataset_has_no_members(tmp_path: Path) -> None:
    assert load_members(tmp_path) == ()


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("[Rei\n", "cannot be read"),
        ("Rei = 1\n", "[Rei]"),
        ('[Rei]\nklingon = ["Rei"]\n', "[Rei]"),
        ("[Rei]\nname = 3\n", "name of [Rei]"),
        ('[Rei]\nname = ["Rei"]\n', "name of [Rei]"),
        ('[Rei]\nname = " "\n', "name of [Rei]"),
        ('[Rei]\nkorean = "레이"\n', "korean of [Rei]"),
        ("[Rei]\nkorean = [1]\n", "korean of [Rei]"),
        ('["..."]\nname = "Rei"\n', "[...]"),
    ],
)
def test_says_what_is_wrong_with_members_toml(tmp_path: Path, toml: str, words: str) -> None:
    with pytest.raises(MembersError) as refusal:
        load_members(_dataset(tmp_path, toml=toml))
    assert isinstance(refusal.value, UserError)
    assert words in str(refusal.value)


def test_says_that_a_members_toml_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "members.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(MembersError, match="cannot be read"):
        load_members(tmp_path)


@pytest.mark.parametrize("path", ["missing", "file"])
def test_a_dataset_must_be_a_folder(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MembersError, match="no folder"):
        load_members(tmp_path / path)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Jang_Wonyoung", "jang won-young", True),
        ("Rosé", "ROSE", True),
        ("アン・ユジン", "ｱﾝ ﾕｼﾞﾝ", True),
        ("장원영", unicodedata.normalize("NFD", "장원영"), True),
        ("Łukasz Đặng", "lukasz dang", True),
        ("Işıl", "IŞIL", True),
        ("ลิซ", "ลซ", False),
        ("カウル", "ガウル", False),
    ],
)
def test_name_key(one: str, other: str, same: bool) -> None:
    assert (name_key(one) == name_key(other)) is same


@pytest.mark.parametrize(
    ("folders", "toml", "expected"),
    [
        (["Jiwon", "Liz"], '[Kim_Jiwon]\nname = "Liz"\n', {"Jiwon", "Liz", "Kim_Jiwon"}),
        (["Minji"], "[Kim_Minji]\n[Park_Minji]\n", {"Minji", "Kim_Minji", "Park_Minji"}),
    ],
    ids=["two folders for an entry", "two entries for a folder"],
)
def test_what_could_be_several_is_nobodys(
    tmp_path: Path, folders: list[str], toml: str, expected: set[str]
) -> None:
    assert {member.folder for member in load_members(_dataset(tmp_path, *folders, toml=toml))} == expected
