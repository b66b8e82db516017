import type { AuditAction } from '#catalog';
import { audited } from './audit-notes.js';
import { utc } from './moments.js';
import { type Fragment, raw, sql } from './sql.js';

const MEMBERS = raw(`jsonb_build_object(
            'keyId', k.key_id,
            'name', k.name,
            'scopes', to_jsonb(k.scopes),
            'authorities', coalesce(to_jsonb(k.authorities), '"all"'),
            'expiresAt', ${utc('k.expires_at')})`);

/**
 * Member of a statement that makes or ends keys: an entry for each of its rows `k`, in the audit of each authority of the key.
 * @param condition on `k`
 */
export const keysNoted = (
  action: Extract<AuditAction, `key.${string}`>,
  condition: Fragment = raw('true'),
): Fragment => {
  const isMade = action === 'key.minted';
  return audited(sql`
          select a.authority, ${action}, 'key', k.id::text, ${isMade ? raw('null::jsonb') : MEMBERS},
                 ${isMade ? MEMBERS : raw('null::jsonb')}
          from k
          cross join lateral unnest(coalesce(nullif(k.authorities, '{}'), array[null]::text[])) as a (authority)
          where ${condition}`);
};
