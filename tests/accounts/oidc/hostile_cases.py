"""The hostile cases of R-25: each tries to get somebody in, or out, who should not be. `run` is True where it could."""

from tests.accounts.oidc.lies_in_tokens import claims_of_tokens, signatures
from tests.accounts.oidc.lies_of_browsers import callbacks, trips_of_people
from tests.accounts.oidc.lies_of_houses import answers, identities, logouts

CASES = (
    *claims_of_tokens(), *signatures(), *callbacks(), *identities(), *answers(), *logouts(), *trips_of_people(),
)  # fmt: skip
