import type { AuditAction } from '#catalog';
import { audited, NO_MEMBERS } from './audit-notes.js';
import { type Fragment, raw, sql } from './sql.js';

/** A webhook as the audit shows it: the row by this name. */
const shown = (row: Fragment): Fragment => sql`(${row}.document || jsonb_build_object(
            'owner', ${row}.owner, 'enabled', ${row}.disabled_at is null, 'disabledReason', ${row}.disabled_reason))`;

type WebhookAction = Extract<AuditAction, `webhook.${string}`>;

const [NOW, BEFORE] = [shown(raw('w')), shown(raw('b'))];

/** What an entry shows of the webhook as it was and as it is. */
const MEMBERS = {
  made: [NO_MEMBERS, sql`audited_document(${NOW})`],
  changed: [sql`audited_part(${BEFORE}, ${NOW})`, sql`audited_part(${NOW}, ${BEFORE})`],
  gone: [sql`audited_document(${NOW})`, NO_MEMBERS],
  same: [NO_MEMBERS, NO_MEMBERS],
} as const;

/**
 * Member of a statement that writes a webhook, `w`, and where it `changed` has its row as it was, `b`. It stands in the audit of the authority whose
 * events it is told of, else in that of each authority of the key that owns it.
 */
export function webhookNoted(action: WebhookAction, how: keyof typeof MEMBERS): Fragment {
  const [before, after] = MEMBERS[how];
  return audited(sql`
          select a.authority, ${action}, 'webhook', w.id::text, ${before}, ${after}
          from w
          ${how === 'changed' ? raw('join b on b.id = w.id') : raw('')}
          cross join lateral unnest(coalesce(
            case when w.document ? 'authority' then array[w.document ->> 'authority'] end,
            (select nullif(k.authorities, '{}') from api_key k where k.key_id = w.owner),
            array[null]::text[])) as a (authority)`);
}
