import 'reflect-metadata';
import { Reflector } from '@nestjs/core';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { describe, expect, test } from '@jest/globals';
import { ANONYMOUS } from '#access';
import { Unauthenticated } from '#catalog';
import { AccessGuard } from './access.guard.js';
import { PERMISSION } from './operation.js';

describe('AUTHZ-6: the guard of every handler', () => {
  const guard = new AccessGuard(new Reflector());

  function asked(permission: string | undefined, request: object): boolean {
    const handler = (): void => undefined;
    if (permission !== undefined) Reflect.defineMetadata(PERMISSION, permission, handler);
    const context = new ExecutionContextHost([request, {}], Object, handler);
    return guard.canActivate(context);
  }

  test('lets nobody in where no permission is declared', () => {
    expect(() => asked(undefined, { principal: ANONYMOUS })).toThrow('declares no permission');
  });

  test('lets nobody in of whom the door does not know who he is, to what is public neither', () => {
    expect(() => asked('public', {})).toThrow('without asking who sent it');
    expect(() => asked('cameras:write', {})).toThrow('without asking who sent it');
  });

  test('asks for the permission once more', () => {
    expect(asked('public', { principal: ANONYMOUS })).toBe(true);
    expect(() => asked('cameras:write', { principal: ANONYMOUS })).toThrow(Unauthenticated);
  });
});
