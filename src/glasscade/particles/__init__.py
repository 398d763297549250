"""Overdamped Brownian particles: neighbours, noise, dynamics, observables, trajectories."""
