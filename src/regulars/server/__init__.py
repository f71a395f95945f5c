"""What knows uvicorn: graceful shutdown, protocol errors, write buffering, and the server's processes."""
