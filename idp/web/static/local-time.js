"use strict";
// The server writes UTC; people read their own clock.
const form = (more) => new Intl.DateTimeFormat(document.documentElement.lang, { day: "numeric", year: "numeric", ...more });
const moment = form({ month: "short", hour: "numeric", minute: "2-digit" });
const day = form({ month: "long" });
document.querySelectorAll("time[datetime]").forEach((element) => {
  const format = element.dataset.only === "day" ? day : moment;
  element.textContent = format.format(new Date(element.dateTime));
});
