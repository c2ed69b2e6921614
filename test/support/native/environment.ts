/** Runs tests in the global scope of the jest worker, and gives back what a file may have changed: variables, console, exit code. */
export default class SharedEnvironment {
  readonly global = globalThis;
  readonly #variables = { ...process.env };
  readonly #console = globalThis.console;
  // eslint-disable-next-line @typescript-eslint/unbound-method -- it is only put back
  readonly #exit = process.exit;

  async setup(): Promise<void> {}

  async teardown(): Promise<void> {
    for (const name of Object.keys(process.env))
      if (!(name in this.#variables)) Reflect.deleteProperty(process.env, name);
    Object.assign(process.env, this.#variables);
    globalThis.console = this.#console;
    process.exit = this.#exit;
    process.exitCode = undefined;
  }

  exportConditions(): string[] {
    return ['node', 'node-addons'];
  }

  getVmContext(): null {
    return null;
  }
}
