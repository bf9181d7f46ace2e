"""Facts about the rows: alone, beside their targets, and in two parts."""
