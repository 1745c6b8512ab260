// A provider of OpenID Connect on npm's oidc-provider, as a child of a test: `node oidc_provider.mjs SETTINGS.json`.
// It signs people in by a form without scripts. POST /_control, with the token of the settings, makes it misbehave:
// each key of the JSON body is one of CONTROLS below. Only ever on the loopback.

import { createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import Provider from "oidc-provider";

const settings = JSON.parse(readFileSync(process.argv[2], "utf8"));
const issuer = `http://127.0.0.1:${settings.port}`;
const trueNow = Date.now;
const foreignKey = newKey();
const sent = []; // logout tokens that left by the back channel
let keys = [newKey()];
let state = calm();
let provider;

function calm() {
  return { hang: [], answers: {}, idToken: null, userinfo: null };
}

function newKey() {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { ...privateKey.export({ format: "jwk" }), kid: randomUUID(), use: "sig", alg: "RS256" };
}

// ---- storage: one map for all, so that sessions outlive a rotation of keys and can be found by person

const rows = new Map();

class Store {
  constructor(model) {
    this.model = model;
  }
  key = (id) => `${this.model} ${id}`;
  find = async (id) => {
    const row = rows.get(this.key(id));
    return row && row.until > Date.now() ? row.payload : undefined;
  };
  findByUid = async (uid) => {
    for (const [key, row] of rows) if (key.startsWith("Session ") && row.payload.uid === uid) return row.payload;
    return undefined;
  };
  findByUserCode = async () => undefined;
  upsert = async (id, payload, seconds) => {
    rows.set(this.key(id), { payload, until: Date.now() + (seconds ?? 86400) * 1000 });
  };
  consume = async (id) => {
    rows.get(this.key(id)).payload.consumed = Math.floor(Date.now() / 1000);
  };
  destroy = async (id) => void rows.delete(this.key(id));
  revokeByGrantId = async (grantId) => {
    for (const [key, row] of rows) if (row.payload.grantId === grantId && !key.startsWith("Session ")) rows.delete(key);
  };
}

// ---- the provider itself; a rotation of keys builds it anew over the same storage

function build() {
  const made = new Provider(issuer, {
    adapter: Store,
    jwks: { keys },
    clients: [{
      client_id: settings.client_id, client_secret: settings.client_secret,
      redirect_uris: settings.redirect_uris, post_logout_redirect_uris: settings.post_logout_redirect_uris,
      backchannel_logout_uri: settings.backchannel_logout_uri, backchannel_logout_session_required: true,
      token_endpoint_auth_method: settings.auth_method, require_auth_time: true,
      grant_types: ["authorization_code"], response_types: ["code"],
    }],
    scopes: ["openid", "profile", "email", "groups"],
    claims: { openid: ["sub"], profile: ["preferred_username", "name"], email: ["email"], groups: ["groups"] },
    findAccount: async (_ctx, sub) => {
      const account = Object.values(settings.accounts).find((one) => one.sub === sub);
      return account && { accountId: sub, claims: async () => ({ ...account.claims, sub }) };
    },
    loadExistingGrant: async (ctx) => {
      const { client, session } = ctx.oidc;
      const grant = new ctx.oidc.provider.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope("openid profile email groups");
      await grant.save();
      return grant;
    },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => {
          const buttons = '<button form="op.logoutForm" name="logout" value="yes" id="sign-out">Sign out</button>';
          ctx.body = page("Sign out of the house?", form + buttons);
        },
        postLogoutSuccessSource: (ctx) => {
          ctx.body = page("Signed out of the house", "");
        },
      },
    },
    pkce: { required: () => true },
    cookies: { keys: [settings.cookie_key] },
    ttl: { AccessToken: 600, AuthorizationCode: 60, IdToken: 600, Interaction: 600, Session: 86400, Grant: 86400 },
    renderError: async (ctx, out) => {
      ctx.type = "html";
      ctx.body = page("The house refused", `<p id="error">${escaped(out.error)}: ${escaped(out.error_description)}</p>`);
    },
    // The default refuses to call addresses of the loopback, which is where the portal of a test listens.
    fetch: (address, options) => {
      const token = new URLSearchParams(String(options.body ?? "")).get("logout_token");
      if (token) sent.push(token);
      const { dispatcher, ...rest } = options;
      return fetch(address, rest);
    },
  });
  made.use(async (ctx, next) => {
    await next();
    if (ctx.body?.id_token && state.idToken) ctx.body.id_token = twist(ctx.body.id_token, state.idToken);
    if (ctx.path === "/me" && state.userinfo && ctx.status === 200) ctx.body = { ...ctx.body, ...state.userinfo };
  });
  made.on("server_error", (_ctx, error) => console.error(error));
  made.on("backchannel.error", (_ctx, error) => console.error(String(error)));
  return made;
}

// ---- tokens that are not what they should be

function twist(token, how) {
  const claims = { ...JSON.parse(Buffer.from(token.split(".")[1], "base64url")), ...how.claims };
  for (const name of how.drop ?? []) delete claims[name];
  return signed(claims, how);
}

