"""`python -m torchclinic`."""

from torchclinic.cli import main

main()
