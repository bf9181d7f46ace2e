"""One diagnosis a file: facts in, findings out."""
