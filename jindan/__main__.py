"""`python -m jindan`: the command line."""

from jindan.cli import main

# Processes that share the work read this file again.
if __name__ == "__main__":
    main()
