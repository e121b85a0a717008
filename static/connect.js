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

// What is true only with scripts, or only without them, stands on the page twice.
hide("[data-scripted]", false);
hide("[data-plain-only]", true);

// The key page: ask whether the key is on the car, tell why it may not be, and open the way when it is.
const state = document.getElementById("key-state");

function hide(selector, hidden) {
  for (const element of document.querySelectorAll(selector)) element.hidden = hidden;
}

// Who stood on something that is gone now goes on at the next step.
function keepFocus(wasOn, next) {
  if (wasOn !== document.body && wasOn.closest("[hidden]") && next) next.focus();
}

function isDone() {
  return state.dataset.done === "true";
}

function show(answer) {
  if (state.textContent !== answer.text) state.textContent = answer.text;
  if (answer.done) {
    const wasOn = document.activeElement;
    state.dataset.done = "true";
    state.classList.add("good");
    hide("[data-until-done]", true);
    hide("[data-when-done]", false);
    const button = document.getElementById("continue-button");
    if (button) button.disabled = false;
    keepFocus(wasOn, button);
    return;
  }
  const looked = document.getElementById("last-look");
  looked.querySelector("time").textContent = new Date().toLocaleTimeString(document.documentElement.lang);
  looked.hidden = false;
}

// The reasons are written by the server: when they differ from those shown, they are taken from the page's new version.
async function showReasons(codes) {
  const shown = document.getElementById("key-reasons");
  if (shown.dataset.reasons.trim() === codes.join(" ")) return;
  const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
  const fresh = page.getElementById("key-reasons");
  if (fresh) shown.replaceWith(fresh);
}

async function look() {
  try {
    const answer = await fetch(state.dataset.stateUrl, { headers: { Accept: "application/json" } });
    if (!answer.ok) return;
    const told = await answer.json();
    show(told);
    if (!told.done) await showReasons(told.reasons);
  } catch {
    // No network for a moment, for example while another app is open: the next look tells.
  }
}

function poll(began) {
  const pause = Date.now() - began < PATIENT_AFTER_MS ? POLL_MS : PATIENT_POLL_MS;
  setTimeout(async () => {
    if (!document.hidden) await look();
    if (!isDone()) poll(began);
  }, pause);
}

if (state && !isDone()) {
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && !isDone()) look();
  });
  poll(Date.now());
}

// Passing a link on to another device or person.
for (const box of document.querySelectorAll(".share")) {
  const link = box.querySelector("[data-share]");
  const button = box.querySelector("button");
  if (!navigator.share && !navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      if (navigator.share) await navigator.share({ url: link.href });
      else {
        await navigator.clipboard.writeText(link.href);
        button.textContent = button.dataset.copied;
      }
    } catch {
      // The person closed the share sheet.
    }
  });
}

// The fix-it page: when a step was done or came up meanwhile, the page's new version tells.
const fixing = document.querySelector("[data-fix-state]");

function openSteps() {
  return [...document.querySelectorAll("[data-step][data-seen=false]")].map((step) => step.dataset.step).sort().join();
}

async function lookAtSteps() {
  try {
    const answer = await fetch(fixing.dataset.fixState, { headers: { Accept: "application/json" } });
    if (answer.ok && (await answer.json()).open.sort().join() !== openSteps()) location.reload();
  } catch {
    // No network for a moment: the next look tells.
  }
}

if (fixing) {
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) lookAtSteps();
  });
  setInterval(() => {
    if (!document.hidden) lookAtSteps();
  }, POLL_MS);
}
