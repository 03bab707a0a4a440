// Reads a Dockerfile as far as ours goes: instructions by name, stages by FROM, the words of the JSON form.

/** An instruction with its words. */
export interface Instruction {
  name: string;
  text: string;
}

/** One stage: what it starts from, and what is done then. */
export interface Stage {
  from: string;
  /** Of `AS name`; empty for one without. */
  name: string;
  steps: Instruction[];
}

/** Instructions of a Dockerfile: comments gone, continued lines joined. */
export function instructions(text: string): Instruction[] {
  return text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .replaceAll('\\\n', ' ')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => ({ name: line.split(' ')[0] ?? '', text: line.slice(line.indexOf(' ') + 1).trim() }));
}

/** The stages, in their order. */
export function stagesOf(text: string): Stage[] {
  const stages: Stage[] = [];
  for (const step of instructions(text)) {
    if (step.name === 'FROM') {
      const [from = '', , name = ''] = step.text.split(/\s+/);
      stages.push({ from, name, steps: [] });
    } else stages.at(-1)?.steps.push(step);
  }
  return stages;
}

/** The words of an instruction in its JSON form, wherever in the text it begins. @throws where there is none. */
export function wordsOf(text: string): string[] {
  return JSON.parse(text.slice(text.indexOf('['))) as string[];
}

/** Whether the context that is sent to the engine has a path (from the root, `/` between the names). Only plain names and `*.ending` are understood. */
export function inContext(path: string, dockerignore: string): boolean {
  const [top = ''] = path.split('/');
  const lines = dockerignore.split('\n').filter(Boolean);
  return !lines.some((line) => line === top || (line.startsWith('*') && path.endsWith(line.slice(1))));
}