// `alg`: RS256, HS256 or none. `key`: own, foreign (RS256); secret, public (HS256: the client's secret, our public key).
function signed(claims, { alg = "RS256", key = "own", kid = keys[0].kid, typ = "JWT" } = {}) {
  const encode = (part) => Buffer.from(JSON.stringify(part)).toString("base64url");
  const input = `${encode({ alg, kid, typ })}.${encode(claims)}`;
  if (alg === "none") return `${input}.`;
  const own = createPrivateKey({ key: key === "foreign" ? foreignKey : keys[0], format: "jwk" });
  if (alg === "RS256") return `${input}.${sign("RSA-SHA256", Buffer.from(input), own).toString("base64url")}`;
  const pem = createPublicKey(own).export({ type: "spki", format: "pem" });
  const secret = key === "public" ? pem : settings.client_secret;
  return `${input}.${createHmac("sha256", secret).update(input).digest("base64url")}`;
}

// ---- the control interface

const CONTROLS = {
  // Back to a provider that behaves; accounts, keys and sessions stay.
  calm: () => {
    Date.now = trueNow;
    state = calm();
  },
  // Our clock goes wrong by so many seconds.
  shift_s: (seconds) => {
    Date.now = () => trueNow() + seconds * 1000;
  },
  // A new signing key; the old one stays published where keep_old says so.
  rotate: ({ keep_old: keepOld = true }) => {
    keys = keepOld ? [newKey(), ...keys] : [newKey()];
    provider = build();
    return keys[0].kid;
  },
  // Paths that are never answered, such as "/token"; "/" is all of them.
  hang: (paths) => {
    state.hang = paths;
  },
  // Path to { status, body, type }, sent in place of the true answer.
  answers: (answers) => {
    state.answers = answers;
  },
  // { claims, drop, alg, key, kid, typ } for every ID token, or null.
  id_token: (how) => {
    state.idToken = how;
  },
  // Claims put over those of the user info endpoint, or null.
  userinfo: (claims) => {
    state.userinfo = claims;
  },
  // A signed token of these claims.
  mint: ({ claims, ...how }) => signed(claims, how),
  // Makes an account, or puts `claims` in place of its old ones.
  account: ({ login, ...account }) => {
    settings.accounts[login] = { ...settings.accounts[login], ...account };
  },
  // The client's address for logout tokens.
  backchannel: (address) => {
    settings.backchannel_logout_uri = address;
    provider = build();
  },
  // Ends every session of a person and tells the clients by the back channel; the tokens that were sent.
  logout: async (login) => {
    const { sub } = settings.accounts[login];
    const before = sent.length;
    for (const [key, { payload }] of [...rows]) {
      if (!key.startsWith("Session ") || payload.accountId !== sub) continue;
      for (const [id, { sid }] of Object.entries(payload.authorizations ?? {})) {
        await (await provider.Client.find(id)).backchannelLogout(sub, sid);
      }
      rows.delete(key);
    }
    return sent.slice(before);
  },
  // Who has a session here, by sub.
  sessions: () => [...rows].filter(([key, row]) => key.startsWith("Session ") && row.payload.accountId)
    .map(([, row]) => row.payload.accountId),
};

async function control(request, response) {
  if (request.headers["x-control-token"] !== settings.control_token) return reply(response, 403, { error: "no" });
  const answers = {};
  try {
    for (const [name, value] of Object.entries(JSON.parse(await body(request)))) {
      answers[name] = (await CONTROLS[name](value)) ?? null;
    }
  } catch (error) {
    return reply(response, 500, { error: String(error) });
  }
  return reply(response, 200, answers);
}

// ---- the sign-in form

async function interaction(request, response, path) {
  const uid = path.split("/")[2];
  await provider.interactionDetails(request, response); // refuses where this browser is not in the middle of it
  if (path.endsWith("/cancel")) {
    return provider.interactionFinished(request, response, { error: "access_denied", error_description: "cancelled" });
  }
  if (request.method === "GET") return html(response, 200, form(uid, ""));
  const typed = new URLSearchParams(await body(request));
  const account = settings.accounts[typed.get("login")];
  if (!account || account.password !== typed.get("password")) {
    return html(response, 422, form(uid, "<p id='error'>The house does not know this name and password.</p>"));
  }
  const login = { accountId: account.sub, remember: true, amr: ["pwd"] };
  return provider.interactionFinished(request, response, { login }, { mergeWithLastSubmission: false });
}

function form(uid, complaint) {
  return page("Sign in to the house", `${complaint}<form method="post" action="/interaction/${uid}">
    <label>Name <input name="login" autocomplete="username" autofocus></label>
    <label>Password <input name="password" type="password"></label>
    <button id="sign-in">Sign in</button></form><p><a id="cancel" href="/interaction/${uid}/cancel">Cancel</a></p>`);
}

function page(title, inside) {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title}</title></head>
    <body><h1>${title}</h1>${inside}</body></html>`;
}

const escaped = (text) => String(text ?? "").replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

async function body(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString("utf8");
}

function reply(response, status, value) {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
}

function html(response, status, text) {
  response.writeHead(status, { "content-type": "text/html; charset=utf-8" }).end(text);
}

provider = build();
createServer(async (request, response) => {
  const path = new URL(request.url, issuer).pathname;
  try {
    if (path === "/_control") return await control(request, response);
    if (state.hang.some((start) => path.startsWith(start))) return undefined;
    const answer = state.answers[path];
    if (answer) return void response.writeHead(answer.status, { "content-type": answer.type }).end(answer.body);
    if (path.startsWith("/interaction/")) return await interaction(request, response, path);
    return await provider.callback()(request, response);
  } catch (error) {
    console.error(error);
    return response.headersSent ? response.end() : html(response, 500, page("The house stumbled", ""));
  }
}).listen(settings.port, "127.0.0.1", () => console.log("ready"));
