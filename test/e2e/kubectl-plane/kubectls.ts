import { readdirSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { run } from '../cluster/cluster.ts'

const onPath = (await run('sh', ['-c', 'command -v kubectl'])).out.trim()
/** The kubectls beside the PATH's, or that one, by minor version. */
export const kubectls = await (async (): Promise<readonly (readonly [minor: number, path: string])[]> => {
  if (!onPath) return []
  const dir = dirname(realpathSync(onPath))
  const beside = readdirSync(dir).flatMap((file) => {
    const minor = Number(/^kubectl\.1\.(\d+)$/.exec(file)?.[1])
    return minor >= 27 && minor <= 33 ? [[minor, join(dir, file)] as const] : []
  })
  if (beside.length > 0) return beside.sort(([a], [b]) => a - b)
  const { out } = await run(onPath, ['version', '--client', '-o', 'json'])
  return [[Number.parseInt((JSON.parse(out) as { clientVersion: { minor: string } }).clientVersion.minor, 10), onPath]]
})()
