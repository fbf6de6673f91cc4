"""The lists of the Members tab."""

from __future__ import annotations

from pathlib import Path

import pytest

from ive_segmentation.app.bank_health import SHOWN, _photo_table
from ive_segmentation.output.bank_figures import LONGEST_LABEL, similarity_heat_map
from ive_segmentation.pipeline import Pipeline
from ive_segmentation.settings import Settings
from tests.identity.galleries import cluster_gallery


@pytest.mark.parametrize(("photos", "rows"), [(0, 0), (1, 1), (SHOWN, SHOWN), (SHOWN + 50, SHOWN)])
def test_of_a_long_list_the_first_photos_are_shown_and_all_are_counted(
    photos: int, rows: int, tmp_path: Path
) -> None:
    listed = ((f"Rei/{number}.jpg", "blurred") for number in range(photos))
    html = _photo_table("Worth a look", listed, Pipeline(Settings(dataset=tmp_path), ()))
    assert html.count("<tr>") == rows
    assert (f"({photos})" in html) == (photos > 0)
    assert (f"The first {SHOWN} are shown." in html) == (photos > SHOWN)


def test_beside_the_heat_map_a_long_name_is_short_and_whole_where_it_is_pointed_at() -> None:
    figure = similarity_heat_map(cluster_gallery(), {"A": "Maximiliana Featherstonehaugh"})
    assert figure.data[0].x[0] == figure.layout.xaxis.tickvals[0] == "Maximiliana Featherstonehaugh"
    assert figure.layout.xaxis.ticktext[:2] == ("Maximiliana…", "B")
    assert len(figure.layout.xaxis.ticktext[0]) <= LONGEST_LABEL
