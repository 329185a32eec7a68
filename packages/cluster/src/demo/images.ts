import { chmod, copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { findStaticBusybox } from '@skiff/node'
import { importEverywhere, packTo } from '../images.ts'
import { UserError } from '../talk.ts'
import { apiScript, serveScript, storeScripts, visitScript, webScript } from './scripts.ts'

const applets = [
  'sh',
  'httpd',
  'nc',
  'tr',
  'vi',
  'top',
  'cat',
  'date',
  'echo',
  'hostname',
  'mkdir',
  'sed',
  'sleep',
  'tail',
  'wc',
  'kill',
  'nslookup',
  'head',
  'ls',
  'ps',
  'true',
]

/** The demo's images: what httpd serves under /cgi-bin of each. */
const images: Readonly<Record<string, { readonly cgi: Readonly<Record<string, string>>; readonly env?: readonly string[] }>> = {
  'guestbook-store:1': { cgi: storeScripts },
  'guestbook-api:1': { cgi: { entries: apiScript } },
  'guestbook-web:1': { cgi: { index: webScript }, env: ['VERSION=1', 'COLOUR=#1f6feb'] },
  'guestbook-web:2': { cgi: { index: webScript }, env: ['VERSION=2', 'COLOUR=#2da44e'] },
}

/** Packs every image from busybox and a few shell scripts, and imports them into all nodes. */
export const packDemoImages = async (clusterName: string): Promise<readonly string[]> => {
  const busybox = await findStaticBusybox()
  if (!busybox) throw new UserError('the demo packs its images from a static busybox; install the package busybox-static')
  const dir = await mkdtemp(join(tmpdir(), 'skiff-demo-'))
  try {
    await Promise.all(
      Object.entries(images).map(async ([name, { cgi, env }], index) => {
        const root = join(dir, String(index))
        await makeRoot(root, busybox, cgi)
        const out = join(dir, `${index}.tar`)
        await packTo(out, { fromDir: root, name, cmd: ['serve'], ...(env ? { env } : {}), user: '1000' })
        await importEverywhere(clusterName, out)
      }),
    )
    return Object.keys(images)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

const makeRoot = async (root: string, busybox: string, cgi: Readonly<Record<string, string>>): Promise<void> => {
  await mkdir(join(root, 'bin'), { recursive: true })
  await mkdir(join(root, 'www', 'cgi-bin'), { recursive: true })
  await mkdir(join(root, 'tmp'), { mode: 0o777 })
  await mkdir(join(root, 'data'))
  await chmod(join(root, 'tmp'), 0o777)
  await copyFile(busybox, join(root, 'bin', 'busybox'))
  await chmod(join(root, 'bin', 'busybox'), 0o755)
  await writeFile(join(root, 'bin', 'serve'), serveScript, { mode: 0o755 })
  await writeFile(join(root, 'bin', 'visit'), visitScript, { mode: 0o755 })
  await Promise.all(applets.map((name) => symlink('busybox', join(root, 'bin', name))))
  await Promise.all(
    Object.entries(cgi).map(async ([name, text]) => {
      const path = join(root, 'www', 'cgi-bin', name)
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, text, { mode: 0o755 })
    }),
  )
}
