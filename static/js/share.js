// Sharing a console without leaving it: the page of links in a dialog. Without this file it is a page of its own.
"use strict";

const PART = { "HX-Request": "true" };

// What the server answers takes the place of what is there; an answer that is no such part leads to its own page.
async function show(box, url, init = {}) {
  let answer;
  try {
    answer = await fetch(url, { ...init, headers: PART, credentials: "same-origin", cache: "no-store" });
  } catch {
    location.assign(url);
    return;
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const part = page.querySelector("[data-share-part]");
  if (!part || page.querySelector("main")) { location.assign(answer.headers.get("HX-Redirect") || answer.url); return; }
  box.replaceChildren(part);
  for (const button of box.querySelectorAll("[data-copy]")) button.hidden = !navigator.clipboard;
  box.querySelector("#errors, [data-share-link], input:not([type=hidden])")?.focus();
}

function send(event) {
  const form = event.target;
  const box = form.closest("[data-share-box]");
  if (!box || !form.matches("[data-share-form]")) return;
  event.preventDefault();
  show(box, form.action, { method: "POST", body: new FormData(form) });
}

function press(event) {
  const dialog = document.querySelector("[data-share-dialog]");
  if (event.target.closest("[data-share-close]")) dialog.close();
  const link = event.target.closest("[data-share-open]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  dialog.showModal();
  show(dialog.querySelector("[data-share-box]"), link.href);
}

document.addEventListener("click", press);
document.addEventListener("submit", send);
// A link that was made is shown once: it goes with the dialog.
document.querySelector("[data-share-dialog]")?.addEventListener("close", (event) => event.target.querySelector("[data-share-box]").replaceChildren());
