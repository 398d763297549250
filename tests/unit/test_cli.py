"""The command line: what it prints, and that an error is one sentence and exit code 2."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import yaml

from glasscade import __version__, cli, config, estimate, serial
from glasscade.io import write_dataset
from studies import FIELD, ROUGH, Raw, changed, study


def written(folder: Path, raw: Raw) -> str:
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(raw), encoding="utf-8")
    return str(path)


def test_check_prints_every_stage_and_the_sum(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["check", written(tmp_path, study()), "--cores", "3"]) == 0
    out = capsys.readouterr().out
    lines = out.splitlines()
    columns = "model stage jobs processor disk longest memory asked"
    assert lines[0].split() == columns.split()
    jobs = {tuple(line.split()[:2]): int(line.split()[2]) for line in lines[1:-2]}
    # 5 temperatures and 2 batches; 2 blocks
    assert jobs["point", "simulate"] == 5
    assert jobs["point", "reduce"] == 10
    assert jobs["rough", "simulate"] == 2
    total = jobs.pop(("all", "total"))
    assert total == sum(jobs.values()) == estimate.total(config.parse(study())).jobs
    assert lines[-1].endswith("on 3 cores, to results/small.")


def test_products_of_matrices_have_one_thread_whoever_asked_for_more() -> None:
    """Their last bits depend on it. numpy reads it when it is imported."""
    code = "import sys, os, glasscade.cli; print('numpy' in sys.modules, os.environ[sys.argv[1]])"
    for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        done = subprocess.run(
            [sys.executable, "-c", code, name],
            env=os.environ | {name: "2"},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.split() == ["False", "1"]


def test_check_tells_a_script_where_results_go(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["check", written(tmp_path, study()), "--quiet"]) == 0
    assert capsys.readouterr().out == "results/small\n"


def test_check_sums_up_the_study_of_a_cluster() -> None:
    """Jobs, core-hours, disk and the largest job, and what is asked of a scheduler for that."""
    parsed = config.load(Path(__file__).parents[2] / "config" / "cluster.yaml")
    *table, total, whole, wall = cli.cost_table(parsed, 64).splitlines()
    expected = estimate.total(parsed)
    found = re.fullmatch(
        r"(\d+) jobs, (\S+) core-hours, (\S+) GB on disk; the largest job takes (\d+) min and "
        r"the most memory (\d+) MB\.",
        whole,
    )
    assert found is not None
    jobs, hours, disk, longest, memory = (float(text) for text in found.groups())
    assert jobs == expected.jobs
    # three digits, whole minutes, whole megabytes
    assert hours == pytest.approx(expected.cost.seconds / 3600.0, rel=5e-3)
    assert disk == pytest.approx(expected.cost.disk / 1000.0, rel=5e-3)
    assert longest == pytest.approx(expected.longest / 60.0, abs=0.5)
    assert memory == pytest.approx(expected.cost.memory, abs=0.5)
    asked = [re.search(r"(\d+) MB, (\d+) min$", line) for line in (*table[1:-1], total)]
    largest = [tuple(int(text) for text in pair.groups()) for pair in asked if pair]
    assert len(largest) == len(table) - 1
    assert largest[-1] == (max(m for m, _ in largest[:-1]), max(t for _, t in largest[:-1]))
    assert largest[-1][0] > memory
    assert largest[-1][1] > longest
    assert wall.startswith("About ")
    assert wall.endswith(" on 64 cores, to results/cluster.")


@pytest.mark.parametrize("command", [["check"], ["run", "simulate"]])
def test_a_bad_configuration_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    path = written(tmp_path, changed(study(), "sed", 1))
    assert cli.main([*command, path]) == 2
    captured = capsys.readouterr()
    assert captured.err == f"glasscade: {path}: sed: unknown key; did you mean 'seed'?\n"
    assert captured.out == ""


@pytest.mark.parametrize(
    "arguments",
    [[], ["check"], ["nothing"], ["check", "a", "--cores", "0"], ["check", "a", "--cores", "x"]],
)
def test_bad_usage_is_exit_code_two(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2
    assert "usage: glasscade" in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        cli.main(["--version"])
    assert capsys.readouterr().out == f"glasscade {__version__}\n"


def test_help_of_run_names_every_stage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        cli.main(["run", "--help"])
    text = capsys.readouterr().out
    assert [name for name in (*serial.STAGES, serial.ALL) if name not in text] == []


def test_help_does_not_load_what_takes_long() -> None:
    code = (
        "import sys; from glasscade import cli\n"
        "try: cli.main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'numba', 'numpy', 'scipy', 'xarray', 'pydantic'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_reference_writes_below_the_root(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["reference", "--root", str(tmp_path)]) == 0
    printed = capsys.readouterr().out.split()
    assert sorted(printed) == sorted(str(x) for x in tmp_path.rglob("*") if x.is_file())


def test_the_installed_command_is_this_one(tmp_path: Path) -> None:
    path = written(tmp_path, changed(study(), "seed", -1))
    command = [str(Path(sys.executable).with_name("glasscade")), "check", path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(f"glasscade: {path}: seed: input should be greater than or equal")
    assert done.stderr.count("\n") == 1


def test_stages_run_without_the_workflow(tmp_path: Path) -> None:
    """From simulation to verdicts; a missing input is one sentence."""
    path = written(tmp_path, study(rough=ROUGH))
    results = ["--results", str(tmp_path / "results")]
    assert cli.main(["run", "reduce", path, *results]) == 2
    for stage in ("simulate", "reduce", "structure", "exponents", "limits", "verdicts"):
        assert cli.main(["run", stage, path, *results]) == 0
    produced = tmp_path / "results" / "small"
    assert (produced / "state/rough/T0/block1.nc").is_file()
    assert (produced / "budget/rough/T0/ell0.02_0.03_0.05_0.08_0.12/block1.nc").is_file()
    header, *rows = (produced / "verdicts.csv").read_text(encoding="utf-8").splitlines()
    assert header.startswith("model,check,quantity,region,value,ci_low,ci_high")
    assert any(row.startswith("rough,exponent_recovery,xi_3_H0.2,") for row in rows)


def test_one_job_can_be_chosen(tmp_path: Path) -> None:
    path = written(tmp_path, study())
    chosen = ["--model", "point", "--temperature", "4e-3", "--block", "0"]
    results = tmp_path / "results"
    assert cli.main(["run", "simulate", path, *chosen, "--results", str(results)]) == 0
    made = [x.relative_to(results).as_posix() for x in results.rglob("*.nc")]
    assert made == ["small/state/point/T0.004/block0.nc"]


def test_too_little_memory_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def check(options: object) -> None:
        """What no address space holds."""
        np.empty(2**57)

    monkeypatch.setattr(cli, "check", check)
    assert cli.main(["check", "config/smoke.yaml"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("glasscade: memory: Unable to allocate")
    assert error.count("\n") == 1


def test_check_of_what_fits_no_memory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A grid of 2³⁶ points, half a terabyte."""
    raw = changed(study(smooth=FIELD), "models.smooth.system.points", 2**18)
    raw = changed(raw, "models.smooth.system.dimensions", 2)
    raw = changed(raw, "models.smooth.sweep.temperature", [0, 0.1, 0.2, 0.3, 0.4])
    path = tmp_path / "huge.yaml"
    path.write_text(yaml.safe_dump(raw), encoding="utf-8")
    assert cli.main(["check", str(path)]) == 2
    assert "does not fit into the memory of this machine" in capsys.readouterr().err


