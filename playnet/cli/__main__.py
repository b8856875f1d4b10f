"""`python -m playnet.cli` is `playnet`."""

from .app import main

if __name__ == "__main__":
    main()
