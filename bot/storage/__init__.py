"""First floor: SQL, and nothing but SQL.

Functions take a `Session` first and the moment as an argument; one call is one transaction.
"""
