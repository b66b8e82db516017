import { audited, NO_MEMBERS } from './audit-notes.js';
import { type Fragment, raw, sql } from './sql.js';

/** Members of a stored document that are worked out from the others. */
const WORKED_OUT = raw(`array['uid', 'missing']`);

/** The services of a document for which a condition on `s.service` and `s.place` holds, as the audit names them; null without any. */
const servicesOf = (document: Fragment, condition: Fragment): Fragment => sql`(
            select jsonb_build_object('services', jsonb_agg(
              jsonb_build_object('kind', s.service ->> 'kind', 'url', audited_url(s.service ->> 'url')) order by s.place))
            from jsonb_array_elements(${document} -> 'services') with ordinality as s (service, place)
            where ${condition}
            having count(*) > 0)`;

/** Secrets that the records `r` set: whose services, and nothing of what they are. */
const SET = sql`
          select r.authority, 'credentials.set', 'camera', r.id::text, ${NO_MEMBERS}, given.services
          from r
          cross join lateral ${servicesOf(raw('r.document'), raw('r.sets @> to_jsonb(r.slot_list[s.place])'))} as given (services)
          where r.sets <> '[]'`;

/** Member of the statement that adds cameras of the records `r`. */
export const registrationsNoted: Fragment = audited(sql`
          select r.authority, 'camera.registered', 'camera', r.id::text, ${NO_MEMBERS},
                 audited_document(r.document - ${WORKED_OUT})
          from r
          union all ${SET}
          order by 4`);

/**
 * Member of the statement that replaces cameras by the records `r`; needs the rows as they are, `before`. A camera that moves to another authority
 * stands in the audit of both.
 */
export const changesNoted: Fragment = audited(sql`
          select a.authority,
                 case when r.lifecycle = 'retired' and b.lifecycle <> 'retired' then 'camera.retired'
                      when r.document -> 'access' is distinct from b.document -> 'access' then 'camera.access_changed'
                      else 'camera.changed' end,
                 'camera', r.id::text,
                 audited_part(b.document - ${WORKED_OUT}, r.document - ${WORKED_OUT}),
                 audited_part(r.document - ${WORKED_OUT}, b.document - ${WORKED_OUT})
          from r
          join before b on b.id = r.id
          cross join lateral (select b.authority union select r.authority) as a (authority)
          union all ${SET}
          union all
          select b.authority, 'credentials.cleared', 'camera', r.id::text, lost.services, ${NO_MEMBERS}
          from r
          join before b on b.id = r.id
          cross join lateral ${servicesOf(
            raw('b.document'),
            raw(`s.service #>> '{credentials,set}' = 'true'
              and not (r.keeps || r.sets) @> to_jsonb(b.service_slots[s.place])`),
          )} as lost (services)
          order by 4`);
