"use strict";
// A second press while an answer is on its way would post the form twice.
const RELEASE_MS = 10000; // a redirect into a phone app leaves this page standing: let people try again

const release = (form) => {
  delete form.dataset.sent;
  form.querySelectorAll("button[aria-disabled]").forEach((b) => b.removeAttribute("aria-disabled"));
};

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "true";
  form.querySelectorAll("button[type=submit]").forEach((b) => b.setAttribute("aria-disabled", "true"));
  setTimeout(() => release(form), RELEASE_MS);
});

// Coming back with the browser's back button shows the page as it was left.
addEventListener("pageshow", (event) => {
  if (event.persisted) document.querySelectorAll("form").forEach(release);
});
