"""Stress budgets: one bilinear operator, currents put through it, smearing with test functions."""
