"""Benchmarks: ``python -m profiles.bench`` measures and writes docs/benchmarks.md."""
