"""What a customer is and what happens to one: pure rules, no I/O."""
