import { describe, expect, test } from '@jest/globals';
import { Forbidden, type Refusal, type Scope, SCOPES, Unauthenticated, ValidationFailed } from '#catalog';
import { mintRights } from './mint-rights.js';
import {
  ANONYMOUS,
  haveSameRights,
  isPlatformAdministrator,
  mayIn,
  maySomewhere,
  type Principal,
  reachOf,
  requireScope,
  requireScopeIn,
  scope,
} from './principal.js';
import { idOfPerson, principalOfKey, principalOfPerson, type Rights } from './principal-of.js';

const principal = (scopes: readonly Scope[], authorities: Rights['authorities']): Principal =>
  principalOfKey('Ab12345678', { scopes, authorities });

const ADMIN = principal(SCOPES, 'all');
const OPERATOR = principal(['cameras:read', 'cameras:write', 'credentials:write'], ['water']);
const VIEWER = principal(['cameras:read', 'frames:read'], ['roads', 'water']);

describe('rights', () => {
  test('a principal is named for its key', () => {
    expect(VIEWER).toMatchObject({ id: 'key:Ab12345678', isAnonymous: false });
    expect(ANONYMOUS).toMatchObject({ id: 'anonymous', isAnonymous: true });
  });

  test.each<[string, Principal, boolean, boolean]>([
    ['anonymous', ANONYMOUS, false, false],
    ['viewer', VIEWER, false, false],
    ['operator', OPERATOR, false, true],
    ['foreign operator', principal(['cameras:write'], ['roads']), false, false],
    ['key of every authority', principal(['cameras:write'], 'all'), false, true],
    ['administrator', ADMIN, true, true],
    ['platform:admin alone', principal(['platform:admin'], 'all'), true, false],
    ['platform:admin of one authority', principal(['platform:admin'], ['water']), false, false],
  ])('%s', (_who, p, administrates, writes) => {
    expect(isPlatformAdministrator(p)).toBe(administrates);
    expect(maySomewhere(p, 'platform:admin')).toBe(administrates);
    expect(mayIn(p, 'cameras:write', 'water')).toBe(writes);
  });

  test('different roles in different authorities stay apart', () => {
    const p = principalOfPerson(idOfPerson({ issuer: 'https://login.example', subject: 'lin' }), [
      { authority: 'water', role: 'operator' },
      { authority: 'roads', role: 'viewer' },
      { authority: null, role: 'auditor' },
    ]);
    expect([mayIn(p, 'cameras:write', 'water'), mayIn(p, 'cameras:write', 'roads')]).toEqual([true, false]);
    expect(reachOf(p, 'cameras:read')).toEqual(['water', 'roads']);
    expect(reachOf(p, 'audit:read')).toBe('all');
    expect(() => requireScopeIn(p, 'cameras:write', 'roads')).toThrow(Forbidden);
    expect(() => requireScopeIn(p, 'cameras:write', 'water')).not.toThrow();
  });

  test('a missing scope is 403 with a key and 401 without', () => {
    expect(() => requireScope(OPERATOR, 'cameras:write')).not.toThrow();
    expect(() => requireScope(VIEWER, 'cameras:write')).toThrow(Forbidden);
    expect(() => requireScope(ANONYMOUS, 'cameras:read')).toThrow(Unauthenticated);
  });

  test('a foreign authority is 403 with a key and 401 without', () => {
    expect(() => requireScopeIn(VIEWER, 'cameras:read', 'water')).not.toThrow();
    expect(() => requireScopeIn(ADMIN, 'cameras:read', 'water')).not.toThrow();
    expect(() => requireScopeIn(OPERATOR, 'cameras:read', 'roads')).toThrow(Forbidden);
    expect(() => requireScopeIn(ANONYMOUS, 'cameras:read', 'water')).toThrow(Unauthenticated);
  });
});

describe('what a caller reads (AUTHZ-2)', () => {
  test.each<[string, Principal, unknown, readonly string[]]>([
    ['anonymous', ANONYMOUS, [], ['public']],
    ['viewer', VIEWER, ['roads', 'water'], ['public', 'agency']],
    ['key without cameras:read', principal(['cameras:write'], ['water']), [], ['public']],
    ['key without an authority', principal(['cameras:read'], []), [], ['public']],
    ['key of every authority', principal(['cameras:read'], 'all'), 'all', ['public', 'agency']],
    ['key of every authority without cameras:read', principal(['frames:read'], 'all'), [], ['public']],
    ['administrator', ADMIN, 'all', ['public', 'agency']],
    ['platform:admin alone', principal(['platform:admin'], 'all'), 'all', ['public', 'agency']],
    ['platform:admin of one authority', principal(['platform:admin'], ['water']), [], ['public']],
    ['auditor', principalOfPerson('person:a', [{ authority: null, role: 'auditor' }]), [], ['public']],
    ['person without a role', principalOfPerson('person:a', []), [], ['public']],
    [
      'person who is administrator',
      principalOfPerson('person:a', [{ authority: null, role: 'administrator' }]),
      'all',
      ['public', 'agency'],
    ],
  ])('%s', (_who, p, own, levels) => {
    expect(scope(p)).toMatchObject({ own, levels });
  });

  test('cannot be widened afterwards', () => {
    expect(Object.isFrozen(scope(VIEWER))).toBe(true);
  });
});

