"""Columns of a table: which field each fills, and how its cells are read."""
