"""What all sections of a configuration are made of: closed models, and types with their ranges."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from glasscade.coarse import KERNELS
from glasscade.paths import number

SMALLEST, LARGEST = 1e-30, 1e30
"""Sizes of numbers, also in the units of other programs."""
MOST_STEPS = 1e12
"""Of a run: more than a month of the engine, even for a few particles."""
TABLES = {"energy"}
"""Keys of numbers that may become as small as they like: the ends of potentials."""
Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(gt=0.0, lt=1.0)]


def _not_zero(value: float) -> float:
    if value == 0.0:
        raise ValueError("it must not be zero")
    return value


NonZero = Annotated[float, AfterValidator(_not_zero)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]
Batch = tuple[float, ...]


def _check_kernel(name: str) -> str:
    if name not in KERNELS:
        raise ValueError(f"it must be one of {', '.join(KERNELS)}")
    return name


def _check_kernels(kernels: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(kernels)) < len(kernels):
        raise ValueError("kernels must be distinct")
    if kernels and not {"gaussian", "wendland_c6"} <= set(kernels):
        raise ValueError("kernels must contain gaussian and wendland_c6")
    return kernels


KernelName = Annotated[
    str, AfterValidator(_check_kernel), Field(json_schema_extra={"enum": list(KERNELS)})
]
Kernels = Annotated[tuple[KernelName, ...], AfterValidator(_check_kernels)]


def _flat(value: Any) -> Iterator[Any]:
    """The entries of nested lists."""
    if isinstance(value, (list, tuple)):
        for entry in value:
            yield from _flat(entry)
    else:
        yield value


def _of_a_size(number: float, bounded_below: bool) -> bool:
    """Whether products of a few such numbers stay within double precision; not for NaN, inf."""
    size = abs(number)
    if isinstance(number, float) and not math.isfinite(number):
        return True  # said better by the key itself
    return size <= LARGEST and not (bounded_below and 0.0 < size < SMALLEST)


class Closed(BaseModel):
    """Base of every section: frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @cached_property
    def plain(self) -> dict[str, Any]:
        """The keys as plain data, made once and shared by thousands of jobs: not to be changed."""
        return self.model_dump(mode="json")

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """As in pydantic, but without properties kept of the values before."""
        copied = super().model_copy(update=update, deep=deep)
        for name in copied.__dict__.keys() - type(self).model_fields.keys():
            del copied.__dict__[name]
        return copied

    @model_validator(mode="before")
    @classmethod
    def _plain_numbers(cls, raw: Any) -> Any:
        """Python takes true for 1, and so would every number below; few bounds are theirs alone."""
        for key, value in raw.items() if isinstance(raw, dict) else ():
            for entry in _flat(value):
                if isinstance(entry, bool):
                    raise ValueError(f"{key} must not be true or false")
                if isinstance(entry, (int, float)) and not _of_a_size(entry, key not in TABLES):
                    raise ValueError(
                        f"{key} must be 0 or between {SMALLEST:g} and {LARGEST:g} in size; "
                        "choose other units"
                    )
        return raw


def distinct(key: str, values: tuple[float, ...]) -> None:
    """Refuse values that share a label, and with it a path."""
    labels = Counter(number(value + 0.0) for value in values)  # -0.0 is 0
    for label, count in labels.items():
        if count > 1:
            raise ValueError(f"{key} holds {label} twice (six significant digits are kept)")
