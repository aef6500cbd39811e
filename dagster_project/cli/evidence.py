"""`cloudtally evidence`: the audit pack of a month."""

import sys
from pathlib import Path

import click

from dagster_project.cli.options import HELD_BACK, month_option
from dagster_project.cli.screen import Screen
from dagster_project.months import Month, month_key
from dagster_project.settings import load_settings


@click.command()
@click.option("--month", type=month_option, metavar="YYYY-MM", required=True)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write; default ./evidence-YYYY-MM.",
)
@click.pass_obj
def evidence(screen: Screen, month: Month, out: Path | None) -> None:
    """Write tie-out, checks, hashes, methods and open gaps of a published month to one folder."""
    from dagster_project.evidence.pack import write_pack
    from dagster_project.pipeline.context import Context

    folder = (out or Path(f"evidence-{month_key(month)}")).resolve()
    with screen.working("collecting evidence"):
        pack = write_pack(Context(load_settings()), month, folder, screen.say)
    screen.document({"folder": str(pack.folder), "gaps": pack.gaps, "altered": list(pack.altered)})
    screen.say(f"Wrote {pack.folder / 'index.html'}")
    screen.say(f"{pack.gaps} open gaps; {len(pack.altered)} files or tables were altered.")
    for sentence in pack.altered:
        screen.say(f"  {sentence}")
    sys.exit(HELD_BACK if pack.altered else 0)
