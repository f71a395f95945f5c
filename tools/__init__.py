"""Programs for those who work on Regulars; none of them is installed."""
