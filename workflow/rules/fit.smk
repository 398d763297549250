def exponents_of(model):
    """The exponents of a model, if they are measured."""
    return [PATHS.exponents.format(model=model)] if model in jobs.measured(STUDY) else []


rule exponents:
    """Besov exponents with intervals. Wildcard: model."""
    input:
        lambda w: [PATHS.structure.format(**x) for x in jobs.structures(STUDY, w.model)],
    output:
        PATHS.exponents,
    log:
        PATHS.log("exponents", "{model}"),
    benchmark:
        PATHS.benchmark("exponents", "{model}")
    group:
        short("limits", cost("limits"))
    threads: 1
    resources:
        **resources(cost("exponents")),
    params:
        job=lambda w: jobs.exponents(STUDY, w.model),
        code=code("exponents"),
    script:
        "../scripts/exponents.py"


rule limits:
    """Iterated limits, dissipation scale and verdicts of a model. Wildcard: model."""
    input:
        budgets=lambda w: [PATHS.budget.format(**x) for x in jobs.reductions(STUDY, w.model)],
        exponents=lambda w: exponents_of(w.model),
        states=lambda w: [PATHS.state.format(**x) for x in jobs.compared_states(STUDY, w.model)],
    output:
        limits=PATHS.limits,
        verdicts=PATHS.model_verdicts,
    log:
        PATHS.log("limits", "{model}"),
    benchmark:
        PATHS.benchmark("limits", "{model}")
    group:
        short("limits", cost("limits"))
    threads: 1
    resources:
        **resources(cost("limits")),
    params:
        job=lambda w: jobs.limits(STUDY, w.model),
        code=code("limits"),
    script:
        "../scripts/limits.py"


rule verdicts:
    """The verdicts of all models in one table."""
    input:
        expand(PATHS.model_verdicts, model=MODELS),
    output:
        report(PATHS.verdicts, category="Verdicts", caption="../report/verdicts.rst"),
    log:
        PATHS.log("verdicts", "verdicts"),
    benchmark:
        PATHS.benchmark("verdicts", "verdicts")
    group:
        short("study", cost("verdicts"), STUDY.study)
    threads: 1
    resources:
        **resources(cost("verdicts")),
    params:
        code=code("verdicts"),
    script:
        "../scripts/verdicts.py"
