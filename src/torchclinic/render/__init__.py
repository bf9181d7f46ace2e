"""One output a file: console, JSON, HTML."""
