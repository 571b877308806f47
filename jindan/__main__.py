"""`python -m jindan`: the command line."""

from jindan.cli import main

main()
