"""Lines of the OFX wires, for other languages: ``make`` writes them, ``check`` reads them."""
