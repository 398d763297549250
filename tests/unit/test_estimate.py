"""The estimate grows with what is asked for and adds up; that it counts every job is tested on the
DAG."""

from __future__ import annotations

from pathlib import Path

import pytest

from glasscade import config, estimate, jobs
from report_data import GLASS
from studies import CLUSTER, FIELD, ROUGH, SHEAR, changed, study

DEFAULT = Path(__file__).parents[2] / "config" / "config.yaml"


def total(key: str, value: object) -> estimate.Line:
    return estimate.total(config.parse(changed(study(), key, value)))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("models.rough.system.points", 512),
        ("models.rough.system.dimensions", 2),
        ("models.rough.sweep.realisations", 8),
        ("models.rough.sweep.ell", [[0.02, 0.03, 0.05, 0.08, 0.1, 0.12]]),
        ("models.rough.system.exponents", [0.2, 0.4, 0.6]),
        ("models.smooth.system.points", 512),
        ("models.smooth.system.duration", 0.8),
        ("models.smooth.sweep.temperature", [0, 0.05, 0.1, 0.2, 0.3, 0.4]),
        ("models.point.system.points", 4096),
        ("kernels", ["gaussian", "wendland_c6", "bump"]),
    ],
)
def test_more_costs_more(key: str, value: object) -> None:
    small = changed(study(), "kernels", ["gaussian", "wendland_c6"])
    less = estimate.total(config.parse(small)).cost
    more = estimate.total(config.parse(changed(small, key, value))).cost
    assert more.seconds > less.seconds
    assert more.disk >= less.disk
    assert more.memory >= less.memory


def test_limits_of_fields_hold_two_states_in_memory() -> None:
    models = config.parse(changed(study(), "models.smooth.system.snapshots", 501)).models
    plain, field = estimate.limits(models["point"]), estimate.limits(models["smooth"])
    assert plain == estimate.gathering()
    assert field.memory - plain.memory > 2.0 * 501 * 256 * 8e-6  # megabytes of two states
    assert field.seconds > plain.seconds


def test_one_big_batch_is_fewer_jobs_and_less_time_than_many() -> None:
    many = total("models.smooth.sweep.ell", [0, 0.25, 0.5, 1, 2, 4])
    one = estimate.total(config.parse(study()))
    # 5 temperatures, 6 jobs instead of 1 for each
    assert many.jobs - one.jobs == 25
    assert many.cost.seconds > one.cost.seconds


def test_temperatures_that_share_jobs_save_their_starts_and_nothing_else() -> None:
    alone = estimate.total(config.parse(study()))
    shared = total("models.smooth.sweep.temperature", [0, [0.1, 0.2, 0.3, 0.4]])
    # three simulations and three reductions less
    assert alone.jobs - shared.jobs == 6
    saved = alone.cost.seconds - shared.cost.seconds
    recorded = estimate.PER_JOB_RECORDED + estimate.PER_MEGABYTE_RECORDED * estimate.PER_FILE
    each = estimate.START_UP + recorded
    assert saved == pytest.approx(6 * each, rel=1e-9)  # round-off of a sum of a hundred seconds
    files = 6 * (estimate.PER_FILE + estimate.DISK_PER_JOB)
    assert shared.cost.disk + files == pytest.approx(alone.cost.disk, rel=1e-12)


def test_a_job_of_several_temperatures_holds_their_states_at_once() -> None:
    parsed = config.parse(study(smooth=FIELD))
    model = parsed.models["smooth"]
    batch = model.sweep.batches[0]
    costs = [
        [estimate.simulation(model, n * (0.1,)) for n in (1, 2, 4)],
        [estimate.reduction(model, parsed.kernels, batch, n) for n in (1, 2, 4)],
    ]
    for one, two, four in costs:
        for quantity in ("seconds", "memory", "disk"):
            first, second, last = (getattr(cost, quantity) for cost in (one, two, four))
            assert second > first
            assert last - second == pytest.approx(2.0 * (second - first), rel=1e-9)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("system.strain_step", 5e-4),
        ("system.events", 2),
        ("system.largest_strain", 0.4),
        ("system.snapshots", 97),
        ("system.balance_from", 0.15),
        ("sweep.realisations", 6),
    ],
)
def test_more_shear_costs_more(key: str, value: object) -> None:
    raw = changed(SHEAR, "system.events", 4) if key == "system.largest_strain" else SHEAR
    less = estimate.total(config.parse(study(shear=raw)))
    more = estimate.total(config.parse(study(shear=changed(raw, key, value))))
    assert more.cost.seconds > less.cost.seconds


