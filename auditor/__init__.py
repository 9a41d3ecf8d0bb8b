"""Audit reports for PyTorch vision models: which regions a model judges by, proven by intervention."""

__version__ = "0.1.0"
