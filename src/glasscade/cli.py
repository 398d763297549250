"""The command line: `glasscade check`, `run`, `verify` and others."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from glasscade import __version__
from glasscade.errors import ConfigError, GlasscadeError, without_memory
from glasscade.progress import duration

# Before numpy is imported: the last bits of a product of matrices depend on how many threads share
# it, and results must not depend on the computer's number of cores.
os.environ |= dict.fromkeys(("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

# What needs numba and scipy is imported by the command that uses it: `--help` answers at once.
if TYPE_CHECKING:
    from glasscade.config import Study
    from glasscade.estimate import Line
    from glasscade.stages.verify import Finding

WILDCARDS = {
    "model": "name of a model",
    "temperature": "one temperature; all that share its job are run",
    "ell": "one scale; its whole batch is reduced",
    "block": "number of a block of realisations, from 0",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0 if it went well, 2 with one sentence on standard error if it did not.

    1 is for a command that compares, and has found faults.
    """
    options = _parser().parse_args(arguments)
    try:
        code = options.command(options) or 0
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # whoever reads has seen enough, and Python would say so at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except GlasscadeError as error:
        text = str(error)
    except MemoryError as error:
        text = without_memory(error)
    except OSError as error:
        place = error.filename2 or error.filename or "what it prints"
        text = f"{place}: cannot be read or written, {(error.strerror or str(error)).lower()}"
    print(f"glasscade: {text}", file=sys.stderr)
    return 2


def check(options: argparse.Namespace) -> None:
    """Validate a configuration with the first step of its models, and print what it will cost."""
    from glasscade import config
    from glasscade.stages.simulate import check_start

    study = config.load(options.config)
    for name, model in study.models.items():
        for temperature in model.sweep.temperatures:
            try:
                check_start(model.system, temperature, study.seed)
            except GlasscadeError as error:
                raise ConfigError(f"{options.config}: models.{name}: {error}") from None
            except MemoryError:
                raise ConfigError(
                    f"{options.config}: models.{name}: its first state does not fit into the "
                    "memory of this machine; take fewer points or particles, or check it elsewhere"
                ) from None
    print(Path("results") / study.study if options.quiet else cost_table(study, options.cores))


def run(options: argparse.Namespace) -> None:
    """Run the jobs of one stage, or of all, one after the other."""
    from glasscade import config, serial

    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", level=logging.INFO)
    chosen = {name: getattr(options, name) for name in WILDCARDS}
    given = {name: value for name, value in chosen.items() if value is not None}
    serial.run(config.load(options.config), options.stage, given, options.results)


def verify(options: argparse.Namespace) -> int:
    """Check a folder of results against its record: bytes, configuration, verdicts, source."""
    from glasscade.stages import verify as verifying

    return _told(str(options.folder), verifying.verify(options.folder))


def compare(options: argparse.Namespace) -> int:
    """Compare two folders of results of one configuration: verdicts, figures, states."""
    from glasscade.stages import compare as comparing

    found = comparing.compare(options.first, options.second)
    print("\n".join(found.lines))
    return _told(f"{options.first} and {options.second}", found.findings)


def bundle(options: argparse.Namespace) -> None:
    """Pack a folder of results for deposit: an RO-Crate in a zip file."""
    from glasscade.stages import bundle as bundling

    _require_apart(options.output, options.folder)
    record = bundling.run(options.folder, options.output, options.citation, options.with_states)
    inside = sum(file.inside for file in record.files)
    print(f"{options.output}: {inside} files, {len(record.files) - inside} left out")
    if not bundling.has_source(record):
        commit = bundling.commit_of(record)
        print(f"without the source: {commit} is not in this clone, or had changes beside it (+)")


def _require_apart(output: Path, source: Path) -> None:
    """Refuse to write over what is read, into its folder, over a file of a stage or a device."""
    from glasscade.io import is_whole

    if output.is_dir():
        raise ConfigError(f"{output}: this is a folder; name the file to write")
    if output.exists() and not output.is_file():
        raise ConfigError(f"{output}: this is a device or a pipe, not a file; name another")
    place = output.resolve()
    if source.resolve() in (place, *place.parents) or (output.is_file() and is_whole(output)):
        raise ConfigError(f"{output}: this is of the results themselves; name another file")


def _told(what: str, findings: Sequence[Finding]) -> int:
    """Print what was found and how much; whether there is a fault."""
    for finding in findings:
        print(finding)
    faults = sum(finding.fault for finding in findings)
    print(f"{what}: {faults} faults, {len(findings) - faults} notes")
    return int(faults > 0)


def export(options: argparse.Namespace) -> None:
    """Write the particles of a state file as an AMBER trajectory, for OVITO, VMD, MDAnalysis."""
    from glasscade.stages import export as exporting

    _require_apart(options.output, options.state)
    exporting.run(options.state, options.realisation, options.output)


