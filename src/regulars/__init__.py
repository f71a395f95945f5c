"""Regulars: a self-hosted customers API."""

__version__ = "0.1.0"
