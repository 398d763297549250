rule reduce:
    """The stress balance at a batch of scales. Wildcards: model, temperature, ell, block."""
    input:
        PATHS.state,
    output:
        PATHS.budget,
    log:
        PATHS.log("reduce", "{model}_T{temperature}_ell{ell}_block{block}"),
    benchmark:
        PATHS.benchmark("reduce", "{model}_T{temperature}_ell{ell}_block{block}")
    group:
        short("reduce", cost("reduce"))
    threads: 1
    resources:
        **resources(cost("reduce")),
    params:
        job=lambda w: jobs.reduce(STUDY, w.model, w.temperature, w.ell, w.block),
        code=code("reduce"),
    script:
        "../scripts/reduce.py"


rule structure:
    """Norms of ρ and F against scale. Wildcards: model, temperature, block."""
    input:
        PATHS.state,
    output:
        PATHS.structure,
    log:
        PATHS.log("structure", "{model}_T{temperature}_block{block}"),
    benchmark:
        PATHS.benchmark("structure", "{model}_T{temperature}_block{block}")
    group:
        short("structure", cost("structure"))
    threads: 1
    resources:
        **resources(cost("structure")),
    params:
        job=lambda w: jobs.structure(STUDY, w.model),
        code=code("structure"),
    script:
        "../scripts/structure.py"
