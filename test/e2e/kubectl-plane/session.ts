import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { run } from '../cluster/cluster.ts'
import { matches, readTranscript } from './transcript.ts'

export interface Session {
  /** The client, as the shell calls it. */
  readonly kubectl: string
  readonly minor: number
  readonly kubeconfig: string
  /** Where commands run: the transcript's files lie here. */
  readonly dir: string
  /** Its own; made by the session. */
  readonly namespace: string
}

/** The sessions of a folder, by name. */
export const transcriptsIn = (dir: string): readonly { readonly name: string; readonly text: string }[] =>
  readdirSync(dir)
    .filter((file) => file.endsWith('.txt'))
    .map((file) => ({ name: file.slice(0, -4), text: readFileSync(join(dir, file), 'utf8') }))

/** Plays a transcript command by command, and stops at the first answer that is not as written. */
export const playTranscript = async (
  { kubectl, minor, kubeconfig, dir, namespace }: Session,
  name: string,
  text: string,
): Promise<void> => {
  const env = { KUBECONFIG: kubeconfig, HOME: dir, EDITOR: 'true', LC_ALL: 'C', KUBECTL: kubectl, NS: namespace }
  const shell = async (command: string): Promise<string> => {
    const { code, out } = await run('sh', ['-c', `cd "$HOME"; k() { $KUBECTL -n "$NS" "$@"; }; exec 2>&1; ${command}`], { env })
    return `${out}${out === '' || out.endsWith('\n') ? '' : '\n'}${code === 0 ? '' : `[${code}]\n`}`.replaceAll(namespace, 'NS')
  }
  expect(await shell('k create namespace "$NS"')).toBe('namespace/NS created\n')
  for (const { line, command, expected, fromMinor } of readTranscript(text)) {
    if (minor < fromMinor) continue
    const printed = await shell(command)
    if (!matches(expected, printed))
      expect(printed, `${name}.txt, line ${line}: ${command}`).toBe(expected.map((text) => `${text}\n`).join(''))
  }
}
