"""The day's data as the recorder has kept it: what to ask for, a page of it, and all of it as CSV.

query    which data. No I/O
records  the rows, one by one, from the recorder
csv      the same as a file
"""
