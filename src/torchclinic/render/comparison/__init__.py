"""The outcome of a study: on the console, in a notebook, as a page and as JSON."""
