"""The create page: what it offers, refuses and keeps."""

import re
from typing import Any

import pytest
from django.test import Client

from accounts.keys import PRIVATE
from accounts.models import AuditEvent, Pool, SshKey
from quotas.models import Reservation
from tests.cast import Cast
from tests.factories import make_iso, make_node, make_reading, make_template, make_vm
from vms.models import Operation, Template, VirtualMachine
from vms.states import Lifecycle, OperationKind, Power

PUBLIC = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0mAd4S7bc3gkk3Lr0W7k1gMFZVJPK8kTzGpoQvEBqW alice@laptop"
PRIVATE_TEXT = (
    "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAcanary\n-----END OPENSSH PRIVATE KEY-----"
)


@pytest.fixture
def template(cast: Cast) -> Template:
    """A cluster with one template on offer."""
    make_reading()
    make_node()
    return make_template(title="Debian 12")


@pytest.fixture
def alice(cast: Cast, client: Client) -> Client:
    """Alice's browser."""
    client.force_login(cast.alice)
    return client


def wish(template: Template, **changed: Any) -> dict[str, Any]:
    """A form that is right."""
    form = {"key": "a" * 32, "name": "web-01", "source": f"template:{template.pk}", "size": "small"}
    return form | {"public_key": PUBLIC} | changed


def test_one_form_makes_one_machine_however_often_it_is_sent(cast: Cast, alice: Client, template: Template) -> None:
    answers = [alice.post("/vms/new/", wish(template)) for _ in range(3)]

    vm = VirtualMachine.objects.get()
    watched = f"/vms/{vm.pk}/?watching={Operation.objects.get().pk}"
    assert {answer.headers["Location"] for answer in answers} == {watched}
    assert (vm.name, vm.pool, vm.lifecycle) == ("web-01", cast.alices, Lifecycle.CREATING)
    assert Operation.objects.get().kind == OperationKind.CREATE
    assert Reservation.objects.get().footprint.memory_mib == 1024
    assert AuditEvent.objects.filter(verb="vm.create").count() == 1


def test_the_key_is_kept_and_preselected_next_time(cast: Cast, alice: Client, template: Template) -> None:
    other = make_template("small-linux")
    alice.post("/vms/new/", wish(template, source=f"template:{other.pk}"))

    page = alice.get("/vms/new/").content.decode()

    assert SshKey.objects.get(user=cast.alice).public_key == PUBLIC
    assert re.search(rf'value="template:{other.pk}" checked', page)
    assert re.search(r'name="saved_keys" value="\d+" checked', page)
    assert re.search(r'value="small" checked', page)


def test_a_private_key_is_refused_and_neither_stored_nor_shown(cast: Cast, alice: Client, template: Template) -> None:
    answer = alice.post("/vms/new/", wish(template, public_key=PRIVATE_TEXT))

    page = answer.content.decode()
    assert answer.status_code == 422
    assert PRIVATE in page
    assert "canary" not in page
    assert 'value="web-01"' in page
    assert not SshKey.objects.exists()
    assert not VirtualMachine.objects.exists()


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"name": ""}, "Give the VM a name."),
        ({"name": "1 web!"}, "Name must use a–z, 0–9 and hyphens, start with a letter and not end with a hyphen."),
        ({"name": "a" * 64}, "Name must have 63 characters or fewer."),
        ({"source": ""}, "Choose a system."),
        ({"source": "template:999999"}, "That system is not on offer any more. Choose another."),
        ({"size": "gigantic"}, "Choose one of the sizes."),
        ({"size": "huge"}, "Extra large does not fit. Needs 8 cores; 7 free."),
        ({"public_key": "hello"}, "Paste one public key"),
        ({"public_key": ""}, "Paste a public key, or you could not sign in to the new VM."),
    ],
)
def test_bad_input_gets_its_sentence_and_keeps_what_was_typed(
    changed: dict[str, str], sentence: str, cast: Cast, alice: Client, template: Template
) -> None:
    make_vm(cast.alices, power=Power.RUNNING)
    sent = wish(template, **changed)

    answer = alice.post("/vms/new/", sent)

    page = answer.content.decode()
    assert answer.status_code == 422
    assert page.count(sentence) >= 2  # in the summary and beside the field
    assert "<title>Error: " in page
    assert not sent["name"] or f'value="{sent["name"]}"' in page
    assert f'value="{sent["key"]}"' in page
    assert Operation.objects.count() == 0


def test_a_name_in_use_is_said_beside_the_field(cast: Cast, alice: Client, template: Template) -> None:
    make_vm(cast.alices, "web-01")

    answer = alice.post("/vms/new/", wish(template))

    assert answer.status_code == 422
    assert answer.content.decode().count("web-01 is in use. Choose another name.") == 2


