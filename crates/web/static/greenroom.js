// Adds to pages that work without it: times in the reader's own zone, and dashboard pages that follow what happens.
"use strict";

(() => {
  // Plain "en" would put the month first, unlike the rest of the page.
  const stated = document.documentElement.lang || "en";
  const language = stated === "en" ? "en-GB" : stated;
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

  // A participant's page: one more line with the time in the browser's zone, unless a line says it already.
  function showOwnTime() {
    for (const line of document.querySelectorAll("[data-local-start]")) {
      const start = new Date(line.dataset.localStart);
      const end = new Date(line.dataset.localEnd);
      const day = new Intl.DateTimeFormat(language, { weekday: "long", day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
      const shownZone = zone ? zone.replaceAll("_", " ") : "";
      const said = Array.from(line.parentElement.querySelectorAll(".zone"), (label) => label.textContent);
      if (shownZone && said.some((label) => label.startsWith(shownZone))) continue;
      line.querySelector("[data-local-text]").textContent = day.formatRange(start, end) + (shownZone ? " (" + shownZone + ")" : "");
      line.hidden = false;
    }
  }

  // Offered times that nobody chose a zone for: shown again in the browser's own.
  function useOwnZone() {
    const form = document.querySelector("form[data-own-zone]");
    if (!form || !zone || form.elements.zone.value === zone) return;
    const here = new URL(location.href);
    here.searchParams.set("zone", zone);
    location.replace(here);
  }

  // The dashboard: instants stand in UTC; here they become the reader's own time, with UTC as the hint.
  function showLocalTimes(root) {
    const format = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZoneName: "short" });
    for (const time of root.querySelectorAll("time[data-local]")) {
      time.title = time.textContent;
      time.textContent = format.format(new Date(time.dateTime));
    }
  }

  // Whether somebody is in the middle of typing: then the page stays as it is.
  function isBeingEdited(main) {
    const fields = main.querySelectorAll("input:not([type=hidden]), textarea, select");
    return Array.from(fields).some((field) => {
      if (field === document.activeElement) return true;
      if (field.type === "radio" || field.type === "checkbox") return field.checked !== field.defaultChecked;
      if (field.tagName === "SELECT") return Array.from(field.options).some((option) => option.selected !== option.defaultSelected);
      return field.value !== field.defaultValue;
    });
  }

  const focusable = "a[href], button, iframe";

  function replaceMain(fresh) {
    const main = document.querySelector("main");
    const next = fresh.querySelector("main");
    if (!main || !next || isBeingEdited(main)) return;
    // What a button said it did stays until the reader moves on.
    const said = main.querySelector(":scope > [role=status]");
    if (said) next.prepend(said);
    const at = Array.from(main.querySelectorAll(focusable)).indexOf(document.activeElement);
    showLocalTimes(next);
    main.replaceWith(next);
    if (at >= 0) next.querySelectorAll(focusable)[at]?.focus({ preventScroll: true });
    const clock = document.getElementById("demo-clock");
    const nextClock = fresh.getElementById("demo-clock");
    if (clock && nextClock) clock.textContent = nextClock.textContent;
  }

  async function refresh() {
    const here = new URL(location.href);
    here.searchParams.delete("done");
    const response = await fetch(here, { headers: { Accept: "text/html" }, credentials: "same-origin", cache: "no-store" });
    if (response.redirected && new URL(response.url).pathname === "/login") {
      location.assign("/login");
      return;
    }
    if (response.ok) replaceMain(new DOMParser().parseFromString(await response.text(), "text/html"));
  }

  function followChanges(address) {
    let waiting = false;
    let again = false;
    const run = () => {
      refresh().catch(() => {}).finally(() => {
        waiting = again;
        if (again) {
          again = false;
          setTimeout(run, 400);
        }
      });
    };
    const events = new EventSource(address);
    const changed = () => {
      if (waiting) {
        again = true;
        return;
      }
      waiting = true;
      setTimeout(run, 150);
    };
    events.addEventListener("changed", changed);
    // What changed while the server was away was not announced: look once when it is back.
    let away = false;
    events.addEventListener("error", () => { away = true; });
    events.addEventListener("open", () => {
      if (away) changed();
      away = false;
    });
    addEventListener("pagehide", () => events.close());
  }

  useOwnZone();
  showOwnTime();
  showLocalTimes(document);
  // A page that holds a message of its own (a new API key) or a letter is not replaced under the reader's eyes.
  const holds = document.querySelector("#new-key, iframe.letter");
  const live = document.body.dataset.live;
  if (live && !holds && "EventSource" in window) followChanges(live);
})();
