// An authorization server that nobody here wrote, oidc-provider, set up as the strictest there are: every refresh token works once, and
// whoever sends a used one ends the whole grant. Beside it a calendar that takes the access tokens which this server still accepts.
//
// In front of it stands what a server of this dialect would read by itself: scopes with commas between them, and access tokens behind
// `Zoho-oauthtoken`. Everything else is oidc-provider's own: its pages, its codes, its PKCE, its tokens, its refusals.
//
// `node server.mjs PORT REDIRECT_URI`; the calendar has the port after it. GET /_suite/calls on the calendar's port gives every call of the
// token endpoint, as the server read it.

import { generateKeyPairSync, randomBytes } from "node:crypto";
import { createServer } from "node:http";

import { Provider } from "oidc-provider";

const [port, redirectUri] = [Number(process.argv[2]), process.argv[3]];
const scopes = ["AaaServer.profile.READ", "ZohoCalendar.calendar.READ", "ZohoCalendar.event.ALL", "ZohoCalendar.freebusy.READ"];
const calls = [];

const provider = new Provider(`http://localhost:${port}`, {
  clients: [
    {
      client_id: "1000.SUITE",
      client_secret: "suite-secret",
      redirect_uris: [redirectUri],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      token_endpoint_auth_method: "client_secret_post",
    },
  ],
  routes: { authorization: "/oauth/v2/auth", token: "/oauth/v2/token", userinfo: "/oauth/user/info" },
  scopes: ["openid", "offline_access", ...scopes],
  claims: { openid: ["sub"], "AaaServer.profile.READ": ["ZUID", "Email", "Display_Name"] },
  // Whoever logs in is who the log-in says.
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, ZUID: `6000${id.length}`, Email: id, Display_Name: "Ana Diaz" }),
  }),
  pkce: { required: () => true },
  rotateRefreshToken: true,
  jwks: { keys: [generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" })] },
  cookies: { keys: [randomBytes(32).toString("hex")] },
});

provider.use(async (ctx, next) => {
  await next();
  if (ctx.oidc?.route !== "token") return;
  const { grant_type, refresh_token, code_verifier } = ctx.oidc.params;
  calls.push({
    grant_type,
    pkce: code_verifier !== undefined,
    presented: refresh_token ?? null,
    status: ctx.status,
    error: ctx.body?.error ?? null,
    issued: ["access_token", "refresh_token", "id_token"].map((name) => ctx.body?.[name]).filter(Boolean),
  });
});

const answer = provider.callback();
createServer((request, response) => {
  const url = new URL(request.url, `http://localhost:${port}`);
  if (url.pathname === "/oauth/v2/auth" && url.searchParams.has("scope")) {
    url.searchParams.set("scope", url.searchParams.get("scope").replaceAll(",", " "));
    request.url = url.pathname + url.search;
  }
  const { authorization } = request.headers;
  if (authorization) request.headers.authorization = authorization.replace(/^Zoho-oauthtoken /, "Bearer ");
  answer(request, response);
}).listen(port, "localhost");

createServer(async (request, response) => {
  const send = (status, body) => {
    response.writeHead(status, { "Content-Type": "application/json" });
    response.end(JSON.stringify(body));
  };
  const { pathname } = new URL(request.url, "http://localhost");
  if (pathname === "/_suite/calls") return send(200, calls);
  const token = /^Zoho-oauthtoken (.+)$/.exec(request.headers.authorization ?? "")?.[1];
  if (!token || !(await provider.AccessToken.find(token))) return send(401, { error: [{ error_code: "INVALID_OAUTHTOKEN" }] });
  if (pathname === "/api/v1/calendars") {
    const own = { uid: "0fd31be0", name: "Ana Diaz", timezone: "Europe/Madrid", category: "own", privilege: "owner" };
    return send(200, { calendars: [{ ...own, isdefault: true, include_infreebusy: true }] });
  }
  return send(404, { error: [{ error_code: "URL_RULE_NOT_CONFIGURED" }] });
}).listen(port + 1, "localhost");
