"use strict";
// Hands the answer to the app at once; the button on the page does the same by hand.
// A field may be called "submit", so the method is not taken from the form itself.
HTMLFormElement.prototype.submit.call(document.querySelector("form[data-auto-submit]"));
