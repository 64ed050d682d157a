// What the Node suites share: starting Greenroom and reading the addresses it prints, a browser, screenshots, counting checks.
//
// A suite imports this, adds its checks with `check`, and ends with `process.exitCode = await runChecks()`.

import { spawn } from "node:child_process";
import { createWriteStream, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

const TOP = dirname(dirname(fileURLToPath(import.meta.url)));
export const BINARY = process.env.SUITE_BINARY ?? join(TOP, "target/release/greenroom");
export const PORT = Number(process.env.SUITE_PORT ?? "20990");
export const SCRATCH = process.env.SUITE_SCRATCH ?? join(TOP, "target/tests-real/by-hand");
const SCREENSHOTS = join(TOP, "target/screenshots");

const checks = [];

/** Registers a check. Checks run in the order in which they stand; each may build on those before it. */
export function check(name, body) {
  checks.push({ name, body });
}

/** Runs every check, prints what fails and the count as the last line; resolves to the exit code. */
export async function runChecks() {
  let failed = 0;
  for (const { name, body } of checks) {
    try {
      await body();
      console.log(`ok      ${name}`);
    } catch (error) {
      failed += 1;
      console.log(`FAILED  ${name}\n${error.stack ?? error}`);
    }
  }
  console.log(`${checks.length - failed} passed, ${failed} failed`);
  // A suite that found no check has checked nothing.
  return failed > 0 || checks.length === 0 ? 1 : 0;
}

/** Fails the check with a sentence that shows what was found instead. */
export function expect(condition, otherwise) {
  if (!condition) throw new Error(otherwise);
}

/** A running `greenroom …`. `addresses` is what it printed at its start: one line of JSON, an object of URLs by name. */
export class Program {
  static async start(...args) {
    const program = Program.spawn(args, {});
    try {
      program.addresses = await program.printedAddresses(60_000);
    } catch (error) {
      await program.stop();
      throw error;
    }
    return program;
  }

  /** `greenroom serve` with these variables, once it answers at this origin. */
  static async serve(origin, environment) {
    const program = Program.spawn(["serve"], environment);
    let ended;
    program.ended.then((how) => (ended = how));
    for (const end = Date.now() + 60_000; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
      const alive = await fetch(`${origin}/healthz`).then((answer) => answer.ok, () => false);
      if (alive && ended === undefined) return program;
      if (ended === undefined && Date.now() < end) continue;
      await program.stop();
      throw new Error(`it ${ended ?? "does not answer"}:\n${program.lines.slice(-30).join("\n")}`);
    }
  }

  /** What it printed so far. */
  output() {
    return this.lines.join("\n");
  }

  static spawn(args, environment) {
    const program = new Program();
    mkdirSync(SCRATCH, { recursive: true });
    program.log = join(SCRATCH, `${args.filter((arg) => /^[a-z]+$/.test(arg)).join("-")}.log`);
    // A program that is started again goes on writing where it stopped.
    const log = createWriteStream(program.log, { flags: "a" });
    const env = { ...process.env, ...environment };
    program.process = spawn(BINARY, args, { cwd: SCRATCH, env, stdio: ["ignore", "pipe", "pipe"] });
    program.ended = new Promise((resolve) => {
      program.process.once("error", (error) => resolve(`cannot be started: ${error.message}`));
      program.process.once("exit", (code, signal) => resolve(`ended with ${signal ?? code}`));
    });
    program.lines = [];
    for (const stream of [program.process.stdout, program.process.stderr]) {
      createInterface({ input: stream }).on("line", (line) => {
        program.lines.push(line);
        log.write(`${line}\n`);
      });
    }
    return program;
  }

  printedAddresses(milliseconds) {
    const said = () => this.lines.slice(-30).join("\n");
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`it printed no addresses within ${milliseconds / 1000} s:\n${said()}`)), milliseconds);
      createInterface({ input: this.process.stdout }).on("line", (line) => {
        if (!line.startsWith("{")) return;
        clearTimeout(late);
        try {
          resolve(JSON.parse(line));
        } catch (error) {
          reject(new Error(`its addresses are no JSON (${error.message}): ${line}`));
        }
      });
      this.ended.then((how) => {
        clearTimeout(late);
        reject(new Error(`it ${how} before it printed its addresses:\n${said()}`));
      });
    });
  }

  /** Asks it to end, as a person or systemd does; what does not end within 15 s is an error. */
  async stop() {
    if (this.process.pid === undefined || this.process.exitCode !== null || this.process.signalCode !== null) return;
    this.process.kill("SIGTERM");
    const late = setTimeout(() => this.process.kill("SIGKILL"), 15_000);
    const how = await this.ended;
    clearTimeout(late);
    expect(!how.includes("SIGKILL"), "it did not end within 15 s of SIGTERM");
  }

  /** Ends it as a power cut does. */
  async kill() {
    this.process.kill("SIGKILL");
    await this.ended;
  }
}

/** Debian's Chromium without anything that looks for a network outside. */
export function launchBrowser() {
  return chromium.launch({
    executablePath: "/usr/bin/chromium",
    chromiumSandbox: false,
    args: [
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** A screenshot of the whole page, in target/screenshots, for people to look at. */
export async function shot(page, name) {
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });
}
