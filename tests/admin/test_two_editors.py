"""R-05: two RTPs edit the same rows in every order of opening and saving; nothing of either is lost unseen."""

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.test import Client

from accounts import seen
from accounts.models import AuditEvent, Pool
from quotas import allowances
from quotas.models import Allowance, Policy
from tests.cast import Cast, person
from tests.factories import make_iso, make_template
from tests.figures import figure, scaled
from tests.sign_in import sign_in
from tests.unwatched import nth_try
from vms.models import IsoImage, Template

TIMES = scaled(200, 2000)
ORDERS = 4
#: One step of an interleaving: whose turn, and what they do.
Step = tuple[int, str]


@dataclass
class Form:
    """One kind of row: where it is edited, what is sent with a fresh value, and what stands there now."""

    address: str
    sent: Callable[[int], dict[str, Any]]
    stands: Callable[[], Any]
    value: Callable[[int], Any] = lambda number: number


@dataclass
class Editor:
    """An RTP's browser, with the page they opened and what they saw on it."""

    client: Client
    token: str = ""
    saw: Any = None
    lost: list[str] = field(default_factory=list)


def forms(cast: Cast) -> list[Form]:
    """Policies, allowances, templates, ISOs, marks of pools, and the portal's own page of a pool's limit."""
    policy = Policy.objects.create(name="default", is_default=True, cores=8)
    template, iso = make_template(), make_iso()
    given = Allowance.objects.create(pool=cast.bobs, cores=9, reason="A thesis.")
    return [
        Form(f"/admin/quotas/policy/{policy.pk}/change/",
             lambda n: {"name": "default", "is_default": "on", "cores": n, "confirm": "yes"},
             lambda: Policy.objects.get(pk=policy.pk).cores),
        Form(f"/admin/quotas/allowance/{given.pk}/change/",
             lambda n: {"cores": n, "reason": "More.", "confirm": "yes"}, lambda: _newest(cast.bobs)),
        Form(f"/quotas/pools/{cast.alices.pk}/", lambda n: {"cores": n, "reason": "More."},
             lambda: _newest(cast.alices)),
        Form(f"/admin/vms/template/{template.pk}/change/", lambda n: {"title": f"t{n}"},
             lambda: Template.objects.get(pk=template.pk).title, lambda n: f"t{n}"),
        Form(f"/admin/vms/isoimage/{iso.pk}/change/", lambda n: {"is_hidden": "on"} if n % 2 else {},
             lambda: IsoImage.objects.get(pk=iso.pk).is_hidden, lambda n: bool(n % 2)),
        Form(f"/admin/accounts/pool/{cast.shared.pk}/change/",
             lambda n: {"never_expires": "on", "never_expires_reason": f"r{n}", **INLINE},
             lambda: Pool.objects.get(pk=cast.shared.pk).never_expires_reason, lambda n: f"r{n}"),
    ]  # fmt: skip


INLINE = {"memberships-TOTAL_FORMS": 0, "memberships-INITIAL_FORMS": 0}


def _newest(pool: Pool) -> int | None:
    newest = allowances.in_force(pool.pk).first()
    return newest.cores if newest else None


def interleaving(order: random.Random) -> Iterator[Step]:
    """Both open before either has saved; then opening again, saving and going away in any order."""
    yield from ((0, "open"), (1, "open")) if order.random() < 0.5 else ((1, "open"), (0, "open"))
    for _ in range(ORDERS):
        yield order.randrange(2), order.choice(("save", "save", "open"))


def walk(form: Form, editors: list[Editor], order: random.Random, numbers: Iterator[int]) -> tuple[int, int, int]:
    """One interleaving: (saves, refusals, overwrites of what the saver had not seen)."""
    saves = refusals = overwrites = 0
    for whose, what in interleaving(order):
        editor = editors[whose]
        if what == "open":
            look(form, editor)
            continue
        before, number = form.stands(), next(numbers)
        page = editor.client.post(form.address, form.sent(number) | {"seen": editor.token})
        text = page.content.decode()
        if page.status_code == 302:
            saves += form.stands() == form.value(number)
            overwrites += before != editor.saw
        else:
            assert "while you had it open" in text, text[:3000]
            assert form.stands() == before
            refusals += 1
            editor.token, editor.saw = token_in(text), before
    return saves, refusals, overwrites


def look(form: Form, editor: Editor) -> None:
    """Opens the form."""
    editor.token = token_in(editor.client.get(form.address).content.decode())
    editor.saw = form.stands()


def token_in(page: str) -> str:
    """What the form carries."""
    found = re.search(r'name="seen" value="([\w.]*)"', page)
    assert found, page[:2000]
    return found[1]


def counted(cast: Cast, times: int) -> tuple[int, int, int]:
    """All interleavings over all forms in turn."""
    rita, ron = cast.rita, person("ron", is_rtp=True)
    editors = [Editor(sign_in(Client(), rtp)) for rtp in (rita, ron)]
    kinds, order, numbers = forms(cast), random.Random(5), iter(range(10, 10**6))
    found = []
    for turn in range(times):
        with nth_try(turn):
            found.append(walk(kinds[turn % len(kinds)], editors, order, numbers))
    saves, refusals, overwrites = (sum(column) for column in zip(*found, strict=True))
    return saves, refusals, overwrites


@pytest.mark.slow
def test_r05_two_editors_never_overwrite_each_other_unseen(cast: Cast) -> None:
    saves, refusals, overwrites = counted(cast, TIMES)

    figure("R-05", "interleavings", TIMES, "silent overwrites", overwrites, "saved", saves, "refused", refusals)
    assert overwrites == 0
    assert saves > TIMES // 2
    assert refusals > TIMES // 4


def test_r05_without_the_fingerprint_they_do(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: what is compared is always the same."""
    monkeypatch.setattr(seen, "fingerprint", lambda row, names: "same")
    monkeypatch.setattr("accounts.admin_base.fingerprint", lambda row, names: "same")
    monkeypatch.setattr(allowances, "seen_of", lambda pool_id: "same")

    _saves, _refusals, overwrites = counted(cast, 24)

    figure("R-05", "control", "interleavings", 24, "silent overwrites", overwrites)
    assert overwrites > 0


def test_every_save_writes_one_audit_row(cast: Cast) -> None:
    rita = Editor(sign_in(Client(), cast.rita))
    for number, form in enumerate(forms(cast), 21):
        look(form, rita)
        before = AuditEvent.objects.count()
        assert rita.client.post(form.address, form.sent(number) | {"seen": rita.token}).status_code == 302
        assert AuditEvent.objects.count() == before + 1, form.address
