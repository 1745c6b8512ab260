"""Errors that carry a sentence for a person, and those of the house's directory.

None of the directory's means that anybody left.
"""


class WithSentence(Exception):
    """`sentence` is for the person who reads it and holds no secret."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class DirectoryError(WithSentence):
    """The directory did not tell us who its members are; the sentence is for RTPs."""


class DirectoryUnavailable(DirectoryError):
    """It could not be reached, refused us, or did not answer in time."""


class DirectoryIncomplete(DirectoryError):
    """It answered, but not with everything: cut off by a limit, a page missing, or no members at all."""
