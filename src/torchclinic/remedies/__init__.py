"""One treatment a file: Recipe -> Recipe."""
