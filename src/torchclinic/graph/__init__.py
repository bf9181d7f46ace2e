"""The model as a sequence of layers: forward order, what follows what, whether it traces."""
