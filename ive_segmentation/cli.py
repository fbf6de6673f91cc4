"""The command line: `python -m ive_segmentation COMMAND`. What a command needs is imported when it runs."""

from __future__ import annotations

import errno
import io
import json
import os
import re
import signal
import sys
import warnings
from dataclasses import asdict, replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.exceptions import Abort, Exit, TyperException

from ive_segmentation.demo.commands import demo_app
from ive_segmentation.errors import UserError
from ive_segmentation.settings import Settings, bank_of, load_settings
from ive_segmentation.video.formats import Format

if TYPE_CHECKING:
    from ive_segmentation.identity.faces import FaceModel
    from ive_segmentation.identity.gallery import BankReport, Gallery
    from ive_segmentation.language import Member
    from ive_segmentation.result import Person


app = typer.Typer(
    help="Segment people by name, and things by whose they are.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
bank_app = typer.Typer(help="Build, show and audit the identity bank.", no_args_is_help=True)
app.add_typer(bank_app, name="bank")
app.add_typer(demo_app, name="demo")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Dataset = Annotated[Path | None, typer.Option(help="Folder with one folder of photos per member.")]
Faces = Annotated[str | None, typer.Option(help="InsightFace pack: a name (buffalo_l) or a folder.")]
Bank = Annotated[
    str | None, typer.Option(help="Where the identity bank is: a folder or an object-store URI.")
]
Checkpoint = Annotated[str | None, typer.Option(help="SAM 3: a Hugging Face repository or a folder.")]


def main() -> None:
    """Run the command line; every error meant for the user is one line on stderr and exit code 1."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # what libraries say to programmers; python -W brings it back
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Windows writes files in an alphabet without Hangul; names of files may be no text at all.
            encoding = stream.encoding if stream.isatty() else "utf-8"
            stream.reconfigure(encoding=encoding, errors="backslashreplace")
    _end_like_ctrl_c()
    try:
        code = app(standalone_mode=False)
        if sys.stdout is not None:  # as under cron
            sys.stdout.flush()
        if code == 130:  # typer makes that of Ctrl-C
            raise KeyboardInterrupt
    except Exit as exit_:
        code = exit_.exit_code
    except UserError as error:
        code = _fail(str(error))
    except TyperException as error:
        said = error.format_message().replace("Value error, ", "").rstrip(".")
        code = _fail(f"{said}. `--help` shows what is possible.") if str(error) else 1
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python tries once more at its end
        what = error.filename or "The output"
        code = _fail(f"{what} cannot be written: no space left on the device.")
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
        _print_json([asdict(each) for each in checks])
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
        _print_json(
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


@bank_app.command("build")
def bank_build(
    dataset: Dataset = None, faces: Faces = None, bank: Bank = None, as_json: AsJson = False
) -> None:
    """Read the photos that are new, and say what was left out and why."""
    from ive_segmentation.identity.bank import build_bank
    from ive_segmentation.identity.faces import load_faces

    settings = _or_the_demo(load_settings(dataset=dataset, faces=faces, bank=bank))
    with _Bar() as bar:
        report = build_bank(
            settings.dataset,
            load_faces(settings.faces, device=settings.device, timeout=settings.hub_timeout),
            settings.bank,
            bar,
            false_accepts=settings.false_accept_rate,
            max_bytes=settings.max_upload_bytes,
            max_pixels=settings.max_pixels,
        )
    _print_report(report, as_json, built=True)


@bank_app.command("show")
def bank_show(dataset: Dataset = None, bank: Bank = None, as_json: AsJson = False) -> None:
    """Show what the bank holds."""
    from ive_segmentation.identity.gallery import load_gallery

    settings = _or_the_demo(load_settings(dataset=dataset, bank=bank))
    _print_report(load_gallery(settings.bank).report, as_json, built=False)


@bank_app.command("audit")
def bank_audit(dataset: Dataset = None, bank: Bank = None, as_json: AsJson = False) -> None:
    """List photos that harm the bank, and members whose photos say too little."""
    from ive_segmentation.identity.audit import audit
    from ive_segmentation.identity.gallery import load_gallery

    found = audit(load_gallery(_or_the_demo(load_settings(dataset=dataset, bank=bank)).bank))
    if as_json:
        _print_json(asdict(found))
        return
    for finding in found.findings:
        print(f"{finding.kind}: {finding.photo}: {finding.reason}")
    for advice in found.advice:
        print(f"{advice.member}: {advice.reason}")
    if not (found.findings or found.advice):
        print("Nothing was found that harms the bank.")


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
    settings = _or_the_demo(given)
    model, gallery = _faces_and_bank(settings, chosen=given.bank != bank_of(given.dataset))
    limits = {"max_upload_bytes": settings.max_upload_bytes, "max_pixels": settings.max_pixels}
    drawn_only, failed = is_built_in(settings.faces), False
    # Each as soon as it is known: whoever ends a long list early keeps what there is.
    pictures = tqdm(images, unit="picture", leave=False, disable=_shows_answers() or None)
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
            _fail(str(error))
            answer = {"image": str(path), "error": str(error), "faces": []}
        if as_json:
            print(",\n" if number else "[\n", _json(answer), sep="", end="", flush=True)
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

    with _Bar() as bar:
        pipeline = load_pipeline(settings, bar)
    with _Bar() as bar:
        result = pipeline.segment(picture, text, bar)
        files = write_files(out, picture, result, pipeline.members, bar)
    messages = [*pipeline.notices.values(), *result.messages]
    if as_json:
        _print_json({**result.to_dict(), "messages": messages, "files": [str(file) for file in files]})
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
    with _Bar() as bar:
        pipeline = load_pipeline(settings, bar)
    with _Bar() as bar:
        followed = follow(pipeline, file, text, out, progress=bar, **wanted)
    messages = [*pipeline.notices.values(), *followed.messages]
    if as_json:
        _print_json(
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


def _end_like_ctrl_c() -> None:
    """Let `kill` and a closed terminal end a command in order: no half-written file, no upload is left."""
    # Windows has no SIGHUP; nohup wants it ignored, and it stays so.
    known = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    heard = [number for number in known if signal.getsignal(number) is not signal.SIG_IGN]

    def stop(_number: int, _frame: FrameType | None) -> None:
        for number in heard:
            signal.signal(number, signal.SIG_IGN)  # a second one must not come into the putting away
        raise KeyboardInterrupt

    for number in heard:
        signal.signal(number, stop)


def _or_the_demo(settings: Settings) -> Settings:
    """The settings, or the demo's where the page and `segment` would show the demo too."""
    from ive_segmentation.demo.stand_in import demo_notice, demo_settings, wants_demo
    from ive_segmentation.language import load_members

    if settings.bank != bank_of(settings.dataset):
        return settings
    load_members(settings.dataset)  # a folder that is not there is said to be so
    if not wants_demo(settings):
        return settings
    print(demo_notice(settings.dataset), file=sys.stderr)
    return demo_settings(settings)


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
    with _Bar() as bar:  # photos may have come or gone since it was built
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


def _print_report(report: BankReport, as_json: bool, *, built: bool) -> None:
    """Print what the bank holds, and what was done where it was built just now."""
    from ive_segmentation.output.naming import counted

    if as_json:
        _print_json(report.to_dict())
        return
    if built and report.rebuilt:
        print(f"Every photo was read anew: {report.rebuilt}.")
    for warning in report.warnings:
        print(warning)
    for member, count in report.members.items():
        print(f"{member}: {counted(count, 'photo')}")
    if built:
        print(f"{report.read}, {report.removed or 'none'} taken out, {report.seconds:.1f} s")
    for left_out in report.left_out:
        print(f"left out: {left_out.photo}: {left_out.reason}")


def _in_lines(answer: dict[str, Any]) -> str:
    """What `identify` says of a picture to people."""
    from ive_segmentation.output.naming import counted

    lines = [f"{answer['image']}: {counted(len(answer['faces']), 'face')}"]
    for face in answer["faces"]:
        lines.append(f"  {face['member'] or 'Unknown'}  similarity {face['similarity']:.3f}")
        if face["runner_up"]:
            lines[-1] += f"  runner-up {face['runner_up']} {face['runner_up_similarity']:.3f}"
    return "\n".join(lines)


def _shows_answers() -> bool:
    """Whether what is printed is seen at once, and needs no bar beside it."""
    return sys.stdout is not None and sys.stdout.isatty()


def _print_json(data: Any) -> None:
    print(_json(data))


def _json(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, indent=1, default=str)


def _fail(message: str) -> int:
    print(" ".join(message.split()), file=sys.stderr)
    return 1


class _Bar:
    """A progress bar on stderr for what reports a share and a step; nothing where stderr is no terminal."""

    def __enter__(self) -> _Bar:
        from tqdm import tqdm

        self._bar = tqdm(
            total=100, bar_format="{desc:50.50} {bar} {percentage:3.0f}%", leave=False, disable=None
        )
        return self

    def __call__(self, share: float, step: str) -> None:
        self._bar.set_description_str(step, refresh=False)
        self._bar.update(share * 100 - self._bar.n)

    def __exit__(self, *_: object) -> None:
        self._bar.close()
