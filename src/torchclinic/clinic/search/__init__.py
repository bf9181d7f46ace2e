"""The search for a repair: candidate changes as arms of one short comparison."""

from torchclinic.clinic.search.budget import Budget
from torchclinic.clinic.search.candidates import Candidate
from torchclinic.clinic.search.searching import SearchResult, search

__all__ = ["Budget", "Candidate", "SearchResult", "search"]
