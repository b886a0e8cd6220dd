"""``python -m tests.bench``: measure, and print tables. See the package's docstring."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from tests.bench import goals
from tests.bench.build import build
from tests.bench.catalogue import CATALOGUE
from tests.bench.machine import Watch, head
from tests.bench.measures import Plan, Sample
from tests.bench.peers import PEERS, Autohealer, Floor, PyFloor
from tests.bench.results import figures, plots, tables


@click.command()
@click.option("--quick", is_flag=True, help="Fewer samples, of autohealer and the floors alone: in four minutes.")
@click.option("--peers", help="Some of them, with commas.  [default: all that are installed]")
@click.option("--measures", default=",".join(CATALOGUE), show_default=True, help="Some of them, with commas.")
@click.option("--n", "counts", help="Numbers of workers, with commas, instead of each measure's own.")
@click.option("--trials", type=int, help="How often one worker is killed.")
@click.option("--turns", type=int, help="How often all are started, killed and stopped.")
@click.option("--seconds", type=float, help="How long idle supervisors are watched.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="A folder for samples, tables and plots.")
def main(
    *,
    quick: bool,
    peers: str | None,
    measures: str,
    counts: str | None,
    trials: int | None,
    turns: int | None,
    seconds: float | None,
    out: Path | None,
) -> None:
    """How fast do supervisors start, heal and stop the same workers?"""
    if peers:
        chosen = [PEERS[name.strip()] for name in peers.split(",")]
    else:
        chosen = [Floor, PyFloor, Autohealer] if quick else list(PEERS.values())
    here = [peer for peer in chosen if peer.is_here()]
    for peer in chosen:
        if peer not in here:
            click.echo(f"not installed, left out: {peer.name}", err=True)
    samples: list[Sample] = []
    is_whole = True
    began, watch = time.monotonic(), Watch()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        plan = Plan(
            here,
            build(Path(folder)),
            trials=trials or (20 if quick else 30),
            turns=turns or (2 if quick else 3),
            seconds=seconds or (15.0 if quick else 45.0),
        )
        for name in measures.split(","):
            entry = CATALOGUE[name.strip()]
            usual = entry.counts if entry.quick_counts is None or not quick else entry.quick_counts
            for count in [int(each) for each in counts.split(",")] if counts else usual:
                click.echo(f"{datetime.now(UTC):%H:%M:%S} {name}, N = {count}", err=True)
                try:
                    samples += entry.measure(plan, count)
                except (AssertionError, OSError, subprocess.SubprocessError) as error:
                    click.echo(f"{name}, N = {count}: {error!r}", err=True)
                    is_whole = False
    click.echo(f"{time.monotonic() - began:.0f} s in all", err=True)
    found = figures(samples)
    text = head(here, watch) + goals.table(found) + tables(found)
    click.echo(text)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "samples.jsonl").write_text("".join(json.dumps(asdict(sample)) + "\n" for sample in samples))
        (out / "results.md").write_text(text)
        for title, svg in plots(found).items():
            (out / f"{title}.svg").write_text(svg)
    if not is_whole:
        sys.exit(1)


if __name__ == "__main__":
    main()
