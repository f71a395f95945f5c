"""The OpenAPI document: derived from the routes, the catalogue of filters, and the tables of errors and fields."""
