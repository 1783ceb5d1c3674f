// A provider that people log in at, told what it needs by OIDC_PORT and OIDC_REDIRECT. Whoever gives a name is let in; the groups
// are those after a plus in it: ann+dev is in dev.
import Provider from 'oidc-provider';

const port = Number(process.env.OIDC_PORT);
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id: 'gantry', client_secret: 'e2e-secret', redirect_uris: [process.env.OIDC_REDIRECT] }],
  claims: { openid: ['sub'], profile: ['preferred_username', 'groups'] },
  conformIdTokenClaims: false,
  cookies: { keys: ['e2e'] },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, preferred_username: id.split('+')[0], groups: id.split('+').slice(1) }),
  }),
});
provider.listen(port, '127.0.0.1', () => console.log('ready'));
