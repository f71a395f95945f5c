"""`/v1`: the JSON:API surface of Kajabi clients."""
