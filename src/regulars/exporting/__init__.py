"""Exports: customers and their history as files, from one snapshot."""
