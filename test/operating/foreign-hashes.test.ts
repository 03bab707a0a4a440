// Hashes of other systems: each form is verified against another implementation, and what is none or costs too much is refused.
import { expect } from 'chai';
import { foreignHash } from '../../src/platform/foreign-hashes.ts';
import { createPasswords } from '../../src/platform/passwords.ts';
import { foreignHashes } from './made-elsewhere.ts';

const PASSWORD = 'grüne Wiese 7';

describe('hashes of other systems', () => {
  it('are verified in every form', async () => {
    for (const [kind, text] of Object.entries(await foreignHashes(PASSWORD))) {
      const check = foreignHash(text);
      expect(check, `${kind} ${text}`).to.be.a('function');
      expect(await check?.(PASSWORD), kind).to.equal(true);
      expect(await check?.(`${PASSWORD} `), kind).to.equal(false);
      expect(await check?.(''), kind).to.equal(false);
    }
    // A published vector of crypt_blowfish.
    const vector = foreignHash('$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW');
    expect(await vector?.('U*U')).to.equal(true);
  });

  it('are those of bcrypt as others read them: three prefixes, 72 bytes at most, and NUL like any other', async () => {
    const { default: other } = await import('bcryptjs');
    const check = (text: string, password: string) => foreignHash(text)?.(password);
    // Published vectors of crypt_blowfish.
    for (const prefix of ['$2a$', '$2b$', '$2y$']) {
      const vector = `${prefix}05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK`;
      expect([await check(vector, 'U*U*'), await check(vector, 'U*U')], prefix).to.deep.equal([true, false]);
    }
    const long = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
    const vector = '$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui';
    expect(await check(vector, `${long}chars after 72 are ignored`)).to.equal(true);
    expect(await check(vector, long.slice(1))).to.equal(false);
    for (const password of ['é'.repeat(40), 'ab\0cd', '', 'a€😀', '\xff\xa3345']) {
      const made = await other.hash(password, 4);
      expect(await check(made, password), password).to.equal(true);
      for (const wrong of [`x${password}`, 'ab', 'ab\0ce'])
        expect(await check(made, wrong), wrong).to.equal(await other.compare(wrong, made));
    }
  });

  it('hold nobody else up while they are checked', async () => {
    const check = foreignHash('$2b$12$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW');
    // The library is loaded with the first one.
    await foreignHash('$2b$04$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW')?.('');
    let held = 0;
    let over = false;
    let last = performance.now();
    const begun = last;
    const turn = () => {
      const now = performance.now();
      // In JavaScript it lets others in every 100 ms.
      if (now - last > 50) held += now - last;
      last = now;
      if (!over) setImmediate(turn);
    };
    setImmediate(turn);
    expect(await check?.('U*U')).to.equal(false);
    over = true;
    expect(held).to.be.below((performance.now() - begun) / 2);
  });

  it('are refused where they are none, or would cost too much', () => {
    for (const text of [
      '',
      'secret',
      '5f4dcc3b5aa765d61d8327deb882cf99',
      '$1$salt$hashhashhashhash',
      '$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW',
      '$2b$10$short',
      '$argon2id$v=19$m=4194304,t=3,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo',
      '$argon2id$v=19$m=1024,t=99,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo',
      '$scrypt$ln=30,r=8,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo',
      '$pbkdf2-sha256$999999999$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo',
      '$pbkdf2-md5$1000$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo',
      `$pbkdf2-sha256$1000$${'A'.repeat(2000)}$aGFzaGhhc2hoYXNo`,
    ])
      expect(foreignHash(text), text.slice(0, 60)).to.equal(undefined);
  });

  it('are always stale, and never right for another pepper that is called nothing', async () => {
    const secret = { reveal: () => Buffer.alloc(32, 7).toString('base64url') };
    const cost = { memoryKib: 1024, passes: 1, concurrency: 2, queue: 10 };
    const passwords = createPasswords(() => cost, { peppers: () => [{ id: 'now', secret }] });
    const { argon2id = '' } = await foreignHashes(PASSWORD);
    expect(await passwords.verify(`:${argon2id}`, PASSWORD)).to.equal('stale');
    expect(await passwords.verify(`:${argon2id}`, 'another')).to.equal('wrong');
    expect(await passwords.verify(argon2id, PASSWORD)).to.equal('wrong');
    expect(await passwords.verify(':nonsense', PASSWORD)).to.equal('wrong');
  });

  it('cost those whom nobody knows the same work', async () => {
    const secret = { reveal: () => Buffer.alloc(32, 7).toString('base64url') };
    const cost = { memoryKib: 1024, passes: 1, concurrency: 2, queue: 10 };
    const passwords = createPasswords(() => cost, { peppers: () => [{ id: 'now', secret }] });
    // Some 300 ms, where ours cost 1 ms here.
    const slow = ':$2b$11$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW';
    const timed = async (work: () => Promise<string>) => {
      const begun = performance.now();
      expect(await work()).to.equal('wrong');
      return performance.now() - begun;
    };
    await timed(() => passwords.pretend('U*U'));
    const [ours, theirs] = [await timed(() => passwords.pretend('x')), await timed(() => passwords.pretend('x', slow))];
    expect(theirs / ours).to.be.above(4);
    // Even where the password is right: it is somebody else's.
    expect(await passwords.pretend('U*U', ':$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW')).to.equal(
      'wrong',
    );
  });
});
