// What a newcomer sees: the demo from its printed link to a result on the vacancy, in Chromium, with everything a person would press.
// Ana's vacancy is walked with all a browser has, and with a power cut in the middle; Bruno's with JavaScript switched off.

import { check, expect, runChecks, shot } from "../support.mjs";
import { inspect, portrait, tab, tabThrough, tabTo } from "./look.mjs";
import { Walk } from "./walk.mjs";

const PLATFORM = "Platform engineer";
const ACCOUNTS = "Account executive, Iberia";
const NOTE = "I am travelling that day; Thursday would do.";
const STRENGTHS = "Explains calmly, and draws before she builds.";

let walk;
/** The page on which managers and candidates open what was mailed to them. */
let person;
/** The recruiter's tab on Ana's vacancy. It is reloaded after a power cut; whatever happens else it has to show by itself. */
let live;
/** A page with JavaScript switched off. */
let plain;
let vacancy;

/** The text of what people read. */
const words = (page) => page.locator("main").innerText();

async function says(page, text) {
  await page.locator("main").getByText(text).first().waitFor();
}

async function open(page, address) {
  const response = await page.goto(address);
  expect(response.status() === 200, `${address} answers ${response.status()}`);
  await inspect(page);
}

const home = (path) => `${walk.at.greenroom}${path}`;
const rowOf = (page, name) => page.getByRole("row").filter({ hasText: name });

check("the demo starts and prints where it is", async () => {
  walk = await Walk.begin();
  for (const name of ["greenroom", "admin", "mailbox", "zoho_us", "zoho_eu", "api_key"]) expect(walk.at[name], `no address ${name}`);
});

check("the dashboard is closed without the link", async () => {
  await walk.page.goto(home("/"));
  await says(walk.page, "greenroom admin link");
  await inspect(walk.page);
});

check("the printed link shows a button, and the button logs in, once", async () => {
  for (let look = 0; look < 2; look += 1) await open(walk.page, walk.at.admin);
  await walk.page.getByRole("button", { name: "Log in" }).click();
  await walk.page.getByRole("heading", { level: 1, name: "Vacancies" }).waitFor();
  const again = await fetch(walk.at.admin);
  expect(again.status === 410, `the used link answers ${again.status}`);
});

check("the dashboard shows the vacancies, to keyboards too", async () => {
  for (const title of [PLATFORM, ACCOUNTS, "Operations lead, Pune"]) await says(walk.page, title);
  await portrait(walk.page, "dashboard");
  await walk.page.goto(home("/"));
  await tab(walk.page);
  const skip = walk.page.getByRole("link", { name: "Skip to the content" });
  expect((await skip.boundingBox()).y >= 0, "the link that skips the navigation is not on the screen when it has the focus");
  await walk.page.keyboard.press("Enter");
  await walk.page.waitForFunction(() => document.activeElement?.tagName === "MAIN");
  await open(walk.page, home("/"));
  await tabThrough(walk.page);
});

check("approving the platform engineer leads to waiting for Ana", async () => {
  await walk.page.getByRole("button", { name: `Approve ${PLATFORM}` }).click();
  await walk.page.getByRole("heading", { level: 1, name: PLATFORM }).waitFor();
  await says(walk.page, "Waiting for Ana Diaz to give permission");
  vacancy = await walk.vacancy(PLATFORM);
  expect(vacancy.state === "approved", `the vacancy is ${vacancy.state}`);
  await inspect(walk.page);
  live = walk.page;
  await shot(live, "vacancy-waiting");
});

