"""Pages for people, and documents that are the same for everybody."""
