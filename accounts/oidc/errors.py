"""What can go wrong with the provider. Neither holds a secret; `reason` is for the log, the code for the person."""


class ProviderUnavailable(Exception):
    """It could not be reached, did not answer in time, or answered with something that is no answer."""


class SignInRefused(Exception):
    """The provider answered, and that does not let this person in. `code` is one of accounts.sign_in_reasons.

    `sentence` stands in place of the code's own sentence where there is more to say.
    """

    def __init__(self, code: str, reason: str = "", sentence: str = "") -> None:
        super().__init__(reason or code)
        self.code, self.reason, self.sentence = code, reason or code, sentence
