"""Facts about a recipe before it trains: structure, first batch, one-batch overfit."""

from torchclinic.clinic.preflight.batch import batch_facts
from torchclinic.clinic.preflight.gathering import gather
from torchclinic.clinic.preflight.one_batch import one_batch_facts
from torchclinic.clinic.preflight.recipe import recipe_facts

__all__ = ["batch_facts", "gather", "one_batch_facts", "recipe_facts"]
