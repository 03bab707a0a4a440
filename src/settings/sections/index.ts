// The table of all sections: which file they stand in and by which schema they are checked.
import type { z } from 'zod';
import { brandingSchema } from './branding.ts';
import { clientSchema } from './clients.ts';
import { devicesSchema } from './devices.ts';
import { keysSchema } from './keys.ts';
import { levelsSchema } from './levels.ts';
import { lifetimesSchema } from './lifetimes.ts';
import { limitsSchema } from './limits.ts';
import { mailSchema } from './mail.ts';
import { methodsSchema } from './methods.ts';
import { noticesSchema } from './notices.ts';
import { outboundSchema } from './outbound.ts';
import { resourceSchema } from './resources.ts';
import { serverSchema } from './server.ts';
import { storageSchema } from './storage.ts';

/** Files that stand once in the configuration folder, in the order of the reference. */
export const FILES = {
  server: serverSchema,
  storage: storageSchema,
  keys: keysSchema,
  levels: levelsSchema,
  methods: methodsSchema,
  devices: devicesSchema,
  lifetimes: lifetimesSchema,
  branding: brandingSchema,
  notices: noticesSchema,
  mail: mailSchema,
  limits: limitsSchema,
  outbound: outboundSchema,
} as const satisfies Record<string, z.ZodType>;

/** Folders with one file for each thing. */
export const FOLDERS = { clients: clientSchema, resources: resourceSchema } as const satisfies Record<
  string,
  z.ZodType
>;

export type FileName = keyof typeof FILES;
export type FolderName = keyof typeof FOLDERS;
