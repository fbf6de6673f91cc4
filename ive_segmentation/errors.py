"""The one kind of error that is meant for the user's eyes."""


class UserError(Exception):
    """Something the user can mend: one sentence says what happened, one what to do next.

    The command line prints it as one line and exits with 1; the page shows it as words.
    Every other exception is a fault of the program.
    """
