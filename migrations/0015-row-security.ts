import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Who may write which rows, judged by the database itself (security.md AUTHZ-2): a statement that forgot whom it serves changes nothing. Each
 * transaction says on whose behalf it writes (`libs/storage/src/transact.ts`); where nobody was named, nobody may.
 *
 * What agencies registered stays readable by every statement: a policy on reading would cost the search its indexes, and who may see a camera is
 * judged where the question is made (`scope` in libs/access). Sealed secrets are hidden from all but their owners and whoever probes.
 */
export class RowSecurity1764000000015 implements MigrationInterface {
  name = 'RowSecurity1764000000015';

  async up(runner: QueryRunner): Promise<void> {
    await lendRolesToOwner(runner);
    await makeQuestions(runner);
    await makeGuard(runner);
    for (const statement of GUARDED) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      do $$
      declare
        policy record;
      begin
        for policy in select policyname, tablename from pg_policies where schemaname = current_schema() loop
          execute format('drop policy %I on %I', policy.policyname, policy.tablename);
        end loop;
        for policy in
          select relname from pg_class where relnamespace = current_schema()::regnamespace and relrowsecurity
        loop
          execute format('alter table %I no force row level security, disable row level security', policy.relname);
        end loop;
      end $$`);
    await runner.query('drop function guard_rows');
    await runner.query('drop function acts_for_webhook');
    await runner.query('drop function acts_for_key');
    await runner.query('drop function acts_for_camera');
    await runner.query('drop function acts_within');
    await runner.query('drop function acts_for');
    await runner.query('drop function acts_for_all');
    await runner.query('drop function acting_principal');
    await runner.query('drop function may_probe');
  }
}

/**
 * The owner of the tables takes a role on where one login serves everything. A server on which the roles are not his to give leaves him as he
 * is: the policies bind owners too.
 */
async function lendRolesToOwner(runner: QueryRunner): Promise<void> {
  await runner.query(`
    do $$
    declare
      lent text;
    begin
      for lent in
        select rolname from pg_roles
        where rolname in ('sightline_api', 'sightline_prober') and not pg_has_role(current_user, oid, 'usage')
      loop
        begin
          execute format('grant %I to %I', lent, current_user);
        exception
          when insufficient_privilege then
            raise notice 'no right to grant %: this login serves as the owner of the tables', lent;
          -- Another database of this server is migrated at the same time.
          when unique_violation or internal_error then null;
        end;
      end loop;
    end $$`);
}

/** What policies ask. A setting that was never set reads NULL, and '' after a transaction that set it: both are nobody. */
async function makeQuestions(runner: QueryRunner): Promise<void> {
  await runner.query(`
    create function acting_principal() returns text language sql stable parallel safe
    return nullif(current_setting('app.principal', true), '')`);
  await runner.query(`
    create function acts_for_all() returns boolean language sql stable parallel safe
    return acting_principal() is not null and coalesce(current_setting('app.authorities', true) = '*', false)`);
  await runner.query(`
    create function acts_for(slug text) returns boolean language sql stable parallel safe
    return acts_for_all()
      or acting_principal() is not null
        and coalesce(slug = any (string_to_array(current_setting('app.authorities', true), ',')), false)`);
  // NULL is every authority.
  await runner.query(`
    create function acts_within(slugs text[]) returns boolean language sql stable parallel safe
    return acts_for_all()
      or acting_principal() is not null
        and coalesce(slugs <> '{}' and slugs <@ string_to_array(current_setting('app.authorities', true), ','), false)`);
  await runner.query(`
    create function acts_for_camera(wanted uuid) returns boolean language sql stable parallel safe
    return acts_for((select c.authority from camera c where c.id = wanted))`);
  // A key, by its key_id, or a person sees to what is its own, however much its maker may do by now. Of somebody who has a role beyond
  // authorities, or none, only who acts everywhere sees to anything.
  await runner.query(`
    create function acts_for_key(wanted text) returns boolean language sql stable parallel safe
    return coalesce(acting_principal() in (wanted, 'key:' || wanted), false)
      or acts_within((select k.authorities from api_key k where k.key_id = wanted))
      or acts_within((select array_agg(m.authority) from member m where m.principal = wanted))`);
  await runner.query(`
    create function acts_for_webhook(wanted uuid) returns boolean language sql stable parallel safe
    return acts_for_all() or exists (select from webhook w where w.id = wanted and acts_for_key(w.owner))`);
  // Also where one login does everything: it owns the tables then.
  await runner.query(`
    create function may_probe() returns boolean language sql stable parallel safe
    return exists (select from pg_roles where rolname = 'sightline_prober' and pg_has_role(oid, 'usage'))
      or exists (select from pg_class where oid = 'camera_secret'::regclass and pg_has_role(relowner, 'usage'))`);
}

/** For this migration and later ones: one line a table. */
async function makeGuard(runner: QueryRunner): Promise<void> {
  await runner.query(`
    create function guard_rows(guarded regclass, owned text, readable text default 'true', creatable text default null)
    returns void language plpgsql
    as $$
    declare
      label text := (select relname from pg_class where oid = guarded);
    begin
      execute format('alter table %s enable row level security, force row level security', guarded);
      execute format('create policy %I on %s for select using (%s)', label || '_select', guarded, readable);
      execute format(
        'create policy %I on %s for insert with check (%s)', label || '_insert', guarded, coalesce(creatable, owned));
      execute format(
        'create policy %I on %s for update using (%s) with check (%s)', label || '_update', guarded, owned, owned);
      execute format('create policy %I on %s for delete using (%s)', label || '_delete', guarded, owned);
    end $$`);
  await runner.query(`
    comment on function guard_rows is
      'Puts a table under row-level security: which rows somebody owns, reads and makes, as conditions on its columns'`);
  await runner.query('revoke all on function guard_rows from public');
}

/** A sub-select around `may_probe` lets it be asked once a statement and not once a row. */
const GUARDED = [
  // Only who acts everywhere makes an authority.
  `select guard_rows('authority', 'acts_for(slug)', creatable => 'acts_for_all()')`,
  `select guard_rows('camera', 'acts_for(authority)')`,
  `select guard_rows('camera_secret', 'acts_for_camera(camera_id)',
     readable => '(select may_probe()) or acts_for_camera(camera_id)')`,
  // Probers take references by themselves; what a person accepts is the agency's.
  `select guard_rows('camera_reference', '(select may_probe()) or acts_for_camera(camera_id)')`,
  // Read before it is known who asks: that is what they are read for.
  `select guard_rows('api_key', 'acts_within(authorities)')`,
  // A key holds its own row while it makes another.
  `alter policy api_key_update on api_key using (acts_within(authorities) or 'key:' || key_id = acting_principal())`,
  `select guard_rows('webhook', 'acts_for_key(owner)')`,
  `select guard_rows('webhook_secret', 'acts_for_webhook(webhook_id)', readable => 'acts_for_webhook(webhook_id)')`,
  // What was answered to one caller, nobody else is answered.
  `select guard_rows('idempotent_answer', 'principal = acting_principal() or acts_for_all()',
     readable => 'principal = acting_principal() or acts_for_all()')`,
  `select guard_rows('member', 'acts_for(authority)')`,
  // Read, as keys are, to learn who asks. Whoever changes somebody's rights ends his sessions.
  `select guard_rows('session', 'principal = acting_principal() or acts_for_all()')`,
  `alter policy session_delete on session using (acting_principal() is not null)`,
  // Nobody changes the audit, and everybody adds to it in his own name; its seals are this program's.
  `select guard_rows('audit_entry', 'false', creatable => 'principal = acting_principal()')`,
  `select guard_rows('audit_seal', 'false', creatable => 'acts_for_all()')`,
  `select guard_rows('audit_feed', 'acts_for_all()')`,
];