def reference(options: argparse.Namespace) -> None:
    """Write the reference of the configuration and its schema."""
    from glasscade import reference as generated

    for path in generated.write(options.root):
        print(path)


def cost_table(study: Study, cores: int) -> str:
    """What every stage of every model costs, the largest job of each, the sum and the wall time.

    `processor` and `disk` are of all jobs of a stage; `longest`, `memory` and `asked`, the memory
    and time that the workflow asks a scheduler for, are the largest of any.
    """
    from glasscade import estimate

    total = estimate.total(study)
    rows: list[tuple[str, ...]] = [
        ("model", "stage", "jobs", "processor", "disk", "longest", "memory", "asked")
    ]
    rows += [_cells(line) for line in (*estimate.lines(study), total)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    wall = duration(estimate.wall_time(study, cores))
    hours, disk = total.cost.seconds / 3600.0, total.cost.disk / 1000.0
    return "\n".join(
        [
            *("  ".join(_aligned(row, widths)) for row in rows),
            f"{total.jobs} jobs, {hours:.3g} core-hours, {disk:.3g} GB on disk; the largest job "
            f"takes {duration(total.longest)} and the most memory {total.cost.memory:.0f} MB.",
            f"About {wall} on {cores} core{'s' * (cores > 1)}, to results/{study.study}.",
        ]
    )


def _cells(line: Line) -> tuple[str, ...]:
    """A line of the table of costs."""
    asked = line.largest.asked if line.cost.memory > 0.0 else None
    return (
        line.model,
        line.stage,
        str(line.jobs),
        duration(line.cost.seconds),
        f"{line.cost.disk:.0f} MB",
        duration(line.longest),
        f"{line.cost.memory:.0f} MB",
        f"{asked['mem_mb']} MB, {asked['runtime']} min" if asked else "",
    )


def _aligned(row: tuple[str, ...], widths: list[int]) -> list[str]:
    """Names to the left, numbers to the right."""
    cells = zip(row, widths, strict=True)
    return [
        cell.ljust(width) if column < 2 else cell.rjust(width)
        for column, (cell, width) in enumerate(cells)
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="glasscade",
        description="At which scale is stress dissipated in a soft amorphous solid, and do the "
        "limits of small temperature and small scale commute?",
        epilog="The whole study, in parallel: snakemake --cores all --configfile CONFIG",
    )
    parser.add_argument("--version", action="version", version=f"glasscade {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(command: Callable[[argparse.Namespace], int | None]) -> argparse.ArgumentParser:
        text = command.__doc__
        added = commands.add_parser(command.__name__, help=text, description=text)
        added.set_defaults(command=command)
        return added

    checking = add(check)
    _add_config(checking)
    checking.add_argument(
        "--cores", type=_cores, default=os.cpu_count(), help="cores to run on (default: all)"
    )
    checking.add_argument(
        "--quiet", action="store_true", help="print nothing but the folder of the results"
    )
    running = add(run)
    running.add_argument(
        "stage",
        metavar="STAGE",
        help="simulate, reduce, structure, exponents, limits, figures, verdicts, comparison, "
        "bounds, summary, record, or all; of a stage, all jobs that the options below do not "
        "leave out",
    )
    _add_config(running)
    for name, text in WILDCARDS.items():
        running.add_argument(f"--{name}", metavar=name.upper(), help=text)
    running.add_argument(
        "--results", type=Path, default=Path("results"), help="folder of results (results)"
    )
    verifying = add(verify)
    verifying.add_argument("folder", metavar="RESULTS", type=Path, help="results/<study>")
    comparing = add(compare)
    for name in ("first", "second"):
        comparing.add_argument(name, metavar=name.upper(), type=Path, help="results/<study>")
    bundling = add(bundle)
    bundling.add_argument("folder", metavar="RESULTS", type=Path, help="results/<study>")
    bundling.add_argument("output", metavar="FILE", type=Path, help="the zip file to write")
    bundling.add_argument(
        "--with-states", action="store_true", help="with the states, budgets and moments, too"
    )
    bundling.add_argument(
        "--citation",
        type=Path,
        help="CITATION.cff with authors and licence of the deposit (that of the source)",
    )
    exporting = add(export)
    exporting.add_argument(
        "state", metavar="STATE", type=Path, help="results/<study>/state/<model>/T…/block….nc"
    )
    exporting.add_argument("output", metavar="OUTPUT", type=Path, help="the trajectory to write")
    exporting.add_argument(
        "--realisation", type=int, default=0, help="which realisation of the state (0)"
    )
    referring = add(reference)
    referring.add_argument(
        "--root", type=Path, default=Path(), help="root of the repository (where you are)"
    )
    return parser


def _add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "config", metavar="CONFIG", type=Path, help="a YAML file, see config/README.md"
    )


def _cores(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number of cores")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
