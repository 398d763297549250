"""Files from the future are brought back to the present, in their order."""

from __future__ import annotations

import os
import time
from pathlib import Path

from glasscade.clock import settle

DAY = 86400.0


def aged(path: Path, ahead: float) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.touch()
    os.utime(path, (0.0, time.time() + ahead))
    return path


def test_the_order_of_files_stays_and_none_is_ahead(tmp_path: Path) -> None:
    ages = {"a": -DAY, "b": -5.0, "c": DAY, "d": DAY + 1e-3, "e": 400 * DAY, "f": 3.0}
    files = {name: aged(tmp_path / name / "x.nc", ahead) for name, ahead in ages.items()}
    past = {name: files[name].stat().st_mtime_ns for name in "ab"}
    assert settle([tmp_path]) == 4
    # as Snakemake compares them
    times = {name: path.stat().st_mtime for name, path in files.items()}
    assert sorted(times, key=times.__getitem__) == sorted(ages, key=ages.__getitem__)
    assert len(set(times.values())) == len(times)
    assert max(times.values()) <= time.time()
    assert {name: files[name].stat().st_mtime_ns for name in "ab"} == past
    assert settle([tmp_path]) == 0


def test_a_file_alone_and_one_that_is_not_there(tmp_path: Path) -> None:
    assert settle([aged(tmp_path / "x" / "run.dump", DAY), tmp_path / "absent"]) == 1


def test_files_of_one_time_keep_one_time(tmp_path: Path) -> None:
    """One of them must not become newer than what was made of it."""
    state, budget, late = (aged(tmp_path / name / "x.nc", DAY) for name in "abc")
    same = time.time() + DAY
    for path, when in ((state, same), (budget, same), (late, same + 1.0)):
        os.utime(path, (0.0, when))
    assert settle([tmp_path]) == 3
    assert state.stat().st_mtime_ns == budget.stat().st_mtime_ns < late.stat().st_mtime_ns
