import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import type { Principal } from '#access';
import { requirePermission } from './door/let-in.js';
import type { Permission } from './door/route-config.js';
import { PERMISSION } from './operation.js';

/**
 * Deny by default: no handler runs without a declared permission, nor for a caller whom the door did not let in. The door asks before
 * the body is read (door/let-in.ts); this is the net under it.
 */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(@Inject(Reflector) private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const permission = this.reflector.get<Permission | undefined>(PERMISSION, context.getHandler());
    if (permission === undefined) throw new Error(`bug: ${context.getHandler().name} declares no permission`);
    const { principal } = context.switchToHttp().getRequest<Partial<Pick<FastifyRequest, 'principal'>>>();
    requirePermission(principal ?? nobody(context), permission);
    return true;
  }
}

function nobody(context: ExecutionContext): Principal {
  throw new Error(`bug: the door let a request in to ${context.getHandler().name} without asking who sent it`);
}