describe('AUTHN-2: a key that a person made', () => {
  const key = (
    bounds: Parameters<typeof principalOfPerson>[1],
    authorities: Rights['authorities'] = ['water', 'roads'],
  ) => principalOfKey('Ab12345678', { scopes: ['cameras:read', 'cameras:write'], authorities, bounds });

  test('has at no time more than the person', () => {
    const shrunk = key([{ authority: 'water', role: 'viewer' }]);
    expect(mayIn(shrunk, 'cameras:read', 'water')).toBe(true);
    expect(mayIn(shrunk, 'cameras:write', 'water')).toBe(false);
    expect(reachOf(shrunk, 'cameras:read')).toEqual(['water']);
    expect(scope(shrunk)).toMatchObject({ own: ['water'], levels: ['public', 'agency'] });
  });

  test('never has more than it was given', () => {
    expect(mayIn(key([{ authority: null, role: 'administrator' }]), 'cameras:write', 'park')).toBe(false);
    expect(mayIn(key([{ authority: 'water', role: 'admin' }]), 'keys:write', 'water')).toBe(false);
  });

  test('of every authority is cut to those of the person', () => {
    const cut = key([{ authority: 'park', role: 'admin' }], 'all');
    expect(reachOf(cut, 'cameras:write')).toEqual(['park']);
    expect(reachOf(key([{ authority: null, role: 'administrator' }], 'all'), 'cameras:write')).toBe('all');
  });

  test('has nothing when the person has nothing', () => {
    const [gone, public_] = [key([]), principalOfPerson('person:a', [])];
    expect(maySomewhere(gone, 'cameras:read')).toBe(false);
    expect(scope(gone)).toEqual(scope(public_));
  });

  test('has the same rights as another by what it may do, in whatever order that was said', () => {
    const [a, b] = [
      principal(['cameras:read', 'frames:read'], ['x', 'y']),
      principal(['frames:read', 'cameras:read'], ['y', 'x']),
    ];
    expect(haveSameRights(a, b)).toBe(true);
    expect(haveSameRights(a, principal(['frames:read'], ['x', 'y']))).toBe(false);
  });
});

describe('minting (AUTHN-2)', () => {
  const MINTER = principal(['cameras:read', 'cameras:write', 'keys:write'], ['water', 'roads']);

  test.each<[string, Principal, Rights, (new (...args: never[]) => Refusal) | null]>([
    ['part of its own', MINTER, { scopes: ['cameras:read'], authorities: ['water'] }, null],
    ['no authority at all', MINTER, { scopes: ['cameras:read'], authorities: [] }, null],
    ['everything, by the administrator', ADMIN, { scopes: SCOPES, authorities: 'all' }, null],
    [
      'keys:write for one authority, by the administrator',
      ADMIN,
      { scopes: ['keys:write'], authorities: ['water'] },
      null,
    ],
    ['anything, by nobody', ANONYMOUS, { scopes: [], authorities: [] }, Unauthenticated],
    ['without keys:write', OPERATOR, { scopes: ['cameras:read'], authorities: ['water'] }, Forbidden],
    ['a scope that it lacks', MINTER, { scopes: ['cameras:read', 'frames:read'], authorities: ['water'] }, Forbidden],
    ['a foreign authority', MINTER, { scopes: ['cameras:read'], authorities: ['water', 'park'] }, Forbidden],
    ['every authority', MINTER, { scopes: ['cameras:read'], authorities: 'all' }, Forbidden],
    ['keys:write', MINTER, { scopes: ['keys:write'], authorities: ['water'] }, Forbidden],
    [
      'keys:write, for every authority but not as administrator',
      principal(['keys:write'], 'all'),
      { scopes: ['keys:write'], authorities: ['water'] },
      Forbidden,
    ],
    [
      'platform:admin, by one who has the scope for one authority',
      principal(['keys:write', 'platform:admin'], ['water']),
      { scopes: ['platform:admin'], authorities: ['water'] },
      Forbidden,
    ],
    [
      'a scope that the administrator lacks',
      principal(['keys:write', 'platform:admin'], 'all'),
      { scopes: ['audit:read'], authorities: 'all' },
      Forbidden,
    ],
    [
      'what it has in another authority only',
      principalOfPerson('person:a', [
        { authority: 'water', role: 'admin' },
        { authority: 'roads', role: 'viewer' },
      ]),
      { scopes: ['cameras:read'], authorities: ['water', 'roads'] },
      Forbidden,
    ],
    [
      'part of what it has as admin',
      principalOfPerson('person:a', [{ authority: 'water', role: 'admin' }]),
      { scopes: ['cameras:write', 'webhooks:write'], authorities: ['water'] },
      null,
    ],
    [
      'platform:admin for one authority',
      ADMIN,
      { scopes: ['platform:admin'], authorities: ['water'] },
      ValidationFailed,
    ],
  ])('%s', (_what, by, wanted, refusal) => {
    const answer = mintRights(by, wanted);
    if (refusal === null) expect(answer).toBeNull();
    else expect(answer).toBeInstanceOf(refusal);
  });
});
