"""Text for a terminal: 80 columns, colour only where it is wanted, ASCII where it must be."""
