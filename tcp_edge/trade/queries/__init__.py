"""Commands 2100xx and their answers.

queries   asks the counter
answers   what it has answered, by reqid
records   an answer as clients read it
earlier   answers of before this process began
"""
