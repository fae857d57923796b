/**
 * The store's format, step by step: the n-th script (from 1) leads from format n-1 to n. A released script is never
 * edited; a change is a new one. Types are those SQLite and PostgreSQL both understand.
 */
export const migrations: readonly string[] = [
  `
  create table runs (
    id text primary key, workflow text not null, seed bigint not null, status text not null,
    started_at bigint not null, finished_at bigint, duration_ms double precision,
    error_code text, error_message text, error_remedy text,
    host text not null, pid bigint not null, process_started text not null
  );
  create index runs_by_workflow on runs (workflow, id);
  create index runs_by_status on runs (status);
  create table steps (
    run_id text not null references runs (id), step text not null, attempt integer not null,
    position integer not null, status text not null, cache_key text,
    started_at bigint, duration_ms double precision, error_code text, error_message text,
    primary key (run_id, step, attempt)
  );
  create table artifacts (digest text primary key, size bigint not null, created_at bigint not null);
  create table step_inputs (
    run_id text not null, step text not null, attempt integer not null, input text not null,
    digest text not null references artifacts (digest),
    primary key (run_id, step, attempt, input),
    foreign key (run_id, step, attempt) references steps (run_id, step, attempt)
  );
  create index step_inputs_by_digest on step_inputs (digest);
  create table step_outputs (
    run_id text not null, step text not null, attempt integer not null, output text not null,
    digest text not null references artifacts (digest), type text not null, format integer not null,
    primary key (run_id, step, attempt, output),
    foreign key (run_id, step, attempt) references steps (run_id, step, attempt)
  );
  create index step_outputs_by_digest on step_outputs (digest);
  create table metrics (
    run_id text not null, step text not null, attempt integer not null, metric text not null,
    value double precision,
    primary key (run_id, step, attempt, metric),
    foreign key (run_id, step, attempt) references steps (run_id, step, attempt)
  );
  create table params (
    run_id text not null, step text not null, attempt integer not null, param text not null, value text not null,
    primary key (run_id, step, attempt, param),
    foreign key (run_id, step, attempt) references steps (run_id, step, attempt)
  );
  create table cache_entries (
    cache_key text primary key, run_id text not null, step text not null, attempt integer not null,
    created_at bigint not null,
    foreign key (run_id, step, attempt) references steps (run_id, step, attempt)
  );
  create table versions (
    model text not null, version integer not null, digest text not null, run_id text not null,
    created_at bigint not null,
    primary key (model, version), unique (model, digest)
  );
  create table judgements (
    model text not null, version integer not null, sequence integer not null, run_id text not null,
    judged_at bigint not null, gate_passed integer not null, metrics text not null, verdict text not null,
    compared_with text,
    primary key (model, version, sequence),
    foreign key (model, version) references versions (model, version)
  );
  create table aliases (
    model text not null, alias text not null, version integer not null, moved_at bigint not null,
    primary key (model, alias),
    foreign key (model, version) references versions (model, version)
  );
  create table audit (
    sequence bigint primary key, at bigint not null, actor text not null, action text not null,
    subject text not null, details text not null, previous_digest text not null, digest text not null
  );
  create index audit_by_subject on audit (subject, sequence);
  create table memo (memo_key text primary key, value text not null, updated_at bigint not null);
  `,
  `
  alter table steps add column key_parts text;
  alter table steps add column reason text;
  `,
  `
  create table counters (counter text primary key, value bigint not null, twin bigint not null);
  insert into counters select 'order', count(*), -count(*) from runs;
  alter table runs add column sequence bigint not null default 0;
  alter table runs add column attempt integer not null default 1;
  alter table runs add column parent text;
  alter table runs add column provenance text;
  alter table runs add column definition text;
  update runs set sequence = numbered.place
    from (select id, row_number() over (order by id) as place from runs) as numbered where numbered.id = runs.id;
  create unique index runs_by_sequence on runs (sequence);
  drop index runs_by_workflow;
  create index runs_by_workflow on runs (workflow, sequence);
  drop index runs_by_status;
  create index runs_by_status on runs (status, sequence);
  create table leases (
    resource text primary key, token bigint not null, beat bigint not null,
    host text not null, pid bigint not null, process_started text not null
  );
  create table tags (
    run_id text not null references runs (id), tag text not null, value text not null,
    primary key (run_id, tag)
  );
  create index tags_by_tag on tags (tag, value, run_id);
  create table series (
    run_id text not null references runs (id), metric text not null, position bigint not null,
    value double precision,
    primary key (run_id, metric, position)
  );
  create table seals (subject text primary key, digest text not null);
  alter table cache_entries drop column created_at;
  alter table artifacts drop column created_at;
  drop table memo;
  create table memo (memo_key text primary key, value text not null, digest text not null);
  `,
  `
  create table step_logs (
    run_id text not null, step text not null, attempt integer not null,
    head text not null, tail text not null, dropped bigint not null,
    primary key (run_id, step, attempt),
    foreign key (run_id, step, attempt) references steps (run_id, step, attempt)
  );
  create table step_settings (
    run_id text not null, step text not null, attempt integer not null, settings text not null,
    primary key (run_id, step, attempt),
    foreign key (run_id, step, attempt) references steps (run_id, step, attempt)
  );
  `,
  `
  create table forgotten (
    digest text primary key references artifacts (digest), replacement text references artifacts (digest), at bigint not null
  );
  `,
  `
  insert into seals select 'audit', digest from audit order by sequence desc limit 1;
  `,
  `
  create table keys (
    id text primary key, name text not null, role text not null, salt text not null, hash text not null,
    created_at bigint not null, expires_at bigint, revoked_at bigint
  );
  create table feedback (
    model text not null, prediction_id text not null, version integer not null, predicted_at bigint not null,
    output text not null, actual text not null, received_at bigint not null, digest text not null,
    primary key (model, prediction_id)
  );
  create index feedback_by_time on feedback (model, predicted_at);
  create table rollouts (
    model text not null, sequence integer not null, version integer not null, champion integer not null,
    plan text not null, status text not null, steps_at text not null, ended_at bigint, reason text,
    primary key (model, sequence),
    foreign key (model, version) references versions (model, version)
  );
  create table rollout_tallies (
    model text not null, sequence integer not null, server text not null, tally text not null, digest text not null,
    primary key (model, sequence, server),
    foreign key (model, sequence) references rollouts (model, sequence)
  );
  `,
  `
  create table unsynced (digest text primary key references artifacts (digest), bytes text not null);
  `,
  `
  create table step_ends (token integer primary key, run_id text not null, said text not null, digest text not null);
  `,
];
