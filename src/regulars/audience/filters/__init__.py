"""Questions as data: predicates, and the catalogue of named filters that builds them."""
