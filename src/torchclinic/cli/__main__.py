"""`python -m torchclinic.cli`."""

from torchclinic.cli.app import main

main()
