"""Tests of the HTTP surfaces."""  # noqa: A005 -- it is tests.http, which hides nothing
