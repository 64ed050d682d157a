// What the walk through the pages needs: the demo running, and a browser that notices what a person would.

import { join } from "node:path";

import { launchBrowser, PORT, Program, SCRATCH } from "../support.mjs";

/** The demo on its own ports with its state in `target/`, and a browser page; `end` stops both. */
export class Walk {
  static async begin() {
    const walk = new Walk();
    walk.data = join(SCRATCH, "data");
    walk.demo = await Program.start("demo", "--port", String(PORT), "--data", walk.data);
    walk.browser = await launchBrowser();
    walk.context = await walk.browser.newContext({ viewport: { width: 1280, height: 900 }, locale: "en-GB", timezoneId: "Europe/Madrid" });
    walk.context.setDefaultTimeout(15_000);
    walk.complaints = [];
    walk.page = await walk.newPage();
    return walk;
  }

  /** A page whose errors, failed requests and answers of 500 and above are remembered in `complaints`. */
  async newPage() {
    const page = await this.context.newPage();
    page.on("pageerror", (error) => this.complaints.push(`${page.url()}: ${error.message}`));
    page.on("console", (message) => {
      if (message.type() === "error") this.complaints.push(`${page.url()}: ${message.text()}`);
    });
    page.on("response", (response) => {
      if (response.status() >= 500) this.complaints.push(`${response.url()} answered ${response.status()}`);
    });
    return page;
  }

  /** Kills the demo as a power cut does and starts it again on the same state. */
  async restart() {
    await this.demo.kill();
    this.demo = await Program.start("demo", "--port", String(PORT), "--data", this.data);
  }

  async end() {
    await this.browser?.close();
    await this.demo?.stop();
  }
}
