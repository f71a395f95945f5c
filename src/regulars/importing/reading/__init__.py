"""Reading import files: compression, encoding, and the records of each format."""
