"""The HTTP API: authentication, limits, errors, and the two API surfaces."""
