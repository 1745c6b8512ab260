"""docker-compose.yml at work: a machine is made and its console is used, through the proxy, by the file's commands."""

import asyncio
import re
import struct
from collections.abc import Iterator

import httpx
import psycopg
import pytest

from tests.accounts.local.house import app_code
from tests.children import wait_until
from tests.consoles.browser import Browser, headers
from tests.deploy.composed import Composed, composed
from tests.devcluster.cluster import DevCluster

PASSWORD = "a long password of nobody"
KEY_EVENT, KEYSYM_A = 4, 0x61

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composed]:
    """The seven services with a stand-in cluster behind them, and the first RTP."""
    folder = tmp_path_factory.mktemp("composed")
    with DevCluster.start(tmp_path_factory.mktemp("cluster")) as cluster, composed(cluster, folder) as running:
        running.manage("web", "create_rtp", "rita", typed=f"{PASSWORD}\n")
        yield running


@pytest.fixture(scope="module")
def signed_in(house: Composed) -> httpx.Cookies:
    """Cookies of rita, who signed in through the proxy and set up the second factor an RTP must have."""
    with httpx.Client(base_url=house.origin, headers={"Origin": house.origin}, follow_redirects=True) as browser:
        page = post(browser, "/accounts/login/", login="rita", password=PASSWORD)
        assert page.url.path == "/accounts/2fa/", page.text
        page = post(browser, "/accounts/reauthenticate/?next=/accounts/2fa/totp/activate/", password=PASSWORD)
        (secret,) = re.findall(r"<code>([A-Z2-7]{32})</code>", page.text)
        hidden = dict(re.findall(r'<input type="hidden" name="([\w-]+)" value="([^"]*)"', page.text))
        page = browser.post("/accounts/2fa/totp/activate/", data=hidden | {"code": app_code(secret)})
        assert page.url.path == "/accounts/2fa/recovery-codes/", page.text
        return browser.cookies


@pytest.fixture
def rita(house: Composed, signed_in: httpx.Cookies) -> Iterator[httpx.Client]:
    """Rita's browser."""
    headers = {"Origin": house.origin}
    with httpx.Client(base_url=house.origin, headers=headers, cookies=signed_in, follow_redirects=True) as browser:
        yield browser


def post(browser: httpx.Client, path: str, **fields: str) -> httpx.Response:
    """Opens the page, fills in its form, and sends it."""
    page = browser.get(path)
    hidden = dict(re.findall(r'<input type="hidden" name="([\w-]+)" value="([^"]*)"', page.text))
    return browser.post(path, data=hidden | fields)


def made_machine(browser: httpx.Client, name: str) -> str:
    """Asks for a machine from an ISO, as the page does, and waits until it runs; its path."""
    wait_until(lambda: 'value="iso:' in browser.get("/vms/new/").text, what="an ISO to be on offer", deadline_s=60)
    source = re.findall(r'value="(iso:\d+)"', browser.get("/vms/new/").text)[0]
    page = post(browser, "/vms/new/", name=name, source=source, size="small")
    machine = re.match(r"/vms/\d+/", page.url.path)
    assert machine, page.text
    wait_until(lambda: grant(browser, machine[0]).status_code == 200, what="the machine to run", deadline_s=90)
    return machine[0]


def grant(browser: httpx.Client, path: str) -> httpx.Response:
    """What the console's script asks for."""
    token = browser.cookies["csrftoken"]
    return browser.post(f"{path}console/grant", headers={"X-CSRFToken": token, "Referer": str(browser.base_url)})


def test_a_machine_is_made_and_its_console_takes_keys(house: Composed, rita: httpx.Client) -> None:
    path = made_machine(rita, "composed")
    (guest,) = [guest for guest in house.cluster.all_guests().values() if guest["name"] == "composed"]

    subprotocol = asyncio.run(type_a_letter(house, rita, path, guest["vmid"]))

    assert (guest["status"], guest["pool"]) == ("running", "rita")
    assert len(house.cluster.effects("create")) == 1
    assert subprotocol == "vmportal.v1"


async def type_a_letter(house: Composed, person: httpx.Client, path: str, vmid: int) -> str:
    """Opens the console, presses a key, and waits until the machine has it; the subprotocol."""
    granted = grant(person, path).json()
    told = headers(house.origin, person.cookies["sessionid"], granted["grant"])
    browser = await Browser.open(house.port, granted["url"], told)
    await browser.start_console(struct.pack(">BBxxI", KEY_EVENT, 1, KEYSYM_A))
    wait_until(lambda: KEYSYM_A in keys(house, vmid), what="the key to arrive")
    browser.close()
    await asyncio.sleep(0)
    return browser.subprotocol


def keys(house: Composed, vmid: int) -> list[int]:
    """Keys that reached the machine."""
    return [event["keysym"] for event in house.cluster.control("GET", f"/guests/{vmid}/keys") if event["kind"] == "key"]


def test_the_web_process_runs_without_a_token_or_a_host_of_the_cluster(house: Composed, rita: httpx.Client) -> None:
    given = house.environments["web"]

    assert {name for name in given if "TOKEN" in name or name in {"PROXMOX_HOSTS", "PROXMOX_USER"}} == set()
    assert house.cluster.token_value not in str(given)
    assert house.cluster.console_token_value not in str(given)
    assert rita.get("/").status_code == 200


def test_the_console_process_answers_no_page_and_the_web_process_no_socket(house: Composed) -> None:
    page_at_consoles = httpx.get(f"{house.origin}/ws/console/1/")

    assert page_at_consoles.status_code in {400, 403, 404}
    assert "Sign in" not in page_at_consoles.text


def test_a_forged_address_is_not_believed_and_no_grant_is_logged(house: Composed, rita: httpx.Client) -> None:
    rita.headers["X-Forwarded-For"] = "203.0.113.7"
    made_machine(rita, "forged")

    with psycopg.connect(house.environments["web"]["DATABASE_URL"]) as database:
        told = database.execute("SELECT DISTINCT address FROM accounts_auditevent WHERE address <> ''").fetchall()
    log = (house.children["proxy"].folder / "access.log").read_text(encoding="utf-8")
    assert told == [("127.0.0.1",)]
    assert re.search(r'"POST /vms/\d+/console/grant" 200', log)
    assert "grant." not in log
