def reduction_cost(wildcards):
    """Cost of a reduction, computed once for all temperatures and blocks."""
    return cost_at_scales(wildcards.model, wildcards.ell, wildcards.temperature.count("_") + 1)


@cache
def cost_at_scales(model, label, temperatures):
    """Cost of a reduction from its batch of scales and the number of its temperatures."""
    keys = STUDY.models[model]
    scales = keys.sweep.labelled_batches[label]
    return estimate.reduction(keys, STUDY.kernels_of(model), scales, temperatures)


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
    threads: 1
    resources:
        mem_mb=lambda w: resources(reduction_cost(w))["mem_mb"],
        runtime=lambda w: resources(reduction_cost(w))["runtime"],
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
    threads: 1
    resources:
        mem_mb=lambda w: resources(estimate.structure(STUDY, w.model))["mem_mb"],
        runtime=lambda w: resources(estimate.structure(STUDY, w.model))["runtime"],
    params:
        job=lambda w: jobs.structure(STUDY, w.model),
        code=code("structure"),
    script:
        "../scripts/structure.py"
