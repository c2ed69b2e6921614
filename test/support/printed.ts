import { afterEach, beforeEach, jest } from '@jest/globals';

/** What a test of this file prints on standard output, which nobody else sees. */
export class Printed {
  text = '';

  static forEach(): Printed {
    const printed = new Printed();
    beforeEach(() => {
      printed.text = '';
      jest.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
        printed.text += String(chunk);
        return true;
      });
    });
    afterEach(() => {
      jest.restoreAllMocks();
    });
    return printed;
  }
}
