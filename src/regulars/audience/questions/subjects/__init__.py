"""Subjects: what a condition of a question can be about. One module per family, one row per subject."""
