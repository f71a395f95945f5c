"""Jobs: work that is no request, from a queue in the database, done by one process of all servers at a time."""
