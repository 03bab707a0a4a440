// Chromium's virtual authenticator, where a phone has its own (WebAuthn section 11).
import type { CDPSession, Page } from 'playwright-core';

/** The phone's own authenticator. */
export interface VirtualAuthenticator {
  /** Whether it knows the person who shows face or finger. */
  knows(person: boolean): Promise<void>;
  /** Whether anybody shows anything. */
  shown(by: boolean): Promise<void>;
  /** The credentials in it. */
  credentials(): Promise<{ credentialId: string; privateKey: string; rpId?: string }[]>;
  /** Loses them all. */
  clear(): Promise<void>;
  /** Puts another key behind a credential. */
  forge(credentialId: string, privateKey: string, rpId: string): Promise<void>;
}

/** Gives a page's phone an authenticator that knows its person. */
export async function virtualAuthenticator(page: Page): Promise<VirtualAuthenticator> {
  const session: CDPSession = await page.context().newCDPSession(page);
  await session.send('WebAuthn.enable');
  const { authenticatorId } = await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return {
    knows: async (isUserVerified) => {
      await session.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified });
    },
    shown: async (enabled) => {
      await session.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled });
    },
    credentials: async () => (await session.send('WebAuthn.getCredentials', { authenticatorId })).credentials,
    clear: async () => {
      await session.send('WebAuthn.clearCredentials', { authenticatorId });
    },
    forge: async (credentialId, privateKey, rpId) => {
      await session.send('WebAuthn.clearCredentials', { authenticatorId });
      const credential = { credentialId, privateKey, rpId, isResidentCredential: false, signCount: 1 };
      await session.send('WebAuthn.addCredential', { authenticatorId, credential });
    },
  };
}
