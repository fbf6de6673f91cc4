"""The commands of the identity bank: `python -m ive_segmentation bank build|show|audit`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from ive_segmentation.settings import load_settings
from ive_segmentation.terminal import AsJson, Bank, Bar, Dataset, Faces, or_the_demo, print_json

if TYPE_CHECKING:
    from ive_segmentation.identity.gallery import BankReport

bank_app = typer.Typer(help="Build, show and audit the identity bank.", no_args_is_help=True)


@bank_app.command("build")
def bank_build(
    dataset: Dataset = None, faces: Faces = None, bank: Bank = None, as_json: AsJson = False
) -> None:
    """Read the photos that are new, and say what was left out and why."""
    from ive_segmentation.identity.bank import build_bank
    from ive_segmentation.identity.faces import load_faces

    settings = or_the_demo(load_settings(dataset=dataset, faces=faces, bank=bank))
    with Bar() as bar:
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

    settings = or_the_demo(load_settings(dataset=dataset, bank=bank))
    _print_report(load_gallery(settings.bank).report, as_json, built=False)


@bank_app.command("audit")
def bank_audit(dataset: Dataset = None, bank: Bank = None, as_json: AsJson = False) -> None:
    """List photos that harm the bank, and members whose photos say too little."""
    from ive_segmentation.identity.audit import audit
    from ive_segmentation.identity.gallery import load_gallery

    found = audit(load_gallery(or_the_demo(load_settings(dataset=dataset, bank=bank)).bank))
    if as_json:
        print_json(asdict(found))
        return
    for finding in found.findings:
        print(f"{finding.kind}: {finding.photo}: {finding.reason}")
    for advice in found.advice:
        print(f"{advice.member}: {advice.reason}")
    if not (found.findings or found.advice):
        print("Nothing was found that harms the bank.")


def _print_report(report: BankReport, as_json: bool, *, built: bool) -> None:
    """Print what the bank holds, and what was done where it was built just now."""
    from ive_segmentation.output.naming import counted

    if as_json:
        print_json(report.to_dict())
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
