"""Everything specific to uvicorn: graceful shutdown, protocol errors, write buffering, and worker processes."""
