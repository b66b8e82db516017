import { raw } from './sql.js';

/**
 * An entry, `e`, in the shape of {@link AuditEntry}. What is sealed is made of it, so it never changes: what comes to be known of entries later is
 * added beside it.
 */
export const ENTRY = raw(`jsonb_build_object(
    'id', e.generation || '.' || e.xid::text || '.' || e.id,
    'at', to_char(e.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    'authority', e.authority,
    'principal', e.principal,
    'requestId', e.request_id,
    'address', e.address,
    'action', e.action,
    'subject', jsonb_build_object('kind', e.subject_kind, 'id', e.subject_id),
    'before', e.before,
    'after', e.after,
    'result', e.result,
    'reason', e.reason)`);

/** A seal, `s`, in the shape of {@link AuditSeal}; null without one. */
export const SEAL = raw(`case when s.hash is not null then jsonb_build_object(
    'chain', s.chain,
    'seq', s.seq,
    'prev', encode(s.prev_hash, 'hex'),
    'hash', encode(s.hash, 'hex')) end`);
