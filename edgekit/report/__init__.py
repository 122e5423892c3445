"""Reports: what a conversion found, as data, in the terminal, as HTML, and compared."""
