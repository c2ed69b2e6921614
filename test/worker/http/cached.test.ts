import { describe, expect, test } from '@jest/globals';

import { Cached } from '../../../worker/http/cached.ts';
import { waitFor } from '../../support/wait.ts';

describe('responses that are kept', () => {
  const counting = (): { reads: number; read: () => Promise<number> } => {
    const counter = { reads: 0, read: async () => (counter.reads += 1) };
    return counter;
  };

  test('are read once for all who ask at the same time, and anew after their time', async () => {
    const cached = new Cached<number>(50);
    const counter = counting();
    const ask = async (): Promise<number> => cached.get('a', counter.read);
    expect(await Promise.all(Array.from({ length: 100 }, ask))).toEqual(Array.from({ length: 100 }, () => 1));
    expect(await ask()).toBe(1);
    await waitFor('the response to be old', async () => (await ask()) === 2);
  });

  test('are kept by key, and failures like responses', async () => {
    const cached = new Cached<number>(60_000);
    const counter = counting();
    expect([await cached.get('a', counter.read), await cached.get('b', counter.read)]).toEqual([1, 2]);
    const fail = async (): Promise<number> => {
      counter.reads += 1;
      throw new Error('down');
    };
    await expect(cached.get('c', fail)).rejects.toThrow('down');
    await expect(cached.get('c', fail)).rejects.toThrow('down');
    expect(counter.reads).toBe(3);
  });
});
