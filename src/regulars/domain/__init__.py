"""The rules about customers and their history: pure functions, no I/O."""
