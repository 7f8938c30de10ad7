"""A stand-in for the vendor's front: README.md."""
