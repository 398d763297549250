"""Densities that evolve, with noise and without: solvers, measures, exact solutions, starts."""
