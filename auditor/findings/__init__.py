"""Judging: evidence against limits gives findings. Knows no model and no picture."""
