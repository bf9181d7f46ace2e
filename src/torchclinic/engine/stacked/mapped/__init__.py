"""Any other model, mapped over the members with torch.func.vmap."""

from torchclinic.engine.stacked.mapped.network import MappedNetwork
from torchclinic.engine.stacked.mapped.why import why_not_mapped

__all__ = ["MappedNetwork", "why_not_mapped"]
