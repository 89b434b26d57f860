// A provider of OpenID Connect for tests: node oidc_provider.mjs PORT. It runs in a folder where oidc-provider is installed.
// GET /rotate gives it a new key, in front of those that it has; GET /fetches says how often its keys were asked for.
import { createServer } from 'node:http';
import { generateKeyPairSync } from 'node:crypto';
import Provider from 'oidc-provider';

const port = Number(process.argv[2]);
const issuer = `http://127.0.0.1:${port}`;
const keys = [];
let fetches = 0;
let handle;

function server(audience, accessTokenFormat) {
  return { audience, accessTokenFormat, scope: 'loans loans:write', accessTokenTTL: 600, jwt: { sign: { alg: 'ES256' } } };
}

function rotate() {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  keys.unshift({ ...privateKey.export({ format: 'jwk' }), kid: `key-${keys.length + 1}`, use: 'sig', alg: 'ES256' });
  const provider = new Provider(issuer, {
    clients: [{ client_id: 'app', client_secret: 'app-secret', id_token_signed_response_alg: 'ES256', grant_types: ['client_credentials'], redirect_uris: [], response_types: [] }],
    jwks: { keys: [...keys] },
    scopes: ['loans', 'loans:write'],
    features: {
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (ctx, resource) =>
          resource === 'urn:opaque' ? server('opaque', 'opaque') : server(resource === 'urn:library' ? 'library' : 'other', 'jwt'),
      },
    },
  });
  handle = provider.callback();
}

rotate();
createServer((request, response) => {
  if (request.url === '/rotate') {
    rotate();
    response.end('rotated\n');
  } else if (request.url === '/fetches') {
    response.end(`${fetches}\n`);
  } else {
    fetches += request.url === '/jwks';
    handle(request, response);
  }
}).listen(port, '127.0.0.1', () => console.log('ready'));
