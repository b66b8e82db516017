import { type Role, type Scope, SCOPES } from '#catalog';

const VIEWER = ['cameras:read', 'frames:read', 'stream:read'] as const satisfies readonly Scope[];
const OPERATOR = [
  ...VIEWER,
  'cameras:write',
  'credentials:write',
  'probes:run',
  'imports:run',
  'incidents:write',
] as const satisfies readonly Scope[];
const ADMIN = [
  ...OPERATOR,
  'webhooks:write',
  'keys:write',
  'members:write',
  'audit:read',
] as const satisfies readonly Scope[];

/** What each role may do (security.md, "Authorisation"): the first three in one authority, the last two in all. */
export const SCOPES_OF_ROLE: Readonly<Record<Role, readonly Scope[]>> = {
  viewer: VIEWER,
  operator: OPERATOR,
  admin: ADMIN,
  auditor: ['audit:read'],
  administrator: SCOPES,
};
