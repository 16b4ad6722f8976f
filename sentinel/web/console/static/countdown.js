// Counts the time left on each clock between two page loads. The server's clock decides: only its
// difference to the browser's is kept, so that a wrong clock on a desk changes nothing.
"use strict";

const serverNow = Date.parse(document.body.dataset.now);
const skew = serverNow - Date.now();
const dayUnit = document.documentElement.lang === "fr" ? "j" : "d";
const two = (value) => String(value).padStart(2, "0");

function words(milliseconds) {
  const seconds = Math.floor(Math.abs(milliseconds) / 1000);
  const days = Math.floor(seconds / 86400);
  const hours = Math.floor(seconds / 3600) % 24;
  const minutes = Math.floor(seconds / 60) % 60;
  const head = days ? `${days}\u00a0${dayUnit} ` : "";
  return `${head}${days ? two(hours) : hours}\u00a0h ${two(minutes)}\u00a0min ${two(seconds % 60)}\u00a0s`;
}

function tick() {
  const now = Date.now() + skew;
  for (const timer of document.querySelectorAll("[data-due]")) {
    const left = Date.parse(timer.dataset.due) - now;
    timer.firstElementChild.textContent = words(left);
    timer.lastChild.textContent = left < 0 ? ` ${timer.dataset.late}` : ` ${timer.dataset.left}`;
  }
}

if (document.querySelector("[data-due]")) {
  tick();
  setInterval(tick, 1000);
}
