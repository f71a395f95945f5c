"""Metrics: counted in each process, aggregated over all processes, and exposed in the Prometheus format."""
