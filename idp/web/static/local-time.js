"use strict";
// The server writes UTC; people read their own clock.
const format = new Intl.DateTimeFormat(document.documentElement.lang, {
  day: "numeric", month: "short", year: "numeric", hour: "numeric", minute: "2-digit",
});
document.querySelectorAll("time[datetime]").forEach((element) => {
  element.textContent = format.format(new Date(element.dateTime));
});
