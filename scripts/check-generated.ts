import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Generated files and the script that writes each. A script given `--stdout FILE` prints what it would write there. */
const generated: Readonly<Record<string, string>> = {
  'packages/api/src/generated/types.ts': 'scripts/generate-types.ts',
  'packages/api/src/generated/resources.ts': 'scripts/generate-types.ts',
}

/** Names of generated files that differ from what their script writes now. */
export const generatedDifferences = (): string[] =>
  Object.entries(generated)
    .filter(([file, script]) => {
      const written = spawnSync(process.execPath, [script, '--stdout', file], { encoding: 'utf8', maxBuffer: 1 << 26 })
      return written.status !== 0 || written.stdout !== readFileSync(file, 'utf8')
    })
    .map(([file]) => file)
