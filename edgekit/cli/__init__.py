"""The command line. `edgekit.cli.main` is the entry point."""
