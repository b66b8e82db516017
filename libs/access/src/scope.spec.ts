import { describe, expect, test } from '@jest/globals';
import type { Role, Scope } from '#catalog';
import { ANONYMOUS, type Principal, scope } from './principal.js';
import { principalOfKey, principalOfPerson } from './principal-of.js';

const person = (...roles: [authority: string | null, role: Role][]): Principal =>
  principalOfPerson(
    'person:a',
    roles.map(([authority, role]) => ({ authority, role })),
  );
const key = (scopes: readonly Scope[], authorities: 'all' | string[]): Principal =>
  principalOfKey('Ab12345678', { scopes, authorities });

describe('AUTHZ-7: of which authorities a caller reads which columns', () => {
  test.each<[string, Principal, unknown, unknown, unknown]>([
    ['anonymous', ANONYMOUS, [], [], []],
    ['auditor', person([null, 'auditor']), [], [], []],
    ['administrator', person([null, 'administrator']), 'all', 'all', 'all'],
    ['viewer here, operator there', person(['a', 'viewer'], ['b', 'operator']), ['a', 'b'], ['b'], ['a', 'b']],
    ['admin', person(['a', 'admin']), ['a'], ['a'], ['a']],
    ['key that may write but not read', key(['cameras:write', 'frames:read'], ['a']), [], [], ['a']],
    ['key that reads and sees no picture', key(['cameras:read', 'cameras:write'], ['a']), ['a'], ['a'], []],
    ['key of every authority that reads', key(['cameras:read', 'frames:read'], 'all'), 'all', [], 'all'],
  ])('%s', (_who, p, own, operated, pictured) => {
    expect(scope(p)).toMatchObject({ own, operated, pictured });
  });

  test('what a key may everywhere and elsewhere counts where it reads', () => {
    const mixed: Principal = {
      ...ANONYMOUS,
      everywhere: new Set<Scope>(['cameras:write']),
      within: new Map([['a', new Set<Scope>(['cameras:read'])]]),
    };
    expect(scope(mixed)).toMatchObject({ own: ['a'], operated: ['a'], pictured: [] });
    const reader: Principal = {
      ...ANONYMOUS,
      everywhere: new Set<Scope>(['cameras:read']),
      within: new Map([['a', new Set<Scope>(['cameras:write'])]]),
    };
    expect(scope(reader)).toMatchObject({ own: 'all', operated: ['a'] });
  });
});
