// The machine's power without leaving its screen: the menu's forms are sent from here and the page that answers is read.
// What loses work asks back as everywhere, in a dialog. Without this file each is a page of its own.

const PAGE = "text/html";
const SAID_S = 8;

export class Power {
  // `host`: { wait(): the machine was asked to start; true where the cover says so, focus(): gives the screen the keyboard }.
  constructor(panel, host) {
    this.panel = panel;
    this.host = host;
    this.menu = panel.querySelector("[data-power]");
    this.dialog = panel.querySelector("[data-power-dialog]");
    this.said = panel.querySelector("[data-power-said]");
    panel.addEventListener("submit", (event) => this.submit(event));
    if (!this.menu) return;
    this.menu.addEventListener("click", (event) => this.askBack(event));
    this.menu.addEventListener("toggle", () => { if (this.menu.open) this.look(); });
    this.dialog.addEventListener("click", (event) => { if (event.target.closest("a")) { event.preventDefault(); this.dialog.close(); } });
  }

  // What can be asked for now: the page knows it, and may be old.
  async look() {
    const answer = await get(location.href);
    if (answer) this.renew(answer.page);
  }

  async submit(event) {
    const form = event.target;
    if (!form.closest("[data-power], [data-power-dialog], [data-console-start]")) return;
    event.preventDefault();
    event.stopPropagation();
    if (form.dataset.sent) return;
    form.dataset.sent = "yes";
    const button = form.querySelector("button"), word = button.textContent.trim();
    button.classList.add("busy");
    button.setAttribute("aria-busy", "true");
    const answer = await get(form.action, { method: "POST", body: new FormData(form) });
    delete form.dataset.sent;
    button.classList.remove("busy");
    button.removeAttribute("aria-busy");
    this.shut();
    if (!answer) this.say("The portal did not answer. Try again.");
    else if (answer.page.querySelector("[data-console]")) this.took(answer.page, word, form);
    else if (!this.show(answer.page)) location.assign(answer.url);
  }

  // The console's page came back: what it says to the person, and its forms, which have new keys.
  took(page, word, form) {
    if (this.dialog?.open) this.dialog.close();
    const told = [...page.querySelectorAll("main > [role=status] .note p")].map((one) => one.textContent.trim()).join(" ");
    this.renew(page);
    const isSaid = !told && form.action.endsWith("/start/") && this.host.wait();
    this.say(isSaid ? "" : told || `${word}: asked for.`);
    this.host.focus();
  }

  // A closed menu keeps no focus inside: it would be nowhere.
  shut() {
    if (!this.menu) return;
    if (this.menu.contains(document.activeElement)) this.menu.querySelector("summary").focus();
    this.menu.open = false;
  }

  renew(page) {
    for (const part of ["[data-power-in]", "[data-console-start] [name=key]"]) {
      const now = this.panel.querySelector(part), then = page.querySelector(part);
      if (now && then && !now.contains(document.activeElement)) now.replaceWith(then);
    }
    const head = document.getElementById("vm-head"), then = page.getElementById("vm-head");
    if (!head || !then || head.querySelector("details[open]")) return;
    head.replaceWith(then);
    window.htmx?.process(then);
  }

  async askBack(event) {
    const link = event.target.closest("a.risk");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.shut();
    const answer = await get(link.href);
    if (!answer || !this.show(answer.page)) location.assign(link.href);
  }

  // The page that asks back, in the dialog; false where the page is another one.
  show(page) {
    const form = page.querySelector("main form[action*='/actions/']");
    const title = page.querySelector("main h1");
    if (!this.dialog || !form || !title) return false;
    const heading = document.createElement("h2");
    heading.id = "power-title";
    heading.textContent = title.textContent;
    const next = document.createElement("input");
    Object.assign(next, { type: "hidden", name: "next", value: "console" });
    form.append(next);
    form.classList.add("card", "pad", "stack");
    form.prepend(heading);
    this.dialog.replaceChildren(form);
    if (!this.dialog.open) this.dialog.showModal();
    return true;
  }

  say(text) {
    this.said.textContent = text;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => { this.said.textContent = ""; }, SAID_S * 1000);
  }
}

async function get(url, init = {}) {
  try {
    const answer = await fetch(url, { ...init, headers: { Accept: PAGE }, credentials: "same-origin", cache: "no-store" });
    return { url: answer.url, page: new DOMParser().parseFromString(await answer.text(), PAGE) };
  } catch {
    return null;
  }
}
