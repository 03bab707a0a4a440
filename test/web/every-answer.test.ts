// The whole house: whichever part answers, the page's headers stand on it, and nothing tells what the server is made of.
import { expect } from 'chai';
import { type RunningHouse, startHouse } from '../support/house.ts';

const NAVIGATE = { accept: 'text/html', 'sec-fetch-mode': 'navigate' };

describe('every answer', () => {
  let running: RunningHouse;
  before(async () => {
    running = await startHouse();
  });
  after(() => running.close());

  const paths = [
    '/',
    '/auth',
    '/auth?client_id=nobody&response_type=code',
    '/session/end',
    '/interaction/nothing',
    '/recover',
    '/invitation',
    '/account',
    '/favicon.svg',
    '/brand/logo',
    '/jwks',
    '/.well-known/openid-configuration',
    '/device/v1/nothing',
    '/assets/nothing.js',
    '/%ff',
    '/%00',
  ];
  for (const path of paths)
    it(`has its headers at ${path}`, async () => {
      const answer = await fetch(running.issuer + path, { redirect: 'manual', headers: NAVIGATE });
      const text = await answer.text();
      expect(answer.status).to.be.lessThan(500);
      expect(answer.headers.get('content-security-policy')).to.match(/^default-src 'none'/);
      expect(answer.headers.get('content-security-policy')).to.not.match(/script-src[^;]*'unsafe-inline'/);
      expect(answer.headers.get('x-content-type-options')).to.equal('nosniff');
      expect(answer.headers.get('referrer-policy')).to.equal('no-referrer');
      expect(answer.headers.get('cache-control')).to.be.a('string');
      expect(answer.headers.get('x-powered-by')).to.equal(null);
      expect(text).to.not.match(/node_modules|\.ts:\d+|Error: /);
    });

  it('refuses a form that another site sends, before anything is read', async () => {
    const answer = await fetch(`${running.issuer}/recover`, {
      method: 'POST',
      headers: { ...NAVIGATE, 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'cross-site' },
      body: 'login=x',
    });
    expect(answer.status).to.equal(403);
    expect(await answer.text()).to.include('We stopped this request');
  });

  it('goes back from the language picker to a page of ours only', async () => {
    const pick = async (back: string) => {
      const answer = await fetch(`${running.issuer}/language`, {
        method: 'POST',
        redirect: 'manual',
        headers: { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' },
        body: new URLSearchParams({ language: 'de', return: back }).toString(),
      });
      expect(answer.status).to.equal(303);
      return answer.headers.get('location');
    };
    expect(await pick('/recover?from=%2Finteraction%2Fx')).to.equal('/recover?from=%2Finteraction%2Fx');
    for (const back of ['https://evil.example/', '//evil.example', '/\\evil.example', '/\t/evil.example', 'x', ''])
      expect(await pick(back), back).to.equal('/');
  });
});
