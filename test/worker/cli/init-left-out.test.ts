import { describe, expect, test } from '@jest/globals';

import { createDatabase } from '../../support/database.ts';
import { ProposedConfig, passesIn } from '../../support/proposed-config.ts';

describe('what init does not propose', () => {
  // The tables of procrastinate: its cleaner deletes jobs by the time of their last event.
  test('is to delete what alone says how old other rows are, and what people have set up', async () => {
    const database = await createDatabase('template1');
    const config = new ProposedConfig(database.url);
    try {
      await database.rows(`
        create table job (id bigserial primary key, status text not null, scheduled_at timestamptz);
        create table job_event (
          id bigserial primary key, job_id bigint not null references job on delete cascade, type text, at timestamptz);
        create table job_click (id bigserial primary key, job_id bigint not null, at timestamptz not null);
        create table job_visit (id int, job_id bigint not null references job on delete cascade, at timestamptz not null)
          partition by range (at);
        create table job_token (id int primary key, job_id bigint references job on delete cascade, expires_at timestamptz);
        create table log_template (id int primary key, created_at timestamptz not null);
        create table task_run (
          id int primary key, run_type text, run_id text, ended_at timestamptz, started_at timestamptz, created_at timestamptz);
        create table task_try (
          id int primary key, task_run_id int not null references task_run on delete cascade, again int references task_try);
        create table try_result (
          id int primary key, task_try_id int not null references task_try on delete cascade, task_run_id int not null);
        create table task_run_log (id int primary key, task_run_id int not null, at timestamptz not null)`);
      const text = await config.init();
      await config.compile();
      const passes = passesIn(text);
      expect(Object.keys(passes).toSorted()).toEqual(['job-token', 'task-run', 'task-run-log']);
      const comments = text.replaceAll(/\n\s*\/\/ /g, ' ');
      for (const table of ['job_event', 'job_click'])
        expect(comments).toContain(
          `- ${table}: its name says that rows are things that happened, but its rows belong to those of job, and only at says how old a row of job is`,
        );
      expect(comments).toContain('- job_visit: its rows belong to those of job, and only at says');
      expect(comments).toContain(
        '- job: its name says that rows are things that happened, but no column says',
      );
      expect(text).toMatch(/^    log_template: '.*nothing shows that it grows',$/m);
      // What the database deletes along is no guess, and the name of a run references nothing.
      expect(passes['task-run']).toMatch(
        /\/\/ with: \[\s+\/\/ {3}softChild\(\{ entity: TaskRunLog, by: 'taskRunId' \}\),\s+\/\/ \],/,
      );
      expect(comments).toContain('or a row that goes with it: task_try.again.');
      expect(comments).not.toContain('run_type and run_id reference');
      expect(comments).toContain('A row seems to belong to one of task_run: it is deleted by its own age');
      // Another age is another word.
      config.edit(["age: 'endedAt'", "age: 'startedAt'"]);
      await config.compile();
      await config.preview();
    } finally {
      config.remove();
      await database.drop();
    }
  });
});