def refusal(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The one sentence with which a command ends."""
    assert cli.main(list(map(str, arguments))) == 2
    error = capsys.readouterr().err
    assert error.startswith("glasscade: ")
    assert error.count("\n") == 1
    return error.removeprefix("glasscade: ").rstrip("\n")


def test_results_are_not_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither what is read, nor another file of a stage, nor anything within the folder."""
    state, other = tmp_path / "results" / "a.nc", tmp_path / "b.nc"
    for path in (state, other):
        write_dataset(xr.Dataset(), path, {}, "glasscade.io")
    before = state.read_bytes()
    for output in (state, other):
        assert "of the results themselves" in refusal(capsys, "export", state, output)
    inside = state.with_name("in.zip")
    assert "of the results themselves" in refusal(capsys, "bundle", state.parent, inside)
    assert "this is a folder" in refusal(capsys, "export", state, tmp_path)
    os.mkfifo(tmp_path / "pipe")
    assert "this is a device or a pipe" in refusal(capsys, "export", state, tmp_path / "pipe")
    assert state.read_bytes() == before
    assert not inside.exists()


def test_what_the_system_refuses_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, chosen = written(tmp_path, study()), ["--model", "point", "--temperature", "0"]
    (tmp_path / "file").touch()
    text = refusal(capsys, "run", "simulate", path, *chosen, "--results", tmp_path / "file")
    assert text.startswith(f"{tmp_path}/file/small")
    assert text.endswith("cannot be read or written, not a directory")


def test_whoever_reads_may_stop(tmp_path: Path) -> None:
    path = written(tmp_path, study())
    code = "import sys, time; from glasscade import cli; time.sleep(0.5); sys.exit(cli.main())"
    command = [sys.executable, "-c", code, "check", path]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout
    process.stdout.close()
    assert process.wait(60) == 0
    assert process.stderr
    assert process.stderr.read() == b""
    process.stderr.close()


def test_check_finds_what_the_first_job_would_refuse(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A cluster at a temperature in kelvin."""
    path = written(tmp_path, changed(study(), "models.point.sweep.temperature", [0, 1, 2, 3, 300]))
    assert f"{path}: models.point: temperature: 1 admits no cluster" in refusal(
        capsys, "check", path
    )
