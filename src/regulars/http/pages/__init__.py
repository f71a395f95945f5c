"""HTML pages, and documents that are the same for everybody."""
