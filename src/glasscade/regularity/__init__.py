"""Regularity of fields: Besov exponents by three estimators, with intervals and known answers.

The estimator named beforehand for verdicts is `wavelets`: on fields of known exponent it is
the one without a bias near 1/3 (measured in tests/physics/test_exponents.py).
"""
