// Where a phone is added: in a sign-in that needs one, or on the account page. The steps are the same; only this differs.
import type { Context } from 'koa';
import type { ComponentChildren, VNode } from 'preact';
import type { View } from '../layout.tsx';

/** One place, for one request. */
export interface EnrolPlace {
  userId: string;
  /** Hash of this browser and this sign-in or account session: second proofs and offers hang on it. */
  session: string;
  /** Address below which the steps stand, and the page's own address. */
  base: string;
  at: string;
  view: View;
  /** Fields that every form of the place carries: the account page's token. */
  hidden: { readonly [name: string]: string };
  /** A fresh proof by the account's highest level was given: no second proof is asked for. */
  proven: boolean;
  /** The sentence above the steps. */
  why: string;
  /** The name typed before, where the form is shown again after a fresh proof. */
  typedName?: string;
  /** The whole page around a step. */
  frame(step: { title: string; script?: string; children: ComponentChildren }): VNode;
  /** A phone was added: goes on to where the person was. */
  done(ctx: Context): Promise<void>;
}
