"use strict";
// Show-password buttons, rules ticked off while typing, "both the same". A help only: the server judges on save.

// Screen readers speak on every write, so only news is written.
const say = (element, text) => {
  if (element.textContent !== text) element.textContent = text;
};

document.querySelectorAll("[data-reveal]").forEach((button) => {
  const input = document.getElementById(button.dataset.reveal);
  const show = (yes) => {
    input.type = yes ? "text" : "password";
    button.setAttribute("aria-pressed", yes);
  };
  button.hidden = false;
  button.addEventListener("click", () => show(input.type === "password"));
  input.form.addEventListener("submit", () => show(false)); // browsers remember what text fields held
});

const KINDS = {
  uppercase: /\p{Uppercase}/gu,
  lowercase: /\p{Lowercase}/gu,
  digits: /\p{Nd}/gu,
  symbols: /[^\p{L}\p{N}]/gu,
};
const count = (kind, text) => (text.match(KINDS[kind]) || []).length;

// Each says true or false, or null when only the server can tell.
const CHECKS = {
  length: (text, { min, max }) => [...text].length >= min && [...text].length <= max,
  classes: (text, { min }) => Object.keys(KINDS).filter((kind) => count(kind, text)).length >= min,
  differs_from_current: (text) => {
    const current = document.getElementById("current_password")?.value;
    return current ? text !== current.normalize("NFC") : null;
  },
};
for (const kind in KINDS) CHECKS[kind] = (text, { min }) => count(kind, text) >= min;

document.querySelectorAll("[data-rules]").forEach((input) => {
  const rules = JSON.parse(input.dataset.rules);
  const list = document.getElementById(input.dataset.list);
  const part = (name) => document.getElementById(`${list.id}-${name}`);
  const tick = () => {
    const text = input.value.normalize("NFC");
    const states = rules.map(({ code, params }) => {
      const met = CHECKS[code.split(".").pop()]?.(text, params) ?? null;
      return met === null ? "later" : met && text ? "met" : "open";
    });
    states.forEach((state, i) => {
      list.children[i].dataset.state = state;
      say(list.children[i].querySelector("[data-say]"), list.dataset[state]);
    });
    const known = states.filter((state) => state !== "later");
    const met = known.filter((state) => state === "met");
    say(part("status"), text ? `${met.length} / ${known.length} ${list.dataset.met}` : "");
    part("later").hidden = known.length === states.length;
  };
  input.form.addEventListener("input", tick);
  tick();
});

document.querySelectorAll("[data-match]").forEach((hint) => {
  const first = document.getElementById(hint.dataset.match);
  const second = document.getElementById(hint.dataset.with);
  first.form.addEventListener("input", () => {
    const same = second.value !== "" && first.value === second.value;
    const { yes, no } = hint.dataset;
    hint.dataset.same = same;
    say(hint, same ? yes : first.value.startsWith(second.value) ? "" : no);
  });
});
