"""Facts about what the first weights make of signals, states and gradients."""
