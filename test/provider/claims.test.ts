// Groups and the claims that an operator makes of what is kept of a person: where they stand, for whom, and where they never do.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import { changeAttributes, changeGroups } from '../../src/usecases/change-groups.ts';
import { person, type RunningHouse, SERVICE, startHouse } from '../support/house.ts';
import { type Answer, formOf, HttpBrowser } from '../support/http-browser.ts';
import { atService, authorization, logIn, redeem, sentBack, tokenRequest } from '../support/service.ts';

const API = 'https://api.example.org/payslips';
const PLAIN = 'https://api.example.org/plain';
const ASKED = 'https://api.example.org/asked';
const ROLES = { from: 'groups', only: ['staff', 'Payroll admins'], rename: { 'Payroll admins': 'admin' } };
const WIKI = {
  ...SERVICE,
  client_id: 'wiki',
  client_name: 'Wiki',
  claims: {
    roles: ROLES,
    department: { from: 'attributes.department', description: 'The department you work in' },
    preferred_username: { from: 'attributes.nickname' },
    mail: { from: 'email' },
  },
};
const RESOURCE = { name: 'Payslips', token_format: 'jwt', scopes: { read: {} } };

describe('groups and claims of the operator’s own', function () {
  this.timeout(120_000);
  let running: RunningHouse;
  let login: string;
  let user: Parameters<typeof changeGroups>[1];
  before(async () => {
    running = await startHouse({
      files: {
        'clients/wiki.yaml': WIKI,
        'clients/other.yaml': { ...SERVICE, client_id: 'other', claims: { roles: { from: 'attributes.department' } } },
        'clients/guest.yaml': { ...WIKI, client_id: 'guest', client_name: 'Guest', first_party: false },
        'clients/leaving.yaml': { ...SERVICE, client_id: 'leaving' },
        'resources/payslips.yaml': { ...RESOURCE, identifier: API, claims: { groups: { from: 'groups' } } },
        'resources/plain.yaml': { ...RESOURCE, identifier: PLAIN },
        'resources/asked.yaml': {
          ...RESOURCE,
          identifier: ASKED,
          token_format: 'opaque',
          introspection_clients: ['payroll'],
          claims: { roles: ROLES },
        },
      },
    });
    const made = await person(running.house);
    login = made.login;
    const { world } = running.house;
    const found = await world.records.users.byId(made.id);
    if (!found) throw new Error('nobody');
    user = found;
    await changeGroups(world, user, { set: ['staff', 'Payroll admins', 'choir'] });
    await changeAttributes(world, user, { set: { department: 'Engineering' }, remove: [] });
  });
  after(() => running?.close());

  const begin = async (parameters: { [name: string]: string }) => {
    const browser = new HttpBrowser();
    const request = authorization(running.issuer, parameters);
    const page = await logIn(browser, await browser.visit(request.url, atService), login);
    return { browser, request, page };
  };
  const end = async (
    { request }: { request: { verifier: string } },
    back: Answer,
    { client_id = 'payroll', resource }: { [name: string]: string },
  ) => {
    const code = sentBack(back).get('code') ?? '';
    const { body, claims } = await redeem(running.issuer, code, request.verifier, { client_id, resource });
    return { idToken: claims, body, accessToken: String(body['access_token']) };
  };
  const learn = async (parameters: { [name: string]: string }) => {
    const begun = await begin(parameters);
    return end(begun, begun.page, parameters);
  };
  const me = async (token: string) => {
    const answer = await fetch(`${running.issuer}/me`, { headers: { authorization: `Bearer ${token}` } });
    return (await answer.json()) as { [claim: string]: unknown };
  };

  it('stand in userinfo under the scope groups, and not without it', async () => {
    const { accessToken, idToken } = await learn({ scope: 'openid groups' });
    expect((await me(accessToken))['groups']).to.deep.equal(['Payroll admins', 'choir', 'staff']);
    expect(idToken).to.not.have.property('groups');
    const without = await learn({ scope: 'openid profile email' });
    expect(await me(without.accessToken)).to.not.have.any.keys('groups', 'roles', 'department');
  });

  it('stand in the ID token where the claims parameter asks for them', async () => {
    const claims = JSON.stringify({ id_token: { groups: null, roles: null } });
    const { idToken } = await learn({ claims });
    expect(idToken['groups']).to.deep.equal(['Payroll admins', 'choir', 'staff']);
    expect(idToken, 'another client’s claim').to.not.have.property('roles');
    expect((await learn({ client_id: 'wiki', claims })).idToken['roles']).to.deep.equal(['admin', 'staff']);
  });

  it('are named and chosen for each client, under the scope that fits', async () => {
    const one = await me((await learn({ client_id: 'wiki', scope: 'openid groups' })).accessToken);
    expect(one).to.deep.include({ roles: ['admin', 'staff'], groups: ['Payroll admins', 'choir', 'staff'] });
    expect(one).to.not.have.any.keys('department', 'mail');
    const two = await me((await learn({ client_id: 'wiki', scope: 'openid profile' })).accessToken);
    expect(two).to.include({ department: 'Engineering', sub: user.id });
    expect(two, 'roles of another client stand under profile').to.not.have.any.keys('roles', 'mail');
    expect(two, 'nothing is kept, so nothing is said in its place').to.not.have.property('preferred_username');
    const three = await me((await learn({ client_id: 'other', scope: 'openid profile groups' })).accessToken);
    expect(three).to.include({ roles: 'Engineering' });
  });

  it('stand in access tokens where the resource asks for them, as they are at each renewal', async () => {
    const { world } = running.house;
    const parameters = { resource: API, scope: 'openid read offline_access', prompt: 'consent' };
    const begun = await begin(parameters);
    const form = formOf(begun.page, '/consent');
    const back = await begun.browser.post(form.url, { ...form.fields, answer: 'allow' }, atService);
    const { body, accessToken } = await end(begun, back, parameters);
    const first = decodeJwt(accessToken);
    expect(first['groups']).to.deep.equal(['Payroll admins', 'choir', 'staff']);
    expect(first).to.include({ sub: user.id, iss: running.issuer, aud: API });
    await changeGroups(world, user, { remove: ['choir'] });
    const renewed = await tokenRequest(running.issuer, {
      grant_type: 'refresh_token',
      client_id: 'payroll',
      resource: API,
      refresh_token: String(body['refresh_token']),
    });
    expect(decodeJwt(String(renewed.body['access_token']))['groups']).to.deep.equal(['Payroll admins', 'staff']);
    await changeGroups(world, user, { add: ['choir'] });
    const plain = await learn({ resource: PLAIN, scope: 'openid read groups' });
    expect(decodeJwt(plain.accessToken)).to.not.have.property('groups');
  });

  it('stand in introspection of opaque tokens', async () => {
    const { accessToken } = await learn({ resource: ASKED, scope: 'openid read' });
    const answer = await fetch(`${running.issuer}/token/introspection`, {
      method: 'POST',
      body: new URLSearchParams({ client_id: 'payroll', token: accessToken }),
    });
    const told = (await answer.json()) as { [claim: string]: unknown };
    expect(told).to.deep.include({ active: true, roles: ['admin', 'staff'], sub: user.id });
  });

  it('are told of no token whose service is gone', async () => {
    const { accessToken } = await learn({ client_id: 'leaving', resource: ASKED, scope: 'openid read' });
    const ask = async () => {
      const body = new URLSearchParams({ client_id: 'payroll', token: accessToken });
      const answer = await fetch(`${running.issuer}/token/introspection`, { method: 'POST', body });
      return [answer.status, ((await answer.json()) as { active?: boolean }).active];
    };
    expect(await ask()).to.deep.equal([200, true]);
    rmSync(join(running.folder, 'clients/leaving.yaml'));
    expect((await running.reload({})).clients.removed).to.deep.equal(['leaving']);
    expect(await ask()).to.deep.equal([200, false]);
  });

  it('are said on the consent page before anybody gets them', async () => {
    const asked = { client_id: 'guest', scope: 'openid profile groups read', resource: API };
    const begun = await begin(asked);
    const { text } = begun.page;
    for (const line of ['The groups you belong to', 'The department you work in', 'preferred_username'])
      expect(text).to.contain(line);
    expect(text.match(/The groups you belong to/g), 'once for the service, once for the resource').to.have.length(2);
    const { url, fields } = formOf(begun.page, '/consent');
    const refused = await begun.browser.post(url, { ...fields, answer: 'refuse' }, atService);
    expect(sentBack(refused).get('error')).to.equal('access_denied');
    const again = await begin({ client_id: 'guest', scope: 'openid groups' });
    const form = formOf(again.page, '/consent');
    const back = await again.browser.post(form.url, { ...form.fields, answer: 'allow' }, atService);
    const { accessToken } = await end(again, back, { client_id: 'guest' });
    expect(await me(accessToken)).to.deep.include({ roles: ['admin', 'staff'] });
  });

  it('are told in discovery, and come and go with a reload', async () => {
    const discovery = async () => {
      const answer = await fetch(`${running.issuer}/.well-known/openid-configuration`);
      return (await answer.json()) as { claims_supported: string[]; scopes_supported: string[] };
    };
    const { claims_supported: before, scopes_supported } = await discovery();
    expect(scopes_supported).to.include('groups');
    expect(before).to.include.members(['sub', 'acr', 'name', 'groups', 'roles', 'department', 'mail']);
    const wiki = { ...WIKI, claims: { teams: { from: 'groups' } } };
    const files = { 'clients/guest.yaml': { ...wiki, client_id: 'guest' }, 'clients/wiki.yaml': wiki };
    await running.reload(files);
    const { claims_supported: after } = await discovery();
    expect(after).to.include.members(['sub', 'acr', 'name', 'groups', 'roles', 'teams']);
    expect(after).to.not.include.members(['department']);
    const learnt = await me((await learn({ client_id: 'wiki', scope: 'openid groups profile' })).accessToken);
    expect(learnt).to.deep.include({ teams: ['Payroll admins', 'choir', 'staff'], preferred_username: login });
    expect(learnt).to.not.have.any.keys('roles', 'department');
  });
});
