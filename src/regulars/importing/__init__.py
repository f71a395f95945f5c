"""Importing files: lines are read, grouped by customer, parsed and submitted."""
