"""The HTTP surface: who may call, what is refused, and the two dialects."""
