"""`python -m sightloop`."""

from sightloop.entry import main

if __name__ == "__main__":
    main()
