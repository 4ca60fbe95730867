"""Benchmarks: each is a command of its own, and its figures are kept beside it."""
