"""What an experiment leaves on disk: pictures, animations, a TensorBoard log."""

from torchclinic.gallery.files.animations import write_animation
from torchclinic.gallery.files.log import write_log
from torchclinic.gallery.files.pictures import write_picture

__all__ = ["write_animation", "write_log", "write_picture"]
