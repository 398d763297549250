rule simulate:
    """States at the output times. Wildcards: model, temperature, block."""
    input:
        lambda w: jobs.simulate_files(STUDY, w.model, w.temperature, w.block),
    output:
        PATHS.state,
    log:
        PATHS.log("simulate", "{model}_T{temperature}_block{block}"),
    benchmark:
        PATHS.benchmark("simulate", "{model}_T{temperature}_block{block}")
    group:
        short("simulate", cost("simulate"))
    threads: 1
    # The longest chains of jobs begin here: none should be left for the end.
    priority: 1
    resources:
        **resources(cost("simulate")),
    params:
        job=lambda w: jobs.simulate(STUDY, w.model, w.temperature, w.block),
        code=code("simulate"),
    script:
        "../scripts/simulate.py"
