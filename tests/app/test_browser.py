"""The page as people meet it: a real browser, a real server, drawn members."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from threading import Thread
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, FilePayload, Page, Request, expect

from ive_segmentation.app import launch
from ive_segmentation.app.video_tab import NO_SAM3
from ive_segmentation.pipeline import Pipeline
from tests.app.conftest import free_port

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

NAMES = {"Jang_Wonyoung": "Wonyoung", "An_Yujin": "Yujin", "Naoi_Rei": "Rei"}
SLOW = 60_000  # milliseconds for an answer of the model on a busy machine


def upload(page: Page, path: Path | FilePayload) -> None:
    page.set_input_files("#photo input[type=file]", path)
    expect(page.locator("#photo img")).to_be_visible(timeout=SLOW)
    expect(page.locator("#point")).to_contain_text("Click a person", timeout=SLOW)


def ask(page: Page, prompt: str) -> None:
    page.fill("#prompt textarea", prompt)
    page.click("#run")


def click(page: Page, place: np.ndarray, size: tuple[int, int]) -> None:
    """Click a place (x, y) of the picture, whose width and height are `size`."""
    image = page.locator("#photo img")
    shown = image.bounding_box()
    assert shown is not None
    # The picture lies in its frame as large as it fits.
    scale = min(shown["width"] / size[0], shown["height"] / size[1])
    left, top = (shown["width"] - size[0] * scale) / 2, (shown["height"] - size[1] * scale) / 2
    image.click(position={"x": left + float(place[0]) * scale, "y": top + float(place[1]) * scale})


def test_a_possession_gives_masks_names_evidence_and_a_cutout_to_download(page: Page, picture: Path) -> None:
    upload(page, picture)
    ask(page, "Wonyoung's shirt")

    expect(page.locator("#said")).to_contain_text("Found: Wonyoung’s shirt", timeout=SLOW)
    expect(page.locator("#overlay img")).to_be_visible()
    expect(page.locator("#masks .thumbnail-item")).to_have_count(2)
    rows = page.locator("#faces tbody tr")
    expect(rows).to_have_count(3)
    for name in ("Wonyoung", "Yujin", "Rei"):
        row = rows.filter(has=page.locator(".who", has_text=name))
        expect(row.locator(".ive-evidence img")).to_have_count(3)
        expect(row.locator("td[data-label=Similarity]")).to_have_text(re.compile(r"^0\.\d\d$"))

    expect(page.locator("#files")).to_contain_text("Download (5 files)")
    stem, ending = (page.locator(f"#files {part}").first.bounding_box() for part in (".stem", ".ext"))
    assert stem is not None
    assert ending is not None
    assert ending["x"] == pytest.approx(stem["x"] + stem["width"], abs=1)
    with page.expect_download() as waiting:
        page.locator("#files tr", has_text="cutout_01_wonyoung_shirt").locator("a").click()
    cutout = Image.open(waiting.value.path())
    alpha = np.asarray(cutout)[..., 3]
    assert cutout.mode == "RGBA"
    assert 0.1 < np.mean(alpha > 0) < 1

    with page.expect_download() as waiting:
        page.locator("#files tr", has_text="everything").locator("a").click()
    names = zipfile.ZipFile(BytesIO(waiting.value.path().read_bytes())).namelist()
    assert {"overlay.png", "result.json", "mask_01_wonyoung_shirt.png"} <= set(names)


@pytest.mark.parametrize(("prompt", "words"), [("Zorblax's shirt", "Zorblax"), ("", "holds no word")])
def test_a_prompt_that_cannot_be_read_is_answered_in_words(
    page: Page, picture: Path, prompt: str, words: str
) -> None:
    upload(page, picture)
    page.fill("#prompt textarea", prompt)
    page.press("#prompt textarea", "Enter")
    expect(page.locator("#said [role=alert]")).to_contain_text(words, ignore_case=True, timeout=SLOW)
    expect(page.locator("#overlay")).to_have_count(0)


def test_on_a_small_screen_what_is_said_is_scrolled_to(page: Page, picture: Path) -> None:
    page.set_viewport_size({"width": 1366, "height": 400})
    upload(page, picture)
    page.locator("#frames").evaluate("last => last.scrollIntoView(false)")
    expect(page.locator("#said")).not_to_be_in_viewport()
    ask(page, "Zorblax's shirt")
    expect(page.locator("#said [role=alert]")).to_be_in_viewport(timeout=SLOW)


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1024, 768)])
def test_what_asks_is_seen_without_scrolling(
    page: Page, picture: Path, clip: Path, width: int, height: int
) -> None:
    page.set_viewport_size({"width": width, "height": height})
    upload(page, picture)
    expect(page.locator("#run")).to_be_in_viewport(ratio=1)
    page.get_by_role("tab", name="Video").click()
    page.set_input_files("#film input[type=file]", clip)
    expect(page.locator("#film-about video")).to_be_visible(timeout=SLOW)
    expect(page.locator("#film-run")).to_be_in_viewport(ratio=1)


def test_a_prompt_is_shown_as_text_whatever_it_holds(page: Page, picture: Path) -> None:
    upload(page, picture)
    ask(page, "<img src=x onerror=document.title='broken'> ${document.title='broken'}")
    expect(page.locator("#said")).to_contain_text("onerror", timeout=SLOW)
    assert page.locator("#said img").count() == 0
    assert page.title() == "IVE Segmentation"


@pytest.fixture
def frame_of_another(address: str) -> Iterator[int]:
    """The port of a site that shows the page within its own."""

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(f'<iframe src="{address}" width="1200" height="900"></iframe>'.encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def test_the_notebook_may_frame_the_page_and_no_foreign_site(browser: Browser, frame_of_another: int) -> None:
    page = browser.new_page()
    page.goto(f"http://localhost:{frame_of_another}")
    expect(page.frame_locator("iframe").locator("#run")).to_be_visible(timeout=SLOW)
    with page.expect_console_message(lambda said: "frame-ancestors" in said.text):
        page.goto(f"http://foreign.localhost:{frame_of_another}")  # this machine's by the name, too
    page.close()


def test_a_question_without_a_picture_is_answered_in_words(page: Page) -> None:
    ask(page, "Wonyoung")
    expect(page.locator("#said [role=alert]")).to_contain_text("There is no picture yet", timeout=SLOW)


@pytest.mark.parametrize(
    ("content", "words"), [(b"not a picture", "is no picture that can be read"), (b"", "is empty")]
)
def test_a_file_that_is_no_picture_is_refused_in_words(page: Page, content: bytes, words: str) -> None:
    page.set_input_files(
        "#photo input[type=file]", {"name": "holiday.jpg", "mimeType": "image/jpeg", "buffer": content}
    )
    expect(page.locator("#point [role=alert]")).to_contain_text(words, timeout=SLOW)
    expect(page.locator("#photo img")).to_have_count(0)


def test_a_format_that_browsers_cannot_show_is_shown_all_the_same(page: Page, picture: Path) -> None:
    file = BytesIO()
    Image.open(picture).save(file, "TIFF")
    upload(page, FilePayload(name="scan.tif", mimeType="image/tiff", buffer=file.getvalue()))
    page.wait_for_function("document.querySelector('#photo img').naturalWidth === 640", timeout=SLOW)


def test_a_picture_is_pasted_wherever_the_keyboard_is(page: Page, picture: Path) -> None:
    paste = """async bytes => {
        const clipboardData = new DataTransfer();
        clipboardData.items.add(new File([new Uint8Array(bytes)], "pasted.png", {type: "image/png"}));
        document.body.dispatchEvent(new ClipboardEvent("paste", {clipboardData, bubbles: true}));
    }"""
    page.get_by_role("tab", name="Video").click()
    page.evaluate(paste, list(picture.read_bytes()))
    page.get_by_role("tab", name="Picture").click()
    page.wait_for_timeout(1000)
    expect(page.locator("#photo img")).to_have_count(0)
    page.evaluate(paste, list(picture.read_bytes()))
    expect(page.locator("#point")).to_contain_text("Click a person", timeout=SLOW)


def test_what_is_asked_meanwhile_is_answered_next(page: Page, picture: Path, pipeline: Any) -> None:
    upload(page, picture)
    with pipeline.sam3._lock:  # the answer waits for it
        for name in ("Yujin", "Wonyoung", "Rei"):
            page.fill("#prompt textarea", name)
            page.press("#prompt textarea", "Enter")
            page.wait_for_timeout(500)
    expect(page.locator("#said")).to_contain_text("Found: Rei", timeout=SLOW)


def test_a_click_on_a_person_fills_in_who_is_meant(page: Page, picture: Path, pipeline: Any) -> None:
    faces, matches = pipeline.identify(np.asarray(Image.open(picture).convert("RGB")))
    upload(page, picture)
    for face, match in zip(faces, matches, strict=True):
        click(page, (face.box[:2] + face.box[2:]) / 2, (640, 480))
        expect(page.locator("#prompt textarea")).to_have_value(NAMES[match.member], timeout=SLOW)


def test_a_click_names_by_the_bank_of_now(page: Page, picture: Path, pipeline: Any, settings: Any) -> None:
    faces, matches = pipeline.identify(np.asarray(Image.open(picture).convert("RGB")))
    (rei,) = (
        (face.box[:2] + face.box[2:]) / 2
        for face, match in zip(faces, matches, strict=True)
        if match.member == "Naoi_Rei"
    )

    def rebuild() -> None:
        page.get_by_role("tab", name="Members").click()
        page.click("#rebuild")
        expect(page.locator("#members-said")).to_contain_text("The bank holds", timeout=SLOW)
        page.get_by_role("tab", name="Picture").click()

    upload(page, picture)
    click(page, rei, (640, 480))
    expect(page.locator("#prompt textarea")).to_have_value("Rei", timeout=SLOW)
    renamed = (settings.dataset / "Naoi_Rei").rename(settings.dataset / "Ada_Lovelace")
    try:
        rebuild()
        click(page, rei, (640, 480))
        expect(page.locator("#prompt textarea")).to_have_value("Ada Lovelace", timeout=SLOW)
    finally:
        renamed.rename(settings.dataset / "Naoi_Rei")
        rebuild()


def test_more_tabs_than_a_browser_has_connections(browser: Browser, address: str, picture: Path) -> None:
    with browser.new_context() as context:
        tabs = [context.new_page() for _ in range(7)]
        for tab in tabs:
            tab.goto(address)
            expect(tab.locator("#run")).to_be_visible(timeout=SLOW)
        upload(tabs[0], picture)
        ask(tabs[0], "Rei")
        expect(tabs[0].locator("#said")).to_contain_text("Found: Rei", timeout=SLOW)


def test_while_the_next_answer_is_on_its_way_the_old_one_is_pale(
    page: Page, picture: Path, pipeline: Any
) -> None:
    upload(page, picture)
    ask(page, "Wonyoung")
    expect(page.locator("#said")).to_contain_text("Found: Wonyoung", timeout=SLOW)
    answer = [page.locator(part) for part in ("#overlay", "#files", "#masks", "#faces")]
    with pipeline.sam3._lock:  # the answer waits for it
        ask(page, "Rei")
        for part in answer:
            expect(part).to_have_css("opacity", "0.4")
    expect(page.locator("#said")).to_contain_text("Found: Rei", timeout=SLOW)
    for part in answer:
        expect(part).to_have_css("opacity", "1")


@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_a_cutout_and_its_mask_lie_side_by_side_over_their_captions(
    page: Page, picture: Path, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    upload(page, picture)
    ask(page, "everyone, everyone's shirt")
    items = page.locator("#masks .thumbnail-item")
    expect(items.last.locator("img")).to_be_visible(timeout=SLOW)
    boxes = items.evaluate_all(
        """items => items.map(item => ["img", ".caption-label"].map(part => {
            const {top, bottom} = item.querySelector(part).getBoundingClientRect();
            return {top, bottom};
        }))"""
    )
    title = page.locator("#masks > label").bounding_box()
    assert title is not None
    assert title["y"] + title["height"] <= boxes[0][0]["top"]
    for (cutout, _), (mask, _) in zip(boxes[::2], boxes[1::2], strict=True):
        assert cutout["top"] == mask["top"]
    assert all(image["bottom"] <= caption["top"] for image, caption in boxes)
    captions = items.locator(".caption-label")
    expect(captions).to_contain_text(["Wonyoung’s shirt", "Wonyoung’s shirt, mask"])
    assert captions.evaluate_all("all => all.every(each => each.scrollWidth <= each.clientWidth)")


def test_an_answer_that_comes_late_is_not_taken_for_one_about_the_next_picture(
    page: Page, picture: Path, pipeline: Any
) -> None:
    file = BytesIO()
    right = Image.open(picture).convert("RGB").crop((213, 0, 640, 480))
    right.save(file, "PNG")
    upload(page, picture)
    with pipeline.sam3._lock:  # the answer waits for it
        ask(page, "everyone's shirt")
        page.wait_for_timeout(1000)
        page.locator("#photo").get_by_label("Remove Image").click()
        upload(page, FilePayload(name="right.png", mimeType="image/png", buffer=file.getvalue()))
    expect(page.locator("#said")).to_contain_text("Ask again", timeout=SLOW)
    expect(page.locator("#overlay")).to_have_count(0)
    for face, match in zip(*pipeline.identify(np.asarray(right)), strict=True):
        click(page, (face.box[:2] + face.box[2:]) / 2, right.size)
        expect(page.locator("#prompt textarea")).to_have_value(NAMES[match.member], timeout=SLOW)


def test_on_a_phone_in_the_dark_nothing_sticks_out(browser: Browser, address: str, picture: Path) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844}, color_scheme="dark", is_mobile=True)
    page.goto(address)
    page.wait_for_selector("#run")
    upload(page, picture)
    ask(page, "everyone's shirt")
    expect(page.locator("#faces tbody tr")).to_have_count(3, timeout=SLOW)
    expect(page.locator("#masks img").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    background = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert max(background[:3]) < 40
    page.get_by_role("tab", name="Members").click()
    expect(page.locator("#bank")).to_contain_text("photos in the bank", timeout=SLOW)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("tab", name="Video").click()
    expect(page.locator("#film-run")).to_be_visible(timeout=SLOW)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.close()


def test_the_page_talks_to_nobody_else(browser: Browser, address: str, picture: Path, clip: Path) -> None:
    page = browser.new_page()
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    page.on("request", note)
    page.goto(address)
    page.wait_for_selector("#run")
    upload(page, picture)
    ask(page, "Wonyoung")
    expect(page.locator("#overlay img")).to_be_visible(timeout=SLOW)
    page.get_by_role("tab", name="Members").click()
    expect(page.locator("#bank")).to_contain_text("photos in the bank", timeout=SLOW)
    page.get_by_role("tab", name="Video").click()
    page.set_input_files("#film input[type=file]", clip)
    expect(page.locator("#film-about video")).to_be_visible(timeout=SLOW)
    page.get_by_role("button", name="Use via API").click()
    expect(page.get_by_text("API documentation")).to_be_visible()
    page.wait_for_timeout(1000)  # what is fetched late, is fetched by now
    foreign = [url for url in asked if not url.startswith((address, "data:", "blob:"))]
    assert len(asked) > 20
    assert foreign == []
    page.close()


def test_the_fonts_draw_korean_thai_and_japanese(page: Page) -> None:
    """Each sample is as wide as its letters, none of which is drawn as the box of a missing glyph."""
    missing = page.evaluate(
        """() => {
            const context = document.createElement('canvas').getContext('2d');
            context.font = '40px ' + getComputedStyle(document.body).fontFamily;
            const drawn = letter => {
                context.canvas.width = 60; context.canvas.height = 60;
                context.font = '40px ' + getComputedStyle(document.body).fontFamily;
                context.fillText(letter, 5, 45);
                return context.canvas.toDataURL();
            };
            const box = drawn('\\u{10FFFD}');
            return [...'원영의셔츠เสื้อウォニョン直井'].filter(l => /\\p{L}/u.test(l) && drawn(l) === box);
        }"""
    )
    assert missing == []


def test_members_tab_shows_what_was_left_out_and_takes_photos(
    page: Page, settings: Any, picture: Path
) -> None:
    page.get_by_role("tab", name="Members").click()
    bank = page.locator("#bank")
    expect(bank).to_contain_text("36 photos in the bank", timeout=SLOW)
    expect(bank.locator("tr", has_text="Naoi_Rei/broken.jpg")).to_contain_text("no picture")
    expect(bank.locator("tr", has_text="duplicate of")).to_contain_text("Naoi_Rei/")

    page.fill("#member input", "Solo Guest")
    page.keyboard.press("Enter")
    page.set_input_files(
        "#photos input[type=file]",
        [
            FilePayload(name="../solo.png", mimeType="image/png", buffer=picture.read_bytes()),
            FilePayload(name="text.jpg", mimeType="image/jpeg", buffer=b"no picture"),
        ],
    )
    expect(page.locator("#photos")).to_contain_text("text", timeout=SLOW)
    page.click("#add")
    said = page.locator("#members-said")
    expect(said).to_contain_text("1 photo was added to Solo_Guest", timeout=SLOW)
    expect(said).to_contain_text("text.jpg")
    expect(bank).to_contain_text("37 photos in the bank")
    assert len(list((settings.dataset / "Solo_Guest").iterdir())) == 1

    next((settings.dataset / "Solo_Guest").iterdir()).unlink()
    (settings.dataset / "Solo_Guest").rmdir()
    page.click("#rebuild")
    expect(bank).to_contain_text("36 photos in the bank", timeout=SLOW)


def test_among_drawn_members_no_photos_can_be_added(browser: Browser, pipeline: Pipeline) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(launch(replace(pipeline, demo=True), port=free_port()))
        page.get_by_role("tab", name="Members").click()
        expect(page.locator("#add")).to_be_disabled(timeout=SLOW)
        expect(page.locator("#member input")).to_be_disabled()
        expect(page.locator("#photos input[type=file]")).to_have_count(0)
        page.click("#rebuild")
        expect(page.locator("#members-said")).to_contain_text("none read anew", timeout=SLOW)


def test_a_long_name_leaves_the_bars_their_room(page: Page) -> None:
    page.get_by_role("tab", name="Members").click()
    bars = page.locator("#bank .ive-bar")
    expect(bars).to_have_count(6, timeout=SLOW)
    before = bars.first.evaluate("bar => bar.clientWidth")
    page.locator("#bank .who").first.evaluate("name => { name.textContent = 'Wonyoung '.repeat(30); }")
    assert bars.first.evaluate("bar => bar.clientWidth") == before


def test_without_sam3_a_video_does_not_promise_an_answer(
    browser: Browser, pipeline: Pipeline, clip: Path
) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(launch(replace(pipeline, sam3=None), port=free_port()))
        page.get_by_role("tab", name="Video").click()
        page.set_input_files("#film input[type=file]", clip)
        expect(page.locator("#film-about")).to_contain_text("frames a second", timeout=SLOW)
        expect(page.locator("#film-said")).to_contain_text(NO_SAM3)
        page.fill("#film-prompt textarea", "Rei")
        page.press("#film-prompt textarea", "Enter")
        expect(page.locator("#film-said")).to_have_text(NO_SAM3, timeout=SLOW)


def test_what_a_new_bank_mends_is_no_longer_said(browser: Browser, pipeline: Pipeline) -> None:
    notices = {"names": "No photo can be used.", "masks": "There is no SAM 3."}
    lacking = replace(pipeline, gallery=None, report=None, sam3=None, notices=notices)
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(launch(lacking, port=free_port()))
        notices_shown = page.locator("#notices")
        expect(notices_shown).to_contain_text("No photo can be used.", timeout=SLOW)
        page.get_by_role("tab", name="Members").click()
        page.click("#rebuild")
        expect(notices_shown).not_to_contain_text("No photo can be used.", timeout=SLOW)
        page.reload()
        expect(notices_shown).to_have_text("There is no SAM 3.", timeout=SLOW)


def test_a_frame_of_a_video_becomes_the_picture(page: Page, tmp_path: Path) -> None:
    film = tmp_path / "clip.mp4"
    with av.open(str(film), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for number in range(20):
            pixels = np.full((240, 320, 3), 255 if number >= 10 else 0, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())

    page.get_by_role("button", name="Take a frame of a video").click()
    page.set_input_files("#video input[type=file]", film)
    brightness = """async () => {
        const image = document.querySelector('#photo img');
        if (!image || !image.complete) return -1;
        const context = document.createElement('canvas').getContext('2d');
        context.drawImage(image, 0, 0, 1, 1, 0, 0, 1, 1);
        return context.getImageData(0, 0, 1, 1).data[0];
    }"""
    page.wait_for_function(f"({brightness})().then(value => value >= 0 && value < 40)", timeout=SLOW)
    slider = page.locator("#second input[type=number]")
    slider.fill("1.5")
    slider.press("Tab")
    page.wait_for_function(f"({brightness})().then(value => value > 215)", timeout=SLOW)


def follow(page: Page, path: Path, prompt: str) -> None:
    page.get_by_role("tab", name="Video").click()
    page.set_input_files("#film input[type=file]", path)
    expect(page.locator("#film-about video")).to_be_visible(timeout=SLOW)
    page.fill("#film-prompt textarea", prompt)
    page.get_by_role("button", name="Fancam, other files").click()
    page.get_by_label("Fancam, 9:16").check()
    page.click("#film-run")


def test_a_video_is_followed_played_told_and_a_fancam_made(page: Page, clip: Path) -> None:
    follow(page, clip, "Wonyoung's shirt")
    expect(page.locator("#film-stage img")).to_be_visible(timeout=SLOW)
    expect(page.locator("#film-said [role=progressbar]")).to_be_visible()
    left = re.compile(r"frame \d+ of 20, about \d+ s left")  # of many minutes too, these come in the end
    expect(page.locator("#film-said")).to_contain_text(left, timeout=SLOW)

    said = page.locator("#film-said p")
    expect(said).to_have_text(
        ["Found: Wonyoung’s shirt", re.compile("^Followed through 20 frames in .*, tracked by ")],
        timeout=SLOW,
    )
    expect(page.locator("#film-stage")).to_have_count(0)
    expect(page.locator("#film-answer .ive-title")).to_have_text(["Fancam", "Answer"])
    expect(page.locator("#film-files")).to_contain_text("Download (3 files)")
    player = page.locator("#film-overlay video")
    player.evaluate("video => { video.muted = true; return video.play(); }")
    page.wait_for_function("document.querySelector('#film-overlay video').currentTime > 0.5", timeout=SLOW)
    assert player.evaluate("video => [video.videoWidth, video.videoHeight, video.duration]") == [640, 480, 2]

    rows = page.locator("#film-chart .ytick text")
    expect(rows).to_have_count(3, timeout=SLOW)
    assert {words.strip() for words in rows.all_text_contents()} == {"Wonyoung", "Yujin", "Rei"}
    with page.expect_download() as waiting:
        page.locator("#film-files tr", has_text="timeline").locator("a").click()
    lines = waiting.value.path().read_text("utf-8-sig").splitlines()
    assert lines[0] == "member,start,end"
    assert sorted(lines[1:]) == [f"{name},0.000,2.000" for name in ("Rei", "Wonyoung", "Yujin")]

    with page.expect_download() as waiting:
        page.locator("#film-files tr", has_text="fancam_wonyoung").locator("a").click()
    with av.open(str(waiting.value.path())) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt, stream.frames) == ("h264", "yuv420p", 20)
        assert stream.width / stream.height == pytest.approx(9 / 16, rel=0.02)


def test_on_a_phone_what_is_known_of_a_video_is_scrolled_to(
    browser: Browser, address: str, clip: Path
) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844}, is_mobile=True)
    page.goto(address)
    page.wait_for_selector("#run")
    follow(page, clip, "Wonyoung's shirt")
    expect(page.locator("#film-stage img")).to_be_in_viewport(ratio=1, timeout=SLOW)
    expect(page.locator("#film-said [role=progressbar]")).to_be_in_viewport()
    expect(page.locator("#film-stop")).to_be_in_viewport(ratio=1)
    page.evaluate("scrollTo(0, 0)")
    expect(page.locator("#film-overlay video")).to_be_in_viewport(timeout=SLOW)
    page.close()


def test_a_video_that_is_stopped_leaves_nothing_but_the_page(page: Page, clip: Path) -> None:
    page.set_viewport_size({"width": 1024, "height": 768})
    follow(page, clip, "Wonyoung")
    expect(page.locator("#film-stop")).to_be_in_viewport(ratio=1)
    expect(page.locator("#film-stop")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#film-said")).to_contain_text("Stopped. Nothing was kept.", timeout=SLOW)
    expect(page.locator("#film-run")).to_be_focused()
    for part in ("#film-stage", "#film-overlay", "#film-files"):
        expect(page.locator(part)).to_have_count(0)


def test_who_waits_for_anothers_video_can_stop_too(page: Page, browser: Browser, long_clip: Path) -> None:
    follow(page, long_clip, "Wonyoung")
    expect(page.locator("#film-stage img")).to_be_visible(timeout=SLOW)
    other = browser.new_page()
    other.goto(page.url)
    other.wait_for_selector("#run")
    follow(other, long_clip, "Rei")
    for again in (False, True):
        if again:
            other.click("#film-run")
        expect(other.locator("#film-said")).to_contain_text("Waiting for another video to end")
        other.click("#film-stop")
        expect(other.locator("#film-said")).to_contain_text("Stopped. Nothing was kept.")
        expect(other.locator("#film-run")).to_be_visible()
    other.close()
    expect(page.locator("#film-said [role=progressbar]")).to_be_visible()
    page.click("#film-stop")
    expect(page.locator("#film-said")).to_contain_text("Stopped. Nothing was kept.")
    page.fill("#film-prompt textarea", "Rei")
    page.click("#film-run")
    expect(page.locator("#film-stage img")).to_be_visible(timeout=SLOW)
    page.click("#film-stop")


def test_what_is_no_video_is_refused_in_words(page: Page) -> None:
    page.get_by_role("tab", name="Video").click()
    page.click("#film-run")
    expect(page.locator("#film-said [role=alert]")).to_contain_text("no video yet", timeout=SLOW)
    page.set_input_files(
        "#film input[type=file]", FilePayload(name="holiday.mp4", mimeType="video/mp4", buffer=b"no video")
    )
    expect(page.locator("#film-about [role=alert]")).to_have_text(
        re.compile("^holiday.mp4 is not a video"), timeout=SLOW
    )


def test_the_bank_in_words_and_pictures(page: Page) -> None:
    page.emulate_media(color_scheme="dark")
    page.get_by_role("tab", name="Members").click()
    expect(page.locator("#harm")).to_contain_text(re.compile("Worth a look|What to add|Nothing in the bank"))
    page.get_by_role("button", name="The bank in pictures").click()
    faces = page.locator("#face-map .face")
    expect(faces).to_have_count(36, timeout=SLOW)
    expect(page.locator("#pictures .js-plotly-plot")).to_have_count(3, timeout=SLOW)
    faces.first.hover()
    expect(faces.first.locator("image")).to_be_visible()
    for letters in (page.locator("#face-map text"), page.locator("#pictures .annotation-text")):
        colour = letters.first.evaluate("text => getComputedStyle(text).fill.match(/\\d+/g).map(Number)")
        assert min(colour[:3]) > 120
