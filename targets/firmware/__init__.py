"""C sources of the test harness that runs a model on an emulated core."""
