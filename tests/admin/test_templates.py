"""What RTPs write wrongly about a template stands at its field, and nothing is saved."""

import pytest
from django.test import Client

from accounts.models import AuditEvent
from tests.cast import Cast
from tests.factories import make_template
from tests.sign_in import sign_in
from vms.models import Template

WRONG = {
    "no number": ({"least_cores": "two"}, "Write a whole number such as 2, without a unit."),
    "a unit": ({"least_memory_mib": "2 GiB"}, "Write a whole number such as 2, without a unit."),
    "a fraction": ({"least_cores": "1.5"}, "Write a whole number such as 2, without a unit."),
    "nothing at all": ({"least_cores": "0"}, "At least 1."),
    "below zero": ({"least_disk_gib": "-1"}, "At least 1."),
    "more than any": ({"least_cores": "129"}, "At most 128."),
    "beyond columns": ({"least_memory_mib": "99999999999999"}, "At most 4194304."),
    "below its disk": ({"least_disk_gib": "4"}, "The template&#x27;s own disk has 5 GiB already."),
    "a user with blanks": ({"login_user": "alice bob"}, "A user name uses a–z, 0–9"),
    "an option": ({"login_user": "-rf"}, "starts with a letter"),
    "an account of its own": ({"login_user": "root"}, "root is an account of the system."),
    "a long title": ({"title": "t" * 500}, "characters"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_stands_at_its_field_and_saves_nothing(case: str, cast: Cast, client: Client) -> None:
    template, (wrong, sentence) = make_template("debian-12", title="Debian 12", disk_gib=5), WRONG[case]
    before = Template.objects.values().get()

    page = sign_in(client, cast.rita).post(f"/admin/vms/template/{template.pk}/change/", {"title": "New"} | wrong)

    name = next(iter(wrong))
    beside = page.context["adminform"].form.errors
    assert (page.status_code, list(beside)) == (200, [name])
    assert sentence in str(beside[name])
    assert Template.objects.values().get() == before
    assert not AuditEvent.objects.exists()


def test_what_is_right_is_saved_once(cast: Cast, client: Client) -> None:
    """Control: the same way, rightly filled in."""
    template = make_template("debian-12", disk_gib=5)
    address = f"/admin/vms/template/{template.pk}/change/"
    sign_in(client, cast.rita)
    seen = client.get(address).context["adminform"].form["seen"].value()

    client.post(address, {"title": "Debian", "least_disk_gib": "5", "login_user": "debian", "seen": seen})

    assert Template.objects.values_list("title", "least_disk_gib").get() == ("Debian", 5)
    assert AuditEvent.objects.count() == 1
