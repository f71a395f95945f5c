"""Which customers ...? The in-memory index, its predicates and its answers."""
