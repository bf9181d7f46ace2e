"""Norms of a built model replaced, folded, measured anew and frozen."""

from torchclinic.nn.surgery.fold_batch_norm import fold_batch_norm
from torchclinic.nn.surgery.freeze_batch_norm import freeze_batch_norm, unfreeze_batch_norm
from torchclinic.nn.surgery.norm_site import NormSite, norm_sites
from torchclinic.nn.surgery.norms import NORMS, NormKind
from torchclinic.nn.surgery.places import alike, replace_module
from torchclinic.nn.surgery.reestimate_batch_norm import plain_means, reestimate_batch_norm
from torchclinic.nn.surgery.replace_norm import replace_norm

__all__ = [
    "NORMS",
    "NormKind",
    "NormSite",
    "alike",
    "fold_batch_norm",
    "freeze_batch_norm",
    "norm_sites",
    "plain_means",
    "reestimate_batch_norm",
    "replace_module",
    "replace_norm",
    "unfreeze_batch_norm",
]
