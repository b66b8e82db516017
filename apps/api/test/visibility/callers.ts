import type { Sightline } from '#testing';
import { ADMIN, keyFor, VIEWER } from '../asking.js';
import { OPERATOR } from '../fixtures.js';

export const LEVELS = ['public', 'agency', 'restricted'] as const;
export type Level = (typeof LEVELS)[number];

/** The agency whose cameras are asked for; one that it let in; one that it did not. */
export const OWNER = 'tainan-wrb';
export const GUEST = 'eoc';
export const STRANGER = 'other';

export const CALLERS = [
  'anonymous',
  'foreign viewer',
  'grantee',
  'own viewer',
  'own operator',
  'own admin',
  'auditor',
  'platform administrator',
] as const;
export type Caller = (typeof CALLERS)[number];

/**
 * How much of a camera an answer tells, each more than the one before: nothing (`-`), what everybody reads who knows it (`k`), what its
 * agency's viewers read (`v`), what those read who change it (`o`).
 */
export type Columns = '-' | 'k' | 'v' | 'o';
export const ORDER: readonly Columns[] = ['-', 'k', 'v', 'o'];

/** What each may know of a camera of each level at most (security.md, "Authorisation"). */
export const MAY_KNOW: Readonly<Record<Caller, Readonly<Record<Level, Columns>>>> = {
  anonymous: { public: 'k', agency: '-', restricted: '-' },
  'foreign viewer': { public: 'k', agency: 'k', restricted: '-' },
  grantee: { public: 'k', agency: 'k', restricted: 'k' },
  'own viewer': { public: 'v', agency: 'v', restricted: 'v' },
  'own operator': { public: 'o', agency: 'o', restricted: 'o' },
  'own admin': { public: 'o', agency: 'o', restricted: 'o' },
  // The audit and nothing else: of cameras, what everybody reads.
  auditor: { public: 'k', agency: '-', restricted: '-' },
  'platform administrator': { public: 'o', agency: 'o', restricted: 'o' },
};

/** A key for each caller; undefined: none. */
export async function keysFor(sightline: Sightline): Promise<ReadonlyMap<Caller, string | undefined>> {
  const key = (authorities: 'all' | readonly string[], scopes: readonly string[]): Promise<string> =>
    keyFor(sightline, authorities, scopes);
  return new Map<Caller, string | undefined>([
    ['anonymous', undefined],
    ['foreign viewer', await key([STRANGER], VIEWER)],
    ['grantee', await key([GUEST], VIEWER)],
    ['own viewer', await key([OWNER], VIEWER)],
    ['own operator', await key([OWNER], OPERATOR)],
    ['own admin', await key([OWNER], ADMIN)],
    ['auditor', await key('all', ['audit:read'])],
    ['platform administrator', sightline.key],
  ]);
}
