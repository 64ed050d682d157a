// Single sign-on against oidc-provider: `greenroom serve` and a provider that nobody here wrote, in Chromium, through the provider's own
// log-in and consent pages. Every person here exists at the provider; not all of them have an account at Greenroom.

import { execFile } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";

import { Provider } from "oidc-provider";

import { BINARY, PORT, Program, SCRATCH, check, expect, launchBrowser, runChecks, shot } from "../support.mjs";

const GREENROOM = `http://localhost:${PORT}`;
const ISSUER = `http://127.0.0.1:${PORT + 1}`;
const CLIENT = { id: "greenroom", secret: "a secret: with % and + in it" };
const ADA = "ada@example.com";

/** Who the provider knows: by the name that is typed there. */
const PEOPLE = {
  ada: { email: ADA, email_verified: true, name: "Ada" },
  nobody: { email: "nobody@example.com", email_verified: true, name: "Nobody" },
  unverified: { email: ADA, email_verified: false, name: "Unverified" },
  eve: { email: ADA, email_verified: true, name: "Eve" },
};

const ENVIRONMENT = {
  ZOHO_CLIENT_ID: "1000.STAGE",
  ZOHO_CLIENT_SECRET: "stage-secret",
  ZOHO_REDIRECT_URI: `${GREENROOM}/api/oauth/callback/`,
  DATABASE_URL: `sqlite:${SCRATCH}/greenroom.db`,
  GREENROOM_KEY_FILE: `${SCRATCH}/keys/greenroom.key`,
  GREENROOM_OIDC_ISSUER: ISSUER,
  GREENROOM_OIDC_CLIENT_ID: CLIENT.id,
  GREENROOM_OIDC_CLIENT_SECRET: CLIENT.secret,
  GREENROOM_OIDC_NAME: "Staff ID",
  GREENROOM_PASSWORDS: "off",
};

/** One of Greenroom's commands, to its end. Not the synchronous call: the provider answers in this very process. */
function greenroom(...args) {
  return new Promise((resolve) => {
    const options = { cwd: SCRATCH, env: { ...process.env, ...ENVIRONMENT } };
    execFile(BINARY, args, options, (error, out, err) => resolve({ code: error ? (error.code ?? 1) : 0, said: `${out}${err}` }));
  });
}

/** A signing key of the algorithm, as a private JWK. */
function signingKey(algorithm, kid) {
  const made = { RS256: ["rsa", { modulusLength: 2048 }], ES256: ["ec", { namedCurve: "P-256" }], EdDSA: ["ed25519"] }[algorithm];
  return { ...generateKeyPairSync(...made).privateKey.export({ format: "jwk" }), kid, use: "sig", alg: algorithm };
}

let listening;

/** Starts the provider, in place of the one before: with one key, for this algorithm. */
async function startProvider(algorithm, kid) {
  await stopProvider();
  const provider = new Provider(ISSUER, {
    clients: [
      {
        client_id: CLIENT.id,
        client_secret: CLIENT.secret,
        redirect_uris: [`${GREENROOM}/login/sso/callback`],
        grant_types: ["authorization_code"],
        response_types: ["code"],
        id_token_signed_response_alg: algorithm,
      },
    ],
    jwks: { keys: [signingKey(algorithm, kid)] },
    cookies: { keys: ["of this suite only"] },
    pkce: { required: () => true },
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
    findAccount: (_, id) => PEOPLE[id] && { accountId: id, claims: () => ({ sub: id, ...PEOPLE[id] }) },
  });
  await new Promise((resolve, reject) => {
    listening = provider.listen(PORT + 1, "127.0.0.1", resolve);
    listening.once("error", reject);
  });
}

async function stopProvider() {
  if (listening === undefined) return;
  listening.closeAllConnections();
  await new Promise((resolve) => listening.close(resolve));
  listening = undefined;
}

let serving;
let browser;

