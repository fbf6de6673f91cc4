"""A result is saved and loads back equal, and carries no embedding."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ive_segmentation.identity.matching import Evidence, Match
from ive_segmentation.language import Prompt, Request
from ive_segmentation.result import FaceBox, Person, Result, Segment

SIZE = (7, 9)
shares = st.floats(0, 1)
masks = arrays(bool, SIZE)
boxes = arrays(np.float32, 4, elements=st.floats(0, 9, width=32))
faces = st.builds(FaceBox, boxes, arrays(np.float32, (5, 2), elements=st.floats(0, 9, width=32)), shares)
evidence = st.builds(Evidence, st.text(), shares)
names = st.none() | st.text()
places = st.none() | st.integers(0, 9)
matches = st.builds(
    Match, names, shares, names, st.none() | shares, st.lists(evidence).map(tuple), shares, names
)
said = st.lists(st.text()).map(tuple)
prompts = st.builds(
    Prompt,
    st.text(),
    st.lists(st.builds(Request, said, names, said), min_size=1).map(tuple),
    st.lists(st.text()).map(tuple),
    names,
)
results = st.builds(
    Result,
    st.just(SIZE),
    prompts,
    st.lists(st.builds(Person, boxes, st.none() | masks, shares, st.none() | faces, st.none() | matches)).map(
        tuple
    ),
    st.lists(st.builds(Segment, st.text(), masks, boxes, shares, places, names, places)).map(tuple),
    st.lists(st.text()).map(tuple),
    st.dictionaries(st.text(), shares),
)


@given(results)
def test_loads_back_equal(result: Result) -> None:
    assert Result.from_dict(result.to_dict()) == result


def test_what_was_written_before_things_had_rivals_loads() -> None:
    hat = Segment("hat", np.ones(SIZE, bool), np.zeros(4, np.float32), 0.9, 0, None)
    result = Result(SIZE, Prompt("hat", (Request((), "hat"),)), (), (hat,), (), {})
    written = result.to_dict()
    del written["segments"][0]["rival"]
    assert Result.from_dict(written) == result


def test_a_file_loads_back_equal_and_holds_no_embedding(tmp_path: Path) -> None:
    mask = np.zeros(SIZE, bool)
    mask[2:4, 3:8] = True
    box = np.array([3, 2, 8, 4], np.float32)
    match = Match("나", 0.5, None, None, (Evidence("나/ก.jpg", 0.4),), 0.9, "나")
    person = Person(box, mask, 0.9, FaceBox(box, np.zeros((5, 2), np.float32), 0.8), match)
    request = Request(("나",), None)
    result = Result(SIZE, Prompt("나", (request,)), (person,), (), ("말",), {"find": 0.5})
    path = tmp_path / "new" / "result.json"
    result.save(path)
    assert Result.load(path) == result
    assert "embedding" not in path.read_text(encoding="utf-8")
    assert [file.name for file in path.parent.iterdir()] == ["result.json"]


def test_it_is_shown_in_a_line_without_its_masks() -> None:
    box, mask = np.array([244.5, 254.68063, 499.11267, 428.07477], np.float32), np.ones((540, 960), bool)
    person = Person(box, mask, 0.9, FaceBox(box, np.zeros((5, 2), np.float32), 0.8), None)
    shirt = Segment("shirt", mask, box, 0.9, 0, "Naoi_Rei")
    result = Result(mask.shape, Prompt("x", (Request((), "x"),)), (person,), (shirt,), (), {})
    shown = repr(result)
    assert "Segment(concept='shirt', box=array([244.5" in shown
    assert len(shown.splitlines()) == 1


def test_results_that_differ_are_not_equal() -> None:
    prompt = Prompt("x", (Request((), "x"),))
    one = Result(SIZE, prompt, (), (), (), {})
    assert one != Result(SIZE, prompt, (), (), ("said",), {})
    assert one != "x"
