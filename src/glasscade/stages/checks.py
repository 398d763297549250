"""The verdicts of one model: each compares an interval with a reference fixed beforehand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from glasscade.coarse import KERNELS
from glasscade.config import ClusterSystem, SyntheticSystem, System
from glasscade.fields import cluster
from glasscade.limits.bounds import BOUNDED, PRODUCT_BOUND, flux_bounds
from glasscade.limits.extrapolation import POINTS, Limit, extrapolate, slope
from glasscade.limits.power import Claim, for_all, n_to_decide
from glasscade.limits.verdicts import (
    CRITICAL,
    GLOBAL,
    TOGETHER,
    Outcome,
    Verdict,
    at_least,
    at_most,
    equal,
    one_of,
    together,
)
from glasscade.paths import number
from glasscade.regularity.fits import interval, jackknife, local_slopes
from glasscade.stages.controls import DISSIPATED, anomaly_is_open
from glasscade.stages.flux import NORMS, norm_exponent
from glasscade.stages.integrate import believed, limit_in, limit_in_ell, term
from glasscade.stages.joint import DIFFERENCE, limit_of, path_name
from glasscade.stages.nulls import MEASURED
from glasscade.stages.relaxation import APPROACH, JUDGED

Real = npt.NDArray[np.float64]
Judge = Callable[[int, int], Verdict]
"""The row of a test function, by its number, as one of so many comparisons."""

CLAIMS: dict[str, Claim] = {"flux_bound": "at_least", "criterion": "at_most"}
"""What a check claims of its value where that is not equality with the reference."""
PARTS = ("lim_Q_thermal", "lim_Q_flux", "H")
"""What is an anomaly where it does not vanish."""
SEPARATED = 5.0
"""ℓ over the widest layers for a term that vanishes in proportion to T: smearing, which goes with
the squares of both, then changes its slope by 2/25, less than the margin."""
OF_EXPONENTS = ("criterion", "exponent_recovery")
"""Checks whose intervals have the level of exponents."""


def checks(
    job: dict[str, Any], system: System, limits: xr.Dataset, exponents: xr.Dataset
) -> list[Verdict]:
    """All rows of a model, in the order in which the report shows them."""
    return list(_Checks(job, system, limits, exponents))


class _Checks:
    """The rows of one model; every method yields those of one check."""

    def __init__(
        self, job: dict[str, Any], system: System, limits: xr.Dataset, exponents: xr.Dataset
    ) -> None:
        self.model: str = job["model"]
        self.margins: dict[str, float] = job["margins"]
        self.estimator: str = job["estimator"]
        self.decay: dict[str, Any] = job.get("relaxation", {})
        self.system = system
        self.limits = limits
        self.exponents = exponents

    def __iter__(self) -> Iterator[Verdict]:
        if "limit" in self.limits and not self.system.particles:
            yield from self._control()
        if self.decay:
            yield from self._decay()
        if APPROACH in self.limits:
            yield self._cores()
        # Measured currents close by construction, which says nothing for or against Eq. 1.
        if not self.system.measured:
            yield from self._closure()
            if self.system.particles:
                yield from self._martingale()
        if "limit" in self.limits:
            yield from self._commutation()
            if "along_limit" in self.limits:
                yield from self._joint()
            if "distance" in self.limits:
                yield from self._convergence()
            yield from self._kernel_independence()
            yield from self._direct_terms_vanish()
        yield from self._flux_bound()
        if "limit" in self.limits:
            yield from self._criterion()
        if isinstance(self.system, SyntheticSystem):
            yield from self._exponent_recovery()
        if "scale" in self.limits:
            yield from self._dissipation_scale()

    def _row(
        self,
        check: str,
        quantity: str,
        limit: Limit,
        reference: float,
        tolerance: float,
        outcome: Outcome,
        region: str = GLOBAL,
    ) -> Verdict:
        needed = self._needed(check, limit, reference, tolerance, outcome)
        return Verdict.of(
            self.model, check, quantity, limit, reference, tolerance, outcome, region, needed
        )

    def _needed(
        self, check: str, limit: Limit, reference: float, tolerance: float, outcome: Outcome
    ) -> float:
        """How many realisations would decide, where that is open and there is a reference."""
        if outcome != "inconclusive" or not np.isfinite(reference):
            return np.nan
        level = self.margins["exponent_level" if check in OF_EXPONENTS else "level"]
        return n_to_decide(limit, reference, tolerance, level, CLAIMS.get(check, "equal"))

    def _equal(
        self,
        check: str,
        quantity: str,
        limit: Limit,
        reference: float,
        tolerance: float,
        region: str = GLOBAL,
    ) -> Verdict:
        outcome = equal(limit, reference, tolerance)
        return self._row(check, quantity, limit, reference, tolerance, outcome, region)

    def _everywhere(self, judge: Judge, regions: int) -> Iterator[Verdict]:
        """The rows of all test functions, the first for φ = 1, and what they say together.

        Of the latter the worst of the rows on which the verdict rests is shown: alone if all hold,
        else with the interval of one of several comparisons.
        """
        rows = [judge(phi, 1) for phi in range(regions)]
        yield from rows
        if regions == 1:
            return
        corrected = [judge(phi, regions) for phi in range(regions)]
        outcome = together((row.verdict for row in rows), [row.verdict for row in corrected])
        shown = rows if outcome == "holds" else [row for row in corrected if row.verdict == outcome]
        needed = for_all(row.n_to_decide for row in shown)
        yield replace(max(shown, key=_reach), region=TOGETHER, n_to_decide=needed)

    def _vanishes(self, check: str, quantity: str) -> Iterator[Verdict]:
        """A limit against zero, in every region."""

        def judge(phi: int, comparisons: int) -> Verdict:
            limit = one_of(self._limit(quantity, phi=phi), comparisons, self.margins["level"])
            return self._equal(check, quantity, limit, 0.0, self._delta(phi), self._region(phi))

        return self._everywhere(judge, self.limits.sizes["phi"])

    def _region(self, phi: int) -> str:
        return str(self.limits["phi"].values[phi])

    def _limit(self, quantity: str, kernel: int = 0, phi: int = 0) -> Limit:
        row = self.limits["limit"].sel(quantity=quantity).isel(kernel=kernel, phi=phi)
        return limit_in(row, self.limits.sizes["realisation"])

    def _delta(self, phi: int = 0) -> float:
        """The margin of a vanishing limit: a fraction of the largest flux of stress at T = 0.

        That is max_ℓ |∫(W_ℓ + Q^flux_ℓ)dt|, or max_ℓ |∫Q^flux_ℓ dt| where the sum vanishes
        identically, as it does for a stationary state.
        """
        athermal = self.limits.isel(temperature=0, kernel=0, phi=phi).mean("realisation")
        total = float(np.abs(term(athermal, "W+Q_flux")).max())
        flux = float(np.abs(term(athermal, "Q_flux")).max())
        return self.margins["delta"] * (total if total > 1e-9 * flux else flux)

    def _control(self) -> Iterator[Verdict]:
        """Exact answers: those of cones on a line, none where theory leaves room for none."""
        exact = self._exact_dissipation
        if exact is None:
            for quantity in () if anomaly_is_open(self.system) else PARTS:
                yield from self._vanishes("control", quantity)
            return
        tolerance = self.margins["control"] * exact
        for quantity, reference in (("lim_Q_thermal", exact), ("lim_Q_flux", exact), ("H", 0.0)):
            yield self._equal("control", quantity, self._limit(quantity), reference, tolerance)
        if isinstance(self.system, ClusterSystem):
            forms = {"Q_thermal_form": self._thermal_form(), "Q_flux_form": self._flux_form()}
            for quantity, form in forms.items():
                yield self._equal("control", quantity, form, 0.0, self.margins["control"])

    @property
    def _exact_dissipation(self) -> float | None:
        """What heat and flux both tend to in the cluster and in an evolving cone, if known."""
        if isinstance(self.system, ClusterSystem):
            return self.system.potential.strength**2 * self.system.mass**3 / 3.0
        return float(self.limits[DISSIPATED]) if DISSIPATED in self.limits else None

    def _decay(self) -> Iterator[Verdict]:
        """β of a descent from the speed and from the energy, which are one by dU/dt = -Σ|F|²."""
        for route in JUDGED:
            value, half = (
                float(self.limits[name].sel(route=route)) for name in ("beta", "beta_half_width")
            )
            low, high = self.decay["window"]
            limit = Limit.around(value, half, 0.0, (low, high), self.limits.sizes["realisation"])
            yield self._equal(
                "control", f"beta_from_{route}", limit, self.decay["beta"], self.decay["tolerance"]
            )

    def _cores(self) -> Verdict:
        """No pair is inside its core after the last step at T = 0: a core is no part of the model.

        The smallest distance of all pairs and realisations; a start at random positions does not
        count.
        """
        ends = self.limits[APPROACH].isel(time=-1)
        nearest, end = float(ends.min()), float(ends["time"])
        limit = Limit.around(nearest, 0.0, 0.0, (end, end), ends.sizes["realisation"])
        outcome = at_least(limit, 1.0, 0.0)
        return self._row("control", "closest_approach_over_core", limit, 1.0, 0.0, outcome)

    def _thermal_form(self) -> Limit:
        """Largest relative deviation of Q_thermal(T) from its exact form, over all T."""
        assert isinstance(self.system, ClusterSystem)
        warm = self.limits.isel(temperature=slice(1, None), kernel=0, phi=0, realisation=0)
        measured = term(warm, "Q_thermal").sel(ell=0.0)
        temperatures = measured["temperature"].values
        s = self.system
        exact = np.array(
            [
                cluster.thermal_dissipation(s.mass, s.length, s.potential.strength, float(t))
                for t in temperatures
            ]
        )
        return _worst(measured.values / exact - 1.0, temperatures)

    def _flux_form(self) -> Limit:
        """Largest relative deviation of Q_flux(ℓ) at T = 0 from its exact form, over all ℓ."""
        assert isinstance(self.system, ClusterSystem)
        s = self.system
        cold = self.limits.isel(temperature=0, kernel=0, phi=0, realisation=0)
        measured = term(cold, "Q_flux").dropna("ell")
        kernel = KERNELS[str(self.limits["kernel"].values[0])]
        ells = measured["ell"].values
        exact = np.array(
            [
                cluster.flux(s.mass, s.length, s.potential.strength, kernel, float(ell))
                for ell in ells
            ]
        )
        return _worst(measured.values / exact - 1.0, ells)

    def _closure(self) -> Iterator[Verdict]:
        """The balance at one time, to round-off, and integrated over time."""
        algebraic = self.limits["algebraic_residual"]
        instantaneous = self._largest(algebraic, xr.zeros_like(algebraic))
        yield self._equal("closure", "instantaneous", instantaneous, 0.0, self.margins["closure"])
        noisy = self.system.particles and float(self.limits["temperature"][0]) > 0.0
        if noisy or not self.system.evolves:
            return
        residual, error = abs(self.limits["residual"]), abs(self.limits["quadrature_error"])
        if self.system.particles:
            # Terms of particles cancel largely; what counts is the error of the change of stress.
            # With noise there is a martingale besides, which has a check of its own.
            size = self._delta() / self.margins["delta"]
            athermal = residual.isel(temperature=0) / size, error.isel(temperature=0) / size
            limit, margin = self._largest(*athermal), self.margins["closure_particles"]
        else:
            both = self.limits["source"] + self.limits["transport"]
            largest = abs(both).max(["term", "phi"])
            limit = self._largest(residual / largest, error / largest)
            margin = self.margins["closure_time"]
        yield self._equal("closure", "time_integrated", limit, 0.0, margin)

    def _largest(self, residual: xr.DataArray, error: xr.DataArray) -> Limit:
        """The residual that reaches furthest with its error, unknown if one is missing.

        Missing by design are whole scales of a kernel: those that it does not resolve, and ℓ = 0
        of points.
        """
        ells, count = self.limits["ell"].values, self.limits.sizes["realisation"]
        window = float(ells[0]), float(ells[-1]), count
        known = residual.notnull()
        expected = known.any(["realisation", "phi"])
        if not bool(known.any()) or bool((expected & ~known).any()):
            return Limit(np.nan, np.nan, np.nan, *window)
        index = int(np.nanargmax((residual + error).values))
        value, half = (float(part.values.ravel()[index]) for part in (residual, error))
        return Limit.around(value, 0.0, half, window[:2], count)

    def _martingale(self) -> Iterator[Verdict]:
        """At T > 0 the balance leaves a martingale, whose mean over realisations is zero.

        Taken relative to the largest term, for φ = 1 and the first kernel, at the smallest scale;
        the interval holds the error of the time integral too, and all temperatures at once.
        """
        resolved = self.limits.isel(kernel=0, phi=0, ell=self.limits["ell"].values > 0.0)
        finest = resolved.isel(ell=0, temperature=self.limits["temperature"].values > 0.0)
        both = finest["source"] + finest["transport"]
        largest = abs(both).max("term").mean("realisation")
        relative = finest["residual"] / largest
        error = abs(finest["quadrature_error"].mean("realisation")) / largest
        temperatures = relative["temperature"].values
        for t, temperature in enumerate(temperatures):
            mean = interval(relative.isel(temperature=t).values, self.margins["level"])
            value = float(mean.value)
            parts = float(mean.half_width), float(error.isel(temperature=t))
            ell = float(finest["ell"])
            limit = Limit.around(value, *parts, (ell, ell), relative.sizes["realisation"])
            limit = one_of(limit, len(temperatures), self.margins["level"])
            quantity = f"martingale_mean_T{number(float(temperature))}"
            margin = self.margins["closure_particles"]
            yield self._equal("closure", quantity, limit, 0.0, margin)

    def _commutation(self) -> Iterator[Verdict]:
        """A = B in every region.

        Where there is no exact control the anomalies are listed here: each holds where its
        interval is indistinguishable from zero.
        """
        quantities = ["A_minus_B"]
        if anomaly_is_open(self.system) and self._exact_dissipation is None:
            quantities += ["lim_Q_thermal", "H"]
            if self._flux_is_known:  # not a finding: nothing to compare
                zero = Limit(0.0, np.nan, np.nan, np.nan, np.nan, 0)
                name = "lim_Q_flux_zero_by_theorem"
                yield self._row("commutation", name, zero, np.nan, np.nan, "holds")
            else:
                quantities.append("lim_Q_flux")
        for quantity in quantities:
            yield from self._vanishes("commutation", quantity)

    def _joint(self) -> Iterator[Verdict]:
        """A and the limit of all terms along each path on which T and ℓ vanish together."""
        for alpha in map(float, self.limits["alpha"].values):

            def judge(phi: int, comparisons: int, alpha: float = alpha) -> Verdict:
                difference = limit_of(self.limits, alpha, DIFFERENCE, phi=phi)
                limit = one_of(difference, comparisons, self.margins["level"])
                quantity, region = f"A_minus_{path_name(alpha)}", self._region(phi)
                return self._equal("commutation", quantity, limit, 0.0, self._delta(phi), region)

            yield from self._everywhere(judge, self.limits.sizes["phi"])

    def _convergence(self) -> Iterator[Verdict]:
        """‖ρ^T - ρ‖_p → 0, the largest over the output times, as a positive power of T.

        Of densities that are coarse-grained at the smallest and at the largest scale.
        """
        ells = self.limits["compared_ell"].values
        for ell in dict.fromkeys(ells[[0, -1]].tolist()):
            chosen = self.limits.sel(compared_ell=ell, extent="largest")
            where = f"_at_ell_{number(ell)}" if ell > 0.0 else ""
            for p in self.limits["p"].values:
                row = chosen.sel(p=p)
                limit, margin = limit_in(row["distance_limit"], 1), float(row["size"])
                quantity = f"norm_{p}{where}"
                tolerance = self.margins["delta"] * margin
                yield self._equal("convergence", quantity, limit, 0.0, tolerance)
                exponent = limit_in(row["distance_exponent"], 1)
                outcome, quantity = at_least(exponent, 0.0, 0.0), f"exponent_{p}{where}"
                yield self._row("convergence", quantity, exponent, 0.0, 0.0, outcome)

    @property
    def _flux_is_known(self) -> bool:
        """Whether lim_ℓ Q_flux is zero by theorem: of particles whose scales do not decide.

        ∇V is Lipschitz, and the smeared flux of any measure then vanishes at least as ℓ. Scales
        below the core do decide, and thereby test the theorem.
        """
        return self.system.particles and not np.isfinite(self._limit("lim_Q_flux").half_width)

    def _kernel_independence(self) -> Iterator[Verdict]:
        """Limit of the difference of Q_flux_ℓ by every other kernel and by the first.

        Taken at common scales, so that a kernel which resolves only larger ℓ is compared there;
        one that resolves too few for a limit is inconclusive. A limit of particles that scales do
        not decide is left out: by theorem it is zero for any kernel.
        """
        athermal = term(self.limits.isel(temperature=0, phi=0), "Q_flux")
        first, *others = self.limits["kernel"].values
        for kernel in others:
            difference = athermal.sel(kernel=kernel) - athermal.sel(kernel=first)
            limit = limit_in_ell(difference, self.margins["level"], self.system)
            if not self.system.particles or np.isfinite(limit.half_width):
                quantity = f"lim_Q_flux_{kernel}_minus_{first}"
                yield self._equal("kernel_independence", quantity, limit, 0.0, self._delta())

    def _direct_terms_vanish(self) -> Iterator[Verdict]:
        """At fixed ℓ the thermal term vanishes in proportion to T: slope 1.

        Taken at the two largest scales, where T is small against what ℓ resolves.
        """
        warm = self.limits.isel(temperature=slice(1, 1 + POINTS), kernel=0, phi=0)
        thermal = term(warm, "Q_thermal+Ito")
        ells = self.limits["ell"].values
        for ell in ells[-2:]:
            samples = thermal.sel(ell=ell).transpose("realisation", "temperature").values
            limit = self._slope(warm["temperature"].values, samples)
            limit = believed(limit, self.system.extrapolates_cold_at(float(ell) / SEPARATED))
            quantity = f"slope_in_T_at_ell_{number(float(ell))}"
            yield self._equal("direct_terms_vanish", quantity, limit, 1.0, self.margins["slope"])

    def _slope(self, x: Real, samples: Real) -> Limit:
        """d ln|y| / d ln x of the mean over realisations, by jackknife; none if y changes sign."""
        level, means = self.margins["level"], [samples.mean(axis=0)]
        fit = replace(slope(x, means[0], level), realisations=len(samples))
        if len(samples) > 1:
            means += [np.delete(samples, i, axis=0).mean(axis=0) for i in range(len(samples))]
            scatter = jackknife(lambda y: slope(x, y.mean(axis=0), level).value, samples, level)
            fit = fit.widened(statistical=float(scatter))
        same_sign = np.all(np.sign(means) == np.sign(means[0][0]))
        return fit if same_sign else replace(fit, low=np.nan, high=np.nan)

    def _flux_bound(self) -> Iterator[Verdict]:
        """Measured exponents of Q_flux against the three lower bounds, for every case.

        The product |∇ρ̄||τ| itself stands against the one that is its own.

        A measured slope contradicts a bound only if it lies below what the lower ends of the
        exponents would give; that, and a margin for the finite range of ℓ, is the tolerance.
        """
        for case in range(self.exponents.sizes["case"]):
            density, force = self._exponent(case, "density"), self._exponent(case, "force")
            measured = {
                "pointwise": self._pointwise(case, "pointwise"),
                "smeared": self._smeared(case),
                "product": self._pointwise(case, "product"),
            }
            lowest = flux_bounds(density.low, force.low)
            bounds = flux_bounds(density.value, force.value)
            for of_flux, name in (*((BOUNDED[name], name) for name in bounds), PRODUCT_BOUND):
                limit, bound = measured[of_flux], float(bounds[name])
                if limit is not None:
                    tolerance = bound - float(lowest[name]) + self.margins["bound"]
                    outcome = at_least(limit, bound, tolerance)
                    quantity = f"{of_flux}_vs_{name}{self._case_name(case)}"
                    yield self._row("flux_bound", quantity, limit, bound, tolerance, outcome)

    def _case_name(self, case: int) -> str:
        if "hurst" not in self.exponents.coords:
            return ""
        return f"_H{number(float(self.exponents['hurst'][case]))}"

    def _of_case(self, array: xr.DataArray, case: int) -> xr.DataArray:
        """The realisations that belong to a case."""
        if "hurst" not in self.exponents.coords:
            return array
        hurst = float(self.exponents["hurst"][case])
        return array.isel(realisation=np.flatnonzero(array["hurst"].values == hurst))

    def _exponent(self, case: int, field: str, region: str = GLOBAL) -> Limit:
        """ξ_3 at T = 0 by the one estimator fixed beforehand, of the whole cell or of a region φ.

        Where no verdict may rest on it (`regularity.exponents.FLAGS`) it has no interval.
        """
        measured, decisive = self._measured(case, field, region)
        return measured if decisive else replace(measured, low=np.nan, high=np.nan)

    def _measured(self, case: int, field: str, region: str = GLOBAL) -> tuple[Limit, bool]:
        """ξ_3 with its interval, and whether a verdict may rest on it."""
        chosen = {"source": MEASURED, "field": field, "estimator": self.estimator, "region": region}
        row = self.exponents.sel(chosen).isel(case=case, temperature=0)
        third = row.sel(order=3)
        low, high = row["window"].values
        limit = Limit(
            float(third["value"]),
            float(third["ci_low"]),
            float(third["ci_high"]),
            float(low),
            float(high),
            int(row["samples"]),
            float(third["statistical"]),
            float(third["systematic"]),
        )
        return limit, bool(third["decisive"])

    def _pointwise(self, case: int, quantity: str) -> Limit | None:
        """Exponent in ℓ of ‖Q^flux_ℓ‖_1 or ‖|∇ρ̄||τ|‖_1, of known densities over all scales."""
        if NORMS[quantity] not in self.limits:
            return None
        if isinstance(self.system, SyntheticSystem):
            hurst, s = float(self.exponents["hurst"][case]), self.system.singularity
            return norm_exponent(self.limits, quantity, 0, hurst, s, self.margins["level"])
        norm = self._of_case(self.limits[NORMS[quantity]], case).isel(order=0)
        return self._exponent_in_ell(norm.dropna("ell"))

    def _smeared(self, case: int) -> Limit:
        """Exponent in ℓ of Q^flux_ℓ[φ], root mean square over φ, at the smallest scales."""
        flux = self._of_case(term(self.limits.isel(temperature=0, kernel=0), "Q_flux"), case)
        smeared = (flux**2).mean("phi") ** 0.5
        return self._exponent_in_ell(smeared.sel(ell=smeared["ell"] > 0.0).dropna("ell"))

    def _exponent_in_ell(self, y: xr.DataArray) -> Limit:
        """d ln y / d ln ℓ for ℓ → 0.

        Without randomness the local slopes are extrapolated; with it, which would be amplified,
        straight lines are fitted to the smallest scales of every realisation.
        """
        known = y.transpose("realisation", "ell")
        x, level = known["ell"].values, self.margins["level"]
        if self.system.deterministic:
            return extrapolate(*local_slopes(x, known.values), level, deterministic=True)
        slopes = [slope(x[:POINTS], row[:POINTS], level).value for row in known.values]
        mean = interval(np.array(slopes), level)
        value, half = float(mean.value), float(mean.half_width)
        low, high = float(x[0]), float(x[POINTS - 1])
        limit = Limit.around(value, half, 0.0, (low, high), len(slopes))
        return believed(limit, self.system.extrapolates_below)

    def _criterion(self) -> Iterator[Verdict]:
        """Q_flux does not vanish ⇒ ξ_3 <= 1/3, in every region.

        The flux smeared with a φ is judged with the regularity of the same region.
        """
        return self._everywhere(self._criterion_in, self.limits.sizes["phi"])

    def _criterion_in(self, phi: int, comparisons: int) -> Verdict:
        """One-way: where the flux vanishes nothing is claimed."""
        level, region = self.margins["level"], self._region(phi)
        xi = self._exponent(0, "density", region)
        xi = one_of(xi, comparisons, self.margins["exponent_level"])
        measured, margin = (
            one_of(self._limit("lim_Q_flux", phi=phi), comparisons, level),
            self._delta(phi),
        )
        flux = "holds" if self._flux_is_known else equal(measured, 0.0, margin)
        tolerance = self.margins["exponent"]
        if flux == "holds":
            return self._row("criterion", "xi_3_no_flux", xi, np.nan, np.nan, "holds", region)
        outcome = at_most(xi, CRITICAL, tolerance)
        if flux == "violated" or outcome == "holds":
            return self._row(
                "criterion", "xi_3_with_flux", xi, CRITICAL, tolerance, outcome, region
            )
        row = self._row(
            "criterion", "xi_3_with_flux", xi, CRITICAL, tolerance, "inconclusive", region
        )
        # Both must be decided: the exponent, unless it is, and whether there is a flux.
        needed = [n_to_decide(measured, 0.0, margin, level)]
        needed += [row.n_to_decide] * (outcome == "inconclusive")
        return replace(row, n_to_decide=for_all(needed))

    def _exponent_recovery(self) -> Iterator[Verdict]:
        """ξ_3 of fields of known exponent."""
        for case in range(self.exponents.sizes["case"]):
            known = float(self.exponents["hurst"][case])
            margin = self.margins["exponent"]
            judged, (shown, _) = self._exponent(case, "density"), self._measured(case, "density")
            outcome = equal(judged, known, margin)
            quantity = "xi_3" + self._case_name(case)
            row = self._row("exponent_recovery", quantity, shown, known, margin, outcome)
            # A flag stays however many realisations there are.
            needed = self._needed("exponent_recovery", judged, known, margin, outcome)
            yield replace(row, n_to_decide=needed)

    def _dissipation_scale(self) -> Iterator[Verdict]:
        """ℓ_½ for every T: holds where R(ℓ) crosses one half within the scales studied."""
        for t, temperature in enumerate(self.limits["temperature"].values):
            row = self.limits["scale"].isel(temperature=t).sel(fraction=0.5)
            limit = limit_in(row, self.limits.sizes["realisation"])
            outcome: Outcome = "holds" if np.isfinite(limit.half_width) else "inconclusive"
            quantity = f"ell_half_T{number(float(temperature))}"
            yield self._row("dissipation_scale", quantity, limit, np.nan, np.nan, outcome)


def _worst(deviations: Real, x: Real) -> Limit:
    """The largest deviation in size, a number without scatter, with the range of x it is over."""
    value = float(np.max(np.abs(deviations)))
    return Limit.around(value, 0.0, 0.0, (float(x[0]), float(x[-1])), 1)


def _reach(row: Verdict) -> float:
    """How far an interval reaches from its reference, in tolerances; of no interval, infinitely.

    Last are rows in which nothing is compared.
    """
    if np.isnan(row.reference):
        return -1.0
    ends = np.abs([row.ci_low - row.reference, row.ci_high - row.reference])
    reach = float(np.max(ends)) / row.tolerance
    return reach if np.isfinite(reach) else np.inf
