"""The OpenAPI document: derived from operations, the catalogue of filters, and the tables of errors and fields."""
