"""The steps that lead from an empty database to the present schema, in the order of their names.

All steps that are due run in one transaction, so none may set `atomic = False`. Tortoise cuts `RunSQL` at
every semicolon: a trigger has to be made by `RunPython` and `execute_query`.
"""
