"""The watched run once more with one thing changed: rate, length, loss, weights, rows."""
