"""One file for each command; `edgekit.cli.app.COMMANDS` names them."""
