"""The index page of the gallery."""

from torchclinic.gallery.page.index import render_index, write_index

__all__ = ["render_index", "write_index"]