def test_shear_has_no_jobs_of_exponents() -> None:
    stages = [line.stage for line in estimate.lines(config.parse(study(shear=SHEAR)))]
    assert stages[:4] == ["simulate", "reduce", "limits", "figures"]


def test_memory_of_a_job_grows_with_the_grid() -> None:
    costs = []
    for points in (256, 1024):
        raw = changed(study(rough=ROUGH), "models.rough.system.points", points)
        raw = changed(raw, "models.rough.system.dimensions", 2)
        parsed = config.parse(raw)
        model = parsed.models["rough"]
        reduction = estimate.reduction(model, parsed.kernels, model.sweep.batches[0])
        costs.append((estimate.simulation(model), reduction, estimate.structure(parsed, "rough")))
    for small, large in zip(*costs, strict=True):
        assert large.memory > small.memory
        assert large.seconds > small.seconds


def test_what_the_moments_of_a_block_cost() -> None:
    """Processor seconds with the start, megabytes of memory and on disk, as once measured."""
    for file, name, seconds, memory, disk in (
        ("smoke.yaml", "rough", 23.6, 455.0, 4.2),
        ("config.yaml", "glass_500", 15.2, 375.0, 5.2),
    ):
        cost = estimate.structure(config.load(DEFAULT.with_name(file)), name)
        # the factor that is promised; files are compressed
        assert 0.5 * seconds < cost.seconds < 2.0 * seconds
        assert 0.8 * memory < cost.memory < 1.25 * memory
        assert disk < cost.disk < 2.0 * disk


@pytest.mark.parametrize(
    ("name", "steps", "frame"),
    [("glass_1000000", 575.0, 816.0), ("glass3d_1000000", 747.0, 1187.0)],
)
def test_what_a_million_particles_take(name: str, steps: float, frame: float) -> None:
    """Megabytes of a run with five frames, and of the bonds of a frame, as once measured."""
    model = config.load(DEFAULT.with_name("cluster.yaml")).models[name]
    short = {"duration": 0.05, "dt": 0.005, "snapshots": 5, "onset": 0.02}
    few = model.model_copy(update={"system": model.system.model_copy(update=short)})
    # the largest scale, where bonds are what takes room
    bonds = estimate.reduction(few, ("gaussian",), model.sweep.batches[-1]).memory
    for cost, measured in ((estimate.simulation(few).memory, steps), (bonds, frame)):
        assert 0.8 * measured < cost < 1.25 * measured


@pytest.mark.parametrize("name", ["glass_1000000", "glass3d_1000000"])
def test_no_job_of_a_million_particles_needs_a_large_machine(name: str) -> None:
    study = config.load(DEFAULT.with_name("cluster.yaml"))
    model = study.models[name]
    kernels, finest = study.kernels_of(name), min(b for b in model.sweep.batches if b[0] > 0.0)
    for cost in (
        estimate.simulation(model),
        estimate.reduction(model, kernels, finest),
        estimate.structure(study, name),
    ):
        assert cost.memory < 8000.0


def test_nulls_cost_their_liquid_and_their_moments() -> None:
    short, long_ = (
        config.parse(study(a=GLASS) | {"nulls": {"liquid_duration": duration}})
        for duration in (10.0, 10_000.0)
    )
    first, second = (estimate.structure(parsed, "a") for parsed in (short, long_))
    assert second.seconds > first.seconds
    assert (second.memory, second.disk) == (first.memory, first.disk)
    # the same cell and grid without particles
    raw = changed(study(rough=ROUGH), "models.rough.system.dimensions", 2)
    raw = changed(raw, "models.rough.system.points", GLASS["system"]["points"])
    plain = config.parse(changed(raw, "models.rough.system.exponents", [0.3]))
    assert estimate.structure(plain, "rough").disk < first.disk


