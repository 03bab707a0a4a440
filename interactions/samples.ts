// What a page's samples are: each folder has a samples.tsx, and a test renders all of them in all languages, in Chromium too.
import type { VNode } from 'preact';
import type { AskingService } from '../src/provider/pages.ts';
import type { View } from './layout.tsx';

/** One state of one page. */
export interface Sample {
  /** `login-wrong`: folder, and what is special. */
  name: string;
  page: (view: View) => VNode;
}

/** A service as a sample shows it. */
export const SAMPLE_SERVICE: AskingService = {
  clientId: 'payroll',
  name: 'Payroll',
  homepage: 'https://payroll.example/',
  policyUri: 'https://payroll.example/privacy',
  tosUri: 'https://payroll.example/terms',
  firstParty: false,
};