/** A browser without any cookie, at Greenroom's log-in page, its button pressed: now at the provider. */
async function towards() {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${GREENROOM}/login`);
  await page.getByRole("button", { name: "Log in with Staff ID" }).click();
  await page.waitForURL(`${ISSUER}/**`);
  return { context, page };
}

/** Logs in at the provider as this person and consents, as far as it asks. */
async function through(page, person) {
  await page.locator("input[name=login]").fill(person);
  await page.locator("input[name=password]").fill("any password will do there");
  await page.getByRole("button", { name: "Sign-in" }).click();
  await page.getByRole("button", { name: "Continue" }).click();
  await page.waitForURL(`${GREENROOM}/**`);
}

/** The sentence above the forms of the log-in page; nobody may be logged in. */
async function refusal(page) {
  const said = await page.getByRole("alert").innerText();
  await page.goto(`${GREENROOM}/account`);
  expect(page.url() === `${GREENROOM}/login`, `somebody is logged in: ${page.url()}`);
  return said;
}

async function isIn(page) {
  expect(page.url() === `${GREENROOM}/`, `not in, but at ${page.url()}: ${await page.locator("main").innerText()}`);
  await page.goto(`${GREENROOM}/account`);
  const shown = await page.locator("main").innerText();
  expect(shown.includes("Ada") && shown.includes("recruiter"), `somebody else is logged in: ${shown}`);
}

check("an account is made without a password, and the page asks for none", async () => {
  await startProvider("RS256", "first");
  serving = await Program.serve(GREENROOM, ENVIRONMENT);
  const added = await greenroom("accounts", "add", ADA, "--name", "Ada", "--role", "recruiter");
  expect(added.code === 0 && added.said.includes("can log in by single sign-on"), `accounts add: ${added.said}`);
  const page = await (await browser.newContext()).newPage();
  await page.goto(`${GREENROOM}/login`);
  expect((await page.locator("input[type=password]").count()) === 0, "the page asks for a password");
  await shot(page, "single-sign-on");
  await page.context().close();
});

check("doctor finds the issuer", async () => {
  const { said } = await greenroom("doctor");
  const line = said.split("\n").find((line) => line.includes("single sign-on"));
  expect(line?.startsWith("ok") && line.includes(`${GREENROOM}/login/sso/callback`), `doctor said: ${said}`);
});

check("somebody with an account logs in, out, and in again", async () => {
  const { context, page } = await towards();
  await through(page, "ada");
  await isIn(page);
  await page.getByRole("button", { name: "Log out", exact: true }).first().click();
  await page.waitForURL(`${GREENROOM}/login?done=logout`);
  const shown = await page.locator("main").innerText();
  expect(shown.includes("Your log-in at Staff ID goes on"), `logging out said: ${shown}`);
  await page.goto(`${GREENROOM}/account`);
  expect(page.url() === `${GREENROOM}/login`, "the session goes on");
  // At the provider the person is still logged in and has consented: it asks for nothing.
  await page.getByRole("button", { name: "Log in with Staff ID" }).click();
  await page.waitForURL(`${GREENROOM}/`);
  await isIn(page);
  await context.close();
});

check("an answer opens nothing a second time, nor in another browser", async () => {
  const { context, page } = await towards();
  const answers = [];
  page.on("request", (request) => request.url().includes("/login/sso/callback") && answers.push(request.url()));
  await through(page, "ada");
  await isIn(page);
  expect(answers.length === 1 && new URL(answers[0]).searchParams.get("iss") === ISSUER, `the answers: ${answers}`);
  const other = await (await browser.newContext()).newPage();
  for (const again of [await page.context().newPage(), other]) {
    const answer = await again.goto(answers[0]);
    expect(answer.status() === 400, `the answer was taken with ${answer.status()}`);
    expect((await again.getByRole("alert").innerText()).includes("was begun in this browser"), "it does not say why");
  }
  await other.context().close();
  await context.close();
});

check("somebody without an account is told so, and gets none", async () => {
  const { context, page } = await towards();
  await through(page, "nobody");
  const said = await refusal(page);
  expect(said.includes("Staff ID knows you, but there is no account"), `it says: ${said}`);
  const listed = await greenroom("accounts", "list");
  expect(listed.code === 0 && listed.said.includes(ADA), `the accounts: ${listed.said}`);
  expect(!listed.said.includes("nobody@"), "an account was made");
  await context.close();
});

check("an address that the provider does not vouch for opens nothing", async () => {
  const { context, page } = await towards();
  await through(page, "unverified");
  const said = await refusal(page);
  expect(said.includes("does not say that your e-mail address was verified"), `it says: ${said}`);
  await context.close();
});

check("an account that is linked belongs to nobody else with its address", async () => {
  const { context, page } = await towards();
  await through(page, "eve");
  const said = await refusal(page);
  expect(said.includes("belongs to somebody else at Staff ID"), `it says: ${said}`);
  await context.close();
});

check("whoever says no at the provider is told what happened", async () => {
  const { context, page } = await towards();
  await page.locator("a[href$='/abort']").click();
  await page.waitForURL(`${GREENROOM}/**`);
  const said = await refusal(page);
  expect(said.includes("the permission was refused at Staff ID"), `it says: ${said}`);
  await context.close();
});

check("after a rotation to a key for ES256 people still log in", async () => {
  await startProvider("ES256", "second");
  const { context, page } = await towards();
  await through(page, "ada");
  await isIn(page);
  await context.close();
});

check("and after one to a key for EdDSA, with a node that has just started", async () => {
  await startProvider("EdDSA", "third");
  await serving.stop();
  serving = await Program.serve(GREENROOM, ENVIRONMENT);
  const { context, page } = await towards();
  await through(page, "ada");
  await isIn(page);
  await context.close();
});

check("a switched-off account stays out", async () => {
  expect((await greenroom("accounts", "disable", ADA)).code === 0, "it cannot be switched off");
  const { context, page } = await towards();
  await through(page, "ada");
  const said = await refusal(page);
  expect(said.includes("switched off"), `it says: ${said}`);
  await context.close();
});

check("without the provider the page says so, and a one-time link still opens", async () => {
  await stopProvider();
  await serving.stop();
  serving = await Program.serve(GREENROOM, ENVIRONMENT);
  const page = await (await browser.newContext()).newPage();
  await page.goto(`${GREENROOM}/login`);
  await page.getByRole("button", { name: "Log in with Staff ID" }).click();
  const said = await page.getByRole("alert").innerText();
  expect(/does not answer as it should/i.test(said), `it says: ${said}`);
  const { said: doctor } = await greenroom("doctor");
  expect(/^bad +single sign-on/m.test(doctor), `doctor said: ${doctor}`);
  const link = (await greenroom("admin", "link")).said.match(/http:\S+\/login\/\S+/)[0];
  await page.goto(link);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.waitForURL(`${GREENROOM}/`);
  await page.context().close();
});

check("no secret and no address stands in its log", async () => {
  const log = serving.output();
  expect(log.includes("sign-on"), `the log says nothing of what happened: ${log}`);
  for (const secret of [CLIENT.secret, encodeURIComponent(CLIENT.secret), "@example.com"]) {
    expect(!log.includes(secret), `the log holds ${secret}`);
  }
});

browser = await launchBrowser();
try {
  process.exitCode = await runChecks();
} finally {
  await browser.close();
  await serving?.stop();
  await stopProvider();
}
