// Hands the answer of a run to the window that opened this one. The server named the origin that may receive it.
"use strict";

const FIELDS = {
  code: "code",
  error: "error",
  errorDescription: "error_description",
  state: "state",
  vin: "vin",
  make: "make",
  model: "model",
  year: "year",
  virtualKeyUrl: "virtual_key_url",
  userId: "user_id",
  externalId: "external_id",
};

const query = new URLSearchParams(window.location.search);
const message = { name: "SmartcarAuthMessage", isSmartcarHosted: false };
for (const [field, parameter] of Object.entries(FIELDS)) message[field] = query.get(parameter);

if (window.opener) {
  window.opener.postMessage(message, document.getElementById("redirect").dataset.appOrigin);
  window.close();
}
