"""C sources of the instruction counters, compiled on first use."""
