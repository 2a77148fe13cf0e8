"""A trouble that a person can mend."""


class Trouble(Exception):
    """Something cannot be done; the message says in plain words what, why, and what to do."""
