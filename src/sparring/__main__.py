"""`python -m sparring <verb> ...`."""

from sparring.cli.command import main

if __name__ == "__main__":
    main()
