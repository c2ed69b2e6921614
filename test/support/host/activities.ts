/** An activity of a host that has our plugin. */
export async function greet(name: string): Promise<string> {
  return `hello ${name}`;
}