def test_room_lost_between_form_and_send_is_said_in_numbers(
    cast: Cast, alice: Client, template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The form thought that it fits; the reservation decides."""
    make_vm(cast.alices, power=Power.RUNNING, cores=8)
    monkeypatch.setattr("vms.create_forms.why_not", lambda asked, free: "")

    answer = alice.post("/vms/new/", wish(template))

    assert answer.status_code == 422
    page = answer.content.decode()
    assert page.count("This needs 1 core; 0 of 8 are free.") == 2
    assert "Nothing was created." in page
    assert not Operation.objects.exists()


def test_a_machine_from_an_iso_needs_no_key(cast: Cast, alice: Client, template: Template) -> None:
    make_node("pve9")
    iso = make_iso(node="", volid="shared:iso/x.iso")

    answer = alice.post("/vms/new/", wish(template, source=f"iso:{iso.pk}", public_key=""))

    assert answer.status_code in {302, 422}
    assert "Paste a public key" not in answer.content.decode()


def test_what_does_not_fit_is_disabled_with_the_number(cast: Cast, alice: Client, template: Template) -> None:
    make_vm(cast.alices, power=Power.RUNNING, cores=6, memory_mib=512)

    page = alice.get("/vms/new/").content.decode()

    assert re.search(r'value="large" disabled', page)
    assert "Needs 4 cores; 2 free." in page
    assert not re.search(r'value="medium" disabled', page)


def test_another_pool_is_offered_only_to_who_may_create_in_it(cast: Cast, client: Client, template: Template) -> None:
    path = f"/vms/new/?pool={cast.shared.pk}"
    seen = {}
    for person in (cast.alice, cast.bob, cast.carol, cast.rita):
        client.force_login(person)
        seen[person.username] = client.get(path).status_code

    assert seen == {"alice": 200, "bob": 404, "carol": 404, "rita": 200}


def test_exact_numbers_make_a_machine_of_that_size(alice: Client, template: Template) -> None:
    numbers = {"size": "exact", "cores": "3", "memory_gib": "1.5", "size_gib": "17"}

    answer = alice.post("/vms/new/", wish(template, **numbers))

    assert answer.status_code == 302
    held = Reservation.objects.get().footprint
    assert (held.cores, held.memory_mib, held.disk_gib) == (3, 1536, 17)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"cores": "two"}, "Write a whole number without a unit, such as 2."),
        ({"cores": ""}, "Say how much: cores."),
        ({"memory_gib": "2 GiB"}, "Write a number of GiB without a unit, such as 4 or 0.5."),
        ({"size_gib": "3"}, "This system takes at least 4 GiB of disk."),
        ({"size_gib": "9000"}, "This size does not fit. Needs 9000 GiB disk; 250 GiB free."),
        ({"login_user": "root"}, "root is an account of the system. Choose another user name."),
    ],
)
def test_wrong_numbers_are_told_at_their_fields(
    changed: dict[str, str], sentence: str, alice: Client, template: Template
) -> None:
    numbers = {"size": "exact", "cores": "1", "memory_gib": "1", "size_gib": "10"}

    answer = alice.post("/vms/new/", wish(template, **(numbers | changed)))

    assert answer.status_code == 422
    assert answer.content.decode().count(sentence) == 2
    assert not Operation.objects.exists()


def test_a_taken_name_comes_with_one_that_is_free(cast: Cast, alice: Client, template: Template) -> None:
    for name in ("web-01", "web-02"):
        make_vm(cast.alices, name)

    sent = alice.post("/vms/new/", wish(template)).content.decode()
    typed = alice.get("/vms/new/name/?name=web-01").content.decode()

    assert "web-01 is in use. Choose another name. web-03 is free." in sent
    assert "web-03 is free." in typed
    assert "db is free." in alice.get("/vms/new/name/?name=DB").content.decode()


def test_a_name_is_told_of_the_own_pool_alone(cast: Cast, alice: Client, template: Template) -> None:
    make_vm(cast.bobs, "secret")

    assert "secret is free." in alice.get("/vms/new/name/?name=secret").content.decode()
    assert alice.get(f"/vms/new/name/?name=secret&pool={cast.bobs.pk}").status_code == 404


def test_what_a_size_uses_is_told_while_somebody_chooses(cast: Cast, alice: Client, template: Template) -> None:
    make_vm(cast.alices, power=Power.RUNNING, cores=6)

    fits = alice.get("/vms/new/uses/?size=exact&cores=2&memory_gib=1&size_gib=10").content.decode()
    not_so = alice.get("/vms/new/uses/?size=exact&cores=3&memory_gib=1&size_gib=10").content.decode()

    assert "8 cores of 8 cores" in fits
    assert "Does not fit" not in fits
    assert "Does not fit: 2 cores free" in not_so


def test_a_copy_needs_a_machine_of_a_pool_that_one_manages(cast: Cast, alice: Client, template: Template) -> None:
    mine, foreign = make_vm(cast.alices, "mine"), make_vm(cast.bobs, "foreign")

    refused = alice.post("/vms/new/", wish(template, source=f"machine:{foreign.pk}", public_key=""))
    made = alice.post("/vms/new/", wish(template, source=f"machine:{mine.pk}", public_key=""))

    assert "That system is not on offer any more." in refused.content.decode()
    assert made.status_code == 302
    assert Operation.objects.get().wish["machine"] == mine.pk


def test_a_size_below_what_the_template_works_with_is_not_offered(alice: Client, template: Template) -> None:
    Template.objects.update(least_cores=2, least_memory_mib=2048)

    page = alice.get("/vms/new/").content.decode()

    assert re.search(r'value="small" disabled', page)
    assert "Debian 12 takes at least 2 cores." in page
    assert re.search(r'value="medium" checked', page)


def test_the_page_says_when_the_machine_will_expire(cast: Cast, alice: Client, template: Template) -> None:
    before = alice.get("/vms/new/").content.decode()
    Pool.objects.filter(pk=cast.alices.pk).update(never_expires=True)

    after = alice.get("/vms/new/").content.decode()

    assert re.search(r"Expires on \d{1,2} [A-Z][a-z]+ 20\d\d, unless you renew it", before)
    assert "VMs of this pool never expire." in after
