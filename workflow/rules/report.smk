from glasscade.figures import TITLES
from glasscade.report import template_digest

CAPTIONS = SCRIPTS.parent / "report"

for model in MODELS:

    rule:
        name:
            f"figures_{model}"
        input:
            limits=PATHS.limits.format(model=model),
            exponents=PATHS.exponents.format(model=model),
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
        threads: 1
        resources:
            **resources(estimate.gathering()),
        params:
            job=jobs.figures(STUDY, model),
            code=code("figures"),
        script:
            "../scripts/figures.py"


rule summary:
    """The page that reads like a paper."""
    input:
        verdicts=PATHS.verdicts,
        limits=expand(PATHS.limits, model=MODELS),
        exponents=expand(PATHS.exponents, model=MODELS),
        images=[
            PATHS.figure(model, figure, "png")
            for model in MODELS
            for figure in jobs.figure_names(STUDY, model)
        ],
        data=[
            PATHS.figure(model, figure, "csv")
            for model in MODELS
            for figure in jobs.figure_names(STUDY, model)
        ],
        captions=[
            str(CAPTIONS / f"{figure}.rst")
            for figure in TITLES
            if any(figure in jobs.figure_names(STUDY, model) for model in MODELS)
        ],
    output:
        report(PATHS.summary, category="Summary", caption="../report/summary.rst"),
    log:
        PATHS.log("summary", "summary"),
    benchmark:
        PATHS.benchmark("summary", "summary")
    threads: 1
    resources:
        **resources(estimate.gathering()),
    params:
        job=jobs.summary(STUDY),
        code=code("summary"),
        templates=template_digest(),
    script:
        "../scripts/summary.py"
