import type { Scope } from '#catalog';
import type { OperationBudget } from './budgets.js';

/** Who may call: everybody (what he sees is scoped), or callers who have a scope. */
export type Permission = 'public' | Scope;

/** What the door knows of an operation before it reads a body; `Operation` states it. */
export interface DoorConfig {
  readonly permission: Permission;
  /** What a request is counted as; absent = what its method says. */
  readonly budget?: OperationBudget | 'none';
  /** Query parameters that make it a `spatial` one. */
  readonly spatialSelectors: readonly string[];
  /** It is answered under overload too: whoever ends something or looks after us. */
  readonly isVital: boolean;
}

/** What a request is counted as, where it is counted. */
export function statedBudget({ budget }: Pick<DoorConfig, 'budget'>, method: string): OperationBudget | null {
  if (budget === undefined) return ['GET', 'HEAD'].includes(method.toUpperCase()) ? 'read' : 'writes';
  return budget === 'none' ? null : budget;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Absent for what is no operation: descriptions, and addresses that do not exist. */
    door?: DoorConfig;
  }
}
