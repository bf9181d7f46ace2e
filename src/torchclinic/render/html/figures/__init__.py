"""The figures of the report: values in, markup out; each readable without a script."""
