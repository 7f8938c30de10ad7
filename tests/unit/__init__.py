"""One folder for each package, without processes."""
