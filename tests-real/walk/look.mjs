// How a page looks to people who use a keyboard, a screen reader, a phone, or the dark: what can be measured is measured, and
// the screenshots are for the eye.

import { expect, shot } from "../support.mjs";

export const DESKTOP = { width: 1280, height: 900 };
export const PHONE = { width: 390, height: 844 };

/** Runs in the page: what a screen reader or a weak eye would miss. */
function problemsInPage() {
  const problems = [];
  const seen = (element) => element.checkVisibility({ visibilityProperty: true }) && !element.closest("[aria-hidden=true]");
  const name = (element) => element.outerHTML.slice(0, 120);
  const headings = document.querySelectorAll("h1");
  if (headings.length !== 1 || !headings[0].textContent.trim()) problems.push(`${headings.length} h1`);
  if (!document.documentElement.lang) problems.push("no lang");
  if (!document.title.trim()) problems.push("no title");
  if (document.querySelectorAll("main").length !== 1) problems.push("not one main");
  const ids = Array.from(document.querySelectorAll("[id]"), (element) => element.id);
  for (const id of ids.filter((id, at) => ids.indexOf(id) !== at)) problems.push(`the id ${id} stands twice`);
  for (const field of document.querySelectorAll("input:not([type=hidden]), select, textarea, meter")) {
    if (!field.labels?.length && !field.ariaLabel && !field.getAttribute("aria-labelledby") && seen(field)) problems.push(`no label: ${name(field)}`);
  }
  for (const target of document.querySelectorAll("a[href], button")) {
    if (!target.textContent.trim() && !target.ariaLabel) problems.push(`no name: ${name(target)}`);
  }
  for (const described of document.querySelectorAll("[aria-describedby], [aria-labelledby]")) {
    for (const id of `${described.getAttribute("aria-describedby") ?? ""} ${described.getAttribute("aria-labelledby") ?? ""}`.trim().split(/\s+/)) {
      if (!document.getElementById(id)) problems.push(`${id} is named by ${name(described)} and is not there`);
    }
  }
  let level = 0;
  for (const heading of document.querySelectorAll("h1, h2, h3, h4")) {
    const here = Number(heading.tagName[1]);
    if (here > level + 1) problems.push(`a heading of level ${here} follows level ${level}: ${name(heading)}`);
    level = here;
  }
  for (const frame of document.querySelectorAll("iframe:not([title]), img:not([alt])")) problems.push(`no title: ${name(frame)}`);

  // Contrast of text, WCAG 2.2, 1.4.3.
  const numbers = (color) => color.match(/[\d.]+/g).map(Number);
  const luminance = ([red, green, blue]) => {
    const [r, g, b] = [red, green, blue].map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = numbers(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return matchMedia("(prefers-color-scheme: dark)").matches ? [18, 18, 18] : [255, 255, 255];
  };
  for (const element of document.querySelectorAll("body *")) {
    const text = Array.from(element.childNodes).some((node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim());
    if (!text || !seen(element) || element.closest(":disabled, .gone")) continue;
    const style = getComputedStyle(element);
    const size = parseFloat(style.fontSize);
    const least = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
    const [light, dark] = [luminance(numbers(style.color)), luminance(ground(element))].sort((a, b) => b - a);
    const ratio = (light + 0.05) / (dark + 0.05);
    if (ratio < least) problems.push(`contrast ${ratio.toFixed(2)}: ${name(element)}`);
  }
  return problems;
}

/** Fails for what a screen reader or a weak eye would miss, and for a page wider than the window. */
export async function inspect(page) {
  const problems = await page.evaluate(problemsInPage);
  const [needed, there] = await page.evaluate(() => [document.scrollingElement.scrollWidth, innerWidth]);
  if (needed > there) problems.push(`it is ${needed} wide in a window of ${there}`);
  const { pathname } = new URL(page.url());
  const { width } = page.viewportSize();
  const scheme = await page.evaluate(() => (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"));
  expect(problems.length === 0, `${pathname.replace(/\/[\w-]{40,}/, "/…")} (${scheme}, ${width} wide): ${problems.join("; ")}`);
}

/** Screenshots of the page on desktop and phone, light and dark, each inspected; all are taken before one may fail. */
export async function portrait(page, name) {
  const found = [];
  for (const colorScheme of ["light", "dark"]) {
    for (const [size, viewport] of [["desktop", DESKTOP], ["phone", PHONE]]) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await page.setViewportSize(viewport);
      await shot(page, `${name}-${size}-${colorScheme}`);
      await inspect(page).catch((error) => found.push(error.message));
    }
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize(DESKTOP);
  expect(found.length === 0, found.join("\n"));
}

/** Presses Tab; fails if one cannot see where the focus is. */
export async function tab(page) {
  await page.keyboard.press("Tab");
  const unseen = await page.evaluate(() => {
    const element = document.activeElement;
    if (!element || element === document.body) return null;
    const outlined = (what) => what && getComputedStyle(what).outlineStyle !== "none" && parseFloat(getComputedStyle(what).outlineWidth) > 0;
    // A radio button may show its focus on the key that is drawn for it.
    const shown = outlined(element) || (element.matches("input[type=radio]") && outlined(element.nextElementSibling));
    // In a date field the focus is on one of its parts, so the field itself does not match.
    const visible = element.matches(":focus-visible") || element.matches("input[type=date]:focus-within");
    return visible && shown ? null : element.outerHTML.slice(0, 160);
  });
  expect(unseen === null, `the focus cannot be seen on ${unseen}`);
}

/** Presses Tab until the focus is on what `selector` names. */
export async function tabTo(page, selector) {
  for (let pressed = 0; pressed < 80; pressed += 1) {
    await tab(page);
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted), selector)) return;
  }
  throw new Error(`${selector} is not reached by 80 times Tab on ${page.url()}`);
}

/** Goes through the whole page by Tab, as often as it has places to stop at. */
export async function tabThrough(page) {
  const stops = await page.locator("a[href], button, input:not([type=hidden]), select, textarea, summary").count();
  expect(stops > 0, `${page.url()} has nothing to press`);
  for (let pressed = 0; pressed < Math.min(stops, 60); pressed += 1) await tab(page);
}
