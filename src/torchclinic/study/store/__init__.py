"""A study's folder: every result is written once and whole, by one of several processes."""

from torchclinic.study.store.facts import facts_hash, recipe_facts
from torchclinic.study.store.folder import Store
from torchclinic.study.store.manifest import Manifest, StoredArm
from torchclinic.study.store.reading import folder_name, read_run, read_trace

__all__ = [
    "Manifest",
    "Store",
    "StoredArm",
    "facts_hash",
    "folder_name",
    "read_run",
    "read_trace",
    "recipe_facts",
]
