"""Density fields: forces, deterministic evolution, exact solutions, initial data."""
