"""Audits over time: two beside each other, a folder or a tracking server of them, trends, and an overview page."""
