// A real OpenID Connect provider for the tests. argv: one JSON object with port, client, secret, redirect, logout.
// Whoever types a name at it is that person; `people` gives their claims. Every start has a new signing key.
import { generateKeyPairSync, randomUUID } from "node:crypto";

import { Provider } from "oidc-provider";

const settings = JSON.parse(process.argv[2]);
const issuer = `http://127.0.0.1:${settings.port}`;

function key() {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { ...privateKey.export({ format: "jwk" }), kid: randomUUID(), use: "sig", alg: "RS256" };
}

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: settings.client,
      client_secret: settings.secret,
      redirect_uris: [settings.redirect],
      backchannel_logout_uri: settings.logout,
      backchannel_logout_session_required: true,
    },
  ],
  jwks: { keys: [key()] },
  cookies: { keys: [randomUUID()] },
  claims: { openid: ["sub", "groups"], email: ["email", "email_verified"], profile: ["name"] },
  conformIdTokenClaims: settings.claims_in_userinfo ?? false,
  features: {
    backchannelLogout: { enabled: true },
    devInteractions: { enabled: false },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: (ctx, form) => {
        ctx.body = `<!doctype html><title>Leave</title>${form}<button form="op.logoutForm" name="logout" value="yes">Leave</button>`;
      },
      postLogoutSuccessSource: (ctx) => {
        ctx.body = "<!doctype html><title>Left</title><p>You have left.</p>";
      },
    },
  },
  fetch: (url, options) => globalThis.fetch(url, { ...options, dispatcher: undefined }), // its own refuses loopback
  interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  ttl: { Session: 3600, Grant: 3600, Interaction: 600, IdToken: 3600, AccessToken: 600 },
  findAccount: (_ctx, name) => ({
    accountId: name,
    claims: () => ({
      sub: name,
      name: `${name} of the provider`,
      email: `${name}@example.org`,
      email_verified: true,
      groups: [],
      ...settings.people?.[name],
    }),
  }),
  loadExistingGrant: async (ctx) => {
    const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
    grant.addOIDCScope("openid profile email");
    await grant.save();
    return grant;
  },
});

async function body(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return new URLSearchParams(Buffer.concat(chunks).toString());
}

provider.use(async (ctx, next) => {
  if (!ctx.path.startsWith("/interaction/")) return next();
  if (ctx.method === "POST") {
    const name = (await body(ctx.req)).get("name");
    const result = name ? { login: { accountId: name } } : { error: "access_denied", error_description: "no name given" };
    await provider.interactionFinished(ctx.req, ctx.res, result);
    ctx.respond = false;
    return undefined;
  }
  await provider.interactionDetails(ctx.req, ctx.res);
  ctx.type = "html";
  ctx.body = `<!doctype html><title>Provider</title><form method="post"><label>Name <input name="name" autofocus></label><button>Enter</button></form>`;
  return undefined;
});

for (const event of ["server_error", "backchannel.error"]) provider.on(event, (_ctx, error) => console.error(error));
provider.listen(settings.port, "127.0.0.1", () => console.log("ready"));
