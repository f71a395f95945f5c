"""The engine for PostgreSQL: imported only where a database URL asks for it, as psycopg is an extra."""
