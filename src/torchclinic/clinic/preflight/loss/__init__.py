"""Facts about the loss: which it is, what it is given, what a guess costs."""
