"""Makes one stream of several md_workers; for everybody else it is md_worker.

Read ``merge.py`` first; ``merging.py`` decides which tick goes on, without I/O.
"""
