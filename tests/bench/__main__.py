"""``python -m tests.bench``: measure, and print tables. See the package's docstring."""

from __future__ import annotations

import json
import os
import platform
import tempfile
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from tests.bench.build import build
from tests.bench.measures import MEASURES, Plan, Sample
from tests.bench.peers import PEERS
from tests.bench.results import figures, plot, tables


@click.command()
@click.option("--peers", default="", help="Some of them, with commas.  [default: all that are installed]")
@click.option("--measures", default=",".join(MEASURES), show_default=True, help="Some of them, with commas.")
@click.option("--n", "counts", default="10,100,1000", show_default=True, help="Numbers of workers.")
@click.option("--trials", default=30, show_default=True, help="How often one worker is killed.")
@click.option("--turns", default=3, show_default=True, help="How often all are started, killed and stopped.")
@click.option("--seconds", default=30.0, show_default=True, help="How long an idle supervisor is watched.")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="A folder for samples, tables and a plot."
)
def main(*, peers: str, measures: str, counts: str, trials: int, turns: int, seconds: float, out: Path | None) -> None:
    """How fast do supervisors start, heal and stop the same workers?"""
    chosen = [PEERS[name.strip()] for name in peers.split(",")] if peers else list(PEERS.values())
    here = [peer for peer in chosen if peer.is_here()]
    for peer in chosen:
        if peer not in here:
            click.echo(f"not installed, left out: {peer.name}", err=True)
    samples: list[Sample] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        plan = Plan(here, build(Path(folder)), trials=trials, turns=turns, seconds=seconds)
        for name in measures.split(","):
            # A heal, a crash loop and a command are measured with ten workers, whatever else is.
            sizes = [10] if name in {"crash-loop", "commands"} else [int(count) for count in counts.split(",")]
            for count in sizes:
                click.echo(f"{datetime.now(UTC):%H:%M:%S} {name}, N = {count}", err=True)
                samples += MEASURES[name](plan, count)
    found = figures(samples)
    head = (
        f"Measured on {datetime.now(UTC):%Y-%m-%d}: {os.cpu_count()} cores, Linux {platform.release()}, "
        f"Python {platform.python_version()}.\n\n"
    )
    click.echo(head + tables(found))
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "samples.jsonl").write_text("".join(json.dumps(asdict(sample)) + "\n" for sample in samples))
        (out / "tables.md").write_text(head + tables(found))
        if ("heal rested", 10) in found:
            (out / "heal.svg").write_text(plot(found, "heal rested", 10))


if __name__ == "__main__":
    main()
