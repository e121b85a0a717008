// Makes Connect's pages livelier. Every page works without it.
"use strict";

const POLL_MS = 5000;
const PATIENT_AFTER_MS = 120000;
const PATIENT_POLL_MS = 30000;

// A form is sent once, however often its button is pressed. Coming back with the browser's back button frees it again.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "true";
});
window.addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});

// The key page: ask whether the key is on the car, and open the way when it is.
const state = document.getElementById("key-state");

function show(answer) {
  if (state.textContent !== answer.text) state.textContent = answer.text;
  if (!answer.done) return;
  state.dataset.done = "true";
  state.classList.add("good");
  for (const element of document.querySelectorAll("[data-until-done]")) element.hidden = true;
  const button = document.getElementById("continue-button");
  if (button) button.disabled = false;
}

async function look() {
  try {
    const answer = await fetch(state.dataset.stateUrl, { headers: { Accept: "application/json" } });
    if (answer.ok) show(await answer.json());
  } catch {
    // No network for a moment, for example while another app is open: the next look tells.
  }
}

function poll(began) {
  const pause = Date.now() - began < PATIENT_AFTER_MS ? POLL_MS : PATIENT_POLL_MS;
  setTimeout(async () => {
    if (!document.hidden) await look();
    if (state.dataset.done !== "true") poll(began);
  }, pause);
}

if (state && state.dataset.done !== "true") {
  for (const element of document.querySelectorAll("[data-plain-only]")) element.hidden = true;
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && state.dataset.done !== "true") look();
  });
  poll(Date.now());
}

// Sharing the key page of one car with another device.
const link = document.querySelector("[data-share]");
const share = document.getElementById("share-button");

if (link && share && (navigator.share || navigator.clipboard)) {
  share.parentElement.hidden = false;
  share.addEventListener("click", async () => {
    try {
      if (navigator.share) await navigator.share({ url: link.href });
      else {
        await navigator.clipboard.writeText(link.href);
        share.textContent = share.dataset.copied;
      }
    } catch {
      // The person closed the share sheet.
    }
  });
}
