"""What runs, in figures: counted in each process, added up over all of them, and shown as Prometheus reads it."""
