import type { TestDatabase } from './database.ts';

/** Sessions beside a run: one inserts, one takes from the newest rows of some owners, one looks at all groups. */
export class Others {
  readonly calm: readonly number[];
  readonly robbed: readonly number[];
  /** The fewest rows that a group had at any look, with those that were taken from it. */
  fewest = Infinity;
  looks = 0;
  /** Rows inserted that are young. */
  young = 0;
  readonly #items: TestDatabase;
  #over = false;

  /** So many owners that nobody takes rows from, and as many others. */
  constructor(items: TestDatabase, owners: number) {
    this.#items = items;
    this.calm = Array.from({ length: owners }, (_, n) => n + 1);
    this.robbed = Array.from({ length: owners }, (_, n) => owners + n + 1);
  }

  async prepare(): Promise<void> {
    await this.#items.rows(`
      insert into owner select n, 'o' from generate_series(6, 50) as n;
      create table robbed (owner_id integer primary key, since timestamptz not null);
      create table lost (owner_id integer not null);
      create table taken (owner_id integer not null, began timestamptz not null);
      create function keep_taken() returns trigger language plpgsql as $$
      begin
        if current_setting('application_name') = 'temporal-vacuum' then
          insert into taken values (old.owner_id, now());
        end if;
        return null;
      end $$;
      create trigger taken after delete on item for each row execute function keep_taken()`);
  }

  async work(): Promise<void> {
    await Promise.all([this.#insert(), this.#rob(), this.#look()]);
  }

  end(): void {
    this.#over = true;
  }

  /** Young rows and rows older than all that stay, for all owners by turns. */
  async #insert(): Promise<void> {
    const owners = this.calm.length + this.robbed.length;
    // So many that a walk catches up with them.
    for (let n = 0; n < 300 && !this.#over; n += 1) {
      await this.#items.rows(
        `insert into item
         select $1 + n, 1 + $2 % ${owners}, 'done', now() - n * interval '300 days' from generate_series(0, 1) as n`,
        [200_000 + 2 * n, n],
      );
      this.young += 1;
    }
  }

  /** Deletes one of the newest that an owner had, moves it to somebody else, or changes it so that it does not match. */
  async #rob(): Promise<void> {
    const ways = [
      'delete from item where id = $1 returning id',
      'update item set owner_id = 50 where id = $1 returning id',
      `update item set state = 'running' where id = $1 returning id`,
    ];
    for (let n = 0; n < this.robbed.length && !this.#over; n += 1) {
      const owner = this.robbed[n] as number;
      await this.#items.rows(
        `with gone as (${ways[n % ways.length]})
         insert into lost select $2 from gone`,
        [owner * 1000 + 1 + (n % 3), owner],
      );
      // Once the other is committed: whatever begins from now on has to see it.
      await this.#items.rows('insert into robbed values ($1, clock_timestamp())', [owner]);
    }
  }

  async #look(): Promise<void> {
    while (!this.#over) {
      const fewest = await this.#items.value(
        `select min(there.n + coalesce(gone.n, 0))
         from (select owner_id, count(*) as n from item where state = 'done' and owner_id < 50 group by owner_id) as there
         left join (select owner_id, count(*) as n from lost group by owner_id) as gone using (owner_id)`,
      );
      this.fewest = Math.min(this.fewest, fewest);
      this.looks += 1;
    }
  }
}
