import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Session } from '../session.ts'
import { UsageError } from '../usage-error.ts'

/** The words that start the user's editor. One with quotes is left to the shell. */
const editorWords = (variables: Session['deps']['variables']): string[] => {
  const editor = variables.KUBE_EDITOR || variables.EDITOR || 'vi'
  return /["'\\]/.test(editor) ? [variables.SHELL || '/bin/bash', '-c', `${editor} "$0"`] : editor.split(' ')
}

/** Lets the user edit a text. Gives it back with the file that holds it. */
export const editText = async (
  session: Session,
  text: string,
  extension: string,
): Promise<{ readonly text: string; readonly file: string }> => {
  const file = join(mkdtempSync(join(tmpdir(), 'skiff-edit-')), `edit${extension}`)
  writeFileSync(file, text, { mode: 0o600 })
  const [command = 'vi', ...words] = editorWords(session.deps.variables)
  const code = await new Promise<number | null>((resolve, reject) => {
    spawn(command, [...words, file], { stdio: 'inherit' })
      .on('error', (error: NodeJS.ErrnoException) =>
        reject(error.code === 'ENOENT' ? new UsageError(`unable to launch the editor ${JSON.stringify(command)}`) : error),
      )
      .on('exit', (ended) => resolve(ended))
  })
  if (code !== 0) throw new UsageError(`there was a problem with the editor ${JSON.stringify([command, ...words].join(' '))}`)
  return { text: readFileSync(file, 'utf8'), file }
}
