from glasscade.figures import STUDY_TITLES, TITLES
from glasscade.paths import WHOLE_STUDY
from glasscade.provenance import citation_digest, lock_digest
from glasscade.report import template_digest

# From here: an input that moved with the project would be another one.
CAPTIONS = Path(os.path.relpath(SCRIPTS.parent / "report"))
COMPARED = jobs.compared(STUDY)
BOUNDED = jobs.bounded(STUDY)
SHOWN = [(model, figure) for model in MODELS for figure in jobs.figure_names(STUDY, model)]
SHOWN += [(WHOLE_STUDY, figure) for figure in jobs.study_figures(STUDY)]

for model in MODELS:

    rule:
        name:
            f"figures_{model}"
        input:
            limits=PATHS.limits.format(model=model),
            exponents=exponents_of(model),
            verdicts=PATHS.model_verdicts.format(model=model),
        output:
            images=[
                report(
                    PATHS.figure(model, figure, "png"),
                    category=f"Figures of {model}",
                    labels={"figure": TITLES[figure]},
                    caption=f"../report/{figure}.rst",
                )
                for figure in jobs.figure_names(STUDY, model)
            ],
            data=[PATHS.figure(model, figure, "csv") for figure in jobs.figure_names(STUDY, model)],
        log:
            PATHS.log("figures", model),
        benchmark:
            PATHS.benchmark("figures", model)
        group:
            short("limits", cost("limits", model), model)
        threads: 1
        resources:
            **resources(cost("figures")),
        params:
            job=jobs.figures(STUDY, model),
            code=code("figures"),
        script:
            "../scripts/figures.py"


if COMPARED:

    rule comparison:
        """The models of particles in one figure: what depends on N, and what on dt."""
        input:
            limits=expand(PATHS.limits, model=COMPARED),
            exponents=expand(PATHS.exponents, model=COMPARED),
            verdicts=expand(PATHS.model_verdicts, model=COMPARED),
        output:
            image=report(
                PATHS.figure(WHOLE_STUDY, "comparison", "png"),
                category="Comparison",
                labels={"figure": STUDY_TITLES["comparison"]},
                caption="../report/comparison.rst",
            ),
            data=PATHS.figure(WHOLE_STUDY, "comparison", "csv"),
        log:
            PATHS.log("comparison", "comparison"),
        benchmark:
            PATHS.benchmark("comparison", "comparison")
        group:
            short("study", cost("comparison"), STUDY.study)
        threads: 1
        resources:
            **resources(cost("comparison")),
        params:
            job=jobs.comparison(STUDY),
            code=code("comparison"),
        script:
            "../scripts/comparison.py"


if BOUNDED:

    rule bounds:
        """Exponents of the flux beside their bounds, for every kernel of force."""
        input:
            limits=expand(PATHS.limits, model=BOUNDED),
        output:
            table=report(PATHS.bounds, category="Bounds", caption="../report/bounds.rst"),
            images=[
                report(
                    PATHS.figure(WHOLE_STUDY, figure, "png"),
                    category="Bounds",
                    labels={"figure": STUDY_TITLES[figure]},
                    caption=f"../report/{figure}.rst",
                )
                for figure in jobs.bounds_figures(STUDY)
            ],
            data=[
                PATHS.figure(WHOLE_STUDY, figure, "csv") for figure in jobs.bounds_figures(STUDY)
            ],
        log:
            PATHS.log("bounds", "bounds"),
        benchmark:
            PATHS.benchmark("bounds", "bounds")
        group:
            short("study", cost("bounds"), STUDY.study)
        threads: 1
        resources:
            **resources(cost("bounds")),
        params:
            job=jobs.bounds(STUDY),
            code=code("bounds"),
        script:
            "../scripts/bounds.py"


rule summary:
    """The page that reads like a paper."""
    input:
        verdicts=PATHS.verdicts,
        limits=expand(PATHS.limits, model=MODELS),
        exponents=expand(PATHS.exponents, model=jobs.measured(STUDY)),
        images=[PATHS.figure(model, figure, "png") for model, figure in SHOWN],
        data=[PATHS.figure(model, figure, "csv") for model, figure in SHOWN],
        captions=[
            str(CAPTIONS / f"{figure}.rst")
            for figure in [*TITLES, *STUDY_TITLES]
            if figure in {shown for _, shown in SHOWN}
        ],
    output:
        report(PATHS.summary, category="Summary", caption="../report/summary.rst"),
    log:
        PATHS.log("summary", "summary"),
    benchmark:
        PATHS.benchmark("summary", "summary")
    group:
        short("study", cost("summary"), STUDY.study)
    threads: 1
    resources:
        **resources(cost("summary")),
    params:
        job=jobs.summary(STUDY),
        code=code("summary"),
        templates=template_digest(),
    script:
        "../scripts/summary.py"


rule record:
    """Where everything comes from: the metadata of an RO-Crate, and the complete configuration."""
    # Whatever runs again is upstream of the page.
    input:
        PATHS.summary,
    output:
        metadata=PATHS.metadata,
        config=PATHS.config,
    log:
        PATHS.log("record", "record"),
    benchmark:
        PATHS.benchmark("record", "record")
    group:
        short("study", cost("record"), STUDY.study)
    threads: 1
    resources:
        **resources(cost("record")),
    params:
        job=jobs.record(STUDY),
        code=code("record"),
        lock=lock_digest(),
        citation=citation_digest(),
    script:
        "../scripts/record.py"
