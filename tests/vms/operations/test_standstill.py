"""What is read after a call, and is not to be had: each cause has a sentence of its own, and an RTP gets what lasts."""

import logging
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.vms.operations.workshop import Workshop
from vms.cluster import errors
from vms.models import Operation
from vms.operations import engine, follow
from vms.operations.power import PowerStep
from vms.states import OperationKind
from vms.states import OperationState as S

SILENT = "Proxmox does not answer right now."
UNTOLD = "Proxmox does not tell how it went."
CAUSES: dict[str, tuple[Exception, str]] = {
    "unreachable": (errors.Unreachable("595"), SILENT),
    "timed out": (errors.TimedOut("No answer within 10 s."), SILENT),
    "certificate": (
        errors.CertificateRefused("unknown CA"),
        "What answers in the cluster's place cannot prove to be it; an RTP has to look.",
    ),
    "malformed": (
        errors.Malformed("A list was expected."),
        "Proxmox answered with something that the portal does not understand; an RTP can see what.",
    ),
    "no access": (errors.NotConfigured(), "The portal was given no access to the cluster; an RTP has to look."),
    "denied": (
        errors.Denied("Permission check failed (/vms/101, VM.Audit)"),
        f"{UNTOLD} The portal's access to the cluster lacks a right for it; an RTP has to look.",
    ),
    "known no": (errors.Refused("storage 'tank' does not exist"), f"{UNTOLD} A storage it needs is missing."),
    "other no": (errors.Refused("odd"), f"{UNTOLD} It said no; an RTP can see its words."),
    "gone": (errors.NoSuchGuest("no such VM"), f"{UNTOLD} It does not find the machine."),
    "ours": (KeyError("scsi0"), "Something broke in the portal, not in Proxmox; an RTP has to look. Tell them {code}."),
}


def stuck(shop: Workshop, monkeypatch: pytest.MonkeyPatch, error: Exception) -> Operation:
    """A start whose task has ended, and what is read afterwards fails."""

    def after(*_: object) -> Any:
        raise error

    op = shop.ask(shop.machine(), OperationKind.START)
    monkeypatch.setattr(PowerStep, "after", after)
    engine.run(op.pk)
    op.refresh_from_db()
    return op


@pytest.mark.parametrize("cause", CAUSES)
def test_each_cause_has_its_sentence_and_ends_well_when_it_is_over(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch, cause: str
) -> None:
    error, sentence = CAUSES[cause]
    with monkeypatch.context() as broken:
        op = stuck(shop, broken, error)

    assert (op.state, op.sentence) == (S.SUBMITTED, f"{sentence.format(code=op.code)} We keep trying.")
    assert op.detail.startswith(type(error).__name__)
    assert shop.work(op).sentence == "web-01 is running."
    assert len(shop.cluster.effects("start")) == 1


def test_a_fault_of_the_portal_stands_in_the_log_under_its_code(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as broken:
        op = stuck(shop, broken, KeyError("scsi0"))

    (line,) = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert op.code in line.getMessage()
    assert line.exc_info


@pytest.mark.parametrize("finder", ["worker", "sweeper"])
def test_what_lasts_is_given_to_an_rtp_with_the_cause(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch, finder: str
) -> None:
    with monkeypatch.context() as broken:
        op = stuck(shop, broken, errors.Denied("Permission check failed"))
        Operation.objects.filter(pk=op.pk).update(uncertain_since=timezone.now() - timedelta(hours=1))
        if finder == "worker":
            engine.run(op.pk)
        else:
            follow.sweep(timezone.now())

    op.refresh_from_db()
    assert (op.state, op.detail) == (S.NEEDS_RTP, "Denied: Permission check failed")


def test_the_same_is_said_of_what_proxmox_itself_answers(shop: Workshop) -> None:
    op = shop.from_iso()
    match = {"method": "GET", "path_regex": "/qemu/[0-9]+/pending$"}
    with shop.cluster.fault("error500", sentence="disk on fire", match=match):
        engine.run(op.pk)

    op.refresh_from_db()
    assert op.sentence == f"{UNTOLD} It said no; an RTP can see its words. We keep trying."
    assert op.detail == "Refused: disk on fire"
    assert shop.work(op).state == S.SUCCEEDED
