import { audited, NO_MEMBERS } from './audit-notes.js';
import { type Fragment, raw, sql } from './sql.js';

/** Member of the statement that adds an authority, `a`. */
export const registrationNoted: Fragment = audited(sql`
          select a.slug, 'authority.registered', 'authority', a.slug, ${NO_MEMBERS}, audited_document(a.document) from a`);

/** Which addresses may be dialled, and how openly, is a change of its own kind, and so is who may know of cameras at all. */
const KINDS = raw(`(values
            ('authority.network_changed', array['network', 'allowBasicPlaintext']),
            ('authority.floor_changed', array['accessFloor']))`);
const APART = raw(`array['network', 'allowBasicPlaintext', 'accessFloor']`);

/** Of members of a document those that stand in a list. */
const only = (members: Fragment): Fragment => sql`(
            select coalesce(jsonb_object_agg(member, value), '{}')
            from jsonb_each(${members}) as m (member, value)
            where member = any(kind.members))`;

/** Member of the statement that replaces an authority, `a`; needs its row as it was, `before`. An entry for each kind of change in it. */
export const changeNoted: Fragment = audited(sql`
          select c.slug, c.action, 'authority', c.slug, c.before, c.after
          from (
            select a.slug, 'authority.changed' as action, changed.before - ${APART} as before, changed.after - ${APART} as after
            from a
            join before b on b.slug = a.slug
            cross join lateral (
              select audited_part(b.document, a.document) as before, audited_part(a.document, b.document) as after) as changed
            union all
            select a.slug, kind.action, ${only(raw('audited_part(b.document, a.document)'))},
                   ${only(raw('audited_part(a.document, b.document)'))}
            from a
            join before b on b.slug = a.slug
            cross join ${KINDS} as kind (action, members)) as c
          where c.before <> '{}' or c.after <> '{}'`);

/** End of the statement that withdraws an authority, `a`. */
export const withdrawalNoted: Fragment = audited(sql`
          select a.slug, 'authority.withdrawn', 'authority', a.slug, audited_document(a.document), ${NO_MEMBERS} from a`);
