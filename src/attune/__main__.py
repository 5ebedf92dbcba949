"""`python -m attune`: the command line."""

from attune.cli import main

main()
