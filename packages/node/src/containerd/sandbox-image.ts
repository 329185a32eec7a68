import { chmod, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Env } from '@skiff/machinery'
import { type ImageStore, importImage } from '../images/import-image.ts'
import { goArchitecture, packImage } from '../images/pack-image.ts'
import type { Runtime } from '../runtimes/runtime.ts'
import { pauseBinary } from './pause-binary.ts'

/** The image of every pod's sandbox. It comes from no registry: Skiff packs it. */
export const sandboxImageName = 'skiff.local/pause:1'

/** Imports the sandbox image where it is missing. */
export const ensureSandboxImage = async (env: Env, runtime: Runtime, images: ImageStore, scratchDir: string): Promise<void> => {
  if ((await runtime.imageStatus(sandboxImageName)) !== undefined) return
  const work = join(scratchDir, 'pause')
  const program = join(work, 'root', 'pause')
  const tar = join(work, 'pause.tar')
  try {
    await mkdir(join(work, 'root'), { recursive: true })
    await writeFile(program, pauseBinary(goArchitecture()))
    await chmod(program, 0o755)
    await packImage({ fromDir: join(work, 'root'), name: sandboxImageName, entrypoint: ['/pause'], user: '65535:65535', out: tar })
    await importImage(env, images, runtime, tar)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}
