"""The CTP API as data: methods, callbacks, struct layouts, codecs, read from the installed binding.

Nothing here imports another package of ctpbus. Start with :mod:`schemas.catalogue`.
"""
