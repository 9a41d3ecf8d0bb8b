"""Tests, intervals, corrections and what a sample can detect: SciPy and statsmodels, put into the audit's terms."""
