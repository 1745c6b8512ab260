"""What the request half refuses, in the words a member reads. Nothing was written when one of these is raised.

    Refusal                      `sentence`, and in `field` the form field it stands beside ("": the page)
    └── Busy                     the database was locked longer than the deadline; asking again is safe

Beside these, quotas.errors.QuotaExceeded says what is missing in numbers.
"""


class Refusal(Exception):
    """The wish cannot be accepted as it is."""

    def __init__(self, sentence: str, field: str = "") -> None:
        super().__init__(sentence)
        self.sentence, self.field = sentence, field


class Busy(Refusal):
    """Too many wrote at once."""

    def __init__(self) -> None:
        super().__init__("The portal is busy. Nothing was changed. Try again in a few seconds.")