def test_more_orders_are_larger_files() -> None:
    few, many = (
        estimate.structure(config.parse(study() | {"exponents": {"orders": orders}}), "rough")
        for orders in ([3], [1, 2, 3, 4, 5, 6])
    )
    assert many.disk == pytest.approx(6.0 * few.disk, rel=1e-12)


def test_large_scales_cost_less_than_small_ones() -> None:
    parsed = config.parse(study(smooth=FIELD))
    model = parsed.models["smooth"]
    small, large = (estimate.reduction(model, parsed.kernels, (ell,)) for ell in (0.25, 4.0))
    assert small.seconds > large.seconds


def test_the_lines_add_up() -> None:
    parsed = config.parse(study())
    lines, whole = estimate.lines(parsed), estimate.total(parsed)
    assert whole.jobs == sum(line.jobs for line in lines)
    assert whole.cost.seconds == pytest.approx(sum(x.cost.seconds for x in lines), rel=1e-12)
    assert whole.cost.memory == max(line.cost.memory for line in lines)
    assert [line.stage for line in lines if line.model == "rough"] == [
        "simulate",
        "reduce",
        "structure",
        "exponents",
        "limits",
        "figures",
    ]


def test_a_study_that_compares_its_models_has_one_job_more() -> None:
    one, two = (
        estimate.lines(config.parse(study(**dict.fromkeys(names, GLASS))))
        for names in (["a"], ["a", "b"])
    )
    assert [line.stage for line in one if line.stage == "comparison"] == []
    assert [line.jobs for line in two if line.stage == "comparison"] == [1]


def test_wall_time_falls_with_cores_down_to_the_longest_chain() -> None:
    parsed = config.parse(study())
    one, two, many = (estimate.wall_time(parsed, cores) for cores in (1, 2, 10_000))
    assert one == pytest.approx(estimate.total(parsed).cost.seconds, rel=1e-12)
    assert two == pytest.approx(one / 2, rel=1e-12)
    # limits, figures, verdicts, summary, record, besides a simulation and a reduction
    assert many > 5 * estimate.gathering().seconds
    assert many < two


def test_the_default_study_fits_its_limits() -> None:
    """At most 100 jobs, and ten minutes on two cores."""
    parsed = config.load(DEFAULT)
    assert estimate.total(parsed).jobs <= 100
    assert estimate.wall_time(parsed, 2) < 600.0


def test_the_smoke_study_is_at_most_thirty_jobs() -> None:
    assert estimate.total(config.load(DEFAULT.with_name("smoke.yaml"))).jobs <= 30


def test_the_jobs_of_a_study_cost_what_its_stages_cost() -> None:
    raw = study(point=CLUSTER, rough=ROUGH, smooth=FIELD, glass=GLASS)
    parsed = config.parse(
        changed(raw, "models.smooth.sweep.temperature", [0, [0.1, 0.2], 0.3, 0.4])
    )
    planned = [("all", {}), ("verdicts", {}), ("summary", {}), ("record", {})]
    planned += [(stage, {}) for stage in jobs.study_stages(parsed)]
    for model in parsed.models:
        planned += [("simulate", wildcards) for wildcards in jobs.states(parsed, model)]
        planned += [("reduce", wildcards) for wildcards in jobs.reductions(parsed, model)]
        planned += [("structure", wildcards) for wildcards in jobs.structures(parsed, model)]
        planned += [("exponents", {"model": model})] * (model in jobs.measured(parsed))
        planned += [("limits", {"model": model}), (f"figures_{model}", {})]
    total = estimate.total(parsed)
    assert len(planned) == total.jobs
    seconds = sum(estimate.of_job(parsed, *job).seconds for job in planned)
    assert seconds == pytest.approx(total.cost.seconds, rel=1e-9)  # round-off


def test_no_job_of_the_largest_study_asks_for_what_no_node_has() -> None:
    """Not even at its third attempt."""
    for line in estimate.lines(config.load(DEFAULT.with_name("cluster.yaml"))):
        if line.cost.seconds > 0.0:
            asked = line.largest.asked
            assert 3 * asked["mem_mb"] < 64_000, line
            assert 3 * asked["runtime"] < 60 * 24, line
