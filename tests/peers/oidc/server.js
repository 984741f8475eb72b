// A certified OpenID provider (npm oidc-provider) for tests to sign in at. It forgets all when it stops.
//
// POST /realms          makes a provider of its own, with keys of its own: {"issuer": …}. The body may hold
//                       {"claims_in_id_token": true} (as Google does; else they are at the userinfo endpoint) and
//                       {"says_who_answers": false} (no `iss` beside the code).
// POST ISSUER/reg       registers a client (RFC 7591), as an admin would on the provider's own pages.
// POST ISSUER/rotate    gives the realm new keys, and takes the old ones away.
// ISSUER/interaction/…  the page on which a person signs in: it posts `as` (one of PEOPLE), or `deny`.

import { createPrivateKey, generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { renameSync, writeFileSync } from 'node:fs';
import { Provider } from 'oidc-provider';
import { createMemoryAdapter } from 'oidc-provider/lib/adapters/memory_adapter.js';

const PEOPLE = {
  alice: { name: 'Alice Archer', email: 'alice@example.com', email_verified: true, hd: 'example.com' },
  bob: { name: 'Bob Baker', email: 'bob@example.com', email_verified: false },
  carol: { name: 'Carol Clark', email: 'carol@elsewhere.example', email_verified: true, hd: 'elsewhere.example' },
  dave: { name: 'Dave Dale' },
};
const realms = new Map();
let address;

function freshKeys() {
  // By way of PEM: in Node 20 the export of a key may wait for ever for the job that made it, should that be collected
  // meanwhile.
  const privateKeyEncoding = { type: 'pkcs8', format: 'pem' };
  const publicKeyEncoding = { type: 'spki', format: 'pem' };
  const key = (alg, type, options) => {
    const { privateKey } = generateKeyPairSync(type, { ...options, privateKeyEncoding, publicKeyEncoding });
    const jwk = createPrivateKey(privateKey).export({ format: 'jwk' });
    return { ...jwk, alg, use: 'sig', kid: randomUUID() };
  };
  return {
    keys: [
      key('RS256', 'rsa', { modulusLength: 2048 }),
      key('PS256', 'rsa', { modulusLength: 2048 }),
      key('ES256', 'ec', { namedCurve: 'P-256' }),
      key('EdDSA', 'ed25519'),
    ],
  };
}

// Two providers of one realm share what is stored, so it outlives its keys.
function provider({ issuer, wishes, store }) {
  const made = new Provider(issuer, {
    adapter: store,
    jwks: freshKeys(),
    cookies: { keys: ['peer'] },
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
    claims: { openid: ['sub', 'hd'], email: ['email', 'email_verified'], profile: ['name'] },
    conformIdTokenClaims: !wishes.claims_in_id_token,
    features: {
      devInteractions: { enabled: false },
      registration: { enabled: true },
      encryption: { enabled: true },
    },
    interactions: { url: (ctx, interaction) => `${new URL(issuer).pathname}/interaction/${interaction.uid}` },
    findAccount: (ctx, sub) => PEOPLE[sub] && { accountId: sub, claims: () => ({ sub, ...PEOPLE[sub] }) },
    // Whoever signs in has consented.
    async loadExistingGrant(ctx) {
      const grant = new ctx.oidc.provider.Grant({
        clientId: ctx.oidc.client.clientId,
        accountId: ctx.oidc.session.accountId,
      });
      grant.addOIDCScope('openid email profile');
      await grant.save();
      return grant;
    },
  });
  made.on('server_error', (ctx, error) => console.error(error));
  return made;
}

async function body(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString();
}

function answer(response, status, type, text) {
  response.writeHead(status, { 'content-type': type });
  response.end(text);
}

async function makeRealm(request, response) {
  const wishes = JSON.parse((await body(request)) || '{}');
  const path = `/realm-${realms.size + 1}`;
  const realm = { path, issuer: `${address}${path}`, wishes, store: createMemoryAdapter() };
  realm.provider = provider(realm);
  realms.set(path, realm);
  answer(response, 201, 'application/json', JSON.stringify({ issuer: realm.issuer }));
}

async function interact(realm, request, response) {
  if (request.method !== 'POST') {
    const people = Object.keys(PEOPLE).map((name) => `<button name="as" value="${name}">${name}</button>`);
    const page = `<form method="post">${people.join('')}<button name="deny" value="yes">no</button></form>`;
    return answer(response, 200, 'text/html', page);
  }
  const form = new URLSearchParams(await body(request));
  const result = form.has('deny')
    ? { error: 'access_denied', error_description: 'the person said no' }
    : { login: { accountId: form.get('as') } };
  return realm.provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}

// The discovery document of a provider that does not know RFC 9207.
function hushed(response) {
  const end = response.end.bind(response);
  response.end = (chunk, ...rest) => {
    const told = JSON.parse(chunk);
    delete told.authorization_response_iss_parameter_supported;
    const text = JSON.stringify(told);
    response.setHeader('content-length', Buffer.byteLength(text));
    return end(text, ...rest);
  };
}

async function serve(request, response) {
  if (request.url === '/realms') return makeRealm(request, response);
  const realm = realms.get(`/${request.url.split('/')[1]}`);
  if (!realm) return answer(response, 404, 'text/plain', 'no such realm');
  request.originalUrl = request.url;
  request.url = request.url.slice(realm.path.length) || '/';
  if (request.url === '/rotate') {
    realm.provider = provider(realm);
    return answer(response, 200, 'text/plain', 'rotated');
  }
  if (request.url.startsWith('/interaction/')) return interact(realm, request, response);
  if (request.url.startsWith('/.well-known/') && realm.wishes.says_who_answers === false) hushed(response);
  return realm.provider.callback()(request, response);
}

const server = createServer((request, response) => {
  serve(request, response).catch((error) => {
    console.error(error);
    answer(response, 500, 'text/plain', 'the peer failed');
  });
});
server.listen(0, '127.0.0.1', () => {
  address = `http://127.0.0.1:${server.address().port}`;
  const room = process.argv[2];
  writeFileSync(`${room}/address.new`, address);
  renameSync(`${room}/address.new`, `${room}/address`);
});
