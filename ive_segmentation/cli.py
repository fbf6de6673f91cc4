"""The command line: `python -m ive_segmentation COMMAND`. What a command needs is imported when it runs."""

from __future__ import annotations

import errno
import io
import os
import re
import sys
import warnings
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.exceptions import Abort, Exit, TyperException

from ive_segmentation.bank_commands import bank_app
from ive_segmentation.demo.commands import demo_app
from ive_segmentation.errors import UserError
from ive_segmentation.settings import Settings, bank_of, load_settings
from ive_segmentation.terminal import (
    AsJson,
    Bank,
    Bar,
    Checkpoint,
    Dataset,
    Faces,
    end_like_ctrl_c,
    fail,
    json_text,
    or_the_demo,
    print_json,
    shows_answers,
)
from ive_segmentation.video.formats import Format

if TYPE_CHECKING:
    from ive_segmentation.identity.faces import FaceModel
    from ive_segmentation.identity.gallery import Gallery
    from ive_segmentation.language import Member
    from ive_segmentation.result import Person


app = typer.Typer(
    help="Segment people by name, and things by whose they are.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(bank_app, name="bank")
app.add_typer(demo_app, name="demo")


def main() -> None:
    """Run the command line; every error meant for the user is one line on stderr and exit code 1."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # what libraries say to programmers; python -W brings it back
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Windows writes files in an alphabet without Hangul; names of files may be no text at all.
            encoding = stream.encoding if stream.isatty() else "utf-8"
            stream.reconfigure(encoding=encoding, errors="backslashreplace")
    end_like_ctrl_c()
    try:
        code = app(standalone_mode=False)
        if sys.stdout is not None:  # as under cron
            sys.stdout.flush()
        if code == 130:  # typer makes that of Ctrl-C
            raise KeyboardInterrupt
    except Exit as exit_:
        code = exit_.exit_code
    except UserError as error:
        code = fail(str(error))
    except TyperException as error:
        said = error.format_message().replace("Value error, ", "").rstrip(".")
        code = fail(f"{said}. `--help` shows what is possible.") if str(error) else 1
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python tries once more at its end
        what = error.filename or "The output"
        code = fail(f"{what} cannot be written: no space left on the device.")
    except (KeyboardInterrupt, Abort):
        print("Stopped.", file=sys.stderr)
        code = 130
    sys.exit(code if isinstance(code, int) else 0)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Check this machine: packages, GPU, models, photos; and say how to mend what is missing."""
    from ive_segmentation.doctor import check

    checks = check(load_settings())
    if as_json:
        print_json([asdict(each) for each in checks])
    else:
        for each in checks:
            print(
                f"{each.status:4}  {each.name}: {each.detail}"
                + (f"\n      → {each.remedy}" if each.remedy else "")
            )
    if any(each.status == "fail" for each in checks):
        raise Exit(1)


@app.command()
def prompt(
    text: Annotated[str, typer.Argument(help="For example: Wonyoung's shirt")],
    dataset: Dataset = None,
    as_json: AsJson = False,
) -> None:
    """Show how a prompt is read, without a picture."""
    from ive_segmentation.language import parse
    from ive_segmentation.language.names import names_of

    members = _members(load_settings(dataset=dataset))
    read = parse(text, members)
    if as_json:
        print_json(
            {
                "level": read.level,
                "requests": [
                    {"people": list(r.people), "thing": r.thing} | ({"but": list(r.but)} if r.but else {})
                    for r in read.requests
                ],
                "messages": list(read.messages),
            }
        )
        return
    for message in read.messages:
        print(message)
    for request in read.requests:
        level = replace(read, requests=(request,)).level
        people = names_of(members).show(request.people, but=request.but) or "any"
        print(f"{level}: {people} → {request.thing or 'the person'}")


@app.command()
def identify(
    images: Annotated[list[Path], typer.Argument(help="Pictures to name the faces of.", readable=False)],
    dataset: Dataset = None,
    bank: Bank = None,
    faces: Faces = None,
    as_json: AsJson = False,
) -> None:
    """Name the faces in pictures; needs no SAM 3."""
    from tqdm import tqdm

    from ive_segmentation.demo import is_built_in
    from ive_segmentation.demo.drawn import refuse_photos
    from ive_segmentation.identity.matching import match_faces
    from ive_segmentation.images import load
    from ive_segmentation.persons import faces_alone

    given = load_settings(dataset=dataset, faces=faces, bank=bank)
    settings = or_the_demo(given)
    model, gallery = _faces_and_bank(settings, chosen=given.bank != bank_of(given.dataset))
    limits = {"max_upload_bytes": settings.max_upload_bytes, "max_pixels": settings.max_pixels}
    drawn_only, failed = is_built_in(settings.faces), False
    # Each as soon as it is known: whoever ends a long list early keeps what there is.
    pictures = tqdm(images, unit="picture", leave=False, disable=shows_answers() or None)
    for number, path in enumerate(pictures):
        try:
            picture = load(path, **limits)
            if drawn_only:
                refuse_photos(picture)
            found = model.detect(picture)
            matches = match_faces(found, gallery, one_to_one=not settings.collage)
            answer = {"image": str(path), "faces": [_face(one) for one in faces_alone(found, matches)]}
        except UserError as error:
            failed = True
            pictures.clear()
            fail(str(error))
            answer = {"image": str(path), "error": str(error), "faces": []}
        if as_json:
            print(",\n" if number else "[\n", json_text(answer), sep="", end="", flush=True)
        elif "error" not in answer:
            print(_in_lines(answer), flush=True)
    if as_json:
        print("\n]")
    if failed:
        raise Exit(1)


@app.command()
def segment(
    image: Annotated[Path, typer.Argument(help="The picture.", readable=False)],
    text: Annotated[str, typer.Argument(metavar="PROMPT", help="For example: Wonyoung's shirt")],
    out: Annotated[Path, typer.Option(help="Folder for overlay, masks, cutouts and result.json.")],
    dataset: Dataset = None,
    bank: Bank = None,
    faces: Faces = None,
    sam3: Checkpoint = None,
    as_json: AsJson = False,
) -> None:
    """Write the masks a prompt asks for."""
    from ive_segmentation.images import load
    from ive_segmentation.language import parse
    from ive_segmentation.output.files import WRITTEN, write_files
    from ive_segmentation.writing import refuse_folder, spare

    settings = load_settings(dataset=dataset, bank=bank, faces=faces, sam3=sam3)
    picture = load(image, max_upload_bytes=settings.max_upload_bytes, max_pixels=settings.max_pixels)
    spare(image, out, WRITTEN.fullmatch)
    refuse_folder(out, [])
    parse(text, _members(settings))  # a wrong prompt is refused before minutes of loading
    from ive_segmentation.loading import load_pipeline

    with Bar() as bar:
        pipeline = load_pipeline(settings, bar)
    with Bar() as bar:
        result = pipeline.segment(picture, text, bar)
        files = write_files(out, picture, result, pipeline.members, bar)
    messages = [*pipeline.notices.values(), *result.messages]
    if as_json:
        print_json({**result.to_dict(), "messages": messages, "files": [str(file) for file in files]})
    else:
        for line in (*messages, *(str(file) for file in files)):
            print(line)
    if pipeline.sam3 is None or (pipeline.gallery is None and result.prompt.names_somebody):
        raise Exit(1)


def _seconds(moment: str) -> float:
    """Read seconds, or a moment as players show it: m:ss or h:mm:ss."""
    if not re.fullmatch(r"(\d{1,9}:){0,2}\d{1,9}(\.\d+)?", moment):
        raise typer.BadParameter(f"{moment} is no moment: give seconds, or minutes and seconds as 1:02.5.")
    return sum(float(part) * 60**place for place, part in enumerate(reversed(moment.split(":"))))


@app.command()
def video(
    file: Annotated[Path, typer.Argument(help="The video.", readable=False)],
    text: Annotated[str, typer.Argument(metavar="PROMPT", help="For example: Wonyoung's microphone")],
    out: Annotated[Path, typer.Option(help="Folder for the videos, the JSON lines and the timeline.")],
    start: Annotated[
        float | None, typer.Option(parser=_seconds, metavar="TIME", help="Begin at: seconds, or 1:02.5.")
    ] = None,
    end: Annotated[float | None, typer.Option(parser=_seconds, metavar="TIME", help="End at.")] = None,
    formats: Annotated[
        list[Format] | None, typer.Option("--format", help="Once for each; by default overlay.")
    ] = None,
    fancam: Annotated[bool, typer.Option(help="Also a 9:16 video of one member, the first named.")] = False,
    dataset: Dataset = None,
    bank: Bank = None,
    faces: Faces = None,
    sam3: Checkpoint = None,
    as_json: AsJson = False,
) -> None:
    """Follow what a prompt asks for through a video, and write it as videos."""
    from ive_segmentation.loading import load_pipeline
    from ive_segmentation.video.follow import follow, plan

    settings = load_settings(dataset=dataset, bank=bank, faces=faces, sam3=sam3)
    members = _members(settings)  # what is wrong is refused before minutes of loading
    wanted: dict[str, Any] = {
        "formats": formats or [Format.overlay], "start": start, "end": end, "fancam": fancam,
    }  # fmt: skip
    plan(file, text, members, out, max_pixels=settings.max_pixels, **wanted)
    with Bar() as bar:
        pipeline = load_pipeline(settings, bar)
    with Bar() as bar:
        followed = follow(pipeline, file, text, out, progress=bar, **wanted)
    messages = [*pipeline.notices.values(), *followed.messages]
    if as_json:
        print_json(
            {
                "files": followed.files,
                "intervals": [asdict(interval) for interval in followed.intervals],
                "messages": messages,
                "frames": followed.frames,
                "seconds": followed.seconds,
                "tracker": followed.how,
            }
        )
        return
    for line in (*messages, *followed.files.values()):
        print(line)


@app.command("app")
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; stay on this machine.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port, or the next free one.", min=0, max=65535)] = 7860,
) -> None:
    """Serve the page, without Jupyter."""
    from ive_segmentation.app import serve as serve_page

    serve_page(load_settings(), host, port)


