"""The PostgreSQL engine; imported only if the database URL needs it, as psycopg is an optional extra."""
