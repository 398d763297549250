def reduction_cost(wildcards):
    """Cost of a reduction, the same for all temperatures and blocks."""
    return cost_at_scales(wildcards.model, wildcards.ell, wildcards.temperature.count("_") + 1)


@cache
def cost_at_scales(model, label, temperatures):
    """Cost of a reduction from its batch of scales and the number of its temperatures."""
    keys = STUDY.models[model]
    scales = keys.sweep.labelled_batches[label]
    return estimate.reduction(keys, STUDY.kernels_of(model), scales, temperatures)


def structure_cost(wildcards):
    """Cost of the measurement of structure of a state."""
    return cost_of_structure(wildcards.model)


@cache
def cost_of_structure(model):
    """Cost of the measurement of structure, the same for all states of a model."""
    return estimate.structure(STUDY, model)


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
        short("reduce", reduction_cost)
    threads: 1
    resources:
        **resources(reduction_cost),
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
        short("structure", structure_cost)
    threads: 1
    resources:
        **resources(structure_cost),
    params:
        job=lambda w: jobs.structure(STUDY, w.model),
        code=code("structure"),
    script:
        "../scripts/structure.py"
