// The guide through removing access: ask whether Tesla says that it is removed, and tick the steps when it does.
"use strict";

const REMOVAL_POLL_MS = 6000;
const removal = document.getElementById("removal-state");

function tick(answer) {
  if (removal.textContent !== answer.text) removal.textContent = answer.text;
  if (!answer.removed) return;
  const wasOn = document.activeElement;
  const button = document.getElementById("tesla-button");
  removal.dataset.removed = "true";
  removal.classList.add("good");
  for (const step of document.querySelectorAll(".guide > [data-seen]")) step.dataset.seen = "true";
  for (const element of document.querySelectorAll("[data-when-removed]")) element.hidden = false;
  for (const element of document.querySelectorAll("[data-until-removed]")) element.hidden = true;
  button.classList.remove("second");
  keepFocus(wasOn, button);
}

async function lookForRemoval() {
  try {
    const answer = await fetch(removal.dataset.stateUrl, { headers: { Accept: "application/json" } });
    if (answer.ok) tick(await answer.json());
  } catch {
    // No network for a moment, for example while another app is open: the next look tells.
  }
}

if (removal.dataset.removed !== "true") {
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && removal.dataset.removed !== "true") lookForRemoval();
  });
  const timer = setInterval(() => {
    if (removal.dataset.removed === "true") clearInterval(timer);
    else if (!document.hidden) lookForRemoval();
  }, REMOVAL_POLL_MS);
}
