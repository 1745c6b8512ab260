"""C-02, the pages: whatever a member or an RTP can reach by following links holds nothing of Proxmox's secrets."""

import re
from contextlib import closing
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from tests.figures import figure
from tests.journeys.demo_house import DemoHouse

pytestmark = [pytest.mark.qemu, pytest.mark.slow, pytest.mark.timeout(600)]
LINK = re.compile(r'(?:href|src|hx-get|data-novnc)="([^"#]+)"')
MOST_PAGES = 90


def signed_in(house: DemoHouse, name: str) -> httpx.Client:
    """A browser without scripts, signed in."""
    client = httpx.Client(base_url=house.site, follow_redirects=True, timeout=60, trust_env=False)
    page = client.get("/accounts/login/").text
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert token
    form = {"login": name, "password": house.sign_ins[name], "csrfmiddlewaretoken": token[1]}
    answer = client.post("/accounts/login/", data=form, headers={"Referer": house.site + "/accounts/login/"})
    assert answer.status_code == 200
    assert "/accounts/login/" not in str(answer.url)
    return client


def reached(client: httpx.Client, site: str) -> dict[str, bytes]:
    """Every address that links lead to from the first page, with all that came back."""
    waiting, seen = ["/", "/admin/", "/healthz"], dict[str, bytes]()
    while waiting and len(seen) < MOST_PAGES:
        path = waiting.pop(0)
        if path in seen or "logout" in path:
            continue
        answer = client.get(path)
        seen[path] = str(answer.headers).encode() + answer.content
        if "html" not in answer.headers.get("Content-Type", ""):
            continue
        for link in LINK.findall(answer.text):
            target = urlsplit(urljoin(site + path, link.replace("&amp;", "&")))
            if f"{target.scheme}://{target.netloc}" == site:
                waiting.append(target.path + (f"?{target.query}" if target.query else ""))
    return seen


def test_c02_no_page_holds_a_secret_or_an_address_of_proxmox(house: DemoHouse) -> None:
    found, pages, size = list[str](), 0, 0
    for name in ("alice", "rita"):
        with closing(signed_in(house, name)) as client:
            seen = reached(client, house.site)
        pages, size = pages + len(seen), size + sum(map(len, seen.values()))
        found += [f"{name} {path}: {secret[:6]}…" for path, text in seen.items() for secret in house.secrets
                  if secret.encode() in text]  # fmt: skip

    figure("C-02", "pages", pages, "bytes", size, "secrets", len(house.secrets), "found", len(found))
    assert pages >= 100
    assert found == []
