"""Cores and boards as data, the toolchains that build for them, and the firmware test harness."""
