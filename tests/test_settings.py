"""What a run can be told, and what it refuses to be told."""

from __future__ import annotations

from pathlib import Path

import pytest

from ive_segmentation.settings import Settings, SettingsError, load_settings


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("false_accept_rate", "0.02", 0.02),
        ("sam3_threshold", "0", 0.0),
        ("resolution", "672", 672),
        ("collage", "yes", True),
        ("collage", "off", False),
        ("device", "cuda:1", "cuda:1"),
        ("dataset", "~/photos", Path.home() / "photos"),
    ],
)
def test_text_is_read_from_the_environment_and_from_a_program(
    name: str, text: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert getattr(load_settings(**{name: text}), name) == value
    monkeypatch.setenv(f"IVE_{name.upper()}", text)
    assert getattr(load_settings(), name) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("false_accept_rate", "1"),  # meant as 1 %, it would name every stranger
        ("false_accept_rate", "nan"),
        ("sam3_threshold", "50"),
        ("questions_per_pass", "0"),
        ("pictures_per_pass", "-1"),
        ("max_pixels", "0"),
        ("hub_timeout", "inf"),
    ],
)
def test_what_means_nothing_is_refused(name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = type(getattr(Settings, name))(text)
    with pytest.raises(SettingsError, match=f"IVE_{name.upper()}={given} is not from"):
        load_settings(**{name: given})
    monkeypatch.setenv(f"IVE_{name.upper()}", text)
    with pytest.raises(SettingsError, match=f"IVE_{name.upper()}={given} is not from"):
        load_settings()


@pytest.mark.parametrize(
    ("name", "text"),
    [("sam3_threshold", "half"), ("collage", "ja"), ("resolution", "1008 px"), ("dataset", "~nobody-here/x")],
)
def test_what_cannot_be_read_is_refused(name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"IVE_{name.upper()}", text)
    kinds = {"sam3_threshold": "a number", "collage": "true or false", "resolution": "a whole number"}
    said = f"IVE_{name.upper()}='{text}' is not {kinds.get(name, 'a folder')}"
    with pytest.raises(SettingsError, match=said):
        load_settings()
    monkeypatch.delenv(f"IVE_{name.upper()}")
    with pytest.raises(SettingsError, match=said):
        load_settings(**{name: text})


def test_a_name_that_is_no_setting_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"There is no setting datset\. .*dataset, bank, faces"):
        load_settings(datset="photos")


def test_a_limit_without_an_end_has_none_in_words() -> None:
    with pytest.raises(SettingsError, match=r"IVE_MAX_PIXELS=0 is not from 1 on\. Correct"):
        load_settings(max_pixels=0)


def test_what_is_given_comes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IVE_BANK", "elsewhere")
    assert load_settings(bank="here").bank == "here"
    assert load_settings(bank=None).bank == "elsewhere"
    assert load_settings().sam3 == Settings.sam3


def test_a_path_may_be_text(tmp_path: Path) -> None:
    for name in ("dataset", "bank", "faces", "sam3", "word_cache"):
        assert load_settings(**{name: str(tmp_path)}) == load_settings(**{name: tmp_path})


def test_a_path_may_begin_at_home() -> None:
    assert load_settings(dataset=Path("~/photos")).dataset == Path.home() / "photos"


def test_each_dataset_has_a_bank_of_its_own(tmp_path: Path) -> None:
    """Or the people of one folder would be named by the photos of another."""
    banks = [load_settings(dataset=tmp_path / name).bank for name in ("one", "two")]
    assert len({*banks, load_settings().bank}) == 3
    assert load_settings(dataset=tmp_path / "two" / ".." / "one").bank == banks[0]


def test_the_programs_own_variable_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAM3_CHECKPOINT", "theirs")
    assert load_settings().sam3 == "theirs"
    monkeypatch.setenv("IVE_SAM3", "mine")
    assert load_settings().sam3 == "mine"


def test_a_variable_that_is_set_to_nothing_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAM3_CHECKPOINT", "")
    monkeypatch.setenv("IVE_SAM3", "mine")
    assert load_settings().sam3 == "mine"
