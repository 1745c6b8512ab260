import pytest

from vms.cluster.upid import Upid

TEXT = "UPID:pve1:0000C3A1:0012D687:6741A2B3:qmstart:104:portal@pve!portal:"


def test_a_upid_is_read_and_written_back_the_same() -> None:
    upid = Upid.parse(TEXT)

    assert (upid.node, upid.type, upid.vmid, upid.user) == ("pve1", "qmstart", 104, "portal@pve!portal")
    assert upid.started_at_s == 0x6741A2B3
    assert str(upid) == TEXT


def test_a_task_about_no_machine_has_no_vmid() -> None:
    assert Upid.parse("UPID:pve-2:0000C3A1:00012D687:6741A2B3:aptupdate::root@pam:").vmid is None


@pytest.mark.parametrize("text", ["", "UPID:", TEXT[:-1], TEXT + "x", TEXT.replace("pve1", "../x"), "None"])
def test_what_is_no_upid_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not the name"):
        Upid.parse(text)
