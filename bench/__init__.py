"""Benchmarks: figures as ratios within one run, load generator on the same machine."""
