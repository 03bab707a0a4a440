// What a session may build on: whose proofs they are, how long they rested, and what prompt=login leaves of them.
import { expect } from 'chai';
import type { KoaContextWithOIDC } from 'oidc-provider';
import type { Level, Proofs } from '../../src/domain/assurance.ts';
import type { User } from '../../src/domain/user.ts';
import type { Registry } from '../../src/provider/registry.ts';
import { absorbProofs, claimWhatIsTrue, countingProofs } from '../../src/provider/session-proofs.ts';

const NOW = 1_800_000_000;
const basic: Level = { name: 'basic', acr: ['basic'], anyOf: [['password']], fresh: {} };
const mfa: Level = { name: 'mfa', acr: ['mfa'], anyOf: [['password', 'phone']], fresh: {} };
const registry = { settings: { levels: [basic, mfa], lifetimes: { secondFactorIdle: 3600 } } } as unknown as Registry;
const maria = { id: 'maria', sessionsValidAfter: 0 } as User;
const password = { at: NOW - 600, amr: ['pwd'] };
const phone = { at: NOW - 500, amr: ['swk', 'mfa'] };

interface Session {
  accountId?: string;
  proofs?: Proofs;
  proofsOf?: string;
  begun?: number;
  seen?: number;
  acr?: string;
  amr?: string[];
  loginTs?: number;
}

/** A request as the first prompt sees it: the two members that it reads and writes. */
function asking(session: Session, result?: object) {
  return { oidc: { session, result } } as unknown as KoaContextWithOIDC;
}

const full = (): Session => ({
  accountId: 'maria',
  proofs: { password, phone },
  proofsOf: 'maria',
  begun: (NOW - 600) * 1000,
  seen: NOW - 400,
});

describe('what a session has proven', () => {
  it('stands as long as the session is used', () => {
    const session = full();
    absorbProofs(asking(session), registry, maria, NOW * 1000);
    expect(session.proofs).to.deep.equal({ password, phone });
    expect(session.seen).to.equal(NOW);
  });

  it('loses the second factor after an hour without use, and keeps the password', () => {
    const session = { ...full(), seen: NOW - 3601 };
    absorbProofs(asking(session), registry, maria, NOW * 1000);
    expect(session.proofs).to.deep.equal({ password });
  });

  it('keeps a second factor that was proven just now, after however long a rest', () => {
    const session = { ...full(), seen: NOW - 3601 };
    const fresh = { at: NOW, amr: ['swk', 'mfa'] };
    absorbProofs(
      asking(session, { login: { accountId: 'maria' }, proofs: { phone: fresh } }),
      registry,
      maria,
      NOW * 1000,
    );
    expect(session.proofs).to.deep.equal({ password, phone: fresh });
  });

  it('is nothing where the session is another person’s, or from before all sessions were ended', () => {
    for (const [session, user] of [
      [
        { ...full(), accountId: 'peter' },
        { ...maria, id: 'peter' },
      ],
      [full(), { ...maria, sessionsValidAfter: (NOW - 300) * 1000 }],
      [full(), undefined],
    ] as [Session, User | undefined][]) {
      absorbProofs(asking(session), registry, user, NOW * 1000);
      expect(session.proofs).to.equal(undefined);
    }
  });

  it('counts a sign-in of the very second in which all sessions were ended', () => {
    const session = { ...full(), begun: NOW * 1000 + 800 };
    absorbProofs(asking(session), registry, { ...maria, sessionsValidAfter: NOW * 1000 + 500 }, NOW * 1000 + 900);
    expect(session.proofs).to.deep.equal({ password, phone });
    const older = { ...full(), begun: NOW * 1000 + 400 };
    absorbProofs(asking(older), registry, { ...maria, sessionsValidAfter: NOW * 1000 + 500 }, NOW * 1000 + 900);
    expect(older.proofs).to.equal(undefined);
  });

  it('takes no proofs of a sign-in that was under way when all sessions were ended', () => {
    const later = { ...maria, sessionsValidAfter: (NOW - 550) * 1000 + 300 };
    const result = { login: { accountId: 'maria' }, proofs: { password } };
    const session: Session = { accountId: 'maria' };
    absorbProofs(asking(session, result), registry, later, NOW * 1000);
    expect([session.proofs, session.begun]).to.deep.equal([undefined, undefined]);
    const mixed: Session = { accountId: 'maria' };
    const ctx = asking(mixed, { ...result, proofs: { password, phone } });
    absorbProofs(ctx, registry, later, NOW * 1000);
    expect(mixed.proofs).to.deep.equal({ phone });
  });

  it('takes no proofs of a result that is another person’s', () => {
    const session: Session = { accountId: 'maria' };
    absorbProofs(asking(session, { login: { accountId: 'peter' }, proofs: { password } }), registry, maria, NOW * 1000);
    expect(session.proofs).to.equal(undefined);
  });

  it('counts only what was proven in this very sign-in where the service asks for a new one', () => {
    const ctx = asking(full(), { login: { accountId: 'maria' }, proofs: { password } });
    const need = { required: basic, wish: { essential: [], voluntary: [], minimum: [] }, minimum: [] };
    expect(countingProofs(ctx, { ...need, anew: true })).to.deep.equal({ password });
    expect(countingProofs(ctx, { ...need, anew: false })).to.deep.equal({ password, phone });
  });

  it('claims the highest level that is fresh, and no more', () => {
    const need = { required: basic, wish: { essential: [], voluntary: [], minimum: [] }, minimum: [], anew: false };
    const session = full();
    claimWhatIsTrue(asking(session), registry, need, NOW);
    expect(session).to.include({ acr: 'mfa', loginTs: NOW - 600 });
    claimWhatIsTrue(asking({ ...session, proofs: { password } }), registry, need, NOW);
    const less = { ...full(), proofs: { password } };
    claimWhatIsTrue(asking(less), registry, need, NOW);
    expect(less).to.include({ acr: 'basic' });
    expect(less.amr).to.deep.equal(['pwd']);
  });
});
