"""Changes of a built model: where they can be made, and how."""

from torchclinic.nn.surgery import alike, replace_module
from torchclinic.remedies.surgery.anatomy import Anatomy, observe
from torchclinic.remedies.surgery.slots import unshare_activations
from torchclinic.remedies.surgery.traced import Traced

__all__ = ["Anatomy", "Traced", "alike", "observe", "replace_module", "unshare_activations"]
