// The provider as real processes: two nodes agree, a killed node comes back, SIGTERM ends in good order.
import { expect } from 'chai';
import { HttpBrowser } from './http-browser.ts';
import { atService, authorization, logIn, redeem, sentBack } from './service.ts';
import { type RunningWorld, startWorld } from './world.ts';

describe('support: world', () => {
  let world: RunningWorld;

  before(async function () {
    this.timeout(120_000);
    world = await startWorld({ backend: 'servers', nodes: 2, people: ['ada'] });
  });
  after(() => world.close());

  it('signs a person in at one node and redeems the code at the other', async () => {
    const browser = new HttpBrowser();
    const request = authorization(world.issuer);
    const answer = await logIn(browser, await browser.visit(request.url, atService), 'ada');
    const other = world.nodes[1]?.origin ?? '';
    const { claims } = await redeem(other, sentBack(answer).get('code') ?? '', request.verifier);
    expect(claims.iss).to.equal(world.issuer);
    expect(claims.acr).to.equal('urn:countersign:acr:basic');
  });

  it('keeps a sign-in that is under way over the end of its node', async () => {
    const browser = new HttpBrowser();
    const request = authorization(world.issuer);
    const page = await browser.visit(request.url, atService);
    await world.nodes[0]?.kill();
    await world.nodes[0]?.start();
    const answer = await logIn(browser, page, 'ada');
    expect(sentBack(answer).get('code')).to.be.a('string');
  });

  it('ends in good order', async () => {
    expect(await world.nodes[1]?.stop()).to.equal(0);
    expect(world.nodes[1]?.output()).to.contain('stopped');
  });

  it('lists people from the command line', async () => {
    const ran = await world.cli(['user', 'list']);
    expect(ran.code).to.equal(0);
    expect(ran.stdout).to.match(/^ada\tactive\t/m);
  });
});
