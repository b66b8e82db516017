import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { ANONYMOUS, type Principal, requireScope } from '#access';
import { Unauthenticated } from '#catalog';
import { type Permission, PERMISSION } from './operation.js';
import { Callers } from './keys/callers.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; set by the guard before any handler runs. */
    principal: Principal;
  }
}

/** Deny by default: no handler runs without a declared permission, and without the caller having it. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    @Inject(Reflector) private readonly reflector: Reflector,
    @Inject(Callers) private readonly callers: Callers,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const permission = this.reflector.get<Permission | undefined>(PERMISSION, context.getHandler());
    if (permission === undefined) throw new Error(`bug: ${context.getHandler().name} declares no permission`);
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    // A wrong key is refused on public addresses too: the caller believes he is somebody.
    request.principal = await this.callers.identify(request.headers.authorization);
    if (permission === 'public') return true;
    if (request.principal === ANONYMOUS) {
      throw new Unauthenticated(`this needs an API key with the scope ${permission}: Authorization: Bearer slk_…`);
    }
    requireScope(request.principal, permission);
    return true;
  }
}
