import { describe, expect, test } from '@jest/globals';
import { applyChanges, listenChanges, listenOnly } from './channels.js';

describe('listening', () => {
  test.each([
    ['listen camera', [{ listen: 'camera' }]],
    ['LISTEN Camera;', [{ listen: 'camera' }]],
    ['listen "Ka""mera"', [{ listen: 'Ka"mera' }]],
    [' listen a ; unlisten b;unlisten *', [{ listen: 'a' }, { unlisten: 'b' }, { unlisten: null }]],
    ['begin; listen größe', [{ listen: 'größe' }]],
    ['select listen from t', []],
    ['notify listen', []],
    // A blank to JavaScript, a letter to PostgreSQL.
    ['listen\u00a0a', []],
    ['listen a\u00a0b', [{ listen: 'a\u00a0b' }]],
    ['select 1', []],
  ])('%s', (sql, changes) => expect(listenChanges(sql)).toEqual(changes));

  test('adds and removes channels, and says when one may have fallen away', () => {
    const channels = new Set(['a', 'b']);
    expect(applyChanges(channels, [{ listen: 'c' }])).toBe(false);
    expect(applyChanges(channels, [{ unlisten: 'a' }])).toBe(true);
    expect([...channels]).toEqual(['b', 'c']);
    expect(applyChanges(channels, [{ unlisten: null }, { listen: 'd' }])).toBe(true);
    expect([...channels]).toEqual(['d']);
  });

  test('of the session is to no more and no less', () => {
    expect(listenOnly(new Set())).toBe('unlisten *');
    expect(listenOnly(new Set(['a', 'Ka"mera']))).toBe('unlisten *; listen "a"; listen "Ka""mera"');
  });
});
