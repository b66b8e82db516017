import { Authorities1764000000001 } from './0001-authorities.js';
import { Cameras1764000000002 } from './0002-cameras.js';
import { Probing1764000000003 } from './0003-probing.js';
import { Callers1764000000004 } from './0004-callers.js';
import { Roles1764000000005 } from './0005-roles.js';
import { Views1764000000006 } from './0006-views.js';
import { Terrain1764000000007 } from './0007-terrain.js';
import { Buildings1764000000008 } from './0008-buildings.js';
import { History1764000000009 } from './0009-history.js';
import { Events1764000000010 } from './0010-events.js';
import { References1764000000011 } from './0011-references.js';
import { Sites1764000000012 } from './0012-sites.js';
import { Members1764000000013 } from './0013-members.js';
import { Audit1764000000014 } from './0014-audit.js';
import { RowSecurity1764000000015 } from './0015-row-security.js';
import { FramesOnly1764000000016 } from './0016-frames-only.js';
import { Grants1764000000017 } from './0017-grants.js';
import { Pictures1764000000018 } from './0018-pictures.js';

/** How the database came to be, in order. A migration is never edited once it is released. */
export const MIGRATIONS = [
  Authorities1764000000001,
  Cameras1764000000002,
  Probing1764000000003,
  Callers1764000000004,
  Roles1764000000005,
  Views1764000000006,
  Terrain1764000000007,
  Buildings1764000000008,
  History1764000000009,
  Events1764000000010,
  References1764000000011,
  Sites1764000000012,
  Members1764000000013,
  Audit1764000000014,
  RowSecurity1764000000015,
  FramesOnly1764000000016,
  Grants1764000000017,
  Pictures1764000000018,
] as const;
