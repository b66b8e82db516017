import { AlreadyRegistered, type Member, type MemberDocument, type Membership, type Role } from '#catalog';
import type { Reach } from './reach.js';
import { utc } from './moments.js';
import { Sessions } from './sessions.js';
import { and, type Database, type Fragment, one, raw, run, sql } from './sql.js';

/** A member as storage knows it: which issuers are known is for settings to say. */
export type KeptMember = Omit<Member, 'issuerIsKnown'>;

/** A role to keep. */
export interface NewMember {
  /** UUIDv7. */
  readonly id: string;
  /** Of the person, by `idOfPerson` of `access`. */
  readonly principal: string;
  readonly document: MemberDocument;
  readonly createdBy: string;
}

/** Which members a caller sees to. */
export interface MembersWithin {
  readonly authorities: Reach;
  /** Roles beyond authorities too. */
  readonly platform: boolean;
}

/** A piece of the list of members, in the order of their making. */
export interface MemberPage {
  readonly limit: number;
  /** The last id seen. */
  readonly after?: string;
  readonly within: MembersWithin;
}

const ANSWER = raw(`jsonb_strip_nulls(jsonb_build_object(
    'id', m.id,
    'version', m.version,
    'issuer', m.issuer,
    'subject', m.subject,
    'principal', m.principal,
    'name', m.name,
    'authority', m.authority,
    'role', m.role,
    'createdBy', m.created_by,
    'createdAt', ${utc('m.created_at')},
    'updatedAt', ${utc('m.updated_at')}))`);

/** Roles of people. Any change of a person's roles ends the person's sessions in the same transaction (security.md AUTHN-5). */
export class Members {
  constructor(private readonly db: Database) {}

  /** @throws AlreadyRegistered when the person has a role there */
  async add({ id, principal, document, createdBy }: NewMember): Promise<KeptMember> {
    const { issuer, subject, name, authority, role } = document;
    const existing = await this.idOf(principal, authority ?? null);
    if (existing !== null) {
      throw new AlreadyRegistered('this person has a role there already; change that one', `/v1/members/${existing}`);
    }
    const rows = await run<{ member: KeptMember }>(
      this.db,
      sql`
        with m as (
          insert into member (id, issuer, subject, principal, name, authority, role, created_by)
          values (${id}::uuid, ${issuer}, ${subject}, ${principal}, ${name ?? null}::text, ${authority ?? null}::text,
                  ${role}, ${createdBy})
          returning *)
        select ${ANSWER} as member from m`,
    );
    await new Sessions(this.db).endOf(principal);
    return one(rows).member;
  }

  private async idOf(principal: string, authority: string | null): Promise<string | null> {
    const rows = await run<{ id: string }>(
      this.db,
      sql`
        select id from member m
        where m.principal = ${principal} and m.authority is not distinct from ${authority}::text`,
    );
    return rows[0]?.id ?? null;
  }

  async list({ limit, after, within }: MemberPage): Promise<KeptMember[]> {
    const conditions = [seen(within), ...(after === undefined ? [] : [sql`m.id > ${after}::uuid`])];
    const rows = await run<{ member: KeptMember }>(
      this.db,
      sql`
        select ${ANSWER} as member
        from member m
        where ${and(conditions)}
        order by m.id
        limit ${limit}`,
    );
    return rows.map(({ member }) => member);
  }

  /** One of these members, or null: one beyond what the caller sees to is as good as none. */
  async find(id: string, within: MembersWithin): Promise<KeptMember | null> {
    return this.findBy(id, within, raw(''));
  }

  /** The same, locked until the transaction ends. */
  async lock(id: string, within: MembersWithin): Promise<KeptMember | null> {
    return this.findBy(id, within, raw('for update of m'));
  }

  private async findBy(id: string, within: MembersWithin, lock: Fragment): Promise<KeptMember | null> {
    const rows = await run<{ member: KeptMember }>(
      this.db,
      sql`
        select ${ANSWER} as member
        from member m
        where m.id = ${id}::uuid and ${seen(within)}
        ${lock}`,
    );
    return rows[0]?.member ?? null;
  }

  /** Replaces name and role of a member that the caller has locked. */
  async replace(id: string, { name, role }: Pick<MemberDocument, 'name' | 'role'>): Promise<KeptMember> {
    const rows = await run<{ member: KeptMember }>(
      this.db,
      sql`
        with m as (
          update member m
          set name = ${name ?? null}::text, role = ${role}, version = version + 1, updated_at = now()
          where m.id = ${id}::uuid
          returning *)
        select ${ANSWER} as member from m`,
    );
    const { member } = one(rows);
    await new Sessions(this.db).endOf(member.principal);
    return member;
  }

  /** Takes a role away that the caller has locked. */
  async remove({ id, principal }: KeptMember): Promise<void> {
    await run(this.db, sql`delete from member where id = ${id}::uuid`);
    await new Sessions(this.db).endOf(principal);
  }

  /** What these people are, and where. Rides member_principal_authority_idx and member_principal_platform_idx. */
  async rolesOf(principals: readonly string[]): Promise<ReadonlyMap<string, readonly Membership[]>> {
    if (principals.length === 0) return new Map();
    const rows = await run<{ principal: string; authority: string | null; role: Role }>(
      this.db,
      sql`
        select m.principal, m.authority, m.role
        from member m
        where m.principal = any(${principals}::text[])
        order by m.principal, m.authority nulls first`,
    );
    const roles = new Map<string, Membership[]>(principals.map((principal) => [principal, []]));
    for (const { principal, authority, role } of rows) roles.get(principal)?.push({ authority, role });
    return roles;
  }

  /** The name that was noted last with one of the person's roles; null where none was. */
  async nameOf(principal: string): Promise<string | null> {
    const rows = await run<{ name: string }>(
      this.db,
      sql`
        select m.name
        from member m
        where m.principal = ${principal} and m.name is not null
        order by m.updated_at desc, m.id desc
        limit 1`,
    );
    return rows[0]?.name ?? null;
  }
}

function seen({ authorities, platform }: MembersWithin): Fragment {
  const own = authorities === 'all' ? raw('m.authority is not null') : sql`m.authority = any(${authorities}::text[])`;
  return platform ? sql`(${own} or m.authority is null)` : own;
}
