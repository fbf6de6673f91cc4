"""The bank in pictures."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from ive_segmentation.identity.gallery import Gallery
from ive_segmentation.output import bank_figures
from ive_segmentation.output.bank_figures import (
    face_map,
    member_similarities,
    reliability_curve,
    score_curves,
    similarity_heat_map,
)
from tests.identity.galleries import cluster_gallery


def test_members_are_most_like_themselves() -> None:
    values = member_similarities(cluster_gallery())
    assert (values.argmax(axis=1) == np.arange(6)).all()
    np.testing.assert_allclose(values, values.T, atol=1e-5)


def test_a_single_photo_is_not_compared_with_itself() -> None:
    values = member_similarities(cluster_gallery(3, 1))
    assert np.isnan(np.diag(values)).all()
    assert not np.isnan(values[0, 1:]).any()


def test_the_heat_map_calls_members_by_their_names() -> None:
    figure = similarity_heat_map(cluster_gallery(), {"A": "Yujin"})
    assert list(figure.data[0].x) == ["Yujin", "B", "C", "D", "E", "F"]


def test_the_curves_fall_and_show_the_threshold() -> None:
    gallery = cluster_gallery()
    figure = score_curves(gallery)
    assert [curve.name for curve in figure.data] == ["known faces, named rightly", "strangers, named"]
    for curve in figure.data:
        assert (np.diff(curve.y) <= 0).all()
    assert figure.layout.shapes[0].x0 == gallery.calibration.threshold


def test_the_reliability_curve_is_that_of_the_banks_own_trials() -> None:
    gallery = cluster_gallery()
    trials = gallery.trials
    confidence = gallery.calibration.confidence(trials.similarity, trials.lead)
    in_the_last = confidence >= 0.9
    _, curve = reliability_curve(gallery).data
    shares = np.where(trials.stranger, 0.5 / trials.stranger.sum(), 0.5 / (~trials.stranger).sum())
    assert curve.y[-1] == pytest.approx(np.average(trials.right[in_the_last], weights=shares[in_the_last]))
    assert curve.x[-1] == pytest.approx(np.average(confidence[in_the_last], weights=shares[in_the_last]))


def test_two_members_have_no_strangers_to_draw() -> None:
    assert [curve.name for curve in score_curves(cluster_gallery(2, 4)).data] == [
        "known faces, named rightly"
    ]


def test_the_map_shows_every_face_and_loads_nothing(real_gallery: Gallery, real_photos: Path) -> None:
    html = face_map(real_gallery, real_photos, {"An_Yujin": "Yujin"})
    assert html.count("<circle") == html.count("data:image/jpeg;base64,") == len(real_gallery.photos)
    assert "Yujin" in html
    assert not re.search(r"(src|href)=\"(?!data:)", html)


def test_the_map_survives_a_photo_that_is_gone(tmp_path: Path) -> None:
    assert face_map(cluster_gallery(2, 2), tmp_path, {}).count("<circle") == 4


def test_of_thousands_of_faces_the_map_opens_some_hundred_photos(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Path] = []
    monkeypatch.setattr(bank_figures, "photo_thumbnail", lambda photo, box: opened.append(photo))
    assert face_map(cluster_gallery(6, 200), tmp_path, {}).count("<circle") == 1200
    assert 300 <= len(opened) <= bank_figures.PICTURED
