// Who is at the other end: no header is believed but that of a proxy which the operator named.
import { expect } from 'chai';
import { addressKey, plainAddress } from '../../src/domain/address.ts';
import { canonicalAddress, clientOf, ranges } from '../../src/web/address.ts';
import { addressOf } from '../../src/web/request.ts';
import { serving } from './serving.ts';

const trusted = ranges(['10.0.0.0/8', 'fd00::/8', '192.0.2.7']);

describe('the client’s address', () => {
  const table: readonly [string, string, string | undefined, string][] = [
    ['a client without a proxy', '198.51.100.1', undefined, '198.51.100.1'],
    ['a client that lies', '198.51.100.1', '127.0.0.1', '198.51.100.1'],
    ['one proxy', '10.0.0.1', '198.51.100.1', '198.51.100.1'],
    ['a lie before one proxy', '10.0.0.1', '127.0.0.1, 198.51.100.1', '198.51.100.1'],
    ['two proxies', '10.0.0.1', '198.51.100.1, 10.9.9.9', '198.51.100.1'],
    ['two proxies, the outer one unknown', '10.0.0.1', '198.51.100.1, 203.0.113.5', '203.0.113.5'],
    ['only proxies', '10.0.0.1', '10.0.0.2', '10.0.0.2'],
    ['a proxy that says nothing', '10.0.0.1', undefined, '10.0.0.1'],
    ['a proxy that says nonsense', '10.0.0.1', '198.51.100.1, <script>', '10.0.0.1'],
    ['a single trusted address', '192.0.2.7', '198.51.100.1', '198.51.100.1'],
    ['its neighbour', '192.0.2.8', '198.51.100.1', '192.0.2.8'],
    ['a v4-mapped proxy', '::ffff:10.0.0.1', '198.51.100.1', '198.51.100.1'],
    ['a v4-mapped client', '10.0.0.1', '::ffff:198.51.100.1', '198.51.100.1'],
    ['a v4-mapped client in hexadecimal', '10.0.0.1', '::ffff:c633:6401', '198.51.100.1'],
    ['an IPv6 proxy', 'fd00::1', '2001:db8::5', '2001:db8::5'],
    ['a hop with a port', '10.0.0.1', '198.51.100.1:4711', '198.51.100.1'],
    ['an IPv6 hop with a port', '10.0.0.1', '[2001:db8::5]:4711', '2001:db8::5'],
    ['no address at all', '', undefined, '0.0.0.0'],
  ];
  for (const [what, peer, forwarded, client] of table)
    it(`is right for ${what}`, () => {
      expect(clientOf(peer, forwarded, trusted)).to.equal(client);
    });

  it('is learned from the request', async () => {
    const show = async (trustedProxies: string[]) => {
      const server = await serving(
        [
          async (ctx) => {
            ctx.body = addressOf(ctx);
          },
        ],
        { trustedProxies },
      );
      try {
        return await (await fetch(server.url, { headers: { 'x-forwarded-for': '2001:db8:1:2:3:4:5:6' } })).json();
      } finally {
        await server.close();
      }
    };
    expect(await show([])).to.deep.equal({ address: '127.0.0.1', addressKey: '127.0.0.1' });
    expect(await show(['127.0.0.0/8'])).to.deep.equal({
      address: '2001:db8:1:2:3:4:5:6',
      addressKey: '2001:db8:1:2::/64',
    });
  });

  it('has one spelling', () => {
    expect(canonicalAddress(' 198.51.100.1 ')).to.equal('198.51.100.1');
    expect(canonicalAddress('fe80::1%eth0')).to.equal('fe80::1');
    for (const text of ['', 'x', '1.2.3', '256.1.1.1', '[::1', '1.2.3.4:x'])
      expect(canonicalAddress(text)).to.equal(undefined);
  });

  it('is counted whole for IPv4 and by its /64 for IPv6', () => {
    expect(addressKey('198.51.100.1')).to.equal('198.51.100.1');
    expect(addressKey('::ffff:198.51.100.1')).to.equal('198.51.100.1');
    expect(addressKey('2001:db8:1:2::9')).to.equal(addressKey('2001:db8:1:2:ffff::'));
    expect(addressKey('2001:db8:1:3::9')).to.not.equal(addressKey('2001:db8:1:2::9'));
    expect(addressKey(undefined)).to.equal('unknown');
    expect(plainAddress('::1')).to.equal('::1');
  });

  it('refuses a range that is none', () => {
    for (const range of ['x', '10.0.0/8', '']) expect(() => ranges([range]), range).to.throw(RangeError);
    expect(ranges(['10.0.0.0/8'])('x')).to.equal(false);
  });
});
