"""Errors that a user can mend; everything else is a defect and keeps its traceback."""


class TicError(ValueError):
    """A rule was broken by input; the message states the rule, the value and the way out."""


class DataNotFoundError(TicError):
    """A data set is neither on this machine nor to be downloaded."""


class DivergedRunError(TicError):
    """Training left finite numbers, so nothing measured on the Run would mean anything."""


class NotApplicableError(TicError):
    """A claim says nothing about the setting that was asked for."""
