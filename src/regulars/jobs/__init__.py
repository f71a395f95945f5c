"""Jobs: background work from a queue in the database; each job is run by one process at a time."""
