// What the walk through the pages needs: the demo running, a browser that notices what a person would, and the mails that were sent.

import { join } from "node:path";

import { launchBrowser, PORT, Program, SCRATCH } from "../support.mjs";

/** How long something that happens by itself may take. */
const PATIENCE_MS = 30_000;

/** The demo on its own ports with its state in `target/`, and a browser page; `end` stops both. */
export class Walk {
  static async begin() {
    const walk = new Walk();
    walk.data = join(SCRATCH, "data");
    walk.complaints = [];
    walk.cut = false;
    // By hand the folder may hold an earlier walk.
    walk.demo = await Program.start("demo", "--port", String(PORT), "--data", walk.data, "--reset");
    walk.browser = await launchBrowser();
    walk.context = await walk.newContext();
    walk.page = await walk.newPage();
    return walk;
  }

  get at() {
    return this.demo.addresses;
  }

  /** A browser of its own: no cookie of the others. */
  async newContext(options = {}) {
    const context = await this.browser.newContext({ viewport: { width: 1280, height: 900 }, locale: "en-GB", timezoneId: "Europe/Madrid", ...options });
    context.setDefaultTimeout(15_000);
    return context;
  }

  /** A page whose errors, requests to other hosts, and failures are remembered in `complaints`. */
  async newPage(context = this.context) {
    const page = await context.newPage();
    // Violations of the content security policy are console errors too.
    const complain = (text) => {
      if (!this.cut) this.complaints.push(text);
    };
    page.on("pageerror", (error) => complain(`${page.url()}: ${error.message}`));
    page.on("console", (message) => {
      // An answer of 4xx stands here too; what is wrong with it is decided below.
      if (message.type() === "error" && !message.text().includes("responded with a status of")) complain(`${page.url()}: ${message.text()}`);
    });
    page.on("request", (request) => {
      const { protocol, hostname } = new URL(request.url());
      if (protocol.startsWith("http") && hostname !== "localhost") complain(`${page.url()} asks ${hostname}`);
    });
    page.on("response", (response) => {
      // A page may refuse a form that a person filled in wrongly; nothing else is refused on a walk.
      const least = response.request().isNavigationRequest() ? 500 : 400;
      if (response.status() >= least) complain(`${response.url()} answered ${response.status()}`);
    });
    return page;
  }

  /** Kills the demo as a power cut does and starts it again on the same state; what open pages say of the cut itself does not count. */
  async restart() {
    this.cut = true;
    await this.demo.kill();
    this.demo = await Program.start("demo", "--port", String(PORT), "--data", this.data);
    this.cut = false;
  }

  /** What the API answers to a GET. */
  async api(path) {
    const response = await fetch(`${this.at.greenroom}/api/v1/${path}`, { headers: { authorization: `Bearer ${this.at.api_key}` } });
    if (!response.ok) throw new Error(`GET /api/v1/${path} answers ${response.status}: ${await response.text()}`);
    return response.json();
  }

  /** The demo's vacancy with that title. */
  async vacancy(title) {
    const { items } = await this.api("vacancies?limit=50");
    return this.api(`vacancies/${items.find((item) => item.title === title).id}`);
  }

  /** Every mail that was sent, newest first; page by page. */
  async mails() {
    const all = [];
    let cursor = "";
    do {
      const list = await this.api(`mails?limit=100${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
      all.push(...list.items);
      cursor = list.next_cursor;
    } while (cursor);
    return all;
  }

  /** The newest mail of a kind to somebody, as soon as it is there. */
  mail(to, kind) {
    return this.until(`the mail ${kind} to ${to}`, async () => (await this.mails()).find((mail) => mail.to === to && mail.kind === kind));
  }

  /** The link of a mail that begins with `/letter/`. */
  async link(to, kind, letter) {
    const mail = await this.mail(to, kind);
    const found = mail.text.match(new RegExp(`^${this.at.greenroom}/${letter}/\\S+$`, "m"));
    if (!found) throw new Error(`the mail ${kind} to ${to} has no link /${letter}/…:\n${mail.text}`);
    return found[0];
  }

  /** Asks until there is an answer; `what` did not come otherwise. */
  async until(what, ask) {
    const end = Date.now() + PATIENCE_MS;
    for (;;) {
      const found = await ask();
      if (found) return found;
      if (Date.now() > end) throw new Error(`${what} did not come within ${PATIENCE_MS / 1000} s`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** Waits until every candidate of the vacancy has a booked interview; resolves to the vacancy. */
  booked(title) {
    return this.until(`the interviews for ${title}`, async () => {
      const vacancy = await this.vacancy(title);
      return vacancy.shortlist.every((item) => item.interview?.state === "booked" && item.interview.settled) && vacancy;
    });
  }

  async end() {
    await this.browser?.close();
    await this.demo?.stop();
  }
}
