"""What the gallery prints."""

from torchclinic.gallery.text.claims import result_text
from torchclinic.gallery.text.listing import listing

__all__ = ["listing", "result_text"]
