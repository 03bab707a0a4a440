// What the provider asks of the pages, and what it offers them: the seam between oidc-provider and the folders in interactions/.
import type { Context as KoaContext } from 'koa';
import type { Level, Method, Proofs } from '../domain/assurance.ts';

/** A prompt that a person can be shown. */
export type PromptName = 'login' | 'assurance' | 'enrol' | 'consent';

/** The service that asks, as the registry knows it; never taken from the request. */
export interface AskingService {
  clientId: string;
  name: string;
  logoUri?: string;
  homepage?: string;
  policyUri?: string;
  tosUri?: string;
  firstParty: boolean;
}

/** A claim of the operator's own, for people. */
export interface OwnClaim {
  name: string;
  description?: string;
  /** Made of the person's groups. */
  groups: boolean;
}

/** An interaction as the pages see it. */
export interface InteractionDetails {
  uid: string;
  prompt: PromptName;
  /** Why the prompt was raised: the names of the failing checks. */
  reasons: string[];
  service: AskingService;
  /** `ui_locales`, `login_hint` of the request. */
  uiLocales?: string;
  loginHint?: string;
  /** Who is signed in, or has just proven the first factor. */
  userId?: string;
  /** Fresh proofs of this session that the pages may build on. */
  proofs: Proofs;
  /** For `assurance` and `enrol`: the level that is needed, whether the service insists, and each way to it with what is still missing. */
  needs?: { level: Level; maxAge?: number; ways: { level: Level; missing: Method[] }[] };
  /** For `consent`: what is asked newly. */
  consent?: {
    scopes: string[];
    claims: string[];
    /** Claims of the operator's own, asked for by name or let out by a scope. */
    own: OwnClaim[];
    /** Without scopes where only the claims are new. */
    resources: { name: string; scopes: { name: string; description?: string }[]; claims: OwnClaim[] }[];
  };
  /** Where to go on, once this step has its answer: the browser lost the redirect, or came back. */
  answered?: string;
  /** When the interaction ends, in whole seconds. */
  expiresAt: number;
}

/** How a page answers the provider. Each method sends the redirect and is final. */
export interface Interactions {
  /** The interaction of this browser; undefined where it is over, finished, or another browser's. */
  details(ctx: KoaContext): Promise<InteractionDetails | undefined>;
  /** Adds proofs to the sign-in of `userId` and goes on (303). `accountChosen` proofs of another person replace the session. */
  prove(ctx: KoaContext, details: InteractionDetails, userId: string, proofs: Proofs): Promise<void>;
  /** Same, answering the address to go on at instead of redirecting: for scripts that wait. */
  proveLater(ctx: KoaContext, details: InteractionDetails, userId: string, proofs: Proofs): Promise<string>;
  /** Grants what the consent page showed and goes on (303). */
  grant(ctx: KoaContext, details: InteractionDetails): Promise<void>;
  /** Marks an `enrol` prompt as done and goes on (303). */
  enrolled(ctx: KoaContext, details: InteractionDetails): Promise<void>;
  /** Answers the service with an error: `access_denied` where the person cancels, `unmet_authentication_requirements` where the level cannot be reached. */
  refuse(
    ctx: KoaContext,
    details: InteractionDetails,
    error: 'access_denied' | 'unmet_authentication_requirements' | 'login_required',
    description: string,
  ): Promise<void>;
}

/** What became of a code that was typed: asked once more, unknown, over or used, refused by the person. */
export type CodeFault = 'again' | 'wrong' | 'ended' | 'stopped';

/** Pages that the provider itself shows; implemented by interactions/system and interactions/device. */
export interface SystemPages {
  /** An error that cannot be sent to a service. `startAgain`: the service's home page where it is known. */
  error(
    ctx: KoaContext,
    problem: {
      status: number;
      code: string;
      description?: string;
      startAgain?: { name: string; url: string };
      /** Seconds until trying again makes sense. */
      retryAfter?: number;
      /** Nothing may be written now. */
      readOnly?: boolean;
    },
  ): Promise<void>;
  /** "Do you want to sign out?" `form` is oidc-provider's own form mark-up with id `op.logoutForm` (its inputs must stay). */
  logout(ctx: KoaContext, form: string, service?: { name: string }): Promise<void>;
  /**
   * A form that sends itself: to the service (OAuth 2.0 Form Post Response Mode), or to ourselves where somebody else has signed in here.
   * `form` is oidc-provider's own form mark-up with id `op.passOnForm`.
   */
  passOn(ctx: KoaContext, form: string): void;
  /** "You are signed out." */
  loggedOut(ctx: KoaContext, service?: { name: string; homepage?: string }): Promise<void>;
  /** "Type the code that your device shows" (RFC 8628 section 3.3). `xsrf` goes back with the `user_code`. */
  deviceCode(ctx: KoaContext, xsrf: string, fault?: CodeFault): Promise<void>;
  /** "Is this the code on your device?" `form` is oidc-provider's own form mark-up with id `op.deviceConfirmForm`. */
  deviceConfirm(ctx: KoaContext, form: string, service: AskingService, userCode: string): Promise<void>;
  /** "Your device is signed in." */
  deviceDone(ctx: KoaContext, service: AskingService): Promise<void>;
}
