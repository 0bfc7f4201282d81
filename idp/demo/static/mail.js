"use strict";
// Shows a new mail as soon as it is there; without this script the button does it.
const newest = async () => (await (await fetch("/newest")).json()).newest;
const seen = document.querySelector("main").dataset.newest;
setInterval(async () => {
  try {
    if ((await newest()) !== seen) location.reload();
  } catch {
    return; // the demo was stopped: the page stays as it is
  }
}, 2000);
