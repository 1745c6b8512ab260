"""Why the house's directory did not tell us who its members are. None of these means that anybody left."""


class DirectoryError(Exception):
    """`sentence` is for RTPs and holds no secret."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class DirectoryUnavailable(DirectoryError):
    """It could not be reached, refused us, or did not answer in time."""


class DirectoryIncomplete(DirectoryError):
    """It answered, but not with everything: cut off by a limit, a page missing, or no members at all."""
