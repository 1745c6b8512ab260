// The few behaviours that pages gain from scripts. Every page works without this file.
"use strict";

const said = () => document.getElementById("said");

// The choice of somebody who is signed in is kept with their account as well, for their other browsers.
function keepTheme(form, theme) {
  const body = new FormData(form);
  if (!body.has("csrfmiddlewaretoken")) return;
  body.set("theme", theme);
  body.set("only", "theme");
  fetch(form.action, { method: "POST", body, keepalive: true }).catch(() => {});
}

// Light or dark: a cookie, so that the server prints the choice and nothing flickers.
function themeButton() {
  const button = document.querySelector("[data-theme-button]");
  if (!button) return;
  button.hidden = false;
  button.addEventListener("click", () => {
    const root = document.documentElement;
    const prefersDark = matchMedia("(prefers-color-scheme: dark)").matches;
    const now = root.dataset.bsTheme || (prefersDark ? "dark" : "light");
    const next = now === "dark" ? "light" : "dark";
    root.dataset.bsTheme = next;
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `theme=${next}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
    said().textContent = `${next} colours`;
    keepTheme(button.form, next);
  });
}

// What a form asks for, as a number: all it says but for what is new on every page.
function wish(form) {
  const asked = [...new FormData(form)].filter(([name]) => name !== "csrfmiddlewaretoken" && name !== "key");
  let sum = 0;
  for (const letter of JSON.stringify([form.action, asked])) sum = (Math.imul(31, sum) + letter.charCodeAt(0)) | 0;
  return sum;
}

// Who comes back to a page by the history and sends the same again sends it under the number it had before:
// the server tells that it was done, and does nothing. Something else, or a page opened anew, is a new wish.
function keepNumber(form) {
  const key = form.elements.key;
  if (!key) return;
  const sent = history.state?.sent ?? {}, same = wish(form);
  const isBack = performance.getEntriesByType("navigation")[0]?.type === "back_forward";
  if (isBack && sent[same]) key.value = sent[same];
  history.replaceState({ ...history.state, sent: { ...sent, [same]: key.value } }, "");
}

// A form is sent once; the server would make one operation of two sends anyway.
function sendOnce(event) {
  const form = event.target;
  if (!form.matches("[data-once]")) return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "yes";
  keepNumber(form);
  const button = event.submitter || form.querySelector("button");
  if (button) { button.classList.add("busy"); button.setAttribute("aria-busy", "true"); }
}

// Coming back by the history shows the page as it was left: forms may be sent again.
function wakeForms() {
  for (const form of document.querySelectorAll("[data-sent]")) delete form.dataset.sent;
  for (const button of document.querySelectorAll(".busy")) { button.classList.remove("busy"); button.removeAttribute("aria-busy"); }
}

async function copy(event) {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  said().textContent = "Copied";
}

// What only scripts can do appears; what stands in for them goes.
function dress(root) {
  for (const button of root.querySelectorAll("[data-copy]")) button.hidden = !navigator.clipboard;
  for (const line of root.querySelectorAll("[data-no-script]")) line.hidden = true;
}

function closeMenus(event) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    const isInside = event.type === "click" && menu.contains(event.target);
    if (event.type === "keydown" && event.key !== "Escape") continue;
    if (isInside) continue;
    menu.open = false;
    if (event.type === "keydown") menu.querySelector("summary").focus();
  }
}

// A button that cannot be used now says why beside it; pressing it does nothing.
function holdBack(event) {
  if (event.target.closest("[aria-disabled=true]")) event.preventDefault();
}

// Updates never close a menu that is open or take away what is being typed.
function keepWhatIsUsed(event) {
  const target = event.detail.target;
  const typing = target.contains(document.activeElement) && document.activeElement.matches("input, textarea, select");
  if (target.querySelector("details.menu[open]") || typing) event.detail.shouldSwap = false;
}

// How fresh the page is: "Live · 2 s ago", or that nothing answers. Only where something asks for itself.
const live = { answered: Date.now(), failed: 0 };

function showLive() {
  const stamp = document.querySelector("[data-live]");
  if (!stamp || !document.querySelector("[hx-trigger^=every]")) { if (stamp) stamp.hidden = true; return; }
  const age = Math.round((Date.now() - live.answered) / 1000);
  stamp.hidden = false;
  if (live.failed < 2) stamp.textContent = `Live · ${age} s ago ·`;
  else stamp.textContent = age < 60 ? "Reconnecting… ·" : "Paused: no answer ·";
}

// A hidden tab with nothing in motion asks once a minute; one that waits for something goes on.
function restWhenHidden(event) {
  const isIdle = event.target.getAttribute("hx-trigger") === "every 15s";
  if (document.hidden && isIdle && Date.now() - live.answered < 60000) event.preventDefault();
}

function answered(event) {
  if (event.detail.successful) { live.answered = Date.now(); live.failed = 0; } else live.failed += 1;
  showLive();
}

document.addEventListener("DOMContentLoaded", () => {
  themeButton();
  dress(document);
  showLive();
  setInterval(showLive, 1000);
  const errors = document.getElementById("errors");
  if (errors) errors.focus();
});
document.addEventListener("submit", sendOnce);
document.addEventListener("click", holdBack);
document.addEventListener("click", closeMenus);
document.addEventListener("click", copy);
document.addEventListener("keydown", closeMenus);
document.addEventListener("htmx:beforeRequest", restWhenHidden);
document.addEventListener("htmx:afterRequest", answered);
document.addEventListener("htmx:beforeSwap", keepWhatIsUsed);
document.addEventListener("htmx:afterSwap", (event) => dress(document));
document.addEventListener("said", (event) => { said().textContent = event.detail.value; });
window.addEventListener("pageshow", wakeForms);
