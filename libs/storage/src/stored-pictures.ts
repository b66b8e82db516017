import { NotFound, type ScopedQuery } from '#catalog';
import { IS_SHOWING, isHeldBack, isPictured, isVisible, STATUS } from './camera-answer.js';
import { MAIN_VIEW } from './keep-frames.js';
import { newestForOthers } from './later-pictures.js';
import { utc } from './moments.js';
import { mayBeShown, SEEN_BY_OTHERS } from './picture-policy.js';
import { type Database, type Fragment, NOTHING, raw, run, runHot, sql } from './sql.js';

/** One picture: its name in the frame store, and what is known of its age. */
export interface StoredFrame {
  readonly frameKey: string;
  /** RFC 3339 UTC. */
  readonly capturedAt: string;
  /** It is too old, or its camera does not show one now. */
  readonly stale: boolean;
}

/** The newest picture of a view that the caller may see, and how he sees pictures of its camera. */
export interface StoredPicture {
  readonly authority: string;
  readonly accessLevel: string;
  /** The caller sees it as the camera's own authority does. */
  readonly isLetIn: boolean;
  readonly status: string;
  /** Name of the view among kept frames. */
  readonly view: string;
  /** Null where none is kept, or none is old enough for this caller (`access.publicDelayS`). */
  readonly frame: StoredFrame | null;
  /** The caller sees pictures later than they are taken; whether there is a newer one is not told. */
  readonly isHeldBack: boolean;
  readonly thumbnails: string | null;
  /** Widest picture for those who were not let in, pixels. */
  readonly publicMaxWidthPx: number;
  /** The authority shows pictures to others under a contract only. */
  readonly needsContract: boolean | null;
}

/** A picture as a {@link StoredFrame}; needs `c`, `h` and the view `k`. */
const frame = (key: string, capturedAt: string): Fragment => sql`jsonb_build_object(
    'frameKey', ${raw(key)}, 'capturedAt', ${raw(utc(capturedAt))},
    'stale', now() > ${raw(capturedAt)} + make_interval(secs => coalesce(k.stale_after_s, 120)) or not ${IS_SHOWING})`;

const LATEST = frame('k.frame_key', 'k.captured_at');

/** Of the view `k` the newest picture that is old enough for others, where the latest is not. */
const NEWEST_FOR_OTHERS = newestForOthers('k.view', frame('f.frame_key', 'f.captured_at'));

/** @param view a join that makes `k` */
function pictureOf(view: Fragment, id: string, scope: ScopedQuery, more: Fragment = NOTHING): Fragment {
  return sql`
        select c.authority, c.access_level as "accessLevel", ${isPictured(scope)} as "isLetIn", ${STATUS} as status, k.view,
               case
                 when k.frame_key is null or not ${mayBeShown('k.captured_at')} then null
                 when k.captured_at > ${SEEN_BY_OTHERS} and ${isHeldBack(scope)} then ${NEWEST_FOR_OTHERS}
                 else ${LATEST}
               end as frame,
               ${isHeldBack(scope)} as "isHeldBack",
               c.document #>> '{access,thumbnails}' as thumbnails,
               coalesce((c.document #>> '{access,publicMaxWidthPx}')::int, 640) as "publicMaxWidthPx",
               a.document #>> '{terms,imagesNeedContract}' = 'true' as "needsContract"${more}
        from camera c
        join authority a on a.slug = c.authority
        join camera_health h on h.camera_id = c.id
        ${view}
        where c.id = ${id}::uuid and ${isVisible(scope)}`;
}

/** The main view as `k`. */
const MAIN = sql`cross join lateral (
          select ${raw(`'${MAIN_VIEW}'`)} as view, h.frame_key, h.captured_at, h.stale_after_s) as k`;

/** A preset as `k`: its own picture, or the main one of a camera whose main view it is. */
const presetView = (preset: string): Fragment => sql`left join lateral (
          select p.preset as view, p.frame_key, p.captured_at, p.stale_after_s
          from preset_picture p
          where p.camera_id = c.id and p.preset = ${preset}
          union all
          select ${raw(`'${MAIN_VIEW}'`)}, h.frame_key, h.captured_at, h.stale_after_s
          where c.document #>> array['services', h.shown #>> '{service,index}', 'shows'] = ${preset}
          limit 1) as k on true`;

/** Pictures to be served. */
export class StoredPictures {
  constructor(private readonly db: Database) {}

  /** The main view. @throws NotFound when the camera is not this caller's to know */
  async main(id: string, scope: ScopedQuery): Promise<StoredPicture> {
    const rows = await runHot<StoredPicture>(this.db, pictureOf(MAIN, id, scope));
    if (rows[0] === undefined) throw new NotFound(`no camera has the id ${id}`);
    return rows[0];
  }

  /** A preset. @throws NotFound when the camera is not this caller's to know, or has no such preset */
  async ofPreset(id: string, preset: string, scope: ScopedQuery): Promise<StoredPicture> {
    const isPreset = sql`,
               coalesce(c.document -> 'presets', '[]') @> ${JSON.stringify([{ id: preset }])}::jsonb as "isPreset"`;
    const statement = pictureOf(presetView(preset), id, scope, isPreset);
    const rows = await run<Omit<StoredPicture, 'view'> & { readonly view: string | null; readonly isPreset: boolean }>(
      this.db,
      statement,
    );
    if (rows[0] === undefined) throw new NotFound(`no camera has the id ${id}`);
    const { isPreset: isKnown, ...picture } = rows[0];
    if (!isKnown) throw new NotFound(`this camera has no preset of the id ${JSON.stringify(preset)}`);
    return { ...picture, view: picture.view ?? preset };
  }
}
