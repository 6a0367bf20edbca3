"""The query language of lists: text → tree → conditions on declared fields → SQL or Python.

    parsed = parse('reviewed = True and labels != "car"')
    wanted = checked(parsed, fields)
    statement = statement.where(where(wanted, columns))

The grammar is DjangoQL's: comparisons joined by `and`, `or` and parentheses, `and` binding closer.
Letters A–Z are the same as a–z for `~`, `startswith` and `endswith`, on every database.
"""
