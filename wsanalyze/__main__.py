"""`python -m wsanalyze` is the command `wsanalyze`."""

from wsanalyze.cli import main

if __name__ == "__main__":
    main()
