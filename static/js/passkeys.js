// What a person reads when the browser, the key or they themselves did not go through with a passkey.
"use strict";

const SENTENCES = {
  NotAllowedError: "Nothing was done: the browser was stopped or waited too long. Try again.",
  InvalidStateError: "This key or device is saved already.",
  SecurityError: "The browser makes no passkeys for this address. Reach the portal by its name, over https.",
};

function tell(event) {
  event.preventDefault();
  const line = document.querySelector("[data-passkey-problem]");
  if (!line) return;
  line.textContent = SENTENCES[event.detail.exception.name] || "The browser could not do it. Try again, or use another browser.";
  line.hidden = false;
}

document.addEventListener("allauth.error", tell);
for (const button of document.querySelectorAll("[data-passkey]")) button.hidden = !window.PublicKeyCredential;