def _faces_and_bank(settings: Settings, *, chosen: bool) -> tuple[FaceModel, Gallery]:
    """Load what names faces: a bank that was chosen as it is, any other brought in line with its photos."""
    from ive_segmentation.identity.faces import load_faces
    from ive_segmentation.identity.gallery import load_gallery
    from ive_segmentation.loading import load_bank

    if chosen:
        load_gallery(settings.bank)  # without one there is nothing to load a model for
    model = load_faces(settings.faces, device=settings.device, timeout=settings.hub_timeout)
    if chosen:
        return model, load_gallery(settings.bank, model.hash)
    with Bar() as bar:  # photos may have come or gone since it was built
        _, gallery = load_bank(settings, model, bar)
    return model, gallery


def _members(settings: Settings) -> tuple[Member, ...]:
    """Who can be named: the dataset's members, or the demo's where it stands in and the dataset says none."""
    from ive_segmentation.demo.stand_in import demo_settings, wants_demo
    from ive_segmentation.language import load_members

    members = load_members(settings.dataset)
    return members if members or not wants_demo(settings) else load_members(demo_settings(settings).dataset)


def _face(person: Person) -> dict[str, Any]:
    face, match = person.face, person.match
    assert face is not None
    assert match is not None
    return {
        "box": [float(side) for side in face.box],
        "score": float(face.score),
        "member": match.member,
        "candidate": match.candidate,
        "similarity": match.similarity,
        "runner_up": match.runner_up,
        "runner_up_similarity": match.runner_up_similarity,
        "confidence": match.confidence,
        "evidence": [photo.photo for photo in match.evidence],
    }


def _in_lines(answer: dict[str, Any]) -> str:
    """What `identify` says of a picture to people."""
    from ive_segmentation.output.naming import counted

    lines = [f"{answer['image']}: {counted(len(answer['faces']), 'face')}"]
    for face in answer["faces"]:
        lines.append(f"  {face['member'] or 'Unknown'}  similarity {face['similarity']:.3f}")
        if face["runner_up"]:
            lines[-1] += f"  runner-up {face['runner_up']} {face['runner_up_similarity']:.3f}"
    return "\n".join(lines)
