// A real OpenID provider for the tests: any login is accepted, and its name has the claims: sub|email|verified|group,group
import { Provider } from 'oidc-provider';

const read = (id) => {
  const [sub, email, verified, groups] = id.split('|');
  return { sub: id, email, email_verified: verified === 'yes', name: `Person ${sub}`, groups: (groups || '').split(',') };
};
const port = Number(process.argv[2]);
const provider = new Provider(`http://127.0.0.1:${port}`, {
  claims: { openid: ['sub', 'auth_time'], email: ['email', 'email_verified'], profile: ['name'], groups: ['groups'] },
  scopes: ['openid', 'email', 'profile', 'groups', 'offline_access'],
  pkce: { required: () => true, methods: ['S256'] },
  features: { devInteractions: { enabled: true }, registration: { enabled: true } },
  findAccount: (_, id) => ({ accountId: id, claims: async () => read(id) }),
  cookies: { keys: ['only for tests'] },
});
provider.listen(port, '127.0.0.1', () => console.log('ready'));
