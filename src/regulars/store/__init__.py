"""Tables, engines, the ledger and the queries."""
