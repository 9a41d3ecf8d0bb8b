"""Experiments on a model: what is swapped, inserted or given from picture to picture, and what came of it.

Probes choose and word them; `findings` judges their evidence.
"""
