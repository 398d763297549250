"""Snakemake whose jobs only touch their outputs: what is left is the cost of its main process.

    python benchmarks/trivial.py TRACE [options of snakemake]

Everything but the interpreter of the scripts is as always. Every job adds a line to TRACE: the
processor seconds of the main process so far. Linux only.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

OUTPUT = re.compile(rb"results/[\w./+-]+\.(?:nc|csv|png|html|json|yaml)")


def main(trace: str, arguments: list[str]) -> None:
    """Run Snakemake in this process, the scripts by `job`."""
    from snakemake.cli import main as snakemake
    from snakemake.executors.touch import Executor

    Executor.SLEEPING_TIME = 0.0
    job = f"{sys.executable} -IS {__file__} --job {os.getpid()} {Path(trace).resolve()}"
    sys.executable = job  # goes into a shell command as it is
    sys.argv = ["snakemake", *arguments]
    snakemake()


def job(main_process: str, trace: str, script: str) -> None:
    """Touch every file that the preamble of a script names and that is not there yet."""
    for found in set(OUTPUT.findall(Path(script).read_bytes())):
        path = Path(found.decode())
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    # Fields 14 and 15, the first two being a number and a name in brackets (man 5 proc).
    fields = Path(f"/proc/{main_process}/stat").read_text().rpartition(")")[2].split()
    seconds = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    with Path(trace).open("a", encoding="utf-8") as stream:
        stream.write(f"{seconds:.2f}\n")


if __name__ == "__main__":
    if sys.argv[1] == "--job":
        job(*sys.argv[2:])
    else:
        main(sys.argv[1], sys.argv[2:])
