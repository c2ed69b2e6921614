/** A fenced block of a page, with the comments that stand between it and the block before. */
export interface Block {
  readonly language: string;
  readonly text: string;
  /** What HTML comments say of it, without their marks. */
  readonly said: readonly string[];
  /** Its first line in the page, from 1. */
  readonly line: number;
}

const PART = /^```(?<language>\w*)\n(?<text>[\s\S]*?)^```$|^<!-- (?<comment>.*) -->$/gm;

/** The fenced blocks of a page, in order. */
export function readBlocks(page: string): Block[] {
  const blocks: Block[] = [];
  let said: string[] = [];
  for (const { groups = {}, index } of page.matchAll(PART)) {
    const { language = '', text, comment } = groups;
    if (comment !== undefined) said.push(comment);
    if (text === undefined) continue;
    const line = page.slice(0, index).split('\n').length + 1;
    blocks.push({ language, text, said, line });
    said = [];
  }
  return blocks;
}

/** The files that a page links to, as it writes them, without anchors and the web. */
export function readLinks(page: string): string[] {
  return [...page.matchAll(/\]\((?<to>[^)#\s]+)(#[^)]*)?\)/g)]
    .map(({ groups }) => groups?.['to'] ?? '')
    .filter((to) => !/^https?:/.test(to));
}