check("the mailbox has the mail for Ana, and its button leads to the permission page", async () => {
  await walk.mail("ana@example.com", "permission_request");
  const tabTwo = await walk.newPage();
  await open(tabTwo, home("/"));
  await tabTwo.getByRole("link", { name: "Mailbox", exact: true }).click();
  await tabTwo.getByRole("heading", { level: 1, name: "Mailbox" }).waitFor();
  await rowOf(tabTwo, "ana@example.com").first().getByRole("link").first().click();
  await inspect(tabTwo);
  await portrait(tabTwo, "mail-permission");
  await tabTwo.frameLocator("iframe.letter").locator("a[href*='/p/']").first().click();
  await tabTwo.waitForURL(/\/p\//);
  person = tabTwo;
  await says(tabTwo, "Robin Vale");
  for (const text of ["Brightwater Ltd", PLATFORM, "ana@example.com", "What it reads", "What it never does"]) {
    expect((await words(tabTwo)).includes(text), `the permission page does not say “${text}”`);
  }
  expect((await words(tabTwo)).includes(new URL(walk.at.zoho_us).hostname), "the permission page does not name the host that the button leads to");
  await portrait(tabTwo, "permission");
  await tabThrough(tabTwo);
});

check("its button leads to Zoho's consent page", async () => {
  await person.getByRole("button", { name: "Connect my calendar" }).click();
  await person.waitForURL(`${walk.at.zoho_us}/oauth/v2/auth?**`);
  await person.getByRole("heading", { level: 1, name: /asks for access/ }).waitFor();
  await portrait(person, "consent");
  await tabThrough(person);
});

check("the power fails while she reads it; after the restart she accepts and is connected", async () => {
  await person.getByRole("radio", { name: /Ana/ }).check();
  await walk.restart();
  await open(live, live.url());
  await person.getByRole("button", { name: "Accept" }).click();
  await person.waitForURL(/\/connect\//);
  // The page renews itself until the connection is made.
  await person.getByRole("heading", { level: 1, name: "Your calendar is connected" }).waitFor();
  expect(/Interviews go into the calendar “.+”/.test(await words(person)), "the calendar that was chosen is not named");
  await portrait(person, "connected");
  const outcome = person.url();
  await person.close();
  // From here on managers and candidates use a browser without the dashboard's cookie.
  person = await walk.newPage(await walk.newContext());
  await open(person, outcome);
});

check("by itself: the interviews are booked, on the page that was open all the time", async () => {
  vacancy = await walk.booked(PLATFORM);
  const starts = vacancy.shortlist.map((item) => item.interview.start);
  expect(starts.length === 3 && starts.toSorted().join() === starts.join(), `not in the order of the shortlist: ${starts}`);
  for (const item of vacancy.shortlist) await rowOf(live, item.candidate.name).getByText("Booked", { exact: true }).waitFor();
  await inspect(live);
});

check("the simulator's week shows each interview once", async () => {
  await open(person, `${walk.at.zoho_us}/_sim/people`);
  await person.getByRole("link", { name: /Ana/ }).click();
  const monday = vacancy.shortlist[0].interview.start.slice(0, 10);
  await open(person, `${walk.at.zoho_us}/_sim/week?email=ana@example.com&start=${monday}`);
  await portrait(person, "simulator-week");
  await tabThrough(person);
  const dump = await (await fetch(`${walk.at.zoho_us}/_sim/calendars/ana@example.com`)).text();
  for (const { candidate, interview } of vacancy.shortlist) {
    await open(person, `${walk.at.zoho_us}/_sim/week?email=ana@example.com&start=${interview.start.slice(0, 10)}`);
    const title = `Interview with ${candidate.name}`;
    expect((await person.getByText(title).count()) > 0, `the week does not show “${title}”`);
    expect(dump.split(`"${title}"`).length === 2, `“${title}” is not on the calendar exactly once`);
  }
});

check("Noor opens her page from the mailbox and confirms", async () => {
  const tabTwo = await walk.newPage();
  const invitation = await walk.mail("noor@example.net", "candidate_booked");
  await open(tabTwo, home("/mailbox"));
  await portrait(tabTwo, "mailbox");
  await tabThrough(tabTwo);
  await open(tabTwo, home("/mailbox?to=noor@example.net"));
  await tabTwo.getByRole("link", { name: invitation.subject }).click();
  await says(tabTwo, "METHOD:REQUEST");
  await inspect(tabTwo);
  await shot(tabTwo, "mail-invitation");
  await tabTwo.frameLocator("iframe.letter").locator("a[href*='/c/']").first().click();
  await tabTwo.waitForURL(/\/c\//);
  await portrait(tabTwo, "candidate");
  await tabThrough(tabTwo);
  const page = tabTwo.url();
  await tabTwo.getByRole("button", { name: "I will be there" }).click();
  await says(tabTwo, "knows that you will come");
  await inspect(tabTwo);
  await open(tabTwo, page);
  await says(tabTwo, "You have confirmed");
  const { shortlist } = await walk.vacancy(PLATFORM);
  expect(shortlist[0].interview.candidate_confirmed_at, "the interview does not know that she confirmed");
  await tabTwo.close();
});

check("Mei's time zone is unknown: her page converts to the browser's", async () => {
  const tokyo = await walk.newPage(await walk.newContext({ timezoneId: "Asia/Tokyo" }));
  await open(tokyo, await walk.link("mei@example.net", "candidate_booked", "c"));
  await says(tokyo, "In your own time zone");
  const start = new Date(vacancy.shortlist[2].interview.start);
  const there = start.toLocaleTimeString("en-GB", { timeZone: "Asia/Tokyo", hour: "2-digit", minute: "2-digit" });
  const text = await words(tokyo);
  expect(text.includes("Asia/Tokyo") && text.includes(there), `her page does not say ${there}:\n${text}`);
  await tokyo.context().close();
});

check("Tomasz cannot come: his note stands before a person, who keeps the interview", async () => {
  await open(person, await walk.link("tomasz@example.net", "candidate_booked", "c"));
  await person.locator("#note").fill(NOTE);
  await person.getByRole("button", { name: "I cannot come" }).click();
  await says(person, "Thank you for telling us");
  await shot(person, "candidate-cannot");
  const recruiter = await walk.newPage();
  await open(recruiter, home("/attention"));
  await rowOf(recruiter, "Tomasz Zielinski").getByText("candidate cannot come").waitFor();
  await portrait(recruiter, "attention");
  await rowOf(recruiter, "Tomasz Zielinski").getByRole("link").first().click();
  await says(recruiter, NOTE);
  await portrait(recruiter, "interview");
  await recruiter.getByRole("button", { name: "Keep it as it is" }).click();
  await says(recruiter, "Kept as it is.");
  await open(recruiter, home("/attention"));
  await says(recruiter, "Nothing needs you at the moment.");
  await recruiter.close();
  await walk.booked(PLATFORM);
});

/** Something done in Ana's calendar by hand. */
async function byHand(method, body) {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${walk.at.zoho_us}/_sim/events`, { method, headers, body: JSON.stringify({ email: "ana@example.com", ...body }) });
  expect(answer.ok, `the simulator answers ${answer.status}: ${await answer.clone().text()}`);
  return answer.json();
}

/** A time as Zoho writes it. */
const zoho = (at) => `${new Date(at).toISOString().slice(0, 19).replace(/[-:]/g, "")}Z`;

check("what Ana does in her calendar by hand is noticed, taken over or asked about, and over when it is over", async () => {
  const { candidate, interview } = vacancy.shortlist[2];
  const day = 86_400_000;
  const [start, end] = [Date.parse(interview.start) + 7 * day, Date.parse(interview.end) + 7 * day];
  const detail = await walk.api(`interviews/${interview.id}`);
  const dump = await (await fetch(`${walk.at.zoho_us}/_sim/calendars/ana@example.com`)).text();
  const uid = JSON.parse(dump).calendars.flatMap((calendar) => Object.values(calendar.events)).find((event) => JSON.stringify(event).includes(interview.id))?.uid;
  expect(uid && detail.settled, `no event of ${interview.id} in the calendar`);
  await byHand("PATCH", { uid, event: { dateandtime: { timezone: "UTC", start: zoho(start), end: zoho(end) } } });
  await press("+ 1 hour");
  await walk.until("the move by hand", async () => Date.parse((await walk.api(`interviews/${interview.id}`)).start) === start);
  await walk.mail("mei@example.net", "candidate_moved");
  const made = await byHand("POST", { event: { title: "Board", dateandtime: { timezone: "UTC", start: zoho(start), end: zoho(end) } } });
  await press("+ 1 hour");
  await walk.until("the clash", async () => (await walk.api(`interviews/${interview.id}`)).attention?.reason === "clash");
  const tabTwo = await walk.newPage();
  await open(tabTwo, home("/reality"));
  await rowOf(tabTwo, candidate.name).getByText("overlapped by").waitFor();
  await portrait(tabTwo, "reality");
  await tabThrough(tabTwo);
  await byHand("DELETE", { uid: made.uid });
  await press("+ 1 hour");
  await walk.until("the end of the clash", async () => (await walk.api(`interviews/${interview.id}`)).state === "booked");
  await open(tabTwo, home("/reality"));
  await says(tabTwo, "Nothing differs from what is intended.");
  await rowOf(tabTwo, candidate.name).getByText("as intended").waitFor();
  await inspect(tabTwo);
  await tabTwo.close();
});

check("without JavaScript: approve, permission, consent, connected", async () => {
  const context = await walk.newContext({ javaScriptEnabled: false, storageState: await walk.context.storageState() });
  plain = await walk.newPage(context);
  await open(plain, home("/"));
  await plain.getByRole("button", { name: `Approve ${ACCOUNTS}` }).click();
  await says(plain, "Waiting for Bruno Gil to give permission");
  await inspect(plain);
  await open(plain, await walk.link("bruno@example.com", "permission_request", "p"));
  await plain.getByRole("button", { name: "Connect my calendar" }).click();
  await plain.getByRole("radio", { name: /Bruno/ }).check();
  await plain.getByRole("button", { name: "Accept" }).click();
  // The page renews itself until the connection is made.
  await plain.getByRole("heading", { level: 1, name: "Your calendar is connected" }).waitFor();
  await inspect(plain);
  const accounts = await walk.booked(ACCOUNTS);
  await open(plain, home(`/vacancies/${accounts.id}`));
  for (const { candidate } of accounts.shortlist) await rowOf(plain, candidate.name).getByText("Booked", { exact: true }).waitFor();
  await shot(plain, "vacancy-without-javascript");
});

check("without JavaScript: a candidate's page in two zones, and the mailbox", async () => {
  await open(plain, await walk.link("joao@example.net", "candidate_booked", "c"));
  expect(/Lisbon/.test(await words(plain)), "the page does not give the time in the candidate's zone");
  await plain.getByRole("button", { name: "I will be there" }).click();
  await says(plain, "knows that you will come");
  await open(plain, home("/mailbox"));
  await open(plain, home("/attention"));
});

check("every page of the dashboard opens, on a phone too", async () => {
  const tabTwo = await walk.newPage();
  const found = [];
  const { candidate } = vacancy.shortlist[0];
  const desk = ["/interviews", "/interviews/week", "/managers", `/managers/${vacancy.manager.id}`, "/jobs", "/alerts", "/health", "/reality"];
  const office = ["/keys", "/audit", "/backups", "/accounts", "/account", "/erasures", `/persons/${candidate.id}/erase`];
  for (const path of [...desk, ...office]) {
    await open(tabTwo, home(path)).catch((error) => found.push(error.message));
    await portrait(tabTwo, `page-${path.split("/")[1]}${path.split("/")[2] ? "-one" : ""}`).catch((error) => found.push(error.message));
    await tabThrough(tabTwo).catch((error) => found.push(error.message));
  }
  await tabTwo.close();
  expect(found.length === 0, found.join("\n"));
});

/** Presses one of the clock's buttons on the page that is open all the time. */
async function press(button) {
  const before = await live.locator("#demo-clock").innerText();
  await Promise.all([live.waitForURL((url) => url.pathname.startsWith("/vacancies/")), live.getByRole("button", { name: button, exact: true }).click()]);
  await live.waitForFunction((was) => document.getElementById("demo-clock").textContent !== was, before);
}

/** What the demo's clock says, in milliseconds. */
const clock = async () => Date.parse(`${(await live.locator("#demo-clock").innerText()).replace(" UTC", "")}Z`);

/** Moves the clock by its buttons until that mail is there; a day at a time while `start` is more than a day and `ahead` hours away. */
async function moveUntil(to, kind, start, ahead) {
  for (let pressed = 0; pressed < 60; pressed += 1) {
    const found = (await walk.mails()).find((mail) => mail.to === to && mail.kind === kind);
    if (found) return found;
    const left = Date.parse(start) - (await clock());
    await press(left > (ahead + 25) * 3_600_000 ? "+ 1 day" : "+ 1 hour");
  }
  throw new Error(`60 presses on the clock brought no ${kind} to ${to}`);
}

check("the clock's buttons bring the reminders into the mailbox", async () => {
  const { start } = vacancy.shortlist[0].interview;
  await moveUntil("noor@example.net", "reminder_24h", start, 24);
  await moveUntil("noor@example.net", "reminder_1h", start, 1);
  await walk.mail("ana@example.com", "reminder_1h");
  const tabTwo = await walk.newPage();
  await open(tabTwo, home("/mailbox?to=noor@example.net"));
  expect((await tabTwo.getByRole("link", { name: /In 1 hour/ }).count()) === 1, "not one reminder an hour before in the mailbox");
  await tabTwo.close();
});

check("a second power cut: log-in, clock, mails and calendars are as they were", async () => {
  const state = async () => JSON.stringify([await walk.vacancy(PLATFORM), await walk.vacancy(ACCOUNTS), (await walk.mails()).map((mail) => mail.id)]);
  const calendar = async () => (await fetch(`${walk.at.zoho_us}/_sim/calendars/ana@example.com`)).text();
  const before = [await state(), await calendar()];
  const moved = await clock();
  await walk.restart();
  await open(live, home(`/vacancies/${vacancy.id}`));
  expect((await state()) === before[0], "a vacancy or the mailbox changed by the power cut");
  expect((await calendar()) === before[1], "the calendar in the simulator changed by the power cut");
  const now = await clock();
  expect(now >= moved && now - moved < 300_000, `the clock went from ${new Date(moved)} to ${new Date(now)}`);
});

check("after the interview Ana is asked, and answers by keyboard alone", async () => {
  await moveUntil("ana@example.com", "feedback_request", vacancy.shortlist[0].interview.end, 0);
  await open(person, await walk.link("ana@example.com", "feedback_request", "f"));
  await portrait(person, "feedback");
  await open(person, person.url());
  await tabTo(person, "[name=technical]");
  const marks = [["technical", 8], ["communication", 9], ["problem_solving", 7], ["culture", 8], ["overall", 8]];
  for (const [name, mark] of marks) {
    if (name !== "technical") await tab(person);
    expect(await person.evaluate((wanted) => document.activeElement.name === wanted, name), `Tab does not lead to ${name}`);
    await person.keyboard.press("Space");
    for (let at = 1; at < mark; at += 1) await person.keyboard.press("ArrowRight");
  }
  await tabTo(person, "#strengths");
  await person.keyboard.type(STRENGTHS);
  await tabTo(person, "#to_improve");
  await person.keyboard.type("Estimates.");
  await tabTo(person, "[name=recommendation]");
  await person.keyboard.press("Space");
  await person.keyboard.press("ArrowRight");
  await shot(person, "feedback-filled");
  await tabTo(person, "button[value=submit]");
  await person.keyboard.press("Enter");
  await person.getByRole("heading", { level: 1, name: "Thank you" }).waitFor();
  await inspect(person);
  const { interview } = (await walk.vacancy(PLATFORM)).shortlist[0];
  const { feedback } = await walk.api(`interviews/${interview.id}`);
  const given = JSON.stringify(feedback);
  expect(given.includes(STRENGTHS), `the answers are not what was typed: ${given}`);
  for (const [name, mark] of marks) expect(given.includes(`"${name}":${mark}`), `${name} is not ${mark}: ${given}`);
});

check("the result stands on the vacancy, and the recruiter is told", async () => {
  await rowOf(live, "Noor Haddad").getByText("overall 8 of 10").waitFor();
  await walk.mail("recruiting@example.com", "result");
  await open(live, home(`/vacancies/${vacancy.id}`));
  await portrait(live, "vacancy-result");
  await live.setViewportSize({ width: 1200, height: 900 });
  await shot(live, "readme");
  await open(live, home(`/interviews/${vacancy.shortlist[0].interview.id}`));
  await says(live, STRENGTHS);
  await portrait(live, "interview-result");
});

check("without JavaScript: a feedback form with a gap keeps what was typed, then is sent", async () => {
  await open(live, home(`/vacancies/${vacancy.id}`));
  const accounts = await walk.vacancy(ACCOUNTS);
  await moveUntil("bruno@example.com", "feedback_request", accounts.shortlist[0].interview.end, 0);
  await open(plain, await walk.link("bruno@example.com", "feedback_request", "f"));
  await plain.locator("#strengths").fill(STRENGTHS);
  await plain.getByRole("button", { name: "Send my feedback" }).click();
  await plain.getByRole("alert").waitFor();
  await inspect(plain);
  await shot(plain, "feedback-errors");
  expect((await plain.locator("#strengths").inputValue()) === STRENGTHS, "what was typed is lost");
  for (const name of ["technical", "communication", "problem_solving", "culture", "overall"]) await plain.locator(`[name=${name}][value="6"]`).check();
  await plain.locator("[name=recommendation][value=maybe]").check();
  await plain.getByRole("button", { name: "Send my feedback" }).click();
  await plain.getByRole("heading", { level: 1, name: "Thank you" }).waitFor();
  const { shortlist } = await walk.vacancy(ACCOUNTS);
  expect(shortlist.some((item) => item.interview.feedback_state === "given"), "the feedback is not on the vacancy");
});

check("every address of every mail, fetched twice, changes nothing", async () => {
  const state = async () => {
    const vacancies = [await walk.vacancy(PLATFORM), await walk.vacancy(ACCOUNTS)];
    const interviews = vacancies.flatMap((one) => one.shortlist.map((item) => item.interview.id));
    const details = await Promise.all(interviews.map((id) => walk.api(`interviews/${id}`)));
    return JSON.stringify([vacancies, details, (await walk.mails()).map((mail) => mail.id)], null, 1);
  };
  const before = await state();
  const mails = await walk.mails();
  const addresses = new Set(mails.flatMap((mail) => `${mail.text} ${mail.html ?? ""} ${mail.calendar?.replaceAll(/\r?\n[ \t]/g, "") ?? ""}`.match(/https?:\/\/[^\s"<>\\]+/g) ?? []));
  const here = [...addresses].filter((address) => new URL(address).hostname === "localhost");
  expect(here.length >= 20, `only ${here.length} addresses in ${mails.length} mails`);
  const kinds = new Set(here.map((address) => new URL(address).pathname.split("/")[1]));
  for (const kind of ["p", "c", "m", "f", "d"]) expect(kinds.has(kind), `no mail has a link /${kind}/…`);
  for (const address of [...here, ...here]) {
    const response = await fetch(address.replaceAll("&amp;", "&"), { redirect: "manual" });
    expect(response.status < 500, `${address} answers ${response.status}`);
  }
  expect((await state()) === before, "something is different after a mail scanner looked at every address");
});

check("there was nothing to complain about", async () => {
  expect(walk.complaints.length === 0, walk.complaints.join("\n"));
});

process.exitCode = await runChecks();
await walk?.end();
